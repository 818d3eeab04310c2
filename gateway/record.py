"""Records portions of what was heard in one transaction: visits, spans, stays, coverage and check-ins."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import psycopg
from sqlalchemy.orm import Session

from config.settings import Presence
from gateway import rows, stays, visits
from gateway.facts import Venue
from gateway.identify import Refused
from gateway.memory import Memory
from gateway.rows import Table
from gateway.waiting import Portion, intervals_of
from server import topics
from server.checkins import service as checkins
from server.presence.joining import Interval, Stay


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
    coverage: dict[str, list[tuple[str, int, int]]]  # venue -> agent, from_ms, to_ms
    beacons: dict[str, list[tuple[str, str, int, int]]]  # venue -> agent, whose beacon it heard, from_ms, to_ms
    rewritten: set[str]  # venues of which something older than the newest visits changed: read them again


class Recorder:
    """Writes with the constants of one gateway's settings."""

    def __init__(self, rule: Presence) -> None:
        """rule: the constants of presence."""
        self._rule = rule
        heard_gap_ms = round(rule.heard_gap_s * 1000)
        self._spans = Table("span", {"badge_id": "bigint", "placement_id": "bigint"}, heard_gap_ms)
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
            stays.read_kept(cursor, portions, memory)
            touched = visits.record_visits(cursor, portions, memory, venues)
            visits.record_spans(cursor, portions, memory, self._spans)
            found = stays.record_stays(cursor, touched, memory, self._rule)
            stays.record_trace(cursor, whole, memory, now)
            coverage = self._record_coverage(cursor, portions, memory)
        changed = self._check_in(session, touched, now)
        badges: dict[str, list[BadgeNow]] = defaultdict(list)
        rewritten: set[str] = set()
        for entry in touched:
            venue_id, present = entry.portion.waiting.venue_id, entry.present
            if present is None:
                rewritten.add(venue_id)
                continue
            newest = found.get(entry) or [Stay(present.since_ms, present.zone_id)]
            badges[venue_id].append(BadgeNow(entry.badge_id, newest, *entry.visit))
        names = {f"venue/{venue_id}" for venue_id in {*badges, *coverage, *rewritten}}
        return Recorded(topics.bump(session, names | changed), dict(badges), coverage, {}, rewritten)

    def _check_in(self, session: Session, touched: Iterable[visits.Touched], now: dt.datetime) -> set[str]:
        heard = [
            checkins.HeardAt(entry.badge_id, entry.portion.waiting.venue_id, start, end)
            for entry in touched
            for start, end in intervals_of(entry.portion.waiting.badges[entry.badge_id])
        ]
        return checkins.check_in_heard(session, heard, self._rule, now).topics

    def _record_coverage(
        self, cursor: psycopg.Cursor[Any], portions: Iterable[Portion], memory: Memory
    ) -> dict[str, list[tuple[str, int, int]]]:
        written: list[tuple[str, int, int, int, str]] = []  # venue, placement, from, to, agent
        old: dict[rows.Key, list[Interval]] = defaultdict(list)
        venue_of: dict[int, tuple[Portion, str]] = {}
        for portion in portions:
            if not portion.coverage:
                continue
            waiting = portion.waiting
            newest_runs = memory.at(waiting.venue_id, waiting.shard).coverage
            for placement_id, runs in waiting.coverage.items():
                agent_id = waiting.placed[placement_id][0]
                venue_of[placement_id] = (portion, agent_id)
                for run in sorted(runs):
                    newest = newest_runs.get(placement_id)
                    after = None if (placement_id,) in old else rows.grow(newest, run, 0)
                    if after is None:
                        old[placement_id,].append(run)
                    elif after != newest:
                        newest_runs[placement_id] = after
                        written.append((waiting.venue_id, placement_id, *after, agent_id))
        newest_rows, changed = self._coverage.take_old(cursor, old)
        for key, run in newest_rows.items():
            waiting = venue_of[key[0]][0].waiting
            memory.at(waiting.venue_id, waiting.shard).coverage[key[0]] = run
        for key, runs in changed.items():
            portion, agent_id = venue_of[key[0]]
            written += [(portion.waiting.venue_id, key[0], *run, agent_id) for run in runs]
        last = {(placement_id, start): (end, agent_id) for _, placement_id, start, end, agent_id in written}
        self._coverage.write(cursor, [(*key, *row) for key, row in last.items()])
        by_venue: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
        for venue_id, _, start, end, agent_id in written:
            by_venue[venue_id].append((agent_id, start, end))
        return dict(by_venue)


def _set_aside(cursor: psycopg.Cursor[Any], refused: Iterable[Refused]) -> None:
    values = [(item.agent, item.boot, item.seq, item.reason, item.body) for item in refused]
    if values:
        cursor.executemany(
            "INSERT INTO refused_report (agent_id, boot, seq, reason, body) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            values,
        )
