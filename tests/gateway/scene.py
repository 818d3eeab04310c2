"""A world for the gateway's tests: a hall with two zones and an agent in each, a few badges, and reports."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from beacon_agent import wire
from gateway.ingest import Arrived
from server import times
from server.badges import service as badges
from server.events import service as events
from server.fleet import service as fleet
from server.people import service as people
from server.venues import service as venues

BEGIN = dt.datetime(2026, 3, 13, 18, 0, tzinfo=dt.UTC)
T0 = times.to_ms(BEGIN)
BOOT = "9f3a17c2"
EARLIER = BEGIN - dt.timedelta(days=1)
AGENTS = ("hall-door", "hall-stage")
KEPT: dict[str, Any] = {"owner_id": "keeper", "contact": "at the counter"}  # whoever answers for a place that listens


def identity(number: int) -> bytes:
    """The identity that the badge of this number shows."""
    return bytes.fromhex("daf246cef20111e4b116123b93f75cba") + bytes([0, 1, 0, number])


class Scene(NamedTuple):
    """What was made: the agents' keys and the badges' ids in the order of their numbers."""

    keys: dict[str, bytes]
    badges: list[int]

    def arrived(self, report: wire.Report) -> Arrived:
        """The report, signed, as MQTT brings it."""
        return Arrived(report.agent, wire.sign(self.keys[report.agent], wire.encode(report)))


def build(session: Session, badge_count: int = 3) -> Scene:
    """Venue `hall` with zones hall-door and hall-stage, an agent of the same name in each, badges 0, 1, 2 ..."""
    people.create(session, id="keeper", name="Keeper")
    venues.create(
        session,
        id="hall",
        name="The hall",
        **KEPT,
        time_zone="Europe/Paris",
        zones=[venues.NewZone("hall-door", "door"), venues.NewZone("hall-stage", "stage")],
    )
    keys = {}
    for agent in AGENTS:
        keys[agent] = fleet.enrol(session, agent_id=agent)
        fleet.place(session, agent_id=agent, venue_id="hall", zone_id=agent, since=EARLIER, rssi_floor=-90)
    made = [badges.register(session, identity=identity(number), since=EARLIER) for number in range(badge_count)]
    return Scene(keys, made)


def add_event(session: Session, holders: Iterable[tuple[int, str]], *, dwell_s: float = 15) -> None:
    """Event `night` with one step in the hall from an hour after BEGIN, open at BEGIN; these members hold badges."""
    people.create(session, id="host", name="Host")
    for badge_id, member_id in holders:
        people.create(session, id=member_id, name=member_id.title())
        badges.pair(session, badge_id=badge_id, member_id=member_id, since=EARLIER)
    events.create(
        session,
        id="night",
        name="Night",
        organizer_id="host",
        steps=[
            events.NewStep(
                id="night-1",
                name="Night",
                venue_id="hall",
                starts_at=BEGIN + dt.timedelta(hours=1),
                ends_at=BEGIN + dt.timedelta(hours=3),
                dwell_signed_up_s=dwell_s,
                dwell_walk_in_s=90,
            )
        ],
    )


def report(
    agent: str,
    seq: int,
    at_s: float,
    heard: Iterable[tuple[int, int]] = (),
    *,
    length_s: float = 2,
    radio: wire.Radio = wire.Radio.OK,
    clock: wire.Clock = wire.Clock.SYNCED,
) -> wire.Report:
    """A window that began at_s after BEGIN; heard: number of a badge and its loudest packet (dBm)."""
    from_ms = T0 + round(at_s * 1000)
    length_ms = round(length_s * 1000)
    readings = tuple(
        wire.Reading(identity(number), length_ms // 4, length_ms // 2, 3, rssi - 2.5, rssi, -59)
        for number, rssi in heard
    )
    return wire.Report(agent, BOOT, seq, from_ms, from_ms + length_ms, radio, clock, readings)
