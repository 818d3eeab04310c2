"""Where somebody is, and by what that is known: her badge, the code at a door, her phone's position.

A position is what a phone says: it proves nothing to who doubts it. It is used once, and kept for ten minutes of the
founder alone.
"""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import areas
from server import times
from server.doors import places, refusals
from server.doors import rules as door_rules
from server.doors import service as doors
from server.doors.arrivals import Fix
from server.doors.rules import Evidence
from server.errors import Refused
from server.venues import service as venues

WITHIN_M = 300.0  # a square, a park's corner, a street of cafes: phones indoors are off by 30 to 100 m
HEARD_MS = 60_000  # a badge lies still for that long and is there all the same; readings are joined over as much


class PlaceNeeded(Refused):
    """First say that you are here: let your phone tell its place, or type the code at the door."""

    code = "place_needed"


class Proof(NamedTuple):
    """That somebody is at a venue, or at a position (longitude, latitude in degrees), by this evidence."""

    by: Evidence
    venue_id: str | None
    location: areas.Position | None


class Said(NamedTuple):
    """What a request says of where she is. door: a code that stands at a door; sent_at: by the phone's own clock."""

    door: str | None = None
    fix: Fix | None = None
    sent_at: dt.datetime | None = None


def find(session: Session, said: Said, *, member_id: str | None, now: dt.datetime) -> list[Proof]:
    """All that says where she is, the surest first.

    Raises CodeUnknown, CodeChanged, DoorRevoked, DoorOver of a door's code. With nothing else to go by: PlaceNeeded,
    and of a position PositionImpossible, PositionOld, PositionVague.
    """
    found = []
    if member_id is not None and (heard := _heard(session, member_id, now)) is not None:
        found.append(heard)
    if said.door:
        found.append(_at_door(session, said.door, now))
    if said.fix is not None:
        wrong = _wrong(said.fix, said.sent_at or now)
        if wrong is None:
            found.append(Proof(Evidence.PHONE, None, (said.fix.lon, said.fix.lat)))
        elif not found:
            if wrong.code == refusals.PositionOld.code:
                raise refusals.PositionOld(**wrong.values)
            if wrong.code == refusals.PositionVague.code:
                raise refusals.PositionVague(**wrong.values)
            raise refusals.PositionImpossible
    if not found:
        raise PlaceNeeded
    return found


def _heard(session: Session, member_id: str, now: dt.datetime) -> Proof | None:
    given = {"member": member_id, "now": now, "since_ms": times.to_ms(now) - HEARD_MS}
    venue_id = session.scalar(_HEARD, given)
    return None if venue_id is None else _at_venue(session, Evidence.BEACON, venue_id)


def _at_door(session: Session, typed: str, now: dt.datetime) -> Proof:
    seen = doors.by_code(session, typed, now)
    if (closed := doors.closed(seen, now)) is not None:
        raise closed
    door = seen.door
    venue_id = door.venue_id
    if venue_id is None:
        rooms = places.behind(session, door.event_id or "").rooms
        venue_id = next((room for room in rooms if room.step_id == door.step_id), rooms[0]).venue_id
    return _at_venue(session, Evidence(door.kind), venue_id)


def _at_venue(session: Session, by: Evidence, venue_id: str) -> Proof:
    return Proof(by, venue_id, venues.location_of(venues.get(session, venue_id)))


def _wrong(fix: Fix, sent_at: dt.datetime) -> door_rules.No | None:
    """What keeps a position from saying anything: it has to be fresh, and known to WITHIN_M."""
    age_s = 0.0 if fix.taken_at is None else (sent_at - fix.taken_at).total_seconds()
    place = (fix.lon, fix.lat)
    return door_rules.check_position(place, fix.accuracy_m, age_s, place, WITHIN_M)


_HEARD = text("""
    SELECT visit.venue_id
    FROM pairing JOIN visit ON visit.badge_id = pairing.badge_id JOIN venue ON venue.id = visit.venue_id
    WHERE pairing.member_id = :member AND pairing.valid @> CAST(:now AS timestamptz)
      AND visit.reach_ms >= :since_ms AND visit.to_ms >= :since_ms AND NOT venue.replayed
    ORDER BY visit.to_ms DESC LIMIT 1
""")
