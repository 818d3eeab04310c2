"""Rows of intervals by key, joined over a gap: spans, coverage, and when an agent heard a fixed beacon.

Growing the newest row needs no reading when it is remembered; whatever else comes reads the rows that it touches.
"""

import struct
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.adapt import Dumper
from psycopg.pq import Format

from server.presence import joining
from server.presence.joining import Interval

Key = tuple[Any, ...]


class Changes(NamedTuple):
    """How stored intervals become joined ones: the keys (from_ms) to delete and the intervals to write."""

    gone: list[int]
    written: list[Interval]


def change(stored: Iterable[Interval], new: Iterable[Interval], gap_ms: int) -> Changes:
    """The fewest writes that make the stored intervals the join of both; a row is known by its from_ms."""
    before = dict(stored)
    after = joining.join([*before.items(), *new], gap_ms)
    kept = {start for start, _ in after}
    return Changes(
        [start for start in before if start not in kept],
        [(start, end) for start, end in after if before.get(start) != end],
    )


def grow(newest: Interval | None, new: Interval, gap_ms: int) -> Interval | None:
    """The newest row with an interval taken in, or the interval as a newer row; None: older rows must be read."""
    if newest is None or new[0] < newest[0]:
        return None
    if new[0] <= newest[1] + gap_ms:
        return newest[0], max(newest[1], new[1])
    return new


class Found(NamedTuple):
    """Intervals of one key, and where its newest row is remembered. extra: its other columns."""

    key: Key
    intervals: list[Interval]
    memory: dict[Key, Interval]
    extra: Key = ()


class Table:
    """A table of such rows; its primary key is the key's columns and from_ms."""

    def __init__(self, name: str, keys: dict[str, str], gap_ms: int, extra: dict[str, str] | None = None) -> None:
        """keys: columns of the key with their types; extra: columns that follow from the key, written beside it."""
        self.gap_ms = gap_ms
        columns = {**keys, "from_ms": "bigint", "to_ms": "bigint", **(extra or {})}
        table, names = sql.Identifier(name), [sql.Identifier(column) for column in keys]
        same = _each("{table}.{column} = new.{column}", names, table)
        self._load = sql.SQL("""
            SELECT {columns}, stored.from_ms, stored.to_ms FROM unnest({types}) AS new ({names}, low)
            JOIN {table} AS stored ON {same} AND stored.from_ms >= coalesce(
                (SELECT max(from_ms) FROM {table} AS earlier WHERE {earlier} AND earlier.from_ms <= new.low), new.low)
        """).format(
            table=table,
            columns=sql.SQL(", ").join(sql.SQL("stored.{}").format(column) for column in names),
            types=sql.SQL(", ").join(sql.SQL(f"%s::{kind}[]") for kind in (*keys.values(), "bigint")),
            names=sql.SQL(", ").join(names),
            same=_each("stored.{column} = new.{column}", names, table),
            earlier=_each("earlier.{column} = new.{column}", names, table),
        )
        self._delete = sql.SQL("""
            DELETE FROM {table} USING unnest({types}) AS new ({names}, from_ms)
            WHERE {same} AND {table}.from_ms = new.from_ms
        """).format(
            table=table,
            types=sql.SQL(", ").join(sql.SQL(f"%s::{kind}[]") for kind in (*keys.values(), "bigint")),
            names=sql.SQL(", ").join(names),
            same=same,
        )
        self._write = sql.SQL("""
            INSERT INTO {table} ({columns}) SELECT * FROM unnest({types})
            ON CONFLICT ({names}, from_ms) DO UPDATE SET to_ms = excluded.to_ms
        """).format(
            table=table,
            columns=sql.SQL(", ").join(sql.Identifier(column) for column in columns),
            types=sql.SQL(", ").join(sql.SQL(f"%s::{kind}[]") for kind in columns.values()),
            names=sql.SQL(", ").join(names),
        )
        self._grow = sql.SQL("""
            UPDATE {table} SET to_ms = new.to_ms FROM unnest({types}) AS new ({names}, from_ms, to_ms)
            WHERE {same} AND {table}.from_ms = new.from_ms
        """).format(
            table=table,
            types=sql.SQL(", ").join(sql.SQL(f"%s::{kind}[]") for kind in (*keys.values(), "bigint", "bigint")),
            names=sql.SQL(", ").join(names),
            same=same,
        )
        self._width = len(keys)

    def record(self, cursor: psycopg.Cursor[Any], found: Iterable["Found"]) -> dict[Key, list[Interval]]:
        """Takes intervals in, and returns the rows that changed, by key."""
        by_key = {entry.key: entry for entry in found}
        old: dict[Key, list[Interval]] = {}
        changed: dict[Key, list[Interval]] = {}
        for key, entry in by_key.items():
            for interval in sorted(entry.intervals):
                newest = entry.memory.get(key)
                after = None if key in old else grow(newest, interval, self.gap_ms)
                if after is None:
                    old.setdefault(key, []).append(interval)
                elif after != newest:
                    entry.memory[key] = after
                    changed.setdefault(key, []).append(after)
        newest_rows, rewritten = self.take_old(cursor, old)
        for key, row in newest_rows.items():
            by_key[key].memory[key] = row
        changed |= rewritten
        # Of a row that grew twice only the last counts, and one statement may not touch a row twice.
        rows = {(key, start): end for key, runs in changed.items() for start, end in runs}
        self.write(cursor, [(*key, start, end, *by_key[key].extra) for (key, start), end in rows.items()])
        return changed

    def take_old(
        self, cursor: psycopg.Cursor[Any], new: dict[Key, list[Interval]]
    ) -> tuple[dict[Key, Interval], dict[Key, list[Interval]]]:
        """Joins intervals with the rows they touch; returns the newest row of each key, and the rows that changed."""
        if not new:
            return {}, {}
        keys = list(new)
        lows = [min(start for start, _ in new[key]) - self.gap_ms for key in keys]
        stored: dict[Key, list[Interval]] = defaultdict(list)
        cursor.execute(self._load, [*columns(keys), Bigints(lows)])
        for row in cursor:
            stored[row[: self._width]].append(row[self._width :])
        gone: list[Key] = []
        newest: dict[Key, Interval] = {}
        written: dict[Key, list[Interval]] = {}
        for key in keys:
            changes = change(stored[key], new[key], self.gap_ms)
            gone += [(*key, start) for start in changes.gone]
            if changes.written:
                written[key] = changes.written
            kept = [row for row in stored[key] if row[0] not in changes.gone]
            newest[key] = max([*kept, *changes.written])
        if gone:
            cursor.execute(self._delete, columns(gone))
        return newest, written

    def write(self, cursor: psycopg.Cursor[Any], rows: Sequence[tuple[Any, ...]]) -> None:
        """Writes rows of the key, from_ms, to_ms and the extra columns; one that is there gets the new to_ms."""
        if rows:
            cursor.execute(self._write, columns(rows))

    def grow(self, cursor: psycopg.Cursor[Any], rows: Sequence[tuple[Any, ...]]) -> None:
        """Gives rows of the key and from_ms, which are there, a new to_ms: `write` would lock and log each first."""
        if rows:
            cursor.execute(self._grow, columns(rows))


