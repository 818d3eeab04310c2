"""A recording as an evening of muster: its badges are members' and come to an event, and what came of it as rows."""

import datetime as dt
import json
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from server import database, times
from server.badges import service as badges
from server.events import service as events
from server.events import signups
from server.events.service import NewStep
from server.operations import recording
from server.operations.recording import Scanner
from server.people import service as people
from tests.journeys import parts

VENUE = "summit"
ORGANIZER = "organizer"
# From two minutes after the recording's beginning on, so that some come early; a second step in one room alone.
OPENS_AFTER, LASTS = dt.timedelta(minutes=2), dt.timedelta(minutes=9)

Row = tuple[object, ...]

# Badges by what is printed on them: their keys are those of the database.
_ROWS = {
    "visit": """
        SELECT badge.label, visit.venue_id, visit.from_ms, visit.to_ms
        FROM visit JOIN badge ON badge.id = visit.badge_id""",
    "stay": """
        SELECT badge.label, stay.venue_id, stay.zone_id, stay.from_ms
        FROM stay JOIN badge ON badge.id = stay.badge_id""",
    "span": """
        SELECT badge.label, placement.agent_id, span.from_ms, span.to_ms
        FROM span JOIN badge ON badge.id = span.badge_id JOIN placement ON placement.id = span.placement_id""",
    "checkin": """
        SELECT badge.label, checkin.member_id, checkin.step_id, checkin.at, checkin.evidence, checkin.signed_up,
               checkin.undone_at
        FROM checkin LEFT JOIN badge ON badge.id = checkin.badge_id""",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """How rows differ from what they should be."""

    lost: dict[str, list[Row]]  # by table: what is missing
    doubled: dict[str, list[Row]]  # by table: what there is besides

    @property
    def lost_rows(self) -> int:
        """How many are missing."""
        return sum(map(len, self.lost.values()))

    @property
    def doubled_rows(self) -> int:
        """How many are too many."""
        return sum(map(len, self.doubled.values()))


def prepare(conninfo: str, file: Path) -> list[Scanner]:
    """Makes the venue, the agents, the badges with their members, and the event. Returns the agents to start."""
    described = subprocess.run(
        [parts.program("muster-agent"), "describe", str(file)], capture_output=True, text=True, check=True
    )
    facts = recording.read_facts(json.loads(described.stdout))
    engine = database.connect(conninfo, pool=1)
    try:
        scanners = recording.prepare(engine, facts, VENUE, facts.from_ms)
        with database.transaction(engine) as session:
            _invite(session, times.from_ms(facts.from_ms), scanners[-1])
        return scanners
    finally:
        engine.dispose()


def _invite(session: Session, begins: dt.datetime, room: Scanner) -> None:
    people.create(session, id=ORGANIZER, name="Organizer", operator=True)
    opens = begins + OPENS_AFTER
    steps = [
        NewStep("hall", VENUE, opens, opens + LASTS, opens_at=opens),
        NewStep("room", VENUE, opens, opens + LASTS, opens_at=opens, zone_id=room.agent_id, dwell_walk_in_s=60),
    ]
    events.create(session, id="evening", name="Evening", organizer_id=ORGANIZER, steps=steps)
    for place, badge in enumerate(badges.list_all(session)):
        member_id = f"member-{place}"
        people.create(session, id=member_id, name=f"Member {place}")
        badges.pair(session, badge_id=badge.id, member_id=member_id, since=recording.BEGINNING)
        if place % 2 == 0:  # the others walk in
            signups.sign_up(session, event_id="evening", member_id=member_id, now=begins)


def read(conninfo: str) -> dict[str, list[Row]]:
    """What the database says of visits, stays, spans and check-ins, without ids and arrival facts."""
    with psycopg.connect(conninfo) as connection:
        return {
            name: sorted((tuple(row) for row in connection.execute(query.encode())), key=repr)
            for name, query in _ROWS.items()
        }


def read_listened_ms(conninfo: str) -> int:
    """How long all agents listened, together."""
    engine = database.connect(conninfo, pool=1)
    try:
        with database.transaction(engine) as session:
            found: Any = session.scalar(text("SELECT coalesce(sum(to_ms - from_ms), 0) FROM coverage"))
            return int(found)
    finally:
        engine.dispose()


def compare(wanted: dict[str, list[Row]], found: dict[str, list[Row]]) -> Difference:
    """What is missing and what is too much, each row as often as it is."""
    return Difference(
        {name: _beyond(rows, found.get(name, ())) for name, rows in wanted.items()},
        {name: _beyond(rows, wanted.get(name, ())) for name, rows in found.items()},
    )


def _beyond(rows: Iterable[Row], others: Iterable[Row]) -> list[Row]:
    return sorted((Counter(rows) - Counter(others)).elements(), key=repr)
