"""Makes visits and stays what the spans and the trace say, after some of these went to another zone or venue."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Presence
from server.presence import forgetting, joining, trace
from server.presence.joining import Interval, Stay, Trace
from server.presence.model import reach_of
from server.presence.trace import Forgotten

# How loud a badge counts in every slot of its spans where the trace is gone: the same for all zones, so that a badge
# stays where it was for as long as it was heard there.
EQUAL_DBM = -60
ALL = Forgotten([(0, 1 << 62)])


class _Old(NamedTuple):
    """What the tables say of a badge at the venue, around the time in which something changed."""

    visits: dict[Interval, int]
    stays: list[Stay]
    spans: list[tuple[str, Interval]]  # zone, time


def rebuild(session: Session, venue_id: str, changed: Mapping[int, Interval], rule: Presence) -> None:
    """Writes the visits and stays of these badges at a venue anew where they depend on a time that changed.

    changed: badge -> the first and the last moment (ms) of what came or went. Behind the fence of the venue. Reads and
    writes with a few statements, whatever the number of badges.
    """
    if not changed:
        return
    gap_ms = _join_gap_ms(session, venue_id)
    known = _load(session, venue_id, changed, gap_ms)
    visits = {badge_id: joining.join([time for _, time in old.spans], gap_ms) for badge_id, old in known.items()}
    _write_visits(session, venue_id, gap_ms, known, visits)
    traces = _Traces(session, venue_id, rule, known, visits, changed)
    gone: list[tuple[int, int]] = []
    written: list[tuple[int, int, str]] = []
    for badge_id, old in known.items():
        heard = traces.of(badge_id)
        found: list[Stay] = []
        for visit in visits[badge_id]:
            told = _restay(visit, changed[badge_id], old.stays, heard, rule, traces.forgotten)
            # What came too late for the trace: the spans alone tell of it.
            found += told or joining.stays(visit, traces.equal(badge_id), rule, visit[0])
        before, after = set(old.stays), set(found)
        gone += [(badge_id, stay.from_ms) for stay in before - after]
        written += [(badge_id, stay.from_ms, stay.zone_id) for stay in after - before]
    _write_stays(session, venue_id, gone, written)


def _restay(
    visit: Interval,
    changed: Interval,
    stored: Iterable[Stay],
    heard: Trace,
    rule: Presence,
    forgotten: Forgotten,
) -> list[Stay]:
    """All stays of a visit: as they are before the change, as the trace tells, as they are once it is gone again."""
    start_ms = max(visit[0], changed[0]) // heard.slot_ms * heard.slot_ms
    known = sorted(stay for stay in stored if visit[0] <= stay.from_ms <= visit[1])
    mine = [stay for stay in known if stay.from_ms < start_ms]
    before = joining.in_force(mine, start_ms)
    gone_ms = forgotten.next_after(max(visit[0], changed[1]))
    told = visit if gone_ms is None else (visit[0], min(visit[1], gone_ms - 1))
    found = [*mine[:-1], *joining.stays(told, heard, rule, start_ms if mine else visit[0], before)]
    if found and told != visit:
        joining.carry_on(found, known, told[1] + 1, visit[1] + 1)
    return found


def _join_gap_ms(session: Session, venue_id: str) -> int:
    join_gap_s: int = session.execute(
        text("SELECT join_gap_s FROM venue WHERE id = :id"), {"id": venue_id}
    ).scalar_one()
    return join_gap_s * 1000


_VISITS = text("""
    SELECT visit.badge_id, visit.id, visit.from_ms, visit.to_ms
    FROM unnest(:badges ::bigint[], :lows ::bigint[], :highs ::bigint[]) AS changed (badge_id, low, high)
    JOIN visit ON visit.badge_id = changed.badge_id AND visit.venue_id = :venue
         AND int8range(visit.from_ms, visit.reach_ms, '[]') && int8range(changed.low, changed.high, '[]')
