"""Keeps the spool small and dated, a little at a time: each function works within a transaction of its caller."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from beacon_agent import merging, packing, wire
from beacon_agent.clock import Dating
from beacon_agent.merging import Row, Slots
from beacon_agent.packing import Draft

_Unpacked = TypeVar("_Unpacked")

DATED_AT_ONCE = 100  # windows per transaction: 0.1 s on a Pi with 100 badges, and 50 times as fast as new ones come
LOOKED_AT_ONCE = (
    200  # rows looked at for merging per transaction: more than the longest slot holds of the shortest windows
)
MERGED_AT_ONCE = 4  # windows made per transaction: several times as fast as new ones come, and 0.02 s on a Pi
DROPPED_AT_ONCE = 8  # rows; a page is free only when all in it are gone


class Outcome(NamedTuple):
    """Row ids that became ready to be published, and that are gone."""

    added: list[int]
    gone: list[int]


def insert(connection: sqlite3.Connection, row_id: int, era: int, draft: Draft) -> None:
    """Writes a window that was never published."""
    connection.execute(
        "INSERT INTO spooled VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?)",
        (row_id, era, *_columns(draft), packing.pack(draft.readings)),
    )


def _columns(draft: Draft) -> tuple[int, ...]:
    return (
        draft.shard,
        draft.from_ms,
        draft.length_ms,
        packing.RADIOS.index(draft.radio),
        draft.rev,
        draft.rssi_floor,
    )


def read(connection: sqlite3.Connection, row_id: int) -> Draft:
    """Reads a window that was never published."""
    shard, from_ms, length_ms, radio, rev, floor, packed = connection.execute(
        "SELECT shard, from_ms, length_ms, radio, rev, rssi_floor, packed FROM spooled WHERE id = ?", (row_id,)
    ).fetchone()
    readings = unpack(packing.unpack, packed)
    return Draft(shard, from_ms, from_ms + length_ms, packing.RADIOS[radio], rev, floor, readings)


def unpack(how: Callable[[bytes], _Unpacked], packed: bytes) -> _Unpacked:
    """Unpacks; what was not packed here makes the whole file a corrupt one."""
    try:
        return how(packed)
    except ValueError as error:
        raise sqlite3.DatabaseError(str(error)) from None


def delete(connection: sqlite3.Connection, row_ids: Iterable[int]) -> None:
    """Removes rows."""
    connection.executemany("DELETE FROM spooled WHERE id = ?", [(row_id,) for row_id in row_ids])


# --- eras ----------------------------------------------------------------------------------------------------------


def find_era(connection: sqlite3.Connection, dating: Dating) -> int:
    """The era of windows dated so; a new one with an anchor dates all that its kernel's boot has left undated."""
    found = connection.execute(
        "SELECT id FROM era WHERE kernel = ? AND anchor_ms IS ? AND clock = ? AND dated_as IS NULL", dating
    ).fetchone()
    if found:
        return int(found[0])
    era = connection.execute("INSERT INTO era (kernel, anchor_ms, clock) VALUES (?, ?, ?)", dating).lastrowid or 0
    if dating.anchor_ms is not None:
        connection.execute(
            "UPDATE era SET dated_as = ? WHERE kernel = ? AND anchor_ms IS NULL AND dated_as IS NULL",
            (era, dating.kernel),
        )
    return era


def find_dating(connection: sqlite3.Connection, kernel: str) -> Dating | None:
    """What dated the newest windows of this kernel's boot, if they had an anchor."""
    row = connection.execute(
        "SELECT kernel, anchor_ms, clock FROM era WHERE kernel = ? AND anchor_ms IS NOT NULL ORDER BY id DESC",
        (kernel,),
    ).fetchone()
    return Dating(row[0], row[1], wire.Clock(row[2])) if row else None


def forget_eras(connection: sqlite3.Connection, kernel: str) -> None:
    """Removes the eras of earlier boots of the kernel that have no windows any more."""
    connection.execute(
        """
        DELETE FROM era WHERE kernel <> ? AND id NOT IN (SELECT era FROM spooled)
        AND id NOT IN (SELECT dated_as FROM era WHERE dated_as IS NOT NULL)
        """,
        (kernel,),
    )


