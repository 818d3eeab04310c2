"""Writes what a child process says to a log file that never grows beyond a bound."""

import collections
from pathlib import Path

# A talkative child in trouble writes some 100 lines a second: two files of 5 MB hold the last ten minutes of that.
LOG_BYTES = 5_000_000
# What is shown of a child that ended: a traceback of ours has about 20 lines.
SHOWN_LINES = 20


class Log:
    """A log file, and beside it the one before it (`.1`); remembers the last lines."""

    def __init__(self, path: Path, max_bytes: int = LOG_BYTES) -> None:
        """path: appended to if it exists; max_bytes: of each of the two files."""
        self.path = path
        self._max_bytes = max_bytes
        self._last: collections.deque[str] = collections.deque(maxlen=SHOWN_LINES)
        self._file = path.open("ab", buffering=0)

    def write(self, line: bytes) -> None:
        """Appends what a child said; an empty line counts as nothing worth showing."""
        if self._file.tell() + len(line) > self._max_bytes:
            self._file.close()
            self.path.replace(self.path.with_name(self.path.name + ".1"))
            self._file = self.path.open("ab", buffering=0)
        self._file.write(line)
        if text := line.decode(errors="replace").rstrip():
            self._last.append(text)

    def forget(self) -> None:
        """Begins a new life of the child: what was said before is no longer shown."""
        self._last.clear()

    @property
    def last_lines(self) -> list[str]:
        """The last lines of this life, the oldest first."""
        return list(self._last)

    def close(self) -> None:
        """Closes the file; nothing may be written afterwards."""
        self._file.close()
