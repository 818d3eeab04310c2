"""The cafe and the bar with their agents, badges and events, and what was heard: tables made from facts and spans."""

import datetime as dt
import random
from collections import defaultdict
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from config import settings
from server import times
from server.badges import service as badges
from server.checkins import rejudge
from server.events import service as events
from server.events import signups
from server.fleet import service as fleet
from server.presence import joining, trace
from server.presence.joining import Interval, Trace
from server.presence.model import reach_of
from server.venues import service as venues
from tests.server import places

PRESENCE = settings.load(environment={}).presence
NOW = places.NOW + 6 * places.HOUR
BEGIN = places.NOW
T0 = times.to_ms(BEGIN)
SLOT_MS = PRESENCE.slot_s * 1000
SLOTS = trace.BLOCK_MS // SLOT_MS
HEARD_GAP_MS, JOIN_GAP_MS = 60_000, 300_000
EVER_MS = 1 << 62
AGENTS = {"cafe-door": "cafe-front", "cafe-rear": "cafe-back", "bar-pi": "bar-all"}
HOLDERS = ("dora", "ben", None)

TABLES = {
    "span": """
        SELECT badge_id, agent_id, venue_id, zone_id, from_ms, to_ms
        FROM span JOIN placement ON placement.id = placement_id ORDER BY 1, 2, 5""",
    "coverage": """
        SELECT coverage.agent_id, venue_id, zone_id, from_ms, to_ms
        FROM coverage JOIN placement ON placement.id = placement_id ORDER BY 1, 4""",
    "beacon_span": """
        SELECT beacon_agent_id, agent_id, venue_id, zone_id, from_ms, to_ms
        FROM beacon_span JOIN placement ON placement.id = placement_id ORDER BY 1, 2, 5""",
    "visit": "SELECT badge_id, venue_id, from_ms, to_ms, reach_ms FROM visit ORDER BY 1, 2, 3",
    "stay": "SELECT badge_id, venue_id, from_ms, zone_id FROM stay ORDER BY 1, 2, 3",
    "checkin": "SELECT step_id, member_id, badge_id, at FROM checkin ORDER BY 1, 2",
    "refusal": "SELECT step_id, member_id, code, first_at, last_at, sentence FROM refusal ORDER BY 1, 2, 3",
}


class Heard(NamedTuple):
    """What an agent heard in an hour or so: spans by badge's place, and how loud in which slot."""

    spans: dict[tuple[str, int], list[Interval]]
    loud: dict[tuple[str, int], dict[int, int]]


