"""Records where in a venue badges were: the trace of loudness, and the stays that it tells."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import psycopg
from sqlalchemy.orm import Session

from config.settings import Presence
from gateway.memory import NEVER_MS, Memory
from gateway.rows import columns
from gateway.visits import Touched
from gateway.waiting import PLACEMENT, Piece, Portion, Waiting, first_slot, known_zone, peaks_of
from server.presence import forgetting, joining, trace
from server.presence.joining import Interval, Stay, Trace
from server.presence.trace import SILENT, Forgotten

FORWARD_MS = 2 * trace.BLOCK_MS  # read beyond what changed, within which stays nearly always are again as they were
NOTHING = Forgotten()


class StayChanges(NamedTuple):
    """The stays of one visit from a moment on: what replaces what."""

    gone: list[int]
    written: list[Stay]
    found: list[Stay]  # all from the first that may have changed to the visit's end
    settled: bool  # False: it would go on changing beyond the trace that was given


def restay(
    visit: Interval,
    changed: Interval,
    stored: Iterable[Stay],
    heard: Trace,
    rule: Presence,
    until_ms: int = NEVER_MS,
    forgotten: Forgotten = NOTHING,
) -> StayChanges:
    """Computes the stays of a visit again from the first change on, until they are as they were.

    changed: the first and the last moment of what is new. stored: the visit's stays as they are. heard: the trace from
    joining.memory_slots before the first change to until_ms, the new included. In forgotten times the stays stay.
    """
    slot_ms = heard.slot_ms
    start_ms = changed[0] // slot_ms * slot_ms
    mine = sorted(stay for stay in stored if visit[0] <= stay.from_ms <= visit[1])
    before = joining.in_force(mine, start_ms)
    free_slot = changed[1] // slot_ms + joining.memory_slots(rule)
    stopped_ms: int | None = None

    def settled(slot: int, zone_id: str) -> bool:
        nonlocal stopped_ms
        if slot > free_slot:
            old = joining.in_force(mine, slot * slot_ms + 1)
            if old is not None and old.zone_id == zone_id:
                stopped_ms = slot * slot_ms
                return True
        return False

    found = [] if before is None else [before]
    told_ms = start_ms
    for low_ms, high_ms in forgotten.whole(start_ms, visit[1] + 1):
        joining.carry_on(found, mine, told_ms, low_ms)
        last = found.pop() if found else None
        found += joining.stays((visit[0], high_ms - 1), heard, rule, low_ms, last, settled)
        told_ms = high_ms
        if stopped_ms is not None or changed[1] < high_ms:
            break
    later: list[Stay] = []
    if stopped_ms is not None:
        later = [stay for stay in mine if stay.from_ms > stopped_ms]
        found += later
    else:
        joining.carry_on(found, mine, told_ms, visit[1] + 1)
    replaced = {stay.from_ms: stay for stay in mine if (before is None or stay >= before) and stay not in later}
    kept = {stay.from_ms for stay in found}
    return StayChanges(
        [start for start in replaced if start not in kept],
        [stay for stay in found if stay not in later and replaced.get(stay.from_ms) != stay],
        found,
        stopped_ms is not None or until_ms >= told_ms - 1,
    )


class _Refold(NamedTuple):
    touched: Touched
    changed: Interval
    pieces: list[Piece]
    forgotten: Forgotten


def record_stays(
    cursor: psycopg.Cursor[Any], touched: Iterable[Touched], memory: Memory, rule: Presence
) -> dict[Touched, list[Stay]]:
    """Writes the stays of the visits whose zones may have changed; returns them, from the first that may have."""
    folds: list[_Refold] = []
    for entry in touched:
        if entry.refold_ms == NEVER_MS:
            continue
        waiting = entry.portion.waiting
        pieces = waiting.badges[entry.badge_id]
        if entry.present is not None and _stays_put(entry, pieces, rule):
            entry.present.refold_ms = NEVER_MS
            continue
        forgotten = _forgotten(memory, waiting)
        slot_ms = memory.slot_ms
        within = joining.slots_of(*entry.visit, slot_ms)
        # What came too late for the trace lets visits grow and nothing else: their stays are settled.
        slots = [slot for piece in pieces for slot, _ in _kept_peaks(piece, forgotten, slot_ms) if slot in within]
        if slots:
            start_ms = max(entry.refold_ms, min(slots) * slot_ms)
            last_ms = max(max(slots) * slot_ms, entry.bridged_ms)
            folds.append(_Refold(entry, (start_ms, last_ms), pieces, forgotten))
    results = dict(_fold(cursor, folds, memory, rule, FORWARD_MS))
    unsettled = [fold for fold in folds if not results[fold.touched].settled]
    if unsettled:
        results |= dict(_fold(cursor, unsettled, memory, rule, NEVER_MS))
    gone: list[tuple[int, str, int]] = []
    written: list[tuple[int, str, int, str]] = []
    for entry, changes in results.items():
        key = (entry.badge_id, entry.portion.waiting.venue_id)
        gone += [(*key, start) for start in changes.gone]
        written += [(*key, *stay) for stay in changes.written]
        if entry.present is not None and changes.found:
            newest = changes.found[-1]
            entry.present.settle(newest.zone_id, newest.from_ms, memory.slot_ms)
            entry.present.refold_ms = NEVER_MS
    if gone:
        cursor.execute(
            """
            DELETE FROM stay USING unnest(%s::bigint[], %s::text[], %s::bigint[]) AS old (badge_id, venue_id, from_ms)
            WHERE stay.badge_id = old.badge_id AND stay.venue_id = old.venue_id AND stay.from_ms = old.from_ms
            """,
            columns(gone),
        )
    if written:
        cursor.execute(
            """
            INSERT INTO stay (badge_id, venue_id, from_ms, zone_id)
            SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[])
            ON CONFLICT (badge_id, venue_id, from_ms) DO UPDATE SET zone_id = excluded.zone_id
            """,
            columns(written),
        )
    return {entry: changes.found for entry, changes in results.items()}


def _stays_put(entry: Touched, pieces: Sequence[Piece], rule: Presence) -> bool:
    """Whether no other zone can have taken over by what waits: beside each of its packets the badge's own zone was
    heard, and not fainter by the margin. Windows of several slots raise such doubts whenever another zone's come first.
    """
    present, placed = entry.present, entry.portion.waiting.placed
    if present is None or not present.zone_id or entry.bridged_ms or rule.lost_slots < rule.smooth_slots:
        return False
    own: dict[int, int] = {}
    others: list[Piece] = []
    for piece in pieces:
        if first_slot(piece) <= present.since_slot:
            return False  # its stay may begin otherwise
        if placed[piece[PLACEMENT]][1] != present.zone_id:
            others.append(piece)
        elif not own:
            own = dict(peaks_of(piece))
        else:
            own |= {slot: max(rssi, own.get(slot, rssi)) for slot, rssi in peaks_of(piece)}
    for piece in others:
        for slot, rssi in peaks_of(piece):
            if rssi >= own.get(slot, SILENT) + rule.switch_margin_db:
                return False
    return True


def _fold(
    cursor: psycopg.Cursor[Any], folds: Sequence[_Refold], memory: Memory, rule: Presence, forward_ms: int
) -> Iterable[tuple[Touched, StayChanges]]:
    if not folds:
        return
    back_ms = joining.memory_slots(rule) * memory.slot_ms
    # Of a visit that begins, after silence for long enough, nothing is stored: all that was heard of it waits.
    older = {fold.touched: fold for fold in folds if fold.touched.quiet_ms < back_ms + memory.slot_ms}
    stored = _read_stays(cursor, older)
    needed: dict[str, list[Interval]] = defaultdict(list)
    for fold in older.values():
        until_ms = min(fold.changed[1] + forward_ms, fold.touched.visit[1])
        needed[fold.touched.portion.waiting.venue_id].append((fold.changed[0] - back_ms, until_ms))
    blocks = _read_blocks(cursor, needed)
    slots = trace.BLOCK_MS // memory.slot_ms
    for fold in folds:
        entry, waiting = fold.touched, fold.touched.portion.waiting
        heard = Trace(memory.slot_ms)
        until_ms = min(fold.changed[1] + forward_ms, entry.visit[1])
        low_ms, high_ms = trace.block_of(fold.changed[0] - back_ms), until_ms
        for zone_id, block_ms, block in blocks[waiting.venue_id] if entry in older else ():
            if low_ms <= block_ms <= high_ms and (found := trace.slots_of(block, entry.badge_id, slots)):
                heard.read_slots(zone_id, block_ms, found)
        for piece in fold.pieces:
            heard.take(waiting.placed[piece[PLACEMENT]][1], _kept_peaks(piece, fold.forgotten, memory.slot_ms))
        changes = restay(
            entry.visit,
            fold.changed,
            stored[entry.badge_id, waiting.venue_id] if entry in older else (),
            heard,
            rule,
            fold.changed[1] + forward_ms,
            fold.forgotten,
        )
        if entry.present is not None and changes.found:
            zone_id = changes.found[-1].zone_id
            known_zone(
                entry.present, ((slot, zones[zone_id]) for slot, zones in heard.peaks.items() if zone_id in zones)
            )
        yield entry, changes


def _read_stays(cursor: psycopg.Cursor[Any], touched: Collection[Touched]) -> dict[tuple[int, str], list[Stay]]:
    stored: dict[tuple[int, str], list[Stay]] = defaultdict(list)
    if not touched:
        return stored
    cursor.execute(
        """
        SELECT stay.badge_id, stay.venue_id, stay.from_ms, stay.zone_id
        FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[]) AS new (badge_id, venue_id, low, high)
        JOIN stay ON stay.badge_id = new.badge_id AND stay.venue_id = new.venue_id
        AND stay.from_ms BETWEEN new.low AND new.high
        """,
        columns([(entry.badge_id, entry.portion.waiting.venue_id, *entry.visit) for entry in touched]),
    )
    for badge_id, venue_id, from_ms, zone_id in cursor:
        stored[badge_id, venue_id].append(Stay(from_ms, zone_id))
    return stored


def _read_blocks(
    cursor: psycopg.Cursor[Any], needed: dict[str, list[Interval]]
) -> dict[str, list[tuple[str, int, bytes]]]:
    """The blocks of these venues in these times, joined so that none is read twice."""
    blocks: dict[str, list[tuple[str, int, bytes]]] = defaultdict(list)
    if not needed:
        return blocks
    wanted = [
        (venue_id, trace.block_of(start), end)
        for venue_id, intervals in needed.items()
        for start, end in joining.join(intervals, trace.BLOCK_MS)
    ]
    cursor.execute(
        """
        SELECT new.venue_id, placement.zone_id, trace.block_ms, trace.peaks
        FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS new (venue_id, low, high)
        JOIN placement ON placement.venue_id = new.venue_id
        JOIN trace ON trace.placement_id = placement.id AND trace.block_ms BETWEEN new.low AND new.high
        """,
        columns(wanted),
    )
    for venue_id, zone_id, block_ms, peaks in cursor:
        blocks[venue_id].append((zone_id, block_ms, bytes(peaks)))
    return blocks


def read_forgotten(session: Session, portions: Iterable[Portion], memory: Memory) -> None:
    """Learns which times of these venues' traces are gone."""
    unknown = {
        portion.waiting.venue_id: at_venue
        for portion in portions
        if (at_venue := memory.at(portion.waiting.venue_id, portion.waiting.shard)).forgotten is None
    }
    if unknown:
        for venue_id, forgotten in forgetting.read(session, unknown).items():
            unknown[venue_id].forgotten = forgotten


