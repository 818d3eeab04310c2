"""Scores the stays and visits in the database against what the carriers of the badges wrote down.

`python -m tests.journeys.score --venue ID TRUTH.csv [--conninfo TEXT]`; the recording, named by the column `run`, lies
beside the truth as `<run>.csv.gz`: it says in which windows of five seconds a badge was heard at all.

right room         of the windows that lie in a stay of the truth and in which the badge was heard: how many the
                   database gives to the right room (a window belongs to the room that holds most of it)
moves named        a destination is named if it is the last room before that stay's end
false changes      a change to another room inside a stay of the truth; rooms passed in transit are not judged
false departures   a visit that ends inside a stay of the truth
"""

import argparse
import csv
import dataclasses
import gzip
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psycopg

from config import settings

WINDOW_MS = 5000
TRANSIT = "transit:"


@dataclasses.dataclass(frozen=True, slots=True)
class Stay:
    """A time in a room, of the truth or of the database; both ends belong to it."""

    from_ms: int
    to_ms: int
    room: str


@dataclasses.dataclass(frozen=True, slots=True)
class Visit:
    """A time at the venue; both ends belong to it."""

    from_ms: int
    to_ms: int


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What the database holds of one badge at one venue."""

    stays: Sequence[Stay] = ()
    visits: Sequence[Visit] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """How well the database matches the truth."""

    windows: int = 0
    right: int = 0
    moves: int = 0
    named: int = 0
    false_changes: int = 0
    false_departures: int = 0

    def __add__(self, other: "Score") -> "Score":
        """Of two badges together."""
        mine, others = dataclasses.astuple(self), dataclasses.astuple(other)
        return Score(*(first + second for first, second in zip(mine, others, strict=True)))

    @property
    def right_share(self) -> float:
        """Right windows of those in which the badge was heard; 0 when it was never heard."""
        return self.right / self.windows if self.windows else 0.0


def score_badge(
    truth: Sequence[Stay], heard_ms: Iterable[int], found: Found, *, now_ms: int, join_gap_ms: int
) -> Score:
    """Scores one badge.

    truth: its stays and transits in order of time. heard_ms: when any scanner heard it. now_ms: until when the venue
    was listened to; a visit has ended when it was silent for join_gap_ms by then.
    """
    rooms = [stay for stay in truth if not stay.room.startswith(TRANSIT)]
    stays = sorted(found.stays, key=lambda stay: (stay.from_ms, stay.to_ms))
    heard = {time_ms // WINDOW_MS * WINDOW_MS for time_ms in heard_ms}
    windows = right = changes = departures = 0
    for stay in rooms:
        inside = [start for start in heard if stay.from_ms <= start and start + WINDOW_MS <= stay.to_ms]
        windows += len(inside)
        right += sum(_room_of_window(stays, start) == stay.room for start in inside)
        changes += sum(stay.from_ms <= other.from_ms <= stay.to_ms and other.room != stay.room for other in stays)
        departures += sum(
            stay.from_ms <= visit.to_ms < stay.to_ms and visit.to_ms + join_gap_ms < now_ms for visit in found.visits
        )
    destinations = [
        following
        for transit, following in itertools.pairwise(truth)
        if transit.room.startswith(TRANSIT) and not following.room.startswith(TRANSIT)
    ]
    named = sum(_last_room_before(stays, stay.to_ms) == stay.room for stay in destinations)
    return Score(windows, right, len(destinations), named, changes, departures)


def _room_of_window(stays: Iterable[Stay], start_ms: int) -> str | None:
    held: defaultdict[str, int] = defaultdict(int)
    for stay in stays:
        overlap = min(stay.to_ms, start_ms + WINDOW_MS - 1) - max(stay.from_ms, start_ms) + 1
        if overlap > 0:
            held[stay.room] += overlap
    return max(held, key=held.__getitem__) if held else None


def _last_room_before(stays: Sequence[Stay], end_ms: int) -> str | None:
    """stays: ascending by their beginning."""
    return next((stay.room for stay in reversed(stays) if stay.from_ms < end_ms), None)


def read_truth(path: Path) -> tuple[str, dict[int, list[Stay]]]:
    """The run that a truth belongs to, and the stays and transits of each badge, by its minor, in order of time."""
    truth: defaultdict[int, list[Stay]] = defaultdict(list)
    run = ""
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            minor = int(row.get("beacon") or row["beacon_minor"])
            truth[minor].append(Stay(int(row["start_ms"]), int(row["end_ms"]), row["room"]))
            run = row["run"]
    return run, {minor: sorted(stays, key=lambda stay: stay.from_ms) for minor, stays in truth.items()}


def read_recording(path: Path) -> dict[int, tuple[bytes, list[int]]]:
    """The identity of each badge, by its minor, and when it was heard."""
    heard: dict[int, tuple[bytes, list[int]]] = {}
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            if row["heartbeat"] != "1":
                major, minor = int(row["major"]), int(row["minor"])
                identity = bytes.fromhex(row["uuid"]) + major.to_bytes(2) + minor.to_bytes(2)
                known, times = heard.setdefault(minor, (identity, []))
                assert known == identity, f"two badges of the recording have the minor {minor}"
                times.append(int(row["time_ms"]))
    return heard


def read_found(connection: psycopg.Connection[tuple[object, ...]], venue: str, identity: bytes) -> Found:
    """What the database holds of the badge that shows this identity."""
    badge = "SELECT badge_id FROM identity WHERE identity = %(identity)s AND badge_id IS NOT NULL"
    values = {"venue": venue, "identity": identity}
    stays = connection.execute(
        "SELECT stay.from_ms,"
        " coalesce(lead(stay.from_ms) OVER (PARTITION BY visit.id ORDER BY stay.from_ms), visit.to_ms), zone.name"
        " FROM stay JOIN zone ON zone.id = stay.zone_id JOIN visit ON visit.badge_id = stay.badge_id"
        " AND visit.venue_id = stay.venue_id AND stay.from_ms BETWEEN visit.from_ms AND visit.to_ms"
        f" WHERE stay.venue_id = %(venue)s AND stay.badge_id IN ({badge})",
        values,
    ).fetchall()
    visits = connection.execute(
        f"SELECT from_ms, to_ms FROM visit WHERE venue_id = %(venue)s AND badge_id IN ({badge})", values
    ).fetchall()
    return Found([Stay(*row) for row in stays], [Visit(*row) for row in visits])  # type: ignore[arg-type]


def score_venue(conninfo: str, venue: str, truth_file: Path) -> dict[int, Score]:
    """The score of each badge of the truth, by its minor."""
    run, truth = read_truth(truth_file)
    recording = read_recording(truth_file.with_name(f"{run}.csv.gz"))
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(
            """
            SELECT max(coverage.to_ms), max(venue.join_gap_s) FROM venue
            JOIN placement ON placement.venue_id = venue.id JOIN coverage ON coverage.agent_id = placement.agent_id
            WHERE venue.id = %s
            """,
            [venue],
        ).fetchone()
        assert row is not None
        now_ms, join_gap_s = row
        if now_ms is None:
            raise SystemExit(f"nothing was received from a venue {venue}: replay the recording first")
        return {
            minor: score_badge(
                stays,
                recording[minor][1],
                read_found(connection, venue, recording[minor][0]),
                now_ms=now_ms,
                join_gap_ms=join_gap_s * 1000,
            )
            for minor, stays in sorted(truth.items())
        }


def draw_table(scores: Mapping[int, Score]) -> str:
    """The scores of the badges and of all together, as text."""
    heads = ("badge", "right room", "moves named", "false changes", "false departures")
    rows = [(str(minor), score) for minor, score in scores.items()]
    rows.append(("all", sum(scores.values(), Score())))
    lines = [
        (
            name,
            f"{score.right_share:.2f} ({score.right} of {score.windows})",
            f"{score.named} of {score.moves}",
            str(score.false_changes),
            str(score.false_departures),
        )
        for name, score in rows
    ]
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in [heads, *lines]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Scores a venue and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.journeys.score", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("truth", type=Path, metavar="TRUTH.csv")
    parser.add_argument("--venue", required=True, help="the id of the venue that the recording was replayed into")
    parser.add_argument("--conninfo", help="the database; the one of the settings unless given")
    chosen = parser.parse_args(arguments)
    conninfo = chosen.conninfo or settings.load().database.conninfo
    print(draw_table(score_venue(conninfo, chosen.venue, chosen.truth)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
