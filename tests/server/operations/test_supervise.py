"""Supervision with tiny children: order, readiness, crashes, back-off, and that nobody is left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from server.operations import accounts, stale, supervise
from server.operations.supervise import Crash, Program, StartError, Supervisor
from tests import processes

SLEEPER = "import time; print('here', flush=True); time.sleep(600)"
STUBBORN = (
    "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
)


def python(code: str, *arguments: object) -> list[str]:
    return accounts.with_parent([sys.executable, "-S", "-c", code, *map(str, arguments)])


def run(folder: Path, story: Callable[[Supervisor, list[Crash]], Awaitable[None]]) -> None:
    """Plays a story with a supervisor that is stopped at the end."""

    async def play() -> None:
        crashes: list[Crash] = []
        supervisor = Supervisor(folder / "pids.json", crashes.append)
        try:
            await story(supervisor, crashes)
        finally:
            await supervisor.stop()

    asyncio.run(play())


async def until(condition: Callable[[], object], timeout_s: float = 20) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 -- files and processes of others have no event
            await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    return stale.trace(pid, signal.SIGTERM) is not None


def read_pids(path: Path) -> list[int]:
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def test_a_program_starts_when_the_one_before_is_ready_and_they_end_in_reverse(tmp_path: Path) -> None:
    ends = tmp_path / "ends"
    slow = "import pathlib, sys, time; time.sleep(0.3); pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    says_when_it_ends = (
        "import pathlib, signal, sys, time\n"
        "def end(*_):\n"
        "    open(sys.argv[2], 'a').write(sys.argv[1]); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    )

    async def story(supervisor: Supervisor, crashes: list[Crash]) -> None:
        ready = tmp_path / "slow"
        await supervisor.start(Program("slow", python(slow, ready), tmp_path / "slow.log", is_ready=ready.exists))
        assert ready.exists()
        for name in ("a", "b"):
            os.chdir(tmp_path)
            command = python(says_when_it_ends, name, ends)
            await supervisor.start(Program(name, command, tmp_path / f"{name}.log", is_ready=(tmp_path / name).exists))
        assert not crashes

    before = Path.cwd()
    try:
        run(tmp_path, story)
    finally:
        os.chdir(before)
    assert ends.read_text() == "ba"
    assert not (tmp_path / "pids.json").exists()


def test_a_program_that_ends_before_it_is_ready_is_told_with_its_last_lines(tmp_path: Path) -> None:
    async def story(supervisor: Supervisor, crashes: list[Crash]) -> None:
        command = python("print('no PostGIS here'); raise SystemExit(3)")
        with pytest.raises(StartError, match=r"^broken ended with exit code 3, see .*broken.log$") as caught:
            await supervisor.start(Program("broken", command, tmp_path / "broken.log", is_ready=lambda: False))
        assert caught.value.last_lines == ["no PostGIS here"]
        assert not crashes

    run(tmp_path, story)


def test_a_program_that_does_not_become_ready_in_time_is_ended(tmp_path: Path) -> None:
    async def story(supervisor: Supervisor, _crashes: list[Crash]) -> None:
        program = Program("late", python(SLEEPER), tmp_path / "late.log", is_ready=lambda: False, ready_s=0.3)
        with pytest.raises(StartError, match=r"^late was not ready within 0\.3 s"):
            await supervisor.start(program)

    run(tmp_path, story)


def test_a_program_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    async def story(supervisor: Supervisor, _crashes: list[Crash]) -> None:
        with pytest.raises(StartError, match=r"^gone cannot be started: .*No such file"):
            await supervisor.start(Program("gone", ["/nowhere/gone"], tmp_path / "gone.log"))

    run(tmp_path, story)


def test_a_crash_is_shown_with_the_last_lines_and_the_program_runs_again(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = (
        "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()} ');"
        "print('hello', flush=True); time.sleep(600)"
    )

    async def story(supervisor: Supervisor, crashes: list[Crash]) -> None:
        program = Program("crashing", python(code, pids), tmp_path / "c.log", is_ready=pids.exists)
        await supervisor.start(program)
        await until(lambda: "hello" in program.log.read_text())
        os.kill(read_pids(pids)[0], signal.SIGKILL)
        await until(lambda: len(read_pids(pids)) == 2)
        assert [(crash.name, crash.how, crash.last_lines) for crash in crashes] == [
            ("crashing", "was ended by SIGKILL", ["hello"])
        ]

    run(tmp_path, story)
    assert not any(map(is_alive, read_pids(pids)))


def test_crashes_in_a_row_wait_longer_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "BACKOFF_FIRST_S", 0.01)
    monkeypatch.setattr(supervise, "BACKOFF_MOST_S", 0.03)

    async def story(supervisor: Supervisor, crashes: list[Crash]) -> None:
        await supervisor.start(Program("c", python("raise SystemExit(1)"), tmp_path / "c.log"))
        await until(lambda: len(crashes) >= 4)
        assert [crash.again_in_s for crash in crashes[:4]] == [0.01, 0.02, 0.03, 0.03]

    run(tmp_path, story)


def test_a_program_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"

    async def story(supervisor: Supervisor, _crashes: list[Crash]) -> None:
        program = Program("stubborn", python(STUBBORN, ready), tmp_path / "s.log", is_ready=ready.exists, stop_s=0.2)
        await supervisor.start(program)

    run(tmp_path, story)  # it would never end


def test_hurrying_does_not_wait(tmp_path: Path) -> None:
    ready = tmp_path / "ready"

    async def story(supervisor: Supervisor, _crashes: list[Crash]) -> None:
        command = python(STUBBORN, ready)
        await supervisor.start(Program("stubborn", command, tmp_path / "s.log", is_ready=ready.exists, stop_s=600))
        supervisor.hurry()

    started = time.monotonic()
    run(tmp_path, story)
    assert time.monotonic() - started < 600


def test_what_a_program_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)'])\n"
        "open(sys.argv[1], 'w').write(str(child.pid)); time.sleep(600)"
    )

    async def story(supervisor: Supervisor, _crashes: list[Crash]) -> None:
        program = Program("p", python(code, pids), tmp_path / "p.log", is_ready=lambda: bool(read_pids(pids)))
        await supervisor.start(program)

    run(tmp_path, story)
    processes.wait_until(lambda: not is_alive(read_pids(pids)[0]), "the grandchild is gone")


def test_children_die_with_a_killed_supervisor_and_stubborn_ones_are_ended_by_the_next(tmp_path: Path) -> None:
    code = f"""
