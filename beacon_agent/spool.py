"""Keeps reports in SQLite until exactly they are settled; one commit per window, bounded in bytes and in age.

A window is spooled packed. When it is first published it takes a number and its body is written, and from then on
nothing about it changes. Until then it may be dated, where it was heard before the time was known, and merged with its
neighbours, where the spool grows long.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from beacon_agent import packing, tidying, wire
from beacon_agent.clock import Dating
from beacon_agent.packing import Draft
from beacon_agent.store import Store

MERGE_MS = (10_000, 30_000)


class Stored(NamedTuple):
    """One report as it is published."""

    shard: int
    body: bytes


class Change(NamedTuple):
    """Row ids that may be published by now, and those that are gone: dropped, or part of another; oldest first."""

    added: list[int]
    gone: list[int]


class Spool:
    """The reports of one agent that are not settled, and the few things it remembers over restarts.

    Every method may be called from any thread; each takes short transactions. None but the constructor raises:
    a disk that is full or broken is counted in `counts`, since an agent must go on listening.
    """

    def __init__(
        self,
        path: Path,
        bound_bytes: int,
        *,
        agent: str = "",
        kernel: str = "",
        max_age_ms: int | None = None,
        merge_ms: tuple[int, int] = MERGE_MS,
    ) -> None:
        """Opens or makes the file; a corrupt one is set aside. Raises SpoolError when it cannot be used.

        agent: in whose name reports are written. kernel: the boot of the kernel that is; what an earlier one heard
        without ever knowing the time stays undated. max_age_ms: what ended longer ago is dropped; None for recordings.
        merge_ms: to which lengths windows are merged past a quarter and past three quarters of the bound.
        """
        self._bound_bytes = bound_bytes
        self._agent = agent
        self._kernel = kernel
        self._max_age_ms = max_age_ms
        self._merge_ms = merge_ms
        self._store = Store(path, self._begin)
        self._seq = 0
        self.reports = 0
        self.bytes = 0  # that its rows and indexes need in the file
        self._merged_up_to: dict[int, int] = {}
        self._last_id = 0  # never used twice by one process, also when it had to begin a new file
        self._begin()
        self.boot = self._new_boot()

    def _begin(self) -> None:
        connection = self._store.connection
        tidying.forget_eras(connection, self._kernel)
        self.reports, last_id = connection.execute("SELECT count(*), coalesce(max(id), 0) FROM spooled").fetchone()
        self._last_id = max(self._last_id, last_id)
        self._merged_up_to = dict.fromkeys(self._merge_ms, 0)
        self.bytes = self._store.used_bytes()

    def _new_boot(self) -> str:
        known = {
            boot for (boot,) in self._store.connection.execute("SELECT DISTINCT boot FROM spooled WHERE boot NOT NULL")
        }
        while (boot := os.urandom(4).hex()) in known:
            pass
        return boot

    @property
    def counts(self) -> Counter[str]:
        """What was merged, and what could not be done."""
        return self._store.counts

    def take_seq(self) -> int:
        """The next number of this boot; one that is never used means nothing."""
        with self._store.lock:
            self._seq += 1
            return self._seq

    # --- taking in -------------------------------------------------------------------------------------------------

    def add(
        self,
        dating: Dating,
        draft: Draft,
        *,
        publishing: bool = False,
        remembering: tuple[str, bytes] | None = None,
    ) -> Change:
        """Commits a window, dropping the oldest where the bound is reached; then tidies up a little.

        publishing: it will be sent at once, so its body is written in the same commit. remembering: as `remember`, in
        the same commit. What cannot be written is counted as `unspooled` and left out.
        """
        drafts = packing.cut(draft)
        for _ in range(2):
            try:
                with self._store.lock:
                    change = self._insert(dating, drafts, publishing, remembering)
                    return self._tidy(dating, draft.to_ms, change)
            except sqlite3.Error as error:
                if not self._store.mend(error):
                    break
        self.counts["unspooled"] += len(drafts)
        return Change([], [])

    def _insert(
        self, dating: Dating, drafts: Sequence[Draft], publishing: bool, remembering: tuple[str, bytes] | None
    ) -> Change:
        ids = [self._next_id() for _ in drafts]
        with self._store.transaction() as connection:
            era = tidying.find_era(connection, dating)
            for row_id, draft in zip(ids, drafts, strict=True):
                tidying.insert(connection, row_id, era, draft)
                if publishing and dating.anchor_ms is not None:
                    self._write_body(connection, row_id)
            if remembering:
                self._store.remember(*remembering)
            dropped = tidying.drop_over(connection, self._is_over_bound, ids[0])
            self._count_dropped("dropped", dropped)
        self.reports += len(ids) - len(dropped)
        return Change(ids if dating.anchor_ms is not None else [], dropped)

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _is_over_bound(self) -> bool:
        return self._store.used_bytes() > self._bound_bytes

    def _count_dropped(self, name: str, dropped: Sequence[int]) -> None:
        if dropped:
            self._store.remember(name, str(int(self._store.recall(name) or 0) + len(dropped)).encode())

    # --- tidying up ------------------------------------------------------------------------------------------------

    def _tidy(self, dating: Dating, now_ms: int, change: Change) -> Change:
        with self._store.counting("untidied"):
            before_id = self._last_id
            with self._store.transaction() as connection:
                dated = tidying.date(connection, self._next_id)
            self.reports += self._last_id - before_id - len(dated.gone)
            change = _extend(change, dated.added, dated.gone)
        with self._store.counting("untidied"):
            change = _extend(change, [], self._drop_older(dating, now_ms))
        with self._store.counting("untidied"):
            for length_ms, share in zip(self._merge_ms, (0.25, 0.75), strict=True):
                if self._store.used_bytes() > share * self._bound_bytes:
                    change = _extend(change, [], self._merge(length_ms))
            self.bytes = self._store.used_bytes()
        return change

    def _drop_older(self, dating: Dating, now_ms: int) -> list[int]:
        if self._max_age_ms is None:
            return []
        with self._store.transaction() as connection:
            dropped = tidying.drop_older(connection, dating, now_ms - self._max_age_ms)
            self._count_dropped("dropped_age", dropped)
        self.reports -= len(dropped)
        return dropped

    def _merge(self, length_ms: int) -> list[int]:
        with self._store.transaction() as connection:
            outcome, up_to = tidying.merge(connection, length_ms, self._merged_up_to[length_ms])
        self._merged_up_to[length_ms] = up_to
        self.reports -= len(outcome.gone)
        self.counts["merged"] += len(outcome.gone)
        return outcome.gone

    # --- giving out ------------------------------------------------------------------------------------------------

    def waiting(self) -> list[int]:
        """The ids of everything that may be published, oldest first: all but what still waits for its date."""
        with self._store.counting("unreadable"):
            rows = self._store.connection.execute(
                """
                SELECT spooled.id FROM spooled LEFT JOIN era ON era.id = spooled.era
                WHERE boot IS NOT NULL OR anchor_ms IS NOT NULL OR (dated_as IS NULL AND kernel <> ?)
                ORDER BY spooled.id
                """,
                (self._kernel,),
            )
            return [row_id for (row_id,) in rows]
        return []

    def publish(self, row_ids: Iterable[int]) -> dict[int, Stored] | None:
        """The reports of these rows, without those that are gone; None when that cannot be known now.

        Whatever is published for the first time takes its number and body here, in one commit.
        """
        with self._store.counting("unreadable"):
            found: dict[int, Stored] = {}
            with self._store.transaction() as connection:
                for row_id in row_ids:
                    row = self._read_body(connection, row_id)
                    if row is None and self._write_body(connection, row_id):
                        row = self._read_body(connection, row_id)
                    if row is not None:
                        found[row_id] = row
            return found
        return None

    def _read_body(self, connection: sqlite3.Connection, row_id: int) -> Stored | None:
        row = connection.execute(
            "SELECT shard, packed FROM spooled WHERE id = ? AND boot IS NOT NULL", (row_id,)
        ).fetchone()
        return Stored(row[0], tidying.unpack(packing.unpack_body, row[1])) if row else None

    def _write_body(self, connection: sqlite3.Connection, row_id: int) -> bool:
        era = connection.execute(
            "SELECT clock FROM era WHERE id = (SELECT era FROM spooled WHERE id = ?)", (row_id,)
        ).fetchone()
        if era is None:
            return False
        draft = tidying.read(connection, row_id)
        report = wire.Report(
            self._agent,
            self.boot,
            self.take_seq(),
            draft.from_ms,
            draft.to_ms,
            draft.radio,
            wire.Clock(era[0]),
            draft.readings,
        )
        connection.execute(
            "UPDATE spooled SET boot = ?, seq = ?, packed = ? WHERE id = ?",
            (report.boot, report.seq, packing.pack_body(wire.encode(report)), row_id),
        )
        return True

    def settle(self, ack: wire.Ack) -> list[int]:
        """Removes exactly the reports that the acknowledgement names; returns their ids."""
        pairs = [*ack.done, *((seq, seq) for seq in ack.refused)]
        with self._store.counting("unsettled"):
            settled: set[int] = set()
            with self._store.transaction() as connection:
                for first, last in pairs:
                    rows = connection.execute(
                        "SELECT id FROM spooled WHERE boot = ? AND seq BETWEEN ? AND ?", (ack.boot, first, last)
                    )
                    settled.update(row_id for (row_id,) in rows)
                tidying.delete(connection, settled)
            self.reports -= len(settled)
            self.bytes = self._store.used_bytes()
            return sorted(settled)
        return []

    # --- what it remembers -----------------------------------------------------------------------------------------

    @property
    def dropped(self) -> dict[str, int]:
        """How many reports were dropped, ever: `dropped` at the bound in bytes, `dropped_age` at that in age."""
        return {name: int(self.recall(name) or 0) for name in ("dropped", "dropped_age")}

    def find_dating(self) -> Dating | None:
        """What dated the newest windows of this boot of the kernel, None while they had no anchor."""
        with self._store.counting("unreadable"):
            return tidying.find_dating(self._store.connection, self._kernel)
        return None

    def remember(self, name: str, value: bytes) -> None:
        """Keeps a value over restarts."""
        with self._store.counting("unremembered"), self._store.transaction():
            self._store.remember(name, value)

    def recall(self, name: str) -> bytes | None:
        """The value last remembered under the name."""
        with self._store.counting("unreadable"):
            return self._store.recall(name)
        return None

    def close(self) -> None:
        """Closes the file."""
        self._store.close()


def _extend(change: Change, added: Iterable[int], gone: Iterable[int]) -> Change:
    lost = set(gone)
    return Change([row_id for row_id in [*change.added, *added] if row_id not in lost], [*change.gone, *lost])
