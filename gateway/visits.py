"""Records when badges were at venues: visits, and their spans at each placement."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

import psycopg

from gateway import rows
from gateway.facts import Venue
from gateway.memory import Memory, Present
from gateway.rows import Table, columns
from gateway.waiting import FROM, PLACEMENT, TO, Piece, Portion, intervals_of
from server.presence import joining
from server.presence.joining import Interval
from server.presence.model import reach_of


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Touched:
    """A visit that readings touched."""

    portion: Portion
    badge_id: int
    visit: Interval
    present: Present | None  # None: the badge has a newer visit at this venue
    refold_ms: int  # from when on its stays are to be computed again; NEVER_MS: they only go on
    bridged_ms: int  # the last moment at which what was stored of its stays may break off
    quiet_ms: int = 0  # it begins now, and for so long before nothing was heard of its badge


def record_visits(
    cursor: psycopg.Cursor[Any], portions: Iterable[Portion], memory: Memory, venues: dict[str, Venue]
) -> list[Touched]:
    """Writes the visits that these readings make or let grow, and returns them."""
    touched: list[Touched] = []
    grown: list[tuple[int, int, int, int]] = []
    begun: list[tuple[Portion, int, Interval]] = []
    old: dict[tuple[int, str], tuple[Portion, list[Interval]]] = {}
    for portion in portions:
        waiting = portion.waiting
        at_venue = memory.at(waiting.venue_id, waiting.shard)
        gap_ms = venues[waiting.venue_id].join_gap_ms
        for badge_id in portion.badges:
            pieces = waiting.badges[badge_id]
            present = at_venue.presents.get(badge_id)
            if present is not None:
                stored_start, stored_end = present.from_ms, present.to_ms
                starts, end = [piece[FROM] for piece in pieces], max([piece[TO] for piece in pieces])
                if stored_start <= min(starts) and max(starts) <= stored_end + gap_ms:
                    if end > stored_end:
                        present.to_ms = end
                        grown.append((present.visit_id, stored_start, end, reach_of(end, gap_ms)))
                    touched.append(
                        Touched(portion, badge_id, (stored_start, present.to_ms), present, present.refold_ms, 0)
                    )
                    continue
                if min(starts) > stored_end + gap_ms:
                    joined = joining.join(intervals_of(pieces), gap_ms)
                    begun += [(portion, badge_id, visit) for visit in joined]
                    continue
            old[badge_id, waiting.venue_id] = (portion, intervals_of(pieces))
    touched += _take_old(cursor, old, memory, venues, grown, begun)
    touched += _begin(cursor, begun, memory, venues)
    if grown:
        cursor.execute(
            """
            UPDATE visit SET from_ms = new.from_ms, to_ms = new.to_ms, reach_ms = new.reach_ms
            FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS new (id, from_ms, to_ms, reach_ms)
            WHERE visit.id = new.id
            """,
            columns(grown),
        )
    return touched


def _take_old(
    cursor: psycopg.Cursor[Any],
    old: dict[tuple[int, str], tuple[Portion, list[Interval]]],
    memory: Memory,
    venues: dict[str, Venue],
    grown: list[tuple[int, int, int, int]],
    begun: list[tuple[Portion, int, Interval]],
) -> list[Touched]:
    """Readings that may touch older visits, or of badges that are not remembered: reads the visits from there on."""
    if not old:
        return []
    keys = list(old)
    lows = [min(start for start, _ in old[key][1]) - venues[key[1]].join_gap_ms for key in keys]
    cursor.execute(
        """
        SELECT visit.badge_id, visit.venue_id, visit.from_ms, visit.to_ms, visit.id, stay.from_ms, stay.zone_id
        FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS new (badge_id, venue_id, low)
        JOIN visit ON visit.badge_id = new.badge_id AND visit.venue_id = new.venue_id
             AND int8range(visit.from_ms, visit.reach_ms, '[]') && int8range(new.low, NULL) AND visit.to_ms >= new.low
        LEFT JOIN LATERAL (
            SELECT from_ms, zone_id FROM stay
            WHERE stay.badge_id = visit.badge_id AND stay.venue_id = visit.venue_id
              AND stay.from_ms BETWEEN visit.from_ms AND visit.to_ms
            ORDER BY from_ms DESC LIMIT 1) AS stay ON true
        """,
        [*columns(keys), lows],
    )
    stored: dict[tuple[int, str], dict[Interval, tuple[int, int | None, str | None]]] = defaultdict(dict)
    for badge_id, venue_id, from_ms, to_ms, visit_id, since_ms, zone_id in cursor:
        stored[badge_id, venue_id][from_ms, to_ms] = (visit_id, since_ms, zone_id)
    touched: list[Touched] = []
    gone: list[int] = []
    for (badge_id, venue_id), (portion, new) in old.items():
        found, gap_ms = stored[badge_id, venue_id], venues[venue_id].join_gap_ms
        at_venue = memory.at(venue_id, portion.waiting.shard)
        visits = joining.join([*found, *new], gap_ms)
        for visit in visits:
            absorbed = {old_one: found[old_one] for old_one in found if visit[0] <= old_one[0] <= visit[1]}
            starts = [start for start, _ in new if visit[0] <= start <= visit[1]]
            if not absorbed:
                begun.append((portion, badge_id, visit))
                continue
            # The oldest row goes on; the others become part of it.
            (visit_id, since_ms, zone_id), *rest = sorted(absorbed.values(), key=lambda row: row[0])
            if list(absorbed) != [visit]:
                grown.append((visit_id, *visit, reach_of(visit[1], gap_ms)))
                gone += [row[0] for row in rest]
            present = None
            if visit == visits[-1]:
                known = at_venue.presents.get(badge_id)
                present = at_venue.presents[badge_id] = Present(visit_id, *visit)
                if known is not None:
                    present.spans = known.spans
                if len(absorbed) == 1 and zone_id is not None and since_ms is not None:
                    present.settle(zone_id, since_ms, memory.slot_ms)
            if starts:
                bridged_ms = max(start for start, _ in absorbed) if len(absorbed) > 1 or visit not in absorbed else 0
                touched.append(Touched(portion, badge_id, visit, present, min(starts), bridged_ms))
    if gone:
        cursor.execute("DELETE FROM visit WHERE id = ANY(%s)", (gone,))
    return touched


def _begin(
    cursor: psycopg.Cursor[Any],
    begun: Sequence[tuple[Portion, int, Interval]],
    memory: Memory,
    venues: dict[str, Venue],
) -> list[Touched]:
    if not begun:
        return []
    values = [
        (badge_id, portion.waiting.venue_id, *visit, reach_of(visit[1], venues[portion.waiting.venue_id].join_gap_ms))
        for portion, badge_id, visit in begun
    ]
    cursor.execute(
        """
        INSERT INTO visit (badge_id, venue_id, from_ms, to_ms, reach_ms)
        SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
        RETURNING badge_id, venue_id, from_ms, id
        """,
        columns(values),
    )
    ids = {(badge_id, venue_id, from_ms): visit_id for badge_id, venue_id, from_ms, visit_id in cursor}
    touched: list[Touched] = []
    for portion, badge_id, visit in begun:
        waiting = portion.waiting
        presents = memory.at(waiting.venue_id, waiting.shard).presents
        known = presents.get(badge_id)
        present = None
        if known is None or known.from_ms < visit[0]:
            present = presents[badge_id] = Present(ids[badge_id, waiting.venue_id, visit[0]], *visit)
            present.is_whole = True
            if known is not None:
                present.spans = known.spans
        gap_ms = venues[waiting.venue_id].join_gap_ms
        touched.append(Touched(portion, badge_id, visit, present, visit[0], 0, gap_ms))
    return touched


def record_spans(cursor: psycopg.Cursor[Any], portions: Iterable[Portion], memory: Memory, table: Table) -> None:
    """Writes the spans; the visits have been recorded before, so that every badge is remembered."""
    written: dict[tuple[int, int, int], int] = {}
    grown: dict[tuple[int, int, int], int] = {}  # of a row that grows twice the last counts
    old: dict[rows.Key, list[Interval]] = defaultdict(list)
    gap_ms = table.gap_ms
    remember: dict[tuple[int, int], Present] = {}
    for portion in portions:
        waiting = portion.waiting
        presents = memory.at(waiting.venue_id, waiting.shard).presents
        for badge_id in portion.badges:
            present = presents[badge_id]
            spans, pieces = present.spans, waiting.badges[badge_id]
            if len(pieces) > 1:
                pieces = sorted(pieces, key=itemgetter(FROM))
            for piece in pieces:
                placement_id, start, end = piece[PLACEMENT], piece[FROM], piece[TO]
                key = (badge_id, placement_id)
                for at in range(0, len(spans), 3):
                    if spans[at] == placement_id:
                        older = start < spans[at + 1]
                        break
                else:
                    at, older = -1, not present.is_whole or start < present.from_ms
                if older or key in old:
                    old[key].append((start, end))
                    remember[key] = present
                elif at < 0:
                    spans.extend((placement_id, start, end))
                    written[*key, start] = end
                elif start > spans[at + 2] + gap_ms:
                    spans[at + 1], spans[at + 2] = start, end
                    written[*key, start] = end
                elif end > spans[at + 2]:
                    spans[at + 2] = end
                    same = (*key, spans[at + 1])
                    (written if same in written else grown)[same] = end
    newest_rows, changed = table.take_old(cursor, old)
    for key, row in newest_rows.items():
        _remember_span(remember[key].spans, key[1], row)
    written |= {(*key, start): end for key, changes in changed.items() for start, end in changes}
    table.write(cursor, [(*one, end) for one, end in written.items()])
    table.grow(cursor, [(*one, end) for one, end in grown.items()])


def _remember_span(spans: Piece, placement_id: int, row: Interval) -> None:
    for at in range(0, len(spans), 3):
        if spans[at] == placement_id:
            spans[at + 1], spans[at + 2] = row
            return
    spans.extend((placement_id, *row))
