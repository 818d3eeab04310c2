"""A world of people, things and who came, as CSV files of a folder: read into arrays, and written (docs/relevance.md).

Every error names the file, the line and what would be right. Rows that come twice change nothing.
"""

import csv
import datetime as dt
import gzip
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

KINDS = ("venue", "event")
NONE = -1  # of a number that stands for a name: there is none
ROWS_A_TICK = 100_000  # between two moves of a progress bar


class WrongWorld(Exception):
    """The files do not say what they should."""


class Tags(NamedTuple):
    """The tags of each of n: those of the i-th stand at begins[i] to begins[i + 1]."""

    begins: Ints
    tag: Ints


class People(NamedTuple):
    """Everybody: home as (lon, lat) in degrees, NaN where unknown; interests, as numbers of tags."""

    ids: list[str]
    home: Floats
    interests: Tags


class Things(NamedTuple):
    """What one can go to. Names are numbers, NONE for none; times are seconds since the epoch, NaN where there is none.

    position: (lon, lat) in degrees, NaN where unknown. place: the same number for what is at the same place, of venues
    and events alike.
    """

    ids: list[str]
    event: NDArray[np.bool_]
    position: Floats
    starts: Floats
    ends: Floats
    tags: Tags
    category: Ints
    language: Ints
    community: Ints
    organizer: Ints
    series: Ints
    place: Ints
    capacity: Floats


class Pairs(NamedTuple):
    """Somebody and a thing, a community or somebody else, since a time (-inf: always), sorted by time."""

    person: Ints
    other: Ints
    at: Floats


class World(NamedTuple):
    """All that is known. attended: by the time of coming; decided: beside each, when she decided (NaN: unknown)."""

    people: People
    things: Things
    attended: Pairs
    decided: Floats
    signed: Pairs
    members: Pairs
    friends: Pairs
    tags: list[str]


Tick = Callable[[int], None]

PEOPLE = ("id", "lon", "lat", "interests")
THINGS = (
    *("id", "kind", "lon", "lat", "starts_at", "ends_at", "tags", "category"),
    *("language", "community", "organizer", "series", "venue", "capacity"),
)
ATTENDED = ("person", "thing", "at", "signed_up_at")
SIGNED = ("person", "thing", "at")
MEMBERS = ("person", "community", "since")
FRIENDS = ("a", "b", "since")


class Numbers(dict[str, int]):
    """Numbers for names, given as they come."""

    def of(self, name: str) -> int:
        """The number of a name; NONE of an empty one."""
        return self.setdefault(name, len(self)) if name else NONE


class Row:
    """One line of a file: its cells by column, and where it stands."""

    __slots__ = ("cells", "columns", "file", "line")

    def __init__(self, file: Path, line: int, columns: dict[str, int], cells: list[str]) -> None:
        """columns: the place of each column that the file has."""
        self.file, self.line, self.columns, self.cells = file, line, columns, cells

    def text(self, column: str) -> str:
        """A cell; empty where there is none."""
        place = self.columns.get(column)
        return self.cells[place].strip() if place is not None else ""

    def need(self, column: str) -> str:
        """A cell that must not be empty."""
        return self.text(column) or self.fail(f"{column} is empty; it must say something")

    def number(self, column: str, least: float = -math.inf, most: float = math.inf) -> float:
        """A number; NaN where there is none."""
        text = self.text(column)
        if not text:
            return math.nan
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not least <= found <= most:
            bounds = f" from {least:g} to {most:g}" if math.isfinite(least) and math.isfinite(most) else ""
            self.fail(f"{column} is {text!r}; it must be a number{bounds}, or empty")
        return found

    def time(self, column: str) -> float:
        """Seconds since the epoch; NaN where there is none."""
        text = self.text(column)
        if not text:
            return math.nan
        try:
            return read_time(text)
        except ValueError:
            self.fail(f"{column} is {text!r}; it must be like 2026-05-01T18:30:00Z, or seconds since 1970")

    def tags(self, column: str) -> list[str]:
        """What is separated by ';', each once, in small letters."""
        return [*dict.fromkeys(tag.strip().lower() for tag in self.text(column).split(";") if tag.strip())]

    def fail(self, why: str) -> NoReturn:
        """Raises WrongWorld, saying where."""
        raise WrongWorld(f"{self.file}, line {self.line}: {why}")


def read_time(text: str) -> float:
    """Seconds since the epoch, of RFC 3339 (UTC where no zone is said) or of such seconds; else ValueError."""
    if text.lstrip("-").replace(".", "", 1).isdecimal():
        return float(text)
    found = dt.datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()


