"""Makes venues with agents, badges and what was heard, straight into the tables."""

import datetime as dt
import itertools
from collections.abc import Iterable
from typing import Any

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from server import times, topics
from server.badges.model import Badge, Pairing
from server.checkins.model import CheckIn
from server.events.model import Event, Step
from server.fleet import service as fleet
from server.fleet.model import Agent, Placement
from server.people.model import Member
from server.presence import trace
from server.presence.model import BeaconSpan, Coverage, Span, Stay, Trace, Visit
from server.venues.model import Venue, Zone

NOW = dt.datetime(2025, 11, 22, 19, 0, tzinfo=dt.UTC)
NOW_MS = times.to_ms(NOW)
HALL = {
    "type": "Polygon",
    "coordinates": [[[13.0, 52.0], [13.1, 52.0], [13.1, 52.1], [13.0, 52.1], [13.0, 52.0]]],
}
SLOT_MS = 5_000
_numbers = itertools.count(1)


def at(before_s: float, now: dt.datetime = NOW) -> int:
    """Milliseconds since the epoch, so many seconds before `now`."""
    return times.to_ms(now) - round(before_s * 1000)


def member(session: Session, id: str, *, name: str = "", operator: bool = False) -> Member:
    row = Member(id=id, name=name or id.capitalize(), operator=operator)
    session.add(row)
    session.flush()
    return row


def venue(
    session: Session, id: str, *, zones: tuple[str, ...] = ("hall",), owner_id: str | None = None, **more: bool
) -> Venue:
    """A venue in Berlin with zones `<venue>-<zone>`, and one agent in each, `<venue>-<zone>-pi`."""
    row = Venue(id=id, name=id.capitalize(), time_zone="Europe/Berlin", owner_id=owner_id, join_gap_s=300, **more)
    session.add(row)
    session.flush()
    for name in zones:
        session.add(Zone(id=f"{id}-{name}", venue_id=id, name=name, level=0))
        session.flush()
        agent(session, f"{id}-{name}-pi", venue_id=id, zone_id=f"{id}-{name}")
    return row


def agent(session: Session, id: str, *, venue_id: str, zone_id: str, since: dt.datetime | None = None) -> int:
    session.add(Agent(id=id, key=bytes(32)))
    session.flush()
    row = Placement(agent_id=id, venue_id=venue_id, zone_id=zone_id, valid=Range(since, None))
    session.add(row)
    session.flush()
    return row.id


def listens(session: Session, agent_id: str, from_ms: int, to_ms: int) -> None:
    """Coverage at the agent's newest placement."""
    placement = fleet.newest_places(session)[agent_id]
    session.add(Coverage(agent_id=agent_id, placement_id=placement.id, from_ms=from_ms, to_ms=to_ms))
    session.flush()


def beacon(session: Session, agent_id: str, placement_id: int, from_ms: int, to_ms: int) -> None:
    """A placement heard the beacon of an agent."""
    session.add(BeaconSpan(beacon_agent_id=agent_id, placement_id=placement_id, from_ms=from_ms, to_ms=to_ms))
    session.flush()


def heard_in_slots(session: Session, placement_id: int, badge_id: int, times_ms: Iterable[int]) -> None:
    """The trace of a placement that heard this badge, alone, at these times, in slots of 5 s."""
    blocks: dict[int, dict[int, int]] = {}
    for at_ms in times_ms:
        block_ms = trace.block_of(at_ms)
        blocks.setdefault(block_ms, {})[(at_ms - block_ms) // SLOT_MS] = -70
    for block_ms, peaks in blocks.items():
        slots = trace.raise_peaks(None, peaks.items(), trace.BLOCK_MS // SLOT_MS)
        packed = trace.pack({badge_id: slots})
        session.add(
            Trace(placement_id=placement_id, block_ms=block_ms, peaks=packed, arrived_at=times.from_ms(block_ms))
        )
    session.flush()


def badge(session: Session, *, held_by: str | None = None, since: dt.datetime | None = None) -> int:
    row = Badge(label=f"badge {next(_numbers)}")
    session.add(row)
    session.flush()
    if held_by is not None:
        session.add(Pairing(badge_id=row.id, member_id=held_by, valid=Range(since, None)))
        session.flush()
    return row.id


def visit(session: Session, badge_id: int, venue_id: str, zone_id: str | None, from_ms: int, to_ms: int) -> None:
    """A visit that was one stay, if a zone is given."""
    session.add(Visit(badge_id=badge_id, venue_id=venue_id, from_ms=from_ms, to_ms=to_ms, reach_ms=to_ms))
    if zone_id is not None:
        session.add(Stay(badge_id=badge_id, venue_id=venue_id, from_ms=from_ms, zone_id=zone_id))
    session.flush()


def span(session: Session, badge_id: int, placement_id: int, from_ms: int, to_ms: int) -> None:
    session.add(Span(badge_id=badge_id, placement_id=placement_id, from_ms=from_ms, to_ms=to_ms))
    session.flush()


def changed(session: Session, *names: str) -> dict[str, int]:
    return topics.bump(session, names)


def event(
    session: Session, id: str, starts_at: dt.datetime, *, venue_id: str = "cafe", zone_id: str | None = None
) -> None:
    """An event of Olga's with one step `<event>-1`: an hour of doors, two hours of party."""
    session.add(Event(id=id, name=id.capitalize(), organizer_id="olga"))
    session.flush()
    session.add(
        Step(
            id=f"{id}-1",
            event_id=id,
            position=0,
            name="Doors",
            venue_id=venue_id,
            zone_id=zone_id,
            opens_at=starts_at - dt.timedelta(hours=1),
            starts_at=starts_at,
            ends_at=starts_at + dt.timedelta(hours=2),
            dwell_signed_up_s=15,
            dwell_walk_in_s=90,
        )
    )
    session.flush()


def arrive(session: Session, member_id: str, when: dt.datetime, step_id: str = "party-1", **more: Any) -> int:
    """A check-in by beacon, known at once; returns its id."""
    row = CheckIn(
        **{
            "step_id": step_id,
            "member_id": member_id,
            "at": when,
            "recorded_at": when,
            "evidence": "beacon",
            "signed_up": True,
            **more,
        }
    )
    session.add(row)
    session.flush()
    return row.id
