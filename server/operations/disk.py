"""How full the disk below a folder is, and when that is too full."""

import shutil
from dataclasses import dataclass
from pathlib import Path

MB = 10**6
# PostgreSQL's write-ahead log alone may grow by 1 GB in a busy hour (max_wal_size).
LOW_BYTES = 1000 * MB
# To start with less would do harm: a segment of that log is 16 MB, a new cluster 40 MB, and the broker writes its
# logins anew, which without room leaves it without any.
LEAST_BYTES = 100 * MB


@dataclass(frozen=True, slots=True)
class Room:
    """What is left on the disk of a folder, for whoever asks."""

    folder: Path
    free_bytes: int
    total_bytes: int

    @property
    def is_low(self) -> bool:
        """Whether somebody should look after it."""
        return self.free_bytes < LOW_BYTES

    @property
    def is_full(self) -> bool:
        """Whether nothing can be relied on any more."""
        return self.free_bytes < LEAST_BYTES

    def __str__(self) -> str:
        """In words, for an operator."""
        return f"{self.free_bytes // MB:,} MB of {self.total_bytes // MB:,} MB are free where {self.folder} lies"


def look(folder: Path) -> Room:
    """The room of the disk that holds the folder, or will hold it when it is made."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    usage = shutil.disk_usage(there)
    return Room(folder, usage.free, usage.total)