def find(folder: Path, name: str) -> Path | None:
    """The file NAME.csv or NAME.csv.gz of a folder; None where there is neither."""
    return next((path for path in (folder / f"{name}.csv", folder / f"{name}.csv.gz") if path.is_file()), None)


def _rows(path: Path, known: Sequence[str], needed: Sequence[str], tick: Tick) -> Iterator[Row]:
    """The lines of a file; columns that nobody knows are passed over."""
    with (
        gzip.open(path) if path.suffix == ".gz" else path.open("rb") as raw,
        io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text,
    ):
        lines = csv.reader(text)
        try:
            heads = [head.strip().lower() for head in next(lines, [])]
            columns = {head: place for place, head in enumerate(heads) if head in known}
            for missing in [name for name in needed if name not in columns]:
                raise WrongWorld(f"{path}, line 1: there is no column {missing}; known are {', '.join(known)}")
            for cells in lines:
                if not cells:
                    continue
                if len(cells) != len(heads):
                    raise WrongWorld(
                        f"{path}, line {lines.line_num}: {len(cells)} cells; the first line has {len(heads)}"
                    )
                if lines.line_num % ROWS_A_TICK == 0:
                    tick(ROWS_A_TICK)
                yield Row(path, lines.line_num, columns, cells)
        except UnicodeDecodeError as error:
            raise WrongWorld(
                f"{path}, after line {lines.line_num}: not UTF-8 ({error.reason}); save it as UTF-8"
            ) from None
        except (csv.Error, EOFError, gzip.BadGzipFile) as error:
            raise WrongWorld(
                f"{path}, after line {lines.line_num}: {error}; it must be CSV, as RFC 4180 says"
            ) from None


def read(folder: Path, tick: Tick = lambda _: None) -> World:
    """The world of a folder; raises WrongWorld. tick: told of so many more lines, now and then."""
    if find(folder, "things") is None or find(folder, "attendance") is None:
        raise WrongWorld(f"{folder}: there must be things.csv and attendance.csv (or .csv.gz); see docs/relevance.md")
    tags = Numbers()
    names, people = _read_people(find(folder, "people"), tags, tick)
    known_people = find(folder, "people") is not None
    communities = Numbers()
    numbers, things = _read_things(_found(folder, "things"), tags, communities, tick)

    def person(row: Row, column: str) -> int:
        name = row.need(column)
        if known_people and name not in names:
            row.fail(f"{column} is {name!r}, of whom people.csv knows nothing; leave the row out, or name her there")
        return names.of(name)

    def thing(row: Row) -> int:
        name = row.need("thing")
        if name not in numbers:
            row.fail(f"thing is {name!r}, of which things.csv knows nothing; leave the row out, or name it there")
        return numbers[name]

    def came(row: Row) -> tuple[int, int, float, float]:
        if math.isnan(at := row.time("at")):
            row.fail("at is empty; it must say when she came")
        return person(row, "person"), thing(row), at, row.time("signed_up_at")

    def since(row: Row, column: str) -> float:
        return -math.inf if math.isnan(at := row.time(column)) else at

    attended = _table(_rows(_found(folder, "attendance"), ATTENDED, ATTENDED[:3], tick), came, 4)
    files: list[tuple[str, Sequence[str], Callable[[Row], tuple[float, ...]]]] = [
        ("signups", SIGNED, lambda row: (person(row, "person"), thing(row), since(row, "at"))),
        (
            "communities",
            MEMBERS,
            lambda row: (person(row, "person"), communities.of(row.need("community")), since(row, "since")),
        ),
        ("friends", FRIENDS, lambda row: (person(row, "a"), person(row, "b"), since(row, "since"))),
    ]
    tables = {}
    for name, columns, take in files:
        path = find(folder, name)
        tables[name] = _table(_rows(path, columns, columns[:2], tick) if path else iter(()), take, 3)
    known = ~np.isnan(attended[:, 3])
    signed = np.concatenate([tables["signups"], attended[known][:, [0, 1, 3]]])
    both = np.concatenate([tables["friends"], tables["friends"][:, [1, 0, 2]]])
    missing = len(names) - len(people.ids)
    if missing:
        people = People(
            [*names], np.full((len(names), 2), np.nan), Tags(np.zeros(len(names) + 1, np.int64), np.empty(0, np.int64))
        )
    pairs = _pairs(attended)
    decided = _once(attended)[:, 3]
    return World(people, things, pairs, decided, _pairs(signed), _pairs(tables["communities"]), _pairs(both), [*tags])


def _found(folder: Path, name: str) -> Path:
    path = find(folder, name)
    assert path is not None
    return path


