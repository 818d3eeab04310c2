"""Records a batch in one transaction: spans, visits, stays, coverage and check-ins, with a few bulk statements."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import psycopg
from sqlalchemy.orm import Session

from config.settings import Presence
from gateway import join
from gateway.identify import Accepted, Refused, Venue
from gateway.join import Batch
from server import topics
from server.checkins import service as checkins
from server.presence import joining
from server.presence.joining import Interval, Stay, Trace


class BadgeNow(NamedTuple):
    """A badge's newest visit at a venue, as a live stream shows it; stays: those that may be new, to its end."""

    badge_id: int
    stays: list[Stay]
    from_ms: int
    to_ms: int


class Recorded(NamedTuple):
    """What a committed batch changed: revisions by topic, and what is new of each venue."""

    revisions: dict[str, int]
    badges: dict[str, list[BadgeNow]]
    coverage: dict[str, list[tuple[str, int, int]]]  # venue -> agent, from_ms, to_ms
    rewritten: set[str]  # venues of which something older than the newest visits changed: read them again


class _Touched(NamedTuple):
    badge_id: int
    venue_id: str
    visit: Interval
    new_from_ms: int


def record(
    session: Session,
    accepted: Sequence[Accepted],
    refused: Sequence[Refused],
    venues: dict[str, Venue],
    rule: Presence,
    now: dt.datetime,
) -> Recorded:
    """Writes what these reports say within the session's transaction.

    Taking a report twice, late or in another batch gives the same rows. now: the server's clock, kept only as when a
    check-in was recorded.
    """
    batch = join.gather(accepted, rule)
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    with connection.cursor() as cursor:
        _set_aside(cursor, refused)
        coverage = _record_coverage(cursor, batch)
        _record_spans(cursor, batch, round(rule.heard_gap_s * 1000))
        touched = _record_visits(cursor, batch, venues)
        stays = _record_stays(cursor, batch, touched, venues, rule)
        superseded = _superseded(cursor, touched)
    heard = [
        checkins.HeardAt(badge_id, venue_id, interval[0], interval[1])
        for (badge_id, venue_id), intervals in batch.heard.items()
        for interval in intervals
    ]
    changed = checkins.check_in_heard(session, heard, rule, now).topics
    badges: dict[str, list[BadgeNow]] = defaultdict(list)
    for entry in touched:
        if entry not in superseded:
            badges[entry.venue_id].append(BadgeNow(entry.badge_id, stays[entry], *entry.visit))
    rewritten = {entry.venue_id for entry in superseded}
    names = {f"venue/{venue_id}" for venue_id in {*badges, *coverage, *rewritten}}
    return Recorded(topics.bump(session, names | changed), dict(badges), coverage, rewritten)


def _set_aside(cursor: psycopg.Cursor[Any], refused: Iterable[Refused]) -> None:
    rows = [(item.agent, item.boot, item.seq, item.reason, item.body) for item in refused]
    if rows:
        cursor.executemany(
            "INSERT INTO refused_report (agent_id, boot, seq, reason, body) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            rows,
        )


