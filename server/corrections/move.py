"""Moves what was heard along with placements that were cut: spans and coverage at the moment, the trace at the slot."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from server import times
from server.fleet.placements import Piece, Replaced
from server.presence import trace
from server.presence.joining import Interval

EVER_MS = 1 << 62


class Rows(NamedTuple):
    """A table of intervals at placements. columns: those beside placement_id, from_ms, to_ms.

    closed: an interval holds its last moment, so that it is cut to the millisecond before; else it is cut at it.
    """

    table: str
    columns: str
    closed: bool


INTERVALS = (
    Rows("span", "badge_id", True),
    Rows("beacon_span", "beacon_agent_id", True),
    Rows("coverage", "agent_id", False),
)


def time_of(piece: Piece) -> Interval:
    """The moments (ms) of a piece, closed."""
    return (
        0 if piece.since is None else times.to_ms(piece.since),
        EVER_MS if piece.until is None else times.to_ms(piece.until) - 1,
    )


def move_rows(session: Session, replaced: Replaced, slot_ms: int) -> None:
    """Gives each piece of a placement what was heard in its time."""
    others = [piece for piece in replaced.pieces if piece.placement_id != replaced.placement_id]
    if not others:
        return
    own = next(piece for piece in replaced.pieces if piece.placement_id == replaced.placement_id)
    for rows in INTERVALS:
        for piece in others:
            _copy(session, rows, replaced.placement_id, piece.placement_id, _bounds(rows, piece))
        _keep(session, rows, replaced.placement_id, _bounds(rows, own))
    _move_trace(session, replaced.placement_id, [(piece.placement_id, time_of(piece)) for piece in others], slot_ms)
    _keep_trace(session, replaced.placement_id, time_of(own), slot_ms)


def _bounds(rows: Rows, piece: Piece) -> Interval:
    low, high = time_of(piece)
    return low, high if rows.closed or high == EVER_MS else high + 1


def _copy(session: Session, rows: Rows, old_id: int, new_id: int, time: Interval) -> None:
    touch = "to_ms >= :low AND from_ms <= :high" if rows.closed else "to_ms > :low AND from_ms < :high"
    session.execute(
        text(
            f"INSERT INTO {rows.table} ({rows.columns}, placement_id, from_ms, to_ms)"  # noqa: S608 -- names of ours
            f" SELECT {rows.columns}, :new, greatest(from_ms, :low), least(to_ms, :high)"
            f" FROM {rows.table} WHERE placement_id = :old AND {touch}"
        ),
        {"old": old_id, "new": new_id, "low": time[0], "high": time[1]},
    )


def _keep(session: Session, rows: Rows, placement_id: int, time: Interval) -> None:
    outside = "to_ms < :low OR from_ms > :high" if rows.closed else "to_ms <= :low OR from_ms >= :high"
    given = {"id": placement_id, "low": time[0], "high": time[1]}
    session.execute(
        text(f"DELETE FROM {rows.table} WHERE placement_id = :id AND ({outside})"),  # noqa: S608 -- names of ours
        given,
    )
    session.execute(
        text(
            f"UPDATE {rows.table} SET from_ms = greatest(from_ms, :low), to_ms = least(to_ms, :high)"  # noqa: S608
            " WHERE placement_id = :id AND (from_ms < :low OR to_ms > :high)"
        ),
        given,
    )


def _move_trace(session: Session, old_id: int, pieces: Iterable[tuple[int, Interval]], slot_ms: int) -> None:
    for new_id, (low, high) in pieces:
        first, last = trace.block_of(low + trace.BLOCK_MS - 1), trace.block_of(high + 1)
        for block_ms, peaks, arrived_at in _blocks(session, old_id, _edges(low, high)):
            cut = _cut(peaks, block_ms, (low, high), slot_ms)
            if cut and not first <= block_ms < last:
                session.execute(
                    text(
                        "INSERT INTO trace (placement_id, block_ms, peaks, arrived_at) VALUES (:id, :at, :peaks, :came)"
                    ),
                    {"id": new_id, "at": block_ms, "peaks": cut, "came": arrived_at},
                )
        session.execute(
            text(
                "UPDATE trace SET placement_id = :new"
                " WHERE placement_id = :old AND block_ms >= :first AND block_ms < :last"
            ),
            {"new": new_id, "old": old_id, "first": first, "last": last},
        )


def _keep_trace(session: Session, placement_id: int, time: Interval, slot_ms: int) -> None:
    session.execute(
        text("DELETE FROM trace WHERE placement_id = :id AND (block_ms < :first OR block_ms > :high)"),
        {"id": placement_id, "first": trace.block_of(time[0]), "high": time[1]},
    )
    for block_ms, peaks, _ in _blocks(session, placement_id, _edges(*time)):
        session.execute(
            text("UPDATE trace SET peaks = :peaks WHERE placement_id = :id AND block_ms = :at"),
            {"id": placement_id, "at": block_ms, "peaks": _cut(peaks, block_ms, time, slot_ms)},
        )
    session.execute(text("DELETE FROM trace WHERE placement_id = :id AND peaks = ''"), {"id": placement_id})


def _edges(low: int, high: int) -> list[int]:
    """The blocks in which a time begins and ends; all between belong to it as they are."""
    return sorted({trace.block_of(low), trace.block_of(high)} if high < EVER_MS else {trace.block_of(low)})


def _blocks(session: Session, placement_id: int, blocks: list[int]) -> list[tuple[int, bytes, object]]:
    rows = session.execute(
        text("SELECT block_ms, peaks, arrived_at FROM trace WHERE placement_id = :id AND block_ms = ANY(:blocks)"),
        {"id": placement_id, "blocks": blocks},
    )
    return [(row.block_ms, bytes(row.peaks), row.arrived_at) for row in rows]


def _cut(block: bytes, block_ms: int, time: Interval, slot_ms: int) -> bytes:
    """A block with silence in the slots that do not touch the time; a slot that it cuts belongs to both sides."""
    slots = trace.BLOCK_MS // slot_ms
    kept = [block_ms + slot * slot_ms <= time[1] and block_ms + (slot + 1) * slot_ms > time[0] for slot in range(slots)]
    silent = trace.SILENT & 0xFF
    cut = {
        badge_id: bytes(peak if keep else silent for peak, keep in zip(peaks, kept, strict=True))
        for badge_id, peaks in trace.unpack(block, slots).items()
    }
    return trace.pack({badge_id: peaks for badge_id, peaks in cut.items() if any(peak != silent for peak in peaks)})