def _table(rows: Iterable[Row], take: Callable[[Row], tuple[float, ...]], width: int) -> Floats:
    flat = np.fromiter((cell for row in rows for cell in take(row)), dtype=np.float64)
    return flat.reshape(-1, width)


def _once(table: Floats) -> Floats:
    """The rows by time, those of the same pair and time once, with the first decision."""
    order = np.lexsort((*(table[:, 3:].T), table[:, 0], table[:, 1], table[:, 2]))
    table = table[order]
    new = np.ones(len(table), dtype=bool)
    new[1:] = (table[1:, :3] != table[:-1, :3]).any(axis=1)
    return table[new]


def _pairs(table: Floats) -> Pairs:
    once = _once(table)
    return Pairs(once[:, 0].astype(np.int64), once[:, 1].astype(np.int64), once[:, 2])


def _as_tags(found: list[list[int]]) -> Tags:
    begins = np.concatenate([[0], np.cumsum([len(tags) for tags in found])]).astype(np.int64)
    return Tags(begins, np.array([tag for tags in found for tag in tags], dtype=np.int64))


def _read_people(path: Path | None, tags: Numbers, tick: Tick) -> tuple[Numbers, People]:
    names, home, interests = Numbers(), [], []
    for row in _rows(path, PEOPLE, PEOPLE[:1], tick) if path else ():
        if row.need("id") in names:
            continue
        names.of(row.text("id"))
        home.append(_position(row))
        interests.append([tags.of(tag) for tag in row.tags("interests")])
    return names, People([*names], np.array(home, dtype=np.float64).reshape(-1, 2), _as_tags(interests))


def _position(row: Row) -> tuple[float, float]:
    lon, lat = row.number("lon", -180, 180), row.number("lat", -90, 90)
    if math.isnan(lon) != math.isnan(lat):
        row.fail("one of lon and lat is empty; both must be given, or neither")
    return lon, lat


def _read_things(path: Path, tags: Numbers, communities: Numbers, tick: Tick) -> tuple[Numbers, Things]:
    names, places = Numbers(), Numbers()
    others = {name: Numbers() for name in ("category", "language", "organizer", "series")}
    columns: dict[str, list[Any]] = {name: [] for name in (*THINGS, "position", "place")}
    for row in _rows(path, THINGS, ("id", "kind"), tick):
        if row.need("id") in names:
            continue
        if row.text("kind") not in KINDS:
            row.fail(f"kind is {row.text('kind')!r}; it must be {' or '.join(KINDS)}")
        event = row.text("kind") == "event"
        position = _position(row)
        if event and not row.text("starts_at"):
            row.fail("starts_at is empty; an event must say when it begins")
        columns["kind"].append(event)
        columns["position"].append(position)
        columns["starts_at"].append(row.time("starts_at") if event else math.nan)
        columns["ends_at"].append(row.time("ends_at"))
        columns["tags"].append([tags.of(tag) for tag in row.tags("tags")])
        columns["community"].append(communities.of(row.text("community")))
        columns["capacity"].append(row.number("capacity", 0, 1e9))
        for name, numbers in others.items():
            columns[name].append(numbers.of(row.text(name)))
        spot = f"@{position[0]:.4f},{position[1]:.4f}" if not math.isnan(position[0]) else ""
        columns["place"].append(places.of(row.text("venue") or spot if event else row.text("id")))
        names.of(row.text("id"))
    whole = {name: np.array(columns[name], dtype=np.int64) for name in ("community", "place", *others)}
    times = {name: np.array(columns[name], dtype=np.float64) for name in ("starts_at", "ends_at", "capacity")}
    things = Things(
        [*names],
        np.array(columns["kind"], dtype=bool),
        np.array(columns["position"], dtype=np.float64).reshape(-1, 2),
        times["starts_at"],
        times["ends_at"],
        _as_tags(columns["tags"]),
        whole["category"],
        whole["language"],
        whole["community"],
        whole["organizer"],
        whole["series"],
        whole["place"],
        times["capacity"],
    )
    return names, things


def write(
    folder: Path, tables: Mapping[str, tuple[Sequence[str], Iterable[Sequence[object]]]], packed: bool = False
) -> None:
    """Writes tables (name -> columns and rows) as CSV files, or packed as .csv.gz."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (columns, rows) in tables.items():
        path = folder / (f"{name}.csv.gz" if packed else f"{name}.csv")
        with gzip.open(path, "wt", encoding="utf-8", newline="") if packed else path.open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(columns)
            out.writerows(rows)


def show_time(at: float) -> str:
    """A time of a file: RFC 3339 in UTC, to the second; empty for none."""
    return "" if not math.isfinite(at) else f"{dt.datetime.fromtimestamp(at, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