def _record_coverage(cursor: psycopg.Cursor[Any], batch: Batch) -> dict[str, list[tuple[str, int, int]]]:
    agents = list(batch.coverage)
    if not agents:
        return {}
    # Runs of an agent are disjoint: what can touch the new time is the last run that began before it, and later ones.
    cursor.execute(
        """
        SELECT coverage.agent_id, coverage.from_ms, coverage.to_ms
        FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS new (agent_id, low, high)
        JOIN coverage ON coverage.agent_id = new.agent_id AND coverage.from_ms <= new.high
        AND coverage.from_ms >= coalesce(
            (SELECT max(from_ms) FROM coverage AS earlier
             WHERE earlier.agent_id = new.agent_id AND earlier.from_ms <= new.low), new.low)
        """,
        (agents, [batch.coverage[a][0][0] for a in agents], [batch.coverage[a][-1][1] for a in agents]),
    )
    stored: dict[str, list[Interval]] = defaultdict(list)
    for agent, from_ms, to_ms in cursor:
        stored[agent].append((from_ms, to_ms))
    gone: list[tuple[str, int]] = []
    written: list[tuple[str, int, int]] = []
    for agent in agents:
        changes = join.change(stored[agent], batch.coverage[agent], 0)
        gone += [(agent, start) for start in changes.gone]
        written += [(agent, start, end) for start, end in changes.written]
    if gone:
        cursor.execute(
            """
            DELETE FROM coverage USING unnest(%s::text[], %s::bigint[]) AS old (agent_id, from_ms)
            WHERE coverage.agent_id = old.agent_id AND coverage.from_ms = old.from_ms
            """,
            _columns(gone),
        )
    if written:
        cursor.execute(
            """
            INSERT INTO coverage (agent_id, from_ms, to_ms)
            SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[])
            ON CONFLICT (agent_id, from_ms) DO UPDATE SET to_ms = greatest(coverage.to_ms, excluded.to_ms)
            """,
            _columns(written),
        )
    by_venue: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for agent, start, end in written:
        for venue_id in batch.venues_of[agent]:
            by_venue[venue_id].append((agent, start, end))
    return dict(by_venue)


def _record_spans(cursor: psycopg.Cursor[Any], batch: Batch, gap_ms: int) -> None:
    keys = list(batch.spans)
    if not keys:
        return
    cursor.execute(
        """
        SELECT span.badge_id, span.placement_id, span.from_ms, span.to_ms
        FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS new (badge_id, placement_id, low, high)
        JOIN span ON span.badge_id = new.badge_id AND span.placement_id = new.placement_id
        AND span.from_ms <= new.high AND span.from_ms >= coalesce(
            (SELECT max(from_ms) FROM span AS earlier WHERE earlier.badge_id = new.badge_id
             AND earlier.placement_id = new.placement_id AND earlier.from_ms <= new.low), new.low)
        """,
        (
            [badge_id for badge_id, _ in keys],
            [placement_id for _, placement_id in keys],
            [batch.spans[key][0][0] - gap_ms for key in keys],
            [batch.spans[key][-1][1] + gap_ms for key in keys],
        ),
    )
    stored: dict[tuple[int, int], list[Interval]] = defaultdict(list)
    for badge_id, placement_id, from_ms, to_ms in cursor:
        stored[badge_id, placement_id].append((from_ms, to_ms))
    gone: list[tuple[int, int, int]] = []
    written: list[tuple[int, int, int, int]] = []
    for key in keys:
        changes = join.change(stored[key], batch.spans[key], gap_ms)
        gone += [(*key, start) for start in changes.gone]
        written += [(*key, start, end) for start, end in changes.written]
    if gone:
        cursor.execute(
            """
            DELETE FROM span
            USING unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS old (badge_id, placement_id, from_ms)
            WHERE span.badge_id = old.badge_id AND span.placement_id = old.placement_id AND span.from_ms = old.from_ms
            """,
            _columns(gone),
        )
    if written:
        cursor.execute(
            """
            INSERT INTO span (badge_id, placement_id, from_ms, to_ms)
            SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
            ON CONFLICT (badge_id, placement_id, from_ms) DO UPDATE SET to_ms = excluded.to_ms
            """,
            _columns(written),
        )