class Bigints(list[int]):
    """Numbers that are sent as they lie in memory: psycopg would write each as text, which cost more than the rest."""


class _BigintsDumper(Dumper):
    format = Format.BINARY
    oid = 1016  # bigint[]

    def dump(self, obj: Bigints) -> bytearray:
        """PostgreSQL's binary form: one dimension, no nulls, of type bigint (20), each after its length."""
        numbers = array("q", obj)
        if sys.byteorder == "little":
            numbers.byteswap()
        raw, count = numbers.tobytes(), len(numbers)
        found = bytearray(struct.pack(">5i", 1, 0, 20, count, 1)) + bytearray(12 * count)
        found[23::12] = b"\x08" * count
        for place in range(8):
            found[24 + place :: 12] = raw[place::8]
        return found


psycopg.adapters.register_dumper(Bigints, _BigintsDumper)


class Texts(list[str]):
    """Texts that are quoted all at once: ids nearly always, of which none has to be looked at by itself."""


class _TextsDumper(Dumper):
    oid = 1009  # text[]

    def dump(self, obj: Texts) -> bytes:
        """PostgreSQL's text form of an array."""
        joined = '","'.join(obj)
        if "\\" in joined or joined.count('"') != 2 * len(obj) - 2:
            joined = '","'.join([text.replace("\\", "\\\\").replace('"', '\\"') for text in obj])
        return f'{{"{joined}"}}'.encode() if obj else b"{}"


psycopg.adapters.register_dumper(Texts, _TextsDumper)


# By the first of a column: all of it is of one kind.
_KINDS: dict[type, type[list[Any]]] = {int: Bigints, str: Texts}


def columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as one list a column, as unnest takes them."""
    return [_KINDS.get(type(column[0]), list)(column) for column in zip(*rows, strict=True)]


def _each(pattern: str, names: Iterable[sql.Identifier], table: sql.Identifier) -> sql.Composed:
    return sql.SQL(" AND ").join(sql.SQL(pattern).format(column=column, table=table) for column in names)
