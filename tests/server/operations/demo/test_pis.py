"""Tests of the processes of the simulated Pis, with small programs in place of the agent."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.operations.demo import pis
from tests import processes

DATA = bytes.fromhex("4c000215")
PRINT_LINES = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
SLEEP = "import time\ntime.sleep(60)"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str], pis.Pi]]:
    made: list[pis.Pi] = []

    def make_pi(program: str) -> pis.Pi:
        made.append(pis.Pi("pi", [sys.executable, "-c", program], {"PATH": os.environ["PATH"]}, tmp_path))
        return made[-1]

    yield make_pi
    for pi in made:
        pi.kill()


def read(folder: Path) -> list[str]:
    return (folder / "log").read_text().splitlines()


def ended(pi: pis.Pi) -> Callable[[], bool]:
    return lambda: not pi.running


def test_it_hears_what_is_put_on_its_air(make: Callable[[str], pis.Pi], tmp_path: Path) -> None:
    pi = make(PRINT_LINES)
    pi.look_after(0)
    pi.hear(DATA, -70)
    pi.hear(DATA, -71)
    assert pi.flush() == 0
    processes.wait_until(lambda: len(read(tmp_path)) == 3, "three lines")
    assert read(tmp_path) == [
        '{"radio": "ok"}',
        '{"data":"4c000215","rssi":-70}',
        '{"data":"4c000215","rssi":-71}',
    ]


def test_one_that_does_not_read_loses_adverts_and_holds_nobody_up(make: Callable[[str], pis.Pi]) -> None:
    pi = make(SLEEP)
    pi.look_after(0)
    for _ in range(10_000):
        pi.hear(DATA, -70)
    lost = pi.flush()
    assert 5_000 < lost < 10_000  # a pipe holds 64 KiB


def test_after_a_crash_it_is_started_again_each_time_later(make: Callable[[str], pis.Pi]) -> None:
    pi = make("raise SystemExit(3)")
    now_s = 0.0
    waits = []
    for crash in range(1, 8):
        pi.look_after(now_s)
        processes.wait_until(ended(pi), "its end")
        news = pi.look_after(now_s)
        assert "ended with 3" in news
        assert pi.crashes == crash
        due_s = now_s
        while not pi.running and pi.crashes == crash and due_s < now_s + 100:
            due_s += 0.5
            pi.look_after(due_s)
        waits.append(due_s - now_s)
        now_s = due_s
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == pis.BACKOFF_MOST_S


def test_a_killed_one_stays_killed_until_it_is_revived(make: Callable[[str], pis.Pi]) -> None:
    pi = make(SLEEP)
    pi.look_after(0)
    pids = [pi.pid]
    pi.kill()
    for now_s in range(1, 200):
        assert pi.look_after(now_s) == ""
    pids.append(pi.pid)
    pi.revive()
    pi.look_after(200)
    pids.append(pi.pid)
    assert [pid is not None for pid in pids] == [True, False, True]


def test_killing_and_reviving_twice_is_as_once(make: Callable[[str], pis.Pi]) -> None:
    pi = make(SLEEP)
    pi.look_after(0)
    pid = pi.pid
    pi.revive()
    pi.look_after(1)
    assert pi.pid == pid
    pi.kill()
    pi.kill()
    assert not pi.running


def test_one_that_is_down_hears_nothing_and_does_not_catch_up(make: Callable[[str], pis.Pi], tmp_path: Path) -> None:
    pi = make(PRINT_LINES)
    pi.hear(DATA, -70)
    assert pi.flush() == 0
    pi.look_after(0)
    pi.hear(DATA, -75)
    pi.flush()
    processes.wait_until(lambda: len(read(tmp_path)) == 2, "two lines")
    assert '"rssi":-75' in read(tmp_path)[1]


def test_writing_to_one_that_just_died_is_a_loss_and_no_fault(make: Callable[[str], pis.Pi]) -> None:
    pi = make("pass")
    pi.look_after(0)
    processes.wait_until(ended(pi), "its end")
    pi.hear(DATA, -70)
    assert pi.flush() == 1


def test_one_that_does_not_end_when_asked_is_killed(make: Callable[[str], pis.Pi], tmp_path: Path) -> None:
    pi = make("import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\n" + SLEEP)
    pi.look_after(0)
    processes.wait_until(lambda: read(tmp_path) == ["up"], "its start")
    pi.stop()
    pi.wait(0.1)
    assert not pi.running
