"""Any point as a place: an unlisted venue made with a gathering, so that everything else works as for venues."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geo.areas import Position
from server.errors import Invalid
from server.events.model import Step
from server.people import service as people
from server.people.model import Member
from server.venues import local_time
from server.venues import service as venues
from server.venues.model import Venue

SPOT = "spot"
UNUSED = dt.timedelta(days=1)  # a form that was never sent, a step that moved elsewhere


class Spot(NamedTuple):
    """A place to be made. location: degrees, longitude first. contact: how to reach who is responsible there."""

    name: str
    location: Position | None = None
    time_zone: str | None = None
    contact: str = ""


class ZoneNeeded(Invalid):
    """Say by which clock it takes place, such as Europe/Berlin."""

    code = "zone_needed"


def make(session: Session, spot: Spot, *, by: Member, simulated: bool = False) -> Venue:
    """Makes a spot that is hers; without words of her own for the contact, her name is.

    Its clock is the one that was named, else the one at its pin, else hers.

    Raises ZoneNeeded, Invalid.
    """
    time_zone = spot.time_zone or local_time.find(spot.location) or by.time_zone
    if not time_zone:
        raise ZoneNeeded
    venue = venues.create(
        session,
        id=people.new_id(SPOT),
        name=spot.name,
        time_zone=time_zone,
        owner_id=by.id,
        contact=spot.contact.strip() or by.name,
        location=spot.location,
        simulated=simulated,
    )
    venue.kind, venue.listed = SPOT, False
    session.flush()
    return venue


def tidy(session: Session, now: dt.datetime) -> int:
    """Removes the spots that nothing refers to any more, and returns how many."""
    used = select(Step.venue_id)
    unused = select(Venue.id).where(Venue.kind == SPOT, Venue.created_at < now - UNUSED, Venue.id.not_in(used))
    gone = 0
    for venue_id in session.scalars(unused.order_by(Venue.id)).all():
        try:
            with session.begin_nested():
                session.execute(delete(Venue).where(Venue.id == venue_id))
            gone += 1
        except IntegrityError:  # something else refers to it: a visit, a door
            continue
    return gone