def _forgotten(memory: Memory, waiting: Waiting) -> Forgotten:
    return memory.at(waiting.venue_id, waiting.shard).forgotten or NOTHING


def _kept_peaks(piece: Piece, forgotten: Forgotten, slot_ms: int) -> list[tuple[int, int]]:
    """The slots of a piece with their loudest packets, as far as the trace is whole there: nearly always all."""
    if first_slot(piece) * slot_ms >= forgotten.until_ms:
        return peaks_of(piece)
    return [(slot, rssi) for slot, rssi in peaks_of(piece) if slot * slot_ms not in forgotten]


def record_trace(cursor: psycopg.Cursor[Any], portions: Iterable[Portion], memory: Memory, now: dt.datetime) -> None:
    """Takes how loud badges were heard into the blocks, as far as they were not deleted already."""
    slot_ms = memory.slot_ms
    slots = trace.BLOCK_MS // slot_ms
    raised: dict[tuple[int, int], list[tuple[int, Sequence[tuple[int, int]]]]] = defaultdict(list)
    for portion in portions:
        waiting = portion.waiting
        forgotten = _forgotten(memory, waiting)
        for badge_id, pieces in waiting.badges.items():
            for piece in pieces:
                heard = _kept_peaks(piece, forgotten, slot_ms)
                for number in {slot // slots for slot, _ in heard}:
                    raised[piece[PLACEMENT], number * trace.BLOCK_MS].append((badge_id, heard))
    if not raised:
        return
    keys = list(raised)
    cursor.execute(
        """
        SELECT placement_id, block_ms, peaks FROM unnest(%s::bigint[], %s::bigint[]) AS new (placement_id, block_ms)
        JOIN trace USING (placement_id, block_ms)
        """,
        columns(keys),
    )
    stored = {(placement_id, block_ms): bytes(peaks) for placement_id, block_ms, peaks in cursor}
    written: list[tuple[int, int, bytes, dt.datetime]] = []
    for key, badges in raised.items():
        before = stored.get(key, b"")
        block = trace.unpack(before, slots)
        for badge_id, peaks in badges:
            block[badge_id] = trace.raise_peaks(block.get(badge_id), peaks, slots, key[1] // slot_ms)
        after = trace.pack(block)
        if after != before:
            written.append((*key, after, now))
    if written:
        cursor.execute(
            """
            INSERT INTO trace (placement_id, block_ms, peaks, arrived_at)
            SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[], %s::timestamptz[])
            ON CONFLICT (placement_id, block_ms) DO UPDATE SET peaks = excluded.peaks, arrived_at = excluded.arrived_at
            """,
            columns(written),
        )
