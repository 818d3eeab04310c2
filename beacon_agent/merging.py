"""Makes several windows one, and windows of an undated time aligned ones: pure functions of drafts.

What is merged says the same of presence: the merged window is shorter than any gap that readings are joined over later,
so that the readings in it would have been joined anyway.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from beacon_agent import wire
from beacon_agent.packing import Draft


class Row(NamedTuple):
    """What decides whether a spooled window may be merged with the next; ms by whatever dates it."""

    id: int
    era: int
    shard: int
    from_ms: int
    length_ms: int
    rev: int
    rssi_floor: int

    @property
    def to_ms(self) -> int:
        """Where it ends."""
        return self.from_ms + self.length_ms


class Slots:
    """Finds rows that fill a slot, oldest first: all listened to throughout, without a hole, of one era and config."""

    def __init__(self, length_ms: int) -> None:
        """length_ms: of a slot; slots begin at its multiples."""
        self._length_ms = length_ms
        self._open: list[Row] = []

    @property
    def first_open_id(self) -> int | None:
        """The first row of the slot that later rows may still fill."""
        return self._open[0].id if self._open else None

    def take(self, row: Row) -> list[Row]:
        """Takes the next row; returns those that fill a slot, once the last of them is there."""
        if not (self._open and _follows(self._open[-1], row)):
            self._open = []
        if not self._open and row.from_ms % self._length_ms:
            return []
        self._open.append(row)
        end_ms = self._open[0].from_ms + self._length_ms
        if row.to_ms < end_ms:
            return []
        found, self._open = self._open, []
        return found if row.to_ms == end_ms and len(found) > 1 else []


def _follows(before: Row, row: Row) -> bool:
    alike = (row.era, row.shard, row.rev, row.rssi_floor) == (before.era, before.shard, before.rev, before.rssi_floor)
    return alike and row.from_ms == before.to_ms


def merge(drafts: Sequence[Draft]) -> Draft:
    """One draft of windows that follow each other without a hole and were listened to throughout."""
    first, last = drafts[0], drafts[-1]
    readings = combine(
        (_move(reading, draft.from_ms - first.from_ms) for draft in drafts for reading in draft.readings),
        first.rssi_floor,
    )
    return first._replace(to_ms=last.to_ms, readings=readings)


def combine(readings: Iterable[wire.Reading], rssi_floor: int) -> tuple[wire.Reading, ...]:
    """One reading of each identity, or two: what was below the floor (dBm) makes no visit, so it is kept apart."""
    found: dict[tuple[bytes, bool], wire.Reading] = {}
    for reading in readings:
        key = (reading.identity, reading.rssi_max >= rssi_floor)
        other = found.get(key)
        found[key] = reading if other is None else _join(other, reading)
    return tuple(found[key] for key in sorted(found))


def _join(one: wire.Reading, other: wire.Reading) -> wire.Reading:
    count = one.count + other.count
    rssi_max = max(one.rssi_max, other.rssi_max)
    mean = round((one.rssi_mean * one.count + other.rssi_mean * other.count) / count, 1)
    return wire.Reading(
        one.identity,
        min(one.first_ms, other.first_ms),
        max(one.last_ms, other.last_ms),
        min(count, wire.MAX_COUNT),
        min(mean, rssi_max),
        rssi_max,
        one.power if one.count >= other.count else other.power,
    )


def _move(reading: wire.Reading, by_ms: int) -> wire.Reading:
    return reading._replace(first_ms=reading.first_ms + by_ms, last_ms=reading.last_ms + by_ms)


# --- from an undated time to a dated one ---------------------------------------------------------------------------


class _Piece(NamedTuple):
    slot_ms: int
    from_ms: int
    to_ms: int
    draft: Draft  # its readings are those of the piece, from the slot's beginning on


def align(drafts: Iterable[Draft], shift_ms: int) -> Iterator[list[Draft]]:
    """Dates windows: for each, the aligned windows that it completes or, at a hole, those that remain incomplete.

    drafts: oldest first, by a time to which shift_ms is added. A window that lies across a multiple of its length goes
    to both sides, readings included. An aligned window is `ok` only if it was listened to throughout; one that is only
    partly there is `off`. The last list, after the last draft, holds what remains open.
    """
    waiting: list[_Piece] = []
    for draft in drafts:
        done: list[Draft] = []
        for piece in _pieces(draft, shift_ms):
            if waiting and not _continues(waiting[-1], piece):
                done.append(_close(waiting))
                waiting = []
            waiting.append(piece)
            if piece.to_ms == piece.slot_ms + draft.length_ms:
                done.append(_close(waiting))
                waiting = []
        yield done
    yield [_close(waiting)] if waiting else []


def _pieces(draft: Draft, shift_ms: int) -> Iterator[_Piece]:
    length_ms = draft.length_ms
    from_ms, to_ms = draft.from_ms + shift_ms, draft.to_ms + shift_ms
    edge_ms = from_ms - from_ms % length_ms + length_ms
    slot_ms = edge_ms - length_ms
    if edge_ms >= to_ms:
        yield _Piece(slot_ms, from_ms, to_ms, _move_all(draft, draft.readings, from_ms - slot_ms))
        return
    parts = [_divide(reading, edge_ms - from_ms) for reading in draft.readings]
    before = tuple(left for left, _ in parts if left)
    after = tuple(right for _, right in parts if right)
    yield _Piece(slot_ms, from_ms, edge_ms, _move_all(draft, before, from_ms - slot_ms))
    yield _Piece(edge_ms, edge_ms, to_ms, _move_all(draft, after, from_ms - edge_ms))


def _move_all(draft: Draft, readings: tuple[wire.Reading, ...], by_ms: int) -> Draft:
    return draft._replace(readings=tuple(_move(reading, by_ms) for reading in readings))


def _divide(reading: wire.Reading, edge_ms: int) -> tuple[wire.Reading | None, wire.Reading | None]:
    """The parts of a reading before an edge and from it on; both together hold its time and its count."""
    first_ms, last_ms, count = reading.first_ms, reading.last_ms, reading.count
    if last_ms < edge_ms:
        return reading, None
    if first_ms >= edge_ms:
        return None, reading
    share = round(count * (edge_ms - first_ms) / (last_ms - first_ms))
    early = max(1, min(share, count - 1))
    return reading._replace(last_ms=edge_ms, count=early), reading._replace(
        first_ms=edge_ms, count=max(1, count - early)
    )


def _continues(before: _Piece, piece: _Piece) -> bool:
    one, other = before.draft, piece.draft
    alike = (one.shard, one.rev, one.rssi_floor, one.length_ms) == (
        other.shard,
        other.rev,
        other.rssi_floor,
        other.length_ms,
    )
    return alike and piece.slot_ms == before.slot_ms and piece.from_ms == before.to_ms


def _close(pieces: Sequence[_Piece]) -> Draft:
    first = pieces[0]
    draft, slot_ms = first.draft, first.slot_ms
    whole = pieces[-1].to_ms - first.from_ms == draft.length_ms
    radios = {piece.draft.radio for piece in pieces}
    worst = next(radio for radio in (wire.Radio.OFF, wire.Radio.DEAF, wire.Radio.OK) if radio in radios)
    readings = itertools.chain.from_iterable(piece.draft.readings for piece in pieces)
    return draft._replace(
        from_ms=slot_ms,
        to_ms=slot_ms + draft.length_ms,
        radio=worst if whole or worst is not wire.Radio.OK else wire.Radio.OFF,
        readings=combine(readings, draft.rssi_floor),
    )
