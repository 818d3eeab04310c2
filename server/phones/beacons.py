"""Beacons that stand at venues for phones to hear: registered by who keeps a venue, known again in what phones say."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from server import constraints
from server.badges.model import Identity
from server.errors import Conflict, Invalid, NotFound
from server.phones.model import VenueBeacon
from server.phones.owntracks import Beacon
from server.venues import service as venues

MOST_BEACONS = 20  # of one venue: one at each door and counter
MOST_REGIONS = 20  # that iOS watches for one program
SOON = dt.timedelta(days=14)
# A region that we give to a phone is marked by this and the beacon's number: OwnTracks tells it again as `wtst`. Times
# of 2001, which no region that somebody made by hand has.
MARK = 1_000_000_000


class BeaconUnknown(NotFound):
    """There is no such beacon at this venue."""

    code = "beacon_unknown"


class BeaconTaken(Conflict):
    """A venue has this beacon already."""

    code = "beacon_taken"


class BeaconIsBadge(Conflict):
    """A badge shows the same uuid, major and minor: somebody carries it about."""

    code = "beacon_is_badge"


class TooManyBeacons(Conflict):
    """This venue has as many beacons as one can have; remove one first."""

    code = "too_many_beacons"


_HERS = text("""
    SELECT venue_beacon.number, venue_beacon.identity, venue.name, venue.simulated
    FROM venue_beacon JOIN venue ON venue.id = venue_beacon.venue_id
    WHERE venue.id IN (
        SELECT step.venue_id FROM step JOIN going_to ON going_to.step_id = step.id
        WHERE going_to.member_id = :member AND step.ends_at > :now AND step.opens_at < :soon
        UNION SELECT venue_id FROM remembered_venue WHERE member_id = :member AND ended_at IS NULL)
    ORDER BY venue.name, venue_beacon.number LIMIT :most
""")


def add(session: Session, *, venue_id: str, identity: bytes | None, by: str, now: dt.datetime) -> VenueBeacon:
    """Says that this beacon stands at a venue; raises Invalid, BeaconTaken, BeaconIsBadge, TooManyBeacons."""
    venues.get(session, venue_id)
    if identity is None or not any(identity[:16]):
        raise Invalid("A beacon has a uuid, and a major and a minor from 0 to 65535.")
    constraints.take_turn(session, f"beacons of {venue_id}")
    kept = session.scalar(select(func.count()).select_from(VenueBeacon).where(VenueBeacon.venue_id == venue_id)) or 0
    if kept >= MOST_BEACONS:
        raise TooManyBeacons
    carried = select(Identity.id).where(Identity.identity == identity, Identity.badge_id.is_not(None))
    if session.scalar(carried.where(Identity.valid.op("@>")(now)).limit(1)) is not None:
        raise BeaconIsBadge
    made = VenueBeacon(venue_id=venue_id, identity=identity, made_by=by, made_at=now)
    with constraints.explain(session, {"uq_venue_beacon_identity": BeaconTaken()}):
        session.add(made)
    return made


def list_of(session: Session, *, venue_id: str) -> list[VenueBeacon]:
    """A venue's beacons, the oldest first."""
    wanted = select(VenueBeacon).where(VenueBeacon.venue_id == venue_id)
    return list(session.scalars(wanted.order_by(VenueBeacon.number)))


def remove(session: Session, *, venue_id: str, number: int) -> None:
    """Says that a beacon stands there no more; raises BeaconUnknown."""
    found = session.get(VenueBeacon, number)
    if found is None or found.venue_id != venue_id:
        raise BeaconUnknown
    session.delete(found)
    session.flush()


def venues_of(session: Session, heard: Collection[Beacon]) -> dict[Beacon, str]:
    """Where beacons that phones heard stand, of those that a venue registered."""
    identities = {one.identity for one in heard if one.identity is not None}
    numbers = {one.marked - MARK for one in heard if one.marked is not None and one.marked > MARK}
    rows = session.scalars(
        select(VenueBeacon).where(
            or_(VenueBeacon.identity.in_(sorted(identities)), VenueBeacon.number.in_(sorted(numbers)))
        )
    ).all()
    by_identity = {row.identity: row.venue_id for row in rows}
    by_mark = {MARK + row.number: row.venue_id for row in rows}
    found: dict[Beacon, str] = {}
    for one in heard:
        # What is told of the beacon itself is more than by which of our regions the phone knows it.
        venue_id = by_identity.get(one.identity) if one.identity is not None else by_mark.get(one.marked or 0)
        if venue_id is not None:
            found[one] = venue_id
    return found


def regions(session: Session, *, member_id: str, now: dt.datetime) -> list[dict[str, Any]]:
    """OwnTracks waypoints for the beacons of venues that matter to a member: where she goes soon, or is remembered."""
    given = {"member": member_id, "now": now, "soon": now + SOON, "most": MOST_REGIONS}
    found: list[dict[str, Any]] = []
    for row in session.execute(_HERS, given):
        shown, major, minor = parts(row.identity)
        # Older apps know a beacon by its name alone, newer ones by the fields.
        name = f"{row.name.replace(':', ' ')}:{shown}:{major}:{minor}"
        found.append(
            {
                "_type": "waypoint",
                "desc": name,
                "tst": MARK + row.number,
                "uuid": shown,
                "major": major,
                "minor": minor,
                "rad": 0,
            }
        )
    return found


def parts(identity: bytes) -> tuple[str, int, int]:
    """uuid, major and minor as they are written."""
    digits = identity[:16].hex().upper()
    shown = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return shown, int.from_bytes(identity[16:18], "big"), int.from_bytes(identity[18:20], "big")
