"""Writes what a child process says to a log file that never grows beyond a bound; a full disk does not stop it."""

import collections
import errno
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
        self._unwritten = 0

    def write(self, line: bytes) -> None:
        """Appends what a child said; an empty line counts as nothing worth showing.

        What the disk does not take is left out, and how many lines that were is said as soon as it takes some again:
        whoever reads a child's pipe must go on reading, or the child stands still.
        """
        try:
            self._append(line)
        except OSError:
            self._unwritten += 1
        if text := line.decode(errors="replace").rstrip():
            self._last.append(text)

    def _append(self, line: bytes) -> None:
        if self._unwritten:
            line = b"(%d lines could not be written here)\n%b" % (self._unwritten, line)
        if self._file.tell() + len(line) > self._max_bytes:
            if self.path.exists():  # not when no new one could be begun the last time
                self.path.replace(self.path.with_name(self.path.name + ".1"))
            newer = self.path.open("ab", buffering=0)
            self._file.close()
            self._file = newer
        written = self._file.write(line)
        if written < len(line):  # the disk is full in the middle of it
            raise OSError(errno.ENOSPC, "no room for the whole line")
        self._unwritten = 0

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
