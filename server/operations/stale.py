"""Remembers which processes were started in a folder, and ends those that a killed starter left behind."""

import contextlib
import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

# They were told to end when their parent died, so that most are gone at once; PostgreSQL writes its data first.
END_S = 20
POLL_S = 0.05
# Whoever inherits a killed process reaps it, at once or a moment later; until then its id counts as taken, and
# PostgreSQL takes the one that is noted in its folder for another server.
REAP_S = 10


@dataclass(frozen=True, slots=True)
class Trace:
    """A process: its id alone may have been given to another one since."""

    pid: int
    started: str
    stop_signal: int


def trace(pid: int, stop_signal: signal.Signals) -> Trace | None:
    """The trace of a running process, None when there is no such process."""
    started = _started(pid)
    return Trace(pid, started, stop_signal) if started else None


def remember(path: Path, traces: dict[str, Trace]) -> None:
    """Writes which processes run, by name."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(json.dumps({name: asdict(found) for name, found in traces.items()}))
    unfinished.replace(path)


def end_stale(path: Path, end_s: float = END_S) -> list[str]:
    """Ends the remembered processes that still run, by force after end_s; the names of those that did."""
    try:
        traces = {name: Trace(**entry) for name, entry in json.loads(path.read_text()).items()}
    except (OSError, ValueError, TypeError):
        return []
    running = {name: found for name, found in traces.items() if is_running(found)}
    for found in running.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, found.stop_signal)
    deadline = time.monotonic() + end_s
    while any(map(is_running, running.values())) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    for found in running.values():
        end_group(found.pid)
    deadline = time.monotonic() + REAP_S
    while any(map(_lingers, traces.values())) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    path.unlink()
    return list(running)


def end_group(pid: int) -> None:
    """Kills what is left of the process group that a child of ours led; nothing left is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def is_running(found: Trace) -> bool:
    """Whether exactly this process still runs."""
    return _started(found.pid) == found.started


def _lingers(found: Trace) -> bool:
    return _started(found.pid, reaped=False) == found.started


def _started(pid: int, *, reaped: bool = True) -> str:
    """The boot and the clock tick in which a process started; empty when it is gone.

    reaped: also when it has ended and only waits to be reaped.
    """
    try:
        # proc(5): the name in parentheses may hold blanks; state is the third field, starttime the 22nd.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    return "" if reaped and fields[0] in "ZX" else f"{boot} {fields[19]}"