""")

_STAYS = text("""
    SELECT stay.badge_id, stay.from_ms, stay.zone_id
    FROM unnest(:badges ::bigint[], :lows ::bigint[], :highs ::bigint[]) AS changed (badge_id, low, high)
    JOIN stay ON stay.badge_id = changed.badge_id AND stay.venue_id = :venue
         AND stay.from_ms BETWEEN changed.low AND changed.high
""")

_SPANS = text("""
    SELECT span.badge_id, placement.zone_id, span.from_ms, span.to_ms
    FROM unnest(:badges ::bigint[], :lows ::bigint[], :highs ::bigint[]) AS changed (badge_id, low, high)
    JOIN placement ON placement.venue_id = :venue
    JOIN span ON span.badge_id = changed.badge_id AND span.placement_id = placement.id
         AND span.to_ms >= changed.low AND span.from_ms <= changed.high
""")


def _load(session: Session, venue_id: str, changed: Mapping[int, Interval], gap_ms: int) -> dict[int, _Old]:
    """Each badge's rows around its change: the visits that it may tear or join, and all that belongs to them."""
    known = {badge_id: _Old({}, [], []) for badge_id in changed}
    around = {badge_id: (low - gap_ms, high + gap_ms) for badge_id, (low, high) in changed.items()}
    for badge_id, visit_id, from_ms, to_ms in session.execute(_VISITS, _asked(venue_id, around)):
        known[badge_id].visits[from_ms, to_ms] = visit_id
    # From here on exactly the visits found and the change: what is nearer than a join gap to them is one of them.
    hulls = {
        badge_id: (
            min(low, *(start for start, _ in known[badge_id].visits), low),
            max(high, *(end for _, end in known[badge_id].visits), high),
        )
        for badge_id, (low, high) in changed.items()
    }
    for badge_id, from_ms, zone_id in session.execute(_STAYS, _asked(venue_id, hulls)):
        known[badge_id].stays.append(Stay(from_ms, zone_id))
    for badge_id, zone_id, from_ms, to_ms in session.execute(_SPANS, _asked(venue_id, hulls)):
        known[badge_id].spans.append((zone_id, (from_ms, to_ms)))
    return known


def _asked(venue_id: str, times: Mapping[int, Interval]) -> dict[str, Any]:
    return {
        "venue": venue_id,
        "badges": list(times),
        "lows": [low for low, _ in times.values()],
        "highs": [high for _, high in times.values()],
    }


def _write_visits(
    session: Session, venue_id: str, gap_ms: int, known: Mapping[int, _Old], visits: Mapping[int, Sequence[Interval]]
) -> None:
    gone: list[int] = []
    grown: list[tuple[int, int, int, int]] = []
    begun: list[tuple[int, int, int, int]] = []
    for badge_id, old in known.items():
        left = {visit: visit_id for visit, visit_id in old.visits.items() if visit not in visits[badge_id]}
        for visit in visits[badge_id]:
            if visit in old.visits:
                continue
            reach_ms = reach_of(visit[1], gap_ms)
            # The row of a visit that overlaps it goes on, the oldest of several.
            heirs = sorted((row, span) for span, row in left.items() if span[0] <= visit[1] and visit[0] <= span[1])
            if heirs:
                del left[heirs[0][1]]
                grown.append((heirs[0][0], *visit, reach_ms))
            else:
                begun.append((badge_id, *visit, reach_ms))
        gone += left.values()
    # All of them first: what one visit grows into may be what another one gives up.
    gone += [visit_id for visit_id, *_ in grown]
    if gone:
        session.execute(text("DELETE FROM visit WHERE id = ANY(:ids)"), {"ids": gone})
    rows: list[tuple[int | None, ...]] = [(None, *new) for new in begun]
    owner = {visit_id: badge_id for badge_id, old in known.items() for visit_id in old.visits.values()}
    rows += [(visit_id, owner[visit_id], *rest) for visit_id, *rest in grown]
    if rows:
        columns = dict(
            zip(("ids", "badges", "froms", "tos", "reaches"), map(list, zip(*rows, strict=True)), strict=True)
        )
        session.execute(
            text("""
                INSERT INTO visit (id, badge_id, venue_id, from_ms, to_ms, reach_ms)
                SELECT coalesce(id, nextval(pg_get_serial_sequence('visit', 'id'))), badge_id, :venue, from_ms, to_ms,
                       reach_ms
                FROM unnest(:ids ::bigint[], :badges ::bigint[], :froms ::bigint[], :tos ::bigint[],
                            :reaches ::bigint[]) AS new (id, badge_id, from_ms, to_ms, reach_ms)
            """),
            {"venue": venue_id, **columns},
        )