def _record_visits(cursor: psycopg.Cursor[Any], batch: Batch, venues: dict[str, Venue]) -> list[_Touched]:
    keys = list(batch.heard)
    if not keys:
        return []
    gaps = [venues[venue_id].join_gap_ms for _, venue_id in keys]
    cursor.execute(
        """
        SELECT visit.badge_id, visit.venue_id, visit.from_ms, visit.to_ms, visit.id
        FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[]) AS new (badge_id, venue_id, low, high)
        JOIN visit ON visit.badge_id = new.badge_id AND visit.venue_id = new.venue_id
        AND int8range(visit.from_ms, visit.to_ms, '[]') && int8range(new.low, new.high, '[]')
        """,
        (
            [badge_id for badge_id, _ in keys],
            [venue_id for _, venue_id in keys],
            [batch.heard[key][0][0] - gap_ms for key, gap_ms in zip(keys, gaps, strict=True)],
            [batch.heard[key][-1][1] + gap_ms for key, gap_ms in zip(keys, gaps, strict=True)],
        ),
    )
    stored: dict[tuple[int, str], dict[Interval, int]] = defaultdict(dict)
    for badge_id, venue_id, from_ms, to_ms, visit_id in cursor:
        stored[badge_id, venue_id][from_ms, to_ms] = visit_id
    gone: list[int] = []
    grown: list[tuple[int, int, int]] = []
    begun: list[tuple[int, str, int, int]] = []
    touched: list[_Touched] = []
    for key, gap_ms in zip(keys, gaps, strict=True):
        for visit in joining.join([*stored[key], *batch.heard[key]], gap_ms):
            absorbed = {old: known for old, known in stored[key].items() if visit[0] <= old[0] <= visit[1]}
            new = [start for start, _ in batch.heard[key] if visit[0] <= start <= visit[1]]
            if new:
                touched.append(_Touched(*key, visit, min(new)))
            if not absorbed:
                begun.append((*key, *visit))
            elif list(absorbed) != [visit]:
                # The oldest row goes on; the others become part of it.
                first, *rest = sorted(absorbed.values())
                grown.append((first, *visit))
                gone += rest
    if gone:
        cursor.execute("DELETE FROM visit WHERE id = ANY(%s)", (gone,))
    if grown:
        cursor.execute(
            """
            UPDATE visit SET from_ms = new.from_ms, to_ms = new.to_ms
            FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS new (id, from_ms, to_ms) WHERE visit.id = new.id
            """,
            _columns(grown),
        )
    if begun:
        cursor.execute(
            """
            INSERT INTO visit (badge_id, venue_id, from_ms, to_ms)
            SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[])
            """,
            _columns(begun),
        )
    return touched


def _record_stays(
    cursor: psycopg.Cursor[Any], batch: Batch, touched: Sequence[_Touched], venues: dict[str, Venue], rule: Presence
) -> dict[_Touched, list[Stay]]:
    if not touched:
        return {}
    _record_peaks(cursor, batch, rule)
    traces = _read_traces(cursor, touched, venues, rule)
    stored = _read_stays(cursor, touched)
    found: dict[_Touched, list[Stay]] = {}
    gone: list[tuple[int, str, int]] = []
    written: list[tuple[int, str, int, int, str]] = []
    for entry in touched:
        key = (entry.badge_id, entry.venue_id)
        changes = join.restay(entry.visit, entry.new_from_ms, stored[key], traces[key], rule)
        gone += [(*key, start) for start in changes.gone]
        written += [(*key, stay.from_ms, stay.to_ms, stay.zone_id) for stay in changes.written]
        found[entry] = changes.found
    if gone:
        cursor.execute(
            """
            DELETE FROM stay USING unnest(%s::bigint[], %s::text[], %s::bigint[]) AS old (badge_id, venue_id, from_ms)
            WHERE stay.badge_id = old.badge_id AND stay.venue_id = old.venue_id AND stay.from_ms = old.from_ms
            """,
            _columns(gone),
        )
    if written:
        cursor.execute(
            """
            INSERT INTO stay (badge_id, venue_id, from_ms, to_ms, zone_id)
            SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::text[])
            ON CONFLICT (badge_id, venue_id, from_ms) DO UPDATE SET to_ms = excluded.to_ms, zone_id = excluded.zone_id
            """,
            _columns(written),
        )
    return found