import asyncio, pathlib, sys
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from server.operations import accounts, supervise
folder = pathlib.Path(sys.argv[1])
def program(name, code):
    command = accounts.with_parent([sys.executable, "-S", "-c", code, str(folder / name)])
    return supervise.Program(name, command, folder / (name + ".log"), is_ready=(folder / name).exists)
async def main():
    supervisor = supervise.Supervisor(folder / "pids.json", print)
    meek = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    await supervisor.start(program("meek", meek))
    await supervisor.start(program("stubborn", {STUBBORN!r}))
    (folder / "all").touch()
    await asyncio.sleep(600)
asyncio.run(main())
"""
    starter = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    try:
        processes.wait_until((tmp_path / "all").exists, "both run")
    finally:
        starter.kill()
        starter.wait()
    notes = (tmp_path / "pids.json").read_text()
    meek, stubborn = (int(part.split(",")[0]) for part in notes.split('"pid": ')[1:])
    processes.wait_until(lambda: not is_alive(meek), "the meek one is gone")
    assert is_alive(stubborn)
    assert stale.end_stale(tmp_path / "pids.json", end_s=0.2) == ["stubborn"]
    processes.wait_until(lambda: not is_alive(stubborn), "the stubborn one is gone")
    assert stale.end_stale(tmp_path / "pids.json") == []


def test_the_next_start_waits_until_what_was_killed_is_reaped(tmp_path: Path) -> None:
    killed = subprocess.Popen([sys.executable, "-S", "-c", SLEEPER], stdout=subprocess.DEVNULL)
    found = stale.trace(killed.pid, signal.SIGTERM)
    assert found is not None
    stale.remember(tmp_path / "pids.json", {"killed": found})
    killed.kill()
    processes.wait_until(lambda: not is_alive(killed.pid), "it has ended")
    threading.Timer(0.5, killed.wait).start()
    assert stale.end_stale(tmp_path / "pids.json") == []
    assert killed.returncode == -9, "it was reaped meanwhile"


def test_a_full_disk_does_not_keep_a_crashed_program_from_running_again(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()} '); time.sleep(600)"

    async def story(supervisor: Supervisor, crashes: list[Crash]) -> None:
        program = Program("crashing", python(code, pids), disk / "c.log", is_ready=lambda: bool(read_pids(pids)))
        await supervisor.start(program)
        filler = processes.fill(disk)
        os.kill(read_pids(pids)[0], signal.SIGKILL)
        await until(lambda: len(read_pids(pids)) == 2)
        filler.unlink()
        assert len(crashes) == 1

    with processes.small_disk(tmp_path / "disk", 64) as disk:
        run(disk, story)
