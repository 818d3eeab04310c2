"""How often the parts of this `muster up` ended by themselves, kept in its folder, where the doctor finds it."""

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "restarts.json"


@dataclass(frozen=True, slots=True)
class Restarts:
    """Of one part: how often it was started again, when it last ended (s since the epoch), and how."""

    times: int
    last_s: float
    how: str


class Journal:
    """Counts in memory, and writes down what the disk takes: one that is full must not stop whoever restarts."""

    def __init__(self, folder: Path) -> None:
        """Begins a new run: what is said of an earlier one is removed. folder: `up.folder`."""
        self._path = folder / FILE
        self._found: dict[str, Restarts] = {}
        self.remove()

    def note(self, name: str, how: str, now_s: float) -> None:
        """Counts a part that ended and is started again."""
        before = self._found.get(name)
        self._found[name] = Restarts(before.times + 1 if before else 1, now_s, how)
        unfinished = self._path.with_name(FILE + ".new")
        with contextlib.suppress(OSError):
            unfinished.write_text(json.dumps({part: asdict(found) for part, found in self._found.items()}))
            unfinished.replace(self._path)

    def remove(self) -> None:
        """Removes the file: nothing runs that it could be about."""
        with contextlib.suppress(OSError):
            self._path.unlink()


def read(folder: Path) -> dict[str, Restarts]:
    """What the `muster up` that runs in this folder noted, by part; nothing when none runs or none ended."""
    try:
        return {name: Restarts(**entry) for name, entry in json.loads((folder / FILE).read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