def _record_peaks(cursor: psycopg.Cursor[Any], batch: Batch, rule: Presence) -> None:
    keys = list(batch.peaks)
    cursor.execute(
        """
        SELECT trace.badge_id, trace.block_ms, trace.placement_id, trace.peaks
        FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS new (badge_id, block_ms, placement_id)
        JOIN trace USING (badge_id, block_ms, placement_id)
        """,
        _columns(keys),
    )
    stored = {(badge_id, block_ms, placement_id): bytes(peaks) for badge_id, block_ms, placement_id, peaks in cursor}
    slots = joining.BLOCK_MS // (rule.slot_s * 1000)
    raised = {key: joining.raise_peaks(stored.get(key), batch.peaks[key], slots) for key in keys}
    written = [(*key, peaks) for key, peaks in raised.items() if peaks != stored.get(key)]
    if written:
        cursor.execute(
            """
            INSERT INTO trace (badge_id, block_ms, placement_id, peaks)
            SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[])
            ON CONFLICT (badge_id, block_ms, placement_id) DO UPDATE SET peaks = excluded.peaks
            """,
            _columns(written),
        )


def _read_traces(
    cursor: psycopg.Cursor[Any], touched: Sequence[_Touched], venues: dict[str, Venue], rule: Presence
) -> dict[tuple[int, str], Trace]:
    backs = [joining.reach_back_ms(rule, venues[entry.venue_id].join_gap_ms) for entry in touched]
    # DISTINCT, since several visits of one badge may be touched at once and share blocks.
    cursor.execute(
        """
        SELECT DISTINCT new.badge_id, new.venue_id, placement.zone_id, trace.block_ms, trace.placement_id, trace.peaks
        FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[]) AS new (badge_id, venue_id, low, high)
        JOIN trace ON trace.badge_id = new.badge_id AND trace.block_ms BETWEEN new.low AND new.high
        JOIN placement ON placement.id = trace.placement_id AND placement.venue_id = new.venue_id
        """,
        (
            [entry.badge_id for entry in touched],
            [entry.venue_id for entry in touched],
            [entry.new_from_ms - back_ms - joining.BLOCK_MS for entry, back_ms in zip(touched, backs, strict=True)],
            [entry.visit[1] for entry in touched],
        ),
    )
    traces: dict[tuple[int, str], Trace] = defaultdict(lambda: Trace(rule.slot_s * 1000))
    for badge_id, venue_id, zone_id, block_ms, _placement_id, peaks in cursor:
        traces[badge_id, venue_id].read_block(zone_id, block_ms, bytes(peaks))
    return traces


def _read_stays(cursor: psycopg.Cursor[Any], touched: Sequence[_Touched]) -> dict[tuple[int, str], list[Stay]]:
    cursor.execute(
        """
        SELECT stay.badge_id, stay.venue_id, stay.zone_id, stay.from_ms, stay.to_ms
        FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[]) AS new (badge_id, venue_id, low, high)
        JOIN stay ON stay.badge_id = new.badge_id AND stay.venue_id = new.venue_id
        AND stay.from_ms BETWEEN new.low AND new.high
        """,
        (
            [entry.badge_id for entry in touched],
            [entry.venue_id for entry in touched],
            [entry.visit[0] for entry in touched],
            [entry.visit[1] for entry in touched],
        ),
    )
    stored: dict[tuple[int, str], list[Stay]] = defaultdict(list)
    for badge_id, venue_id, zone_id, from_ms, to_ms in cursor:
        stored[badge_id, venue_id].append(Stay(zone_id, from_ms, to_ms))
    return stored


def _superseded(cursor: psycopg.Cursor[Any], touched: Sequence[_Touched]) -> set[_Touched]:
    """Those of the touched visits after which the same badge has a newer one at the same venue."""
    if not touched:
        return set()
    cursor.execute(
        """
        SELECT new.place FROM unnest(%s::int[], %s::bigint[], %s::text[], %s::bigint[])
            AS new (place, badge_id, venue_id, to_ms)
        WHERE EXISTS (SELECT FROM visit WHERE visit.badge_id = new.badge_id AND visit.venue_id = new.venue_id
                      AND int8range(visit.from_ms, visit.to_ms, '[]') && int8range(new.to_ms, NULL, '()'))
        """,
        _columns([(place, e.badge_id, e.venue_id, e.visit[1]) for place, e in enumerate(touched)]),
    )
    return {touched[place] for (place,) in cursor}


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as one list a column, as unnest takes them."""
    return [list(column) for column in zip(*rows, strict=True)]
