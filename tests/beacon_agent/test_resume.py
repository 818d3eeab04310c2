"""A replay whose agent was killed or stopped goes on at the end of the last window in its spool."""

import json
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from beacon_agent import wire
from beacon_agent.replay import HEADER
from tests.beacon_agent.conftest import Broker, TinyGateway, wait_for
from tests.beacon_agent.test_main import BADGE, COMMAND, CONFIG, make_environment

BASE_MS = 1_425_757_560_000
SECONDS = 120


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    chance = random.Random(3)
    rows = [",".join(HEADER)]
    for at_ms in range(0, SECONDS * 1000, 250):
        for scanner in ("Room201", "Room202"):
            late_ms = chance.randrange(1500)  # rows are out of order, as in real ones
            rows.append(f"{BASE_MS + at_ms - late_ms + 1500},{scanner},{BADGE[:16].hex().upper()},14,1,-60,-59,")
    path = tmp_path / "walk.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


Play = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def play(tmp_path: Path, broker: Broker, gateway: TinyGateway, recording: Path) -> Play:
    gateway.configure(CONFIG)

    def start(speed: str, folder: str = "agent", *more: str) -> "subprocess.Popen[str]":
        command = [*COMMAND, "replay", str(recording), "--scanner", "Room202", "--speed", speed, "--progress", *more]
        environment = {**make_environment(tmp_path, broker.port), "MUSTER_AGENT__FOLDER": str(tmp_path / folder)}
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    return start


def finish(process: "subprocess.Popen[str]") -> dict[str, object]:
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    last: dict[str, object] = json.loads(said.splitlines()[-1])
    return last


def tell(reports: list[wire.Report]) -> dict[int, tuple[wire.Radio, tuple[wire.Reading, ...]]]:
    """What was told of each window; a window that was told twice differently fails."""
    told: dict[int, tuple[wire.Radio, tuple[wire.Reading, ...]]] = {}
    for report in reports:
        assert told.setdefault(report.from_ms, (report.radio, report.readings)) == (report.radio, report.readings)
    return told


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_spooled_is_not_played_twice_and_nothing_is_skipped(
    play: Play, gateway: TinyGateway, how: signal.Signals
) -> None:
    whole = finish(play("max", "undisturbed"))
    undisturbed = tell(gateway.reports)
    assert whole["done"] is True
    gateway.payloads.clear()
    for _ in range(2):
        begun = len(gateway.payloads)
        with play("30") as process:
            wait_for(lambda begun=begun: len(gateway.payloads) > begun + 60)  # type: ignore[misc]
            process.send_signal(how)
            process.communicate()
    last = finish(play("max"))
    assert tell(gateway.reports) == undisturbed
    numbers = Counter(report.from_ms for report in {(r.boot, r.seq): r for r in gateway.reports}.values())
    assert set(numbers.values()) == {1}, "every window has one number, however often it was sent"
    assert last == {**whole, "settled": last["settled"]}, "the bar counts what was played before"


def test_windows_that_nobody_settled_are_sent_again_and_not_played_again(play: Play, gateway: TinyGateway) -> None:
    gateway.acknowledge = False
    with play("max") as process:
        wait_for(lambda: len({report.seq for report in gateway.reports}) == 33)
        process.kill()
        process.communicate()
    first = set(gateway.payloads)
    gateway.payloads.clear()
    gateway.acknowledge = True
    finish(play("max"))
    assert first <= set(gateway.payloads)
    numbers = Counter(report.from_ms for report in {(r.boot, r.seq): r for r in gateway.reports}.values())
    assert set(numbers.values()) == {1}


def test_a_replay_that_was_finished_is_played_from_its_start_when_asked_again(play: Play, gateway: TinyGateway) -> None:
    finish(play("max"))
    first = tell(gateway.reports)
    gateway.payloads.clear()
    finish(play("max"))
    assert tell(gateway.reports) == first


def test_another_shift_is_another_replay(play: Play, gateway: TinyGateway) -> None:
    with play("30") as process:
        wait_for(lambda: len(gateway.payloads) > 30)
        process.kill()
        process.communicate()
    gateway.payloads.clear()
    finish(play("max", "agent", "--shift-to", str(BASE_MS + 1_000_000)))
    shifted = [report.from_ms for report in gateway.reports if report.from_ms >= BASE_MS + 1_000_000]
    assert min(shifted) == BASE_MS + 1_000_000
