"""The recordings of 2015 as the pure functions of presence take them: no broker, no tables, times as recorded."""

import csv
import gzip
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from server.presence import ears, joining
from server.presence.ears import Beacon, Ear, Placed
from server.presence.intervals import EVER_MS, Interval

FOUR = "FourScannersRun1-2015-03-07"
TWO = "TwoScannersRun1-2015-03-03"
HEARD_GAP_MS, LEARN_MS = 60_000, 300_000  # as in the settings


class Recording(NamedTuple):
    """When each scanner heard its beacon, and when anybody heard each badge (by minor); ms, ascending."""

    heartbeats: dict[str, list[int]]
    badges: dict[int, list[int]]

    @property
    def scanners(self) -> list[str]:
        """Those that heard anything, by name."""
        return sorted(self.heartbeats)

    @property
    def whole(self) -> Interval:
        """From the first to the last packet."""
        times = [at for heard in (*self.heartbeats.values(), *self.badges.values()) for at in heard]
        return min(times), max(times) + 1


def read(shared_data: Path, run: str) -> Recording:
    """Reads a recording of the summit."""
    heartbeats: dict[str, list[int]] = defaultdict(list)
    badges: dict[int, list[int]] = defaultdict(list)
    with gzip.open(shared_data / "summit2015" / f"{run}.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            heard = heartbeats[row["scanner"]]
            (heard if row["heartbeat"] == "1" else badges[int(row["minor"])]).append(int(row["time_ms"]))
    return Recording(
        {name: sorted(times) for name, times in heartbeats.items()},
        {minor: sorted(times) for minor, times in badges.items()},
    )


def ears_of(recording: Recording, cut: dict[str, Interval] | None = None) -> dict[str, Ear]:
    """An ear for each scanner that listened all the time and heard its own beacon; cut: scanner -> when it did not."""
    found = {}
    for scanner, times in recording.heartbeats.items():
        low, high = (cut or {}).get(scanner, (0, 0))
        heard = [(at, at) for at in times if not low <= at < high]
        runs = [(start, end + 1) for start, end in joining.join(heard, HEARD_GAP_MS)]
        beacons = [Beacon(scanner, 0, runs)] if runs else []
        found[scanner] = ears.make(
            scanner, [Placed(scanner, 0, EVER_MS)], [recording.whole], beacons, learn_ms=LEARN_MS
        )
    return found
