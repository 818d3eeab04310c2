"""Every code of the project's errors, beside docs/problems.md: `python -m tests.problem_codes` adds what it lacks."""

import importlib
import pkgutil
from pathlib import Path
from typing import NamedTuple

import geo
import server
from server.errors import MusterError, http_status

FILE = Path(__file__).parents[1] / "docs" / "problems.md"
_ROW = "| `"
# What to do where nobody wrote more.
_REMEDIES = {
    401: "Sign in, then ask again.",
    403: "Ask somebody who may, or do not offer it.",
    404: "Look at the list again: it may be gone, or be called otherwise.",
    405: "Look up the address in the API's description.",
    409: "Read what is there, then decide.",
    412: "Read it again, put the change on top, and save with the new `ETag`.",
    413: "Send less at once.",
    422: "Mend what `detail` says; the same again is refused again.",
    429: "Wait for as long as `Retry-After` says.",
    500: "Tell the operator when it was; the log has the rest.",
    503: "Try again, ever more slowly.",
}


class Row(NamedTuple):
    """A line of the table."""

    code: str
    status: int
    meaning: str
    remedy: str

    def __str__(self) -> str:
        return f"| `{self.code}` | {self.status} | {self.meaning} | {self.remedy} |"


def in_code() -> dict[str, Row]:
    """What the subclasses of MusterError say; of several of one code the first by module and name."""
    for package in (server, geo):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found: dict[str, Row] = {}
    for error in sorted(_subclasses(MusterError), key=lambda error: (error.__module__, error.__name__)):
        if error.__module__.startswith(("server.", "geo.")):
            status = http_status(error())
            found.setdefault(error.code, Row(error.code, status, error().detail, _REMEDIES[status]))
    return found


def in_docs() -> dict[str, Row]:
    """What docs/problems.md says."""
    rows = [line.strip("| ").split(" | ") for line in FILE.read_text().splitlines() if line.startswith(_ROW)]
    return {code.strip("`"): Row(code.strip("`"), int(status), meaning, do) for code, status, meaning, do in rows}


def write() -> None:
    """Brings the table up to the code: new codes are added, gone ones removed, what to do is kept."""
    docs = in_docs()
    rows = [row._replace(remedy=docs[code].remedy) if code in docs else row for code, row in in_code().items()]
    rows.sort(key=lambda row: (row.status, row.code))
    kept = [line for line in FILE.read_text().splitlines() if not line.startswith(_ROW)]
    at = next(number for number, line in enumerate(kept) if line.startswith("|---"))
    FILE.write_text("\n".join([*kept[: at + 1], *map(str, rows), *kept[at + 1 :]]) + "\n")


def _subclasses(kind: type[MusterError]) -> set[type[MusterError]]:
    return {kind}.union(*(_subclasses(each) for each in kind.__subclasses__()))


if __name__ == "__main__":
    write()
