"""Where a step is, as far as its reader may know: the only way from a venue to what is shared of a gathering."""

import datetime as dt

from sqlalchemy.orm import Session

from server.events import places
from server.events.model import Step
from server.people import service as people
from server.sharing.gathering import Place
from server.texts import IN_ENGLISH, Texts
from server.venues import service as venues
from server.venues.model import Venue


def place_for_everybody(session: Session, step: Step, say: Texts = IN_ENGLISH) -> Place:
    """The place of a step as anybody may see it: somebody's home by its name and district alone."""
    venue = venues.get(session, step.venue_id)
    return _place(venue, say, whole=not is_home(venue))


def place_for_member(
    session: Session, step: Step, *, member_id: str, now: dt.datetime, say: Texts = IN_ENGLISH
) -> Place:
    """The place of a step as a member may see it at a time; raises MemberUnknown."""
    venue = venues.get(session, step.venue_id)
    member = people.get(session, member_id)
    return _place(venue, say, whole=places.sees_address(session, venue=venue, member=member, now=now))


def is_home(venue: Venue) -> bool:
    """Whether somebody lives there."""
    return venue.kind == venues.HOME


def _place(venue: Venue, say: Texts, *, whole: bool) -> Place:
    name = say.name(venue.name, venue.simulated)
    return Place(name, venue.address, venues.location_of(venue)) if whole else Place(name, venue.district)
