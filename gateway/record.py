"""Records portions of what was heard in one transaction: visits, spans, stays, coverage and check-ins."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import psycopg
from sqlalchemy.orm import Session

from config.settings import Presence
from gateway import stays, visits
from gateway.facts import Venue
from gateway.identify import Refused
from gateway.memory import NEVER_MS, Memory
from gateway.rows import Found, Table
from gateway.waiting import FROM, TO, Portion
from server import topics
from server.checkins import heard as hearing
from server.checkins.rules import SLACK_MS
from server.presence.joining import Stay

Run = tuple[str, int, int]  # an agent listened: from_ms, to_ms
Heard = tuple[str, str, int, int]  # an agent heard the fixed beacon of another, or its own: from_ms, to_ms


class BadgeNow(NamedTuple):
    """A badge's newest visit at a venue, as a live stream shows it; stays: those that may be new, to its end."""

    badge_id: int
    stays: Sequence[Stay]
    from_ms: int
    to_ms: int


class Recorded(NamedTuple):
    """What a committed transaction changed: revisions by topic, and what is new of each venue."""

    revisions: dict[str, int]
    badges: dict[str, list[BadgeNow]]
    coverage: dict[str, list[Run]]
    beacons: dict[str, list[Heard]]
    rewritten: set[str]  # venues of which something older than the newest visits changed: read them again


class Recorder:
    """Writes with the constants of one gateway's settings."""

    def __init__(self, rule: Presence) -> None:
        """rule: the constants of presence."""
        self._rule = rule
        heard_gap_ms = round(rule.heard_gap_s * 1000)
        self._spans = Table("span", {"badge_id": "bigint", "placement_id": "bigint"}, heard_gap_ms)
        self._beacons = Table("beacon_span", {"beacon_agent_id": "text", "placement_id": "bigint"}, heard_gap_ms)
        self._coverage = Table("coverage", {"placement_id": "bigint"}, 0, {"agent_id": "text"})

    def record(
        self,
        session: Session,
        portions: Sequence[Portion],
        refused: Iterable[Refused],
        memory: Memory,
        venues: dict[str, Venue],
        now: dt.datetime,
    ) -> Recorded:
        """Writes these portions within the session's transaction; raises what the database raises.

        Taking a reading twice, late or in another portion gives the same rows. memory: changed as the rows are, so that
        it is to be thrown away when the transaction fails. now: the server's clock, kept as when something arrived.
        """
        connection = session.connection().connection.driver_connection
        assert isinstance(connection, psycopg.Connection)
        whole = [portion for portion in portions if portion.whole]
        with connection.cursor() as cursor:
            _set_aside(cursor, refused)
            stays.read_forgotten(session, portions, memory)
            touched = visits.record_visits(cursor, portions, memory, venues)
            visits.record_spans(cursor, portions, memory, self._spans)
            found = stays.record_stays(cursor, touched, memory, self._rule)
            stays.record_trace(cursor, whole, memory, now)
            coverage, beacons = self._record_coverage(cursor, portions, memory)
        changed = self._check_in(session, portions, touched, memory, now)
        badges: dict[str, list[BadgeNow]] = defaultdict(list)
        rewritten: set[str] = set()
        for entry in touched:
            venue_id, present = entry.portion.waiting.venue_id, entry.present
            if present is None:
                rewritten.add(venue_id)
                continue
            # Of what came too late for the trace it may not be known in which zone it was.
            newest = found.get(entry) or ([Stay(present.since_ms, present.zone_id)] if present.zone_id else [])
            badges[venue_id].append(BadgeNow(entry.badge_id, newest, *entry.visit))
        names = {f"venue/{venue_id}" for venue_id in {*badges, *coverage, *beacons, *rewritten}}
        return Recorded(topics.bump(session, names | changed), dict(badges), coverage, beacons, rewritten)

    def _check_in(
        self,
        session: Session,
        portions: Sequence[Portion],
        touched: Sequence[visits.Touched],
        memory: Memory,
        now: dt.datetime,
    ) -> set[str]:
        """Asks about those whose check-ins their readings may change, and remembers when to ask again."""
        heard: list[hearing.HeardAt] = []
        for entry in touched:
            # An older visit's readings are late, and late evidence may always change something.
            if entry.present is None or entry.present.due_ms <= entry.visit[1]:
                waiting = entry.portion.waiting
                pieces = waiting.badges[entry.badge_id]
                # From the first to the last, gaps included: it only says about whom to ask.
                start, end = min([piece[FROM] for piece in pieces]), max([piece[TO] for piece in pieces])
                heard.append(hearing.HeardAt(entry.badge_id, waiting.venue_id, start, end))
        outcome = hearing.check_in_heard(session, heard, self._rule, now)
        for (badge_id, venue_id), wait_ms in outcome.waits.items():
            if present := memory.known(venue_id, badge_id):
                present.due_ms = NEVER_MS if wait_ms is None else max(1, wait_ms)
                present.late_ms = present.to_ms - SLACK_MS
        badges = {portion.waiting.venue_id: portion.waiting.badges for portion in portions}
        for (badge_id, venue_id), wait_ms in outcome.others.items():
            if present := memory.known(venue_id, badge_id):
                if wait_ms is not None:
                    present.due_ms = min(present.due_ms, max(1, wait_ms))
                present.late_ms = present.to_ms - SLACK_MS
                # What waits of it was in time for the answer before, and may be late for this one.
                if any(piece[FROM] < present.late_ms for piece in badges[venue_id].get(badge_id, ())):
                    present.due_ms = 0
        return outcome.topics

    def _record_coverage(
        self, cursor: psycopg.Cursor[Any], portions: Iterable[Portion], memory: Memory
    ) -> tuple[dict[str, list[Run]], dict[str, list[Heard]]]:
        """When agents listened, and when they heard fixed beacons; returns by venue what grew."""
        runs: list[Found] = []
        heard: list[Found] = []
        stands: dict[int, tuple[str, str]] = {}  # placement -> venue, agent
        for waiting in (portion.waiting for portion in portions if portion.coverage):
            at_venue = memory.at(waiting.venue_id, waiting.shard)
            for placement_id, (agent_id, _) in waiting.placed.items():
                stands[placement_id] = (waiting.venue_id, agent_id)
            for placement_id, found in waiting.coverage.items():
                runs.append(Found((placement_id,), found, at_venue.coverage, (stands[placement_id][1],)))
            for key, found in waiting.beacons.items():
                heard.append(Found(key, found, at_venue.beacons))
        coverage: dict[str, list[Run]] = defaultdict(list)
        for (placement_id,), grown in self._coverage.record(cursor, runs).items():
            venue_id, agent_id = stands[placement_id]
            coverage[venue_id] += [(agent_id, *run) for run in grown]
        beacons: dict[str, list[Heard]] = defaultdict(list)
        for (beacon_of, placement_id), grown in self._beacons.record(cursor, heard).items():
            venue_id, agent_id = stands[placement_id]
            beacons[venue_id] += [(agent_id, beacon_of, *run) for run in grown]
        return dict(coverage), dict(beacons)


def _set_aside(cursor: psycopg.Cursor[Any], refused: Iterable[Refused]) -> None:
    values = [(item.agent, item.boot, item.seq, item.reason, item.body) for item in refused]
    if values:
        cursor.executemany(
            "INSERT INTO refused_report (agent_id, boot, seq, reason, body) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            values,
        )
