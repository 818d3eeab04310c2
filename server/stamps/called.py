"""What the venue, house or gathering of a card is called."""

from typing import NamedTuple

from sqlalchemy.orm import Session

from server.communities import service as communities
from server.events import service as events
from server.stamps.cards import Of
from server.venues import service as venues


class Called(NamedTuple):
    """A name, and whether it is one of the demonstration's, which are translated."""

    name: str
    simulated: bool


def name_of(session: Session, of: Of) -> Called:
    """What it is called; raises its Unknown."""
    if of.kind == "venue":
        venue = venues.get(session, of.id)
        return Called(venue.name, venue.simulated)
    if of.kind == "community":
        return Called(communities.get(session, of.id).name, False)
    event = events.get(session, of.id)
    return Called(event.name, event.simulated)
