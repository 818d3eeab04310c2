"""Keeps reports in SQLite until exactly they are settled; one commit per window, and a bound in bytes."""

import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from beacon_agent import wire

log = logging.getLogger(__name__)

ROW_BYTES = 64  # what SQLite keeps beside a body: row id, boot, seq, shard and the index over boot and seq
SCHEMA = """
CREATE TABLE IF NOT EXISTS report (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    boot TEXT NOT NULL,
    seq INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (boot, seq)
);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""


class SpoolError(RuntimeError):
    """The spool cannot be opened: the message says why and what to do."""


class Stored(NamedTuple):
    """One report as it is kept."""

    shard: int
    body: bytes


UNREADABLE = Stored(-1, b"")  # it is there, or may be, and SQLite cannot say so now


class Change(NamedTuple):
    """Row ids that came and that had to go, oldest first."""

    added: list[int]
    dropped: list[int]


class Spool:
    """The reports of one agent that are not settled, and the few things it remembers over restarts.

    Every method may be called from any thread; each takes one short transaction. None but the constructor raises:
    a disk that is full or broken is counted in `counts`, since an agent must go on listening.
    """

    def __init__(self, path: Path, bound_bytes: int) -> None:
        """Opens or makes the file; a corrupt one is set aside. Raises SpoolError when the folder cannot be used."""
        self._path = path
        self._bound_bytes = bound_bytes
        self._lock = threading.RLock()
        self.counts: Counter[str] = Counter()
        self.reports = 0
        self.bytes = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open_or_set_aside()
        except (OSError, sqlite3.Error) as error:
            raise SpoolError(f"the spool {path} cannot be opened ({error}): make its folder writable") from None
        self.boot = self._new_boot()
        self._seq = 0

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=5, check_same_thread=False, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("the file's pages contradict each other")
            connection.executescript(SCHEMA)
            self.reports, body_bytes = connection.execute(
                "SELECT count(*), coalesce(sum(length(body)), 0) FROM report"
            ).fetchone()
            self.bytes = body_bytes + self.reports * ROW_BYTES
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _open_or_set_aside(self) -> None:
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError as error:
            if not _is_corrupt(error):
                raise
            self._set_aside(error)

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self._path.with_name(f"{self._path.name}.corrupt-{time.time_ns() // 1_000_000}")
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self._path}{suffix}").replace(f"{aside}{suffix}")
        log.error("the spool %s is corrupt (%s): set aside as %s, a new one is begun", self._path, error, aside.name)
        self.counts["spools_set_aside"] += 1
        self._connection = self._open()

    def _new_boot(self) -> str:
        with self._lock:
            known = {boot for (boot,) in self._connection.execute("SELECT DISTINCT boot FROM report")}
        while (boot := os.urandom(4).hex()) in known:
            pass
        return boot

    def next_seq(self) -> int:
        """The number for the next report of this boot; a number that is never used means nothing."""
        return self._seq + 1

    def add(self, shard: int, reports: Sequence[wire.Report]) -> Change:
        """Commits the reports of one window, dropping the oldest where the bound is reached.

        What cannot be written is counted as `unspooled` and left out.
        """
        self._seq = max([self._seq, *(report.seq for report in reports)])
        rows = [(report.boot, report.seq, shard, wire.encode(report)) for report in reports]
        with self._lock:
            for _ in range(2):
                try:
                    return self._insert(rows)
                except sqlite3.Error as error:
                    if not self.mend(error):
                        break
        self.counts["unspooled"] += len(rows)
        return Change([], [])

    def _insert(self, rows: list[tuple[str, int, int, bytes]]) -> Change:
        new_bytes = sum(len(row[3]) + ROW_BYTES for row in rows)
        added: list[int] = []
        with self._transaction():
            dropped, freed = self._choose_oldest(self.bytes + new_bytes - self._bound_bytes)
            if dropped:
                self._connection.execute("DELETE FROM report WHERE id <= ?", (dropped[-1],))
                count = int(self._recall("dropped") or 0) + len(dropped)
                self._remember("dropped", str(count).encode())
            for row in rows:
                cursor = self._connection.execute(
                    "INSERT INTO report (boot, seq, shard, body) VALUES (?, ?, ?, ?)", row
                )
                added.append(cursor.lastrowid or 0)
        self.bytes += new_bytes - freed
        self.reports += len(added) - len(dropped)
        return Change(added, dropped)

    def _choose_oldest(self, excess_bytes: int) -> tuple[list[int], int]:
        chosen: list[int] = []
        freed = 0
        if excess_bytes > 0:
            for row_id, size in self._connection.execute("SELECT id, length(body) FROM report ORDER BY id"):
                chosen.append(row_id)
                freed += size + ROW_BYTES
                if freed >= excess_bytes:
                    break
        return chosen, freed

    def waiting(self) -> list[int]:
        """The ids of everything kept, oldest first."""
        with self._lock, self._counting("unreadable"):
            return [row_id for (row_id,) in self._connection.execute("SELECT id FROM report ORDER BY id")]
        return []

    def read(self, row_id: int) -> Stored | None:
        """One report, None when it is gone, UNREADABLE when that cannot be known now."""
        with self._lock, self._counting("unreadable"):
            row = self._connection.execute("SELECT shard, body FROM report WHERE id = ?", (row_id,)).fetchone()
            return Stored(*row) if row else None
        return UNREADABLE

    def settle(self, ack: wire.Ack) -> list[int]:
        """Removes exactly the reports that the acknowledgement names; returns their ids."""
        pairs = [*ack.done, *((seq, seq) for seq in ack.refused)]
        with self._lock, self._counting("unsettled"):
            settled: dict[int, int] = {}
            with self._transaction():
                for first, last in pairs:
                    rows = self._connection.execute(
                        "SELECT id, length(body) FROM report WHERE boot = ? AND seq BETWEEN ? AND ?",
                        (ack.boot, first, last),
                    )
                    settled.update(rows.fetchall())
                self._connection.executemany("DELETE FROM report WHERE id = ?", [(row_id,) for row_id in settled])
            self.reports -= len(settled)
            self.bytes -= sum(settled.values()) + ROW_BYTES * len(settled)
            return sorted(settled)
        return []

    @property
    def dropped(self) -> int:
        """How many reports were dropped at the bound, ever."""
        return int(self.recall("dropped") or 0)

    def remember(self, name: str, value: bytes) -> None:
        """Keeps a value over restarts."""
        with self._lock, self._counting("unremembered"), self._transaction():
            self._remember(name, value)

    def recall(self, name: str) -> bytes | None:
        """The value last remembered under the name."""
        with self._lock, self._counting("unreadable"):
            return self._recall(name)
        return None

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    def _remember(self, name: str, value: bytes) -> None:
        self._connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def _recall(self, name: str) -> bytes | None:
        row = self._connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]) if row else None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _counting(self, name: str) -> "_Counting":
        return _Counting(self, name)

    def mend(self, error: sqlite3.Error) -> bool:
        """Begins a new file when this one is corrupt; True when another attempt makes sense."""
        if isinstance(error, sqlite3.DatabaseError) and _is_corrupt(error):
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            try:
                self._set_aside(error)
            except (OSError, sqlite3.Error) as again:
                log.error("no new spool can be begun: %s", again)
                return False
            return True
        log.error("the spool %s cannot be written or read: %s", self._path, error)
        return False


class _Counting:
    """Counts what SQLite cannot do instead of raising it."""

    def __init__(self, spool: Spool, name: str) -> None:
        self._spool = spool
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, sqlite3.Error):
            return False
        self._spool.counts[self._name] += 1
        self._spool.mend(error)
        return True


def _is_corrupt(error: sqlite3.DatabaseError) -> bool:
    return type(error) is sqlite3.DatabaseError