def date(connection: sqlite3.Connection, new_id: Callable[[], int]) -> Outcome:
    """Dates the oldest windows that have an anchor by now: readings and listening move into aligned windows."""
    era = connection.execute(
        """
        SELECT era.id, dated.id, dated.anchor_ms, era.done_until_ms FROM era
        JOIN era AS dated ON dated.id = era.dated_as ORDER BY era.id LIMIT 1
        """
    ).fetchone()
    if era is None:
        return Outcome([], [])
    era_id, dated_id, anchor_ms, done_until_ms = era
    ids = [
        row_id
        for (row_id,) in connection.execute(
            "SELECT id FROM spooled WHERE era = ? ORDER BY id LIMIT ?", (era_id, DATED_AT_ONCE + 1)
        )
    ]
    drafts = [read(connection, row_id) for row_id in ids]
    is_last = len(ids) <= DATED_AT_ONCE
    made = list(merging.align(drafts, anchor_ms))
    # Without the rest of its last window nothing can be told: it stays, and is divided once more the next time.
    made = made if is_last else made[: len(ids)]
    gone = ids if is_last else ids[:-1]
    dated = [part for done in made for draft in done if draft.from_ms >= done_until_ms for part in packing.cut(draft)]
    delete(connection, gone)
    spare = gone[-len(dated) :] if dated else []
    added = [new_id() for _ in range(len(dated) - len(spare))] + spare
    for row_id, draft in zip(added, dated, strict=True):
        insert(connection, row_id, dated_id, draft)
    if is_last:
        connection.execute("DELETE FROM era WHERE id = ?", (era_id,))
    elif dated:
        connection.execute("UPDATE era SET done_until_ms = ? WHERE id = ?", (dated[-1].to_ms, era_id))
    return Outcome(added, sorted(set(gone) - set(added)))


# --- merging -------------------------------------------------------------------------------------------------------


def merge(connection: sqlite3.Connection, length_ms: int, after_id: int) -> tuple[Outcome, int]:
    """Merges the oldest windows after a row that fill whole slots of this length; returns after which to go on.

    A merged window takes the place of its newest one. What was published, or not listened to throughout, stays.
    """
    rows = connection.execute(
        """
        SELECT spooled.id, era, shard, from_ms, length_ms, rev, rssi_floor FROM spooled
        JOIN era ON era.id = spooled.era AND era.dated_as IS NULL
        WHERE spooled.id > ? AND boot IS NULL AND radio = 0 AND length_ms < ? ORDER BY spooled.id LIMIT ?
        """,
        (after_id, length_ms, LOOKED_AT_ONCE),
    ).fetchall()
    slots, made = Slots(length_ms), 0
    gone: list[int] = []
    for row in rows:
        found = slots.take(Row(*row))
        after_id = (slots.first_open_id or row[0] + 1) - 1
        if found and (vanished := _merge(connection, found)):
            gone += vanished
            made += 1
            if made == MERGED_AT_ONCE:
                break
    return Outcome([], gone), after_id


def _merge(connection: sqlite3.Connection, rows: Sequence[Row]) -> list[int]:
    merged = merging.merge([read(connection, row.id) for row in rows])
    if len(merged.readings) > packing.MOST_READINGS:
        return []
    *vanished, last = (row.id for row in rows)
    delete(connection, [*vanished, last])
    insert(connection, last, rows[-1].era, merged)
    return vanished


# --- dropping ------------------------------------------------------------------------------------------------------


def drop_over(connection: sqlite3.Connection, is_over: Callable[[], bool], before_id: int) -> list[int]:
    """Removes the oldest rows before one until it is no longer over the bound; returns their ids."""
    dropped: list[int] = []
    while is_over():
        rows = connection.execute(
            "SELECT id FROM spooled WHERE id < ? ORDER BY id LIMIT ?", (before_id, DROPPED_AT_ONCE)
        ).fetchall()
        if not rows:
            break
        delete(connection, [row_id for (row_id,) in rows])
        dropped += [row_id for (row_id,) in rows]
    return dropped


def drop_older(connection: sqlite3.Connection, dating: Dating, before_ms: int) -> list[int]:
    """Removes the oldest rows that ended before then, as far as their time can be compared; returns their ids."""
    dropped: list[int] = []
    for row_id, to_ms, kernel, is_dated in connection.execute(
        """
        SELECT spooled.id, from_ms + length_ms, coalesce(kernel, ''), kernel IS NULL OR anchor_ms IS NOT NULL
        FROM spooled LEFT JOIN era ON era.id = spooled.era ORDER BY spooled.id LIMIT ?
        """,
        (DATED_AT_ONCE,),
    ).fetchall():
        if is_dated != (dating.anchor_ms is not None) or (not is_dated and kernel != dating.kernel):
            continue
        if to_ms >= before_ms:
            break
        dropped.append(row_id)
    delete(connection, dropped)
    return dropped
