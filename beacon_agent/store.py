"""The spool's SQLite file: opened or begun anew, written in short transactions; its faults are counted, not raised."""

import contextlib
import logging
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from beacon_agent import schema

log = logging.getLogger(__name__)

WAL_PAGES = 256  # 1 MB: checkpointed that often, so that file and WAL together stay near the spool's bound
WAL_BYTES = 1 << 20  # and cut back to this


class SpoolError(RuntimeError):
    """The spool cannot be opened: the message says why and what to do."""


class Store:
    """One connection for all threads, taken with `lock`. Only the constructor raises SpoolError."""

    def __init__(self, path: Path, on_begun: Callable[[], None]) -> None:
        """Opens or makes the file; a corrupt one is set aside, now or later. on_begun: called when that was later."""
        self.lock = threading.RLock()
        self.counts: Counter[str] = Counter()
        self._path = path
        self._on_begun = on_begun
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self.connection = self._open()
            except sqlite3.DatabaseError as error:
                if not _is_corrupt(error):
                    raise
                self._set_aside(error)
        except schema.Newer:
            raise SpoolError(
                f"the spool {path} was written by a newer muster-agent: install that one again, or move the file away"
            ) from None
        except (OSError, sqlite3.Error) as error:
            raise SpoolError(f"the spool {path} cannot be opened ({error}): make its folder writable") from None

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=5, check_same_thread=False, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
            connection.execute(f"PRAGMA journal_size_limit={WAL_BYTES}")
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("the file's pages contradict each other")
            schema.prepare(connection)
        except (sqlite3.Error, schema.Newer):
            connection.close()
            raise
        return connection

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self._path.with_name(f"{self._path.name}.corrupt-{time.time_ns() // 1_000_000}")
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self._path}{suffix}").replace(f"{aside}{suffix}")
        log.error("the spool %s is corrupt (%s): set aside as %s, a new one is begun", self._path, error, aside.name)
        self.counts["spools_set_aside"] += 1
        self.connection = self._open()

    def used_bytes(self) -> int:
        """What the rows and indexes need in the file, whole pages; the file may have free ones besides."""
        pages, free, size = (
            self.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def remember(self, name: str, value: bytes) -> None:
        """Keeps a value over restarts; within a transaction."""
        self.connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def recall(self, name: str) -> bytes | None:
        """The value last remembered under the name."""
        row = self.connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]) if row else None

    def close(self) -> None:
        """Closes the file."""
        with self.lock:
            self.connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; raises what SQLite raises."""
        with self.lock:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def counting(self, name: str) -> "_Counting":
        """Holds the lock and counts under this name what SQLite cannot do, instead of raising it."""
        return _Counting(self, name)

    def mend(self, error: sqlite3.Error) -> bool:
        """Begins a new file when this one is corrupt; True when another attempt makes sense."""
        if isinstance(error, sqlite3.DatabaseError) and _is_corrupt(error):
            with contextlib.suppress(sqlite3.Error):
                self.connection.close()
            try:
                self._set_aside(error)
                self._on_begun()
            except (OSError, sqlite3.Error, schema.Newer) as again:
                log.error("no new spool can be begun: %s", again)
                return False
            return True
        log.error("the spool %s cannot be written or read: %s", self._path, error)
        return False


class _Counting:
    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    def __enter__(self) -> None:
        self._store.lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            if not isinstance(error, sqlite3.Error):
                return False
            self._store.counts[self._name] += 1
            self._store.mend(error)
            return True
        finally:
            self._store.lock.release()


def _is_corrupt(error: sqlite3.DatabaseError) -> bool:
    return type(error) is sqlite3.DatabaseError