def _write_stays(
    session: Session, venue_id: str, gone: Sequence[tuple[int, int]], written: Sequence[tuple[int, int, str]]
) -> None:
    if gone:
        session.execute(
            text("""
                DELETE FROM stay USING unnest(:badges ::bigint[], :froms ::bigint[]) AS old (badge_id, from_ms)
                WHERE stay.badge_id = old.badge_id AND stay.venue_id = :venue AND stay.from_ms = old.from_ms
            """),
            {"venue": venue_id, "badges": [row[0] for row in gone], "froms": [row[1] for row in gone]},
        )
    if written:
        session.execute(
            text("""
                INSERT INTO stay (badge_id, venue_id, from_ms, zone_id)
                SELECT badge_id, :venue, from_ms, zone_id
                FROM unnest(:badges ::bigint[], :froms ::bigint[], :zones ::text[]) AS new (badge_id, from_ms, zone_id)
            """),
            {
                "venue": venue_id,
                "badges": [row[0] for row in written],
                "froms": [row[1] for row in written],
                "zones": [row[2] for row in written],
            },
        )


class _Traces:
    """How loud these badges were at the venue: as the trace tells, and where it is gone equally loud in all spans."""

    def __init__(
        self,
        session: Session,
        venue_id: str,
        rule: Presence,
        known: Mapping[int, _Old],
        visits: Mapping[int, Sequence[Interval]],
        changed: Mapping[int, Interval],
    ) -> None:
        self._slot_ms = rule.slot_s * 1000
        self._known = known
        self.forgotten = forgetting.read(session, [venue_id])[venue_id]
        self._blocks: dict[int, list[tuple[str, int, bytes]]] = defaultdict(list)
        back_ms = joining.memory_slots(rule) * self._slot_ms
        lows = [max(start, changed[badge][0]) for badge, found in visits.items() for start, _ in found]
        highs = [end for found in visits.values() for _, end in found]
        if lows:
            self._read(session, venue_id, min(lows) - back_ms, max(highs))

    def _read(self, session: Session, venue_id: str, low: int, high: int) -> None:
        rows = session.execute(
            text("""
                SELECT placement.zone_id, trace.block_ms, trace.peaks
                FROM placement JOIN trace ON trace.placement_id = placement.id
                WHERE placement.venue_id = :venue AND trace.block_ms BETWEEN :low AND :high
            """),
            {"venue": venue_id, "low": trace.block_of(low), "high": high},
        )
        slots = trace.BLOCK_MS // self._slot_ms
        for zone_id, block_ms, peaks in rows:
            if block_ms in self.forgotten:
                continue
            for badge_id, heard in trace.unpack(bytes(peaks), slots).items():
                if badge_id in self._known:
                    self._blocks[badge_id].append((zone_id, block_ms, heard))

    def of(self, badge_id: int) -> Trace:
        """One badge's trace."""
        found = Trace(self._slot_ms)
        for zone_id, block_ms, heard in self._blocks[badge_id]:
            found.read_slots(zone_id, block_ms, heard)
        self._hear_spans(found, badge_id, self.forgotten)
        return found

    def equal(self, badge_id: int) -> Trace:
        """The same as if nothing of the trace were left."""
        found = Trace(self._slot_ms)
        self._hear_spans(found, badge_id, ALL)
        return found

    def _hear_spans(self, heard: Trace, badge_id: int, times: Forgotten) -> None:
        for zone_id, (start, end) in self._known[badge_id].spans:
            for slot in joining.slots_of(start, end, self._slot_ms):
                if slot * self._slot_ms in times:
                    heard.hear(zone_id, slot, EQUAL_DBM)