class Town:
    """The town; `heard` is put into the tables by the facts as they are."""

    def __init__(self, session: Session) -> None:
        self.session = session
        places.make_members(session)
        places.make_cafe(session)
        venues.create(
            session,
            id="bar",
            name="Bar",
            time_zone="Europe/Berlin",
            owner_id="ben",
            contact="at the bar",
            zones=[venues.NewZone("bar-all", "everywhere")],
        )
        for agent, zone in AGENTS.items():
            fleet.enrol(session, agent_id=agent)
            fleet.place(session, agent_id=agent, venue_id=zone.split("-")[0], zone_id=zone, since=BEGIN - places.HOUR)
        self.badges = [
            badges.register(session, identity=places.IDENTITY[:-1] + bytes([place]), since=BEGIN - places.HOUR)
            for place in range(len(HOLDERS))
        ]
        for badge_id, member_id in zip(self.badges, HOLDERS, strict=True):
            if member_id is not None:
                badges.pair(session, badge_id=badge_id, member_id=member_id, since=BEGIN - places.HOUR)
        events_at: tuple[tuple[str, str, str | None], ...] = (("night", "cafe", "cafe-front"), ("party", "bar", None))
        for event, venue_id, zone_id in events_at:
            opens_at = BEGIN + dt.timedelta(minutes=20)
            step = events.NewStep(
                id=f"{event}-1",
                name="All",
                venue_id=venue_id,
                zone_id=zone_id,
                opens_at=opens_at,
                starts_at=opens_at,
                ends_at=BEGIN + places.HOUR,
            )
            events.create(session, id=event, name=event, organizer_id="cleo", steps=[step])
            signups.sign_up(session, event_id=event, member_id="dora", now=BEGIN)

    def fill(self, heard: Heard) -> None:
        """Makes all tables anew from what was heard, by the placements and pairings as they are."""
        session = self.session
        for table in (*TABLES, "trace", "trace_forgotten"):
            session.execute(text(f"DELETE FROM {table}"))
        placed = session.execute(text("SELECT id, agent_id, venue_id, zone_id, valid FROM placement")).all()
        spans: dict[tuple[int, str], list[Interval]] = defaultdict(list)
        traces: dict[tuple[int, str], Trace] = defaultdict(lambda: Trace(SLOT_MS))
        blocks: dict[tuple[int, int], dict[int, bytes]] = defaultdict(dict)
        for row in placed:
            low = 0 if row.valid.lower is None else times.to_ms(row.valid.lower)
            high = EVER_MS if row.valid.upper is None else times.to_ms(row.valid.upper) - 1
            for (agent, place), times_heard in heard.spans.items():
                if agent != row.agent_id:
                    continue
                badge_id = self.badges[place]
                for start, end in joining.cut(times_heard, [(low, high)]):
                    self._add("span", badge_id=badge_id, placement_id=row.id, from_ms=start, to_ms=end)
                    spans[badge_id, row.venue_id].append((start, end))
                for slot, rssi in heard.loud[agent, place].items():
                    at = slot * SLOT_MS
                    if at <= high and at + SLOT_MS > low:
                        traces[badge_id, row.venue_id].hear(row.zone_id, slot, rssi)
                        block = blocks[row.id, trace.block_of(at)]
                        block[badge_id] = trace.raise_peaks(
                            block.get(badge_id), [((at - trace.block_of(at)) // SLOT_MS, rssi)], SLOTS
                        )
            start, end = max(T0, low), min(T0 + 3_600_000, high)
            if start < end:
                ends = {"placement_id": row.id, "from_ms": start}
                self._add("coverage", agent_id=row.agent_id, to_ms=end if end < high else end + 1, **ends)
                self._add("beacon_span", beacon_agent_id="cafe-door", to_ms=end, **ends)
        for (placement_id, block_ms), peaks in blocks.items():
            self._add("trace", placement_id=placement_id, block_ms=block_ms, peaks=trace.pack(peaks), arrived_at=NOW)
        for (badge_id, venue_id), found in spans.items():
            for visit in joining.join(found, JOIN_GAP_MS):
                ends = {"from_ms": visit[0], "to_ms": visit[1], "reach_ms": reach_of(visit[1], JOIN_GAP_MS)}
                self._add("visit", badge_id=badge_id, venue_id=venue_id, **ends)
                for since_ms, zone_id in joining.stays(visit, traces[badge_id, venue_id], PRESENCE, visit[0]):
                    self._add("stay", badge_id=badge_id, venue_id=venue_id, from_ms=since_ms, zone_id=zone_id)
        pairs = {(member, step) for member in ("dora", "ben", "cleo") for step in ("night-1", "party-1")}
        rejudge.rejudge(session, pairs, PRESENCE, NOW)

    def _add(self, table: str, **row: Any) -> None:
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        self.session.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """What is recorded, without ids of rows."""
        found = {name: [tuple(row) for row in self.session.execute(text(query))] for name, query in TABLES.items()}
        rows = self.session.execute(
            text("""
                SELECT agent_id, zone_id, block_ms, peaks FROM trace JOIN placement ON placement.id = placement_id
                ORDER BY 1, 3, 2, 4
            """)
        )
        found["trace"] = [(*row[:3], *sorted(trace.unpack(bytes(row[3]), SLOTS).items())) for row in rows]
        return found


def evening(chance: random.Random) -> Heard:
    """An hour in which the badges come, go, and are heard by one, two or all agents."""
    spans: dict[tuple[str, int], list[Interval]] = defaultdict(list)
    loud: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    for place in range(len(HOLDERS)):
        at = T0 + chance.randrange(0, 900_000)
        while at < T0 + 3_600_000:
            agents = chance.sample(list(AGENTS), chance.choice([1, 1, 2, 3]))
            length = chance.randrange(500, 400_000)
            for agent in agents:
                start, end = at + chance.randrange(0, 3_000), at + length
                if end <= start:
                    continue
                spans[agent, place].append((start, end))
                for slot in joining.slots_of(start, end, SLOT_MS):
                    if chance.random() < 0.7 or slot in (start // SLOT_MS, end // SLOT_MS):
                        loud[agent, place][slot] = chance.randrange(-90, -40)
            at += length + chance.choice([1_000, 30_000, 80_000, 350_000, 900_000])
    joined = {key: joining.join(found, HEARD_GAP_MS) for key, found in spans.items()}
    return Heard(joined, loud)
