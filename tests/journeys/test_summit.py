"""The journey of real badges: recordings of 2015 through agents, broker, gateway and PostGIS, scored."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Mqtt
from tests.journeys import parts, score
from tests.journeys.score import Score

# 13 minutes of four scanners and 27 of two, as fast as it goes; seconds on an idle machine.
REPLAY_S = 240


@pytest.fixture
def running(shared_data: Path, fresh_database: str, fresh_mosquitto: Mqtt, tmp_path: Path) -> Iterator[parts.Parts]:
    assert shared_data
    with parts.running(fresh_database, fresh_mosquitto, tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("recording", "truth", "badges", "moves"),
    [
        ("FourScannersRun1-2015-03-07.csv.gz", "truth_03-07.csv", {1, 2, 5, 6, 7, 8}, 12),
        ("TwoScannersRun1-2015-03-03.csv.gz", "truth_03-03.csv", {2, 3, 4}, 0),
    ],
)
def test_the_database_says_where_the_badges_really_were(
    running: parts.Parts,
    shared_data: Path,
    recording: str,
    truth: str,
    badges: set[int],
    moves: int,
    show: Callable[[str], None],
) -> None:
    summit = shared_data / "summit2015"
    command = [parts.program("muster"), "replay", str(summit / recording), "--venue", "summit", "--speed", "max"]
    result = subprocess.run(
        command, env=running.environment, capture_output=True, text=True, timeout=REPLAY_S, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    scores = score.score_venue(running.conninfo, "summit", summit / truth)
    show(f"{recording}\n{score.draw_table(scores)}")
    assert scores.keys() == badges
    together = sum(scores.values(), Score())
    assert together.windows > 500
    assert together.right == together.windows
    assert (together.named, together.moves) == (moves, moves)
    assert together.false_changes == 0
    assert together.false_departures == 0
    assert running.count("SELECT count(*) FROM refused_report") == 0
