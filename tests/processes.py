"""Starts and ends the processes that tests need, each by its own id and never outliving the tests."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

# A cluster or broker of a test is up in one or two seconds; on a loaded machine of two cores it takes ten times that.
START_S = 60
STOP_S = 30
POLL_S = 0.02


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 20) -> None:
    """Waits until the condition holds; fails with `what` when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what}")
        time.sleep(POLL_S)


def start(command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Starts a command that writes to a log file, with these variables besides its own; stop it with `stop`."""
    whole = {**os.environ, **(environment or {})}
    with log.open("ab") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=whole)


def wait_ready(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path) -> None:
    """Waits until a process is ready; fails with the end of its log when it ends before that."""

    def ready_or_gone() -> bool:
        return is_ready() or process.poll() is not None

    wait_until(ready_or_gone, f"{log.name} ready", START_S)
    if process.poll() is not None:
        raise AssertionError(f"{log.name} ended with {process.returncode}: {log.read_text()[-2000:]}")


def stop(process: subprocess.Popen[bytes], with_signal: signal.Signals = signal.SIGTERM) -> None:
    """Ends a process, by force when it does not end by itself."""
    if process.poll() is None:
        process.send_signal(with_signal)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def running(
    command: list[str],
    log: Path,
    is_ready: Callable[[], bool],
    with_signal: signal.Signals = signal.SIGTERM,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ready, for as long as the block runs."""
    process = start(command, log, environment)
    try:
        wait_ready(process, is_ready, log)
        yield process
    finally:
        stop(process, with_signal)


@contextlib.contextmanager
def small_disk(folder: Path, size_kb: int) -> Iterator[Path]:
    """A file system of its own, soon full, mounted at the folder; skips the test where nobody may mount."""
    folder.mkdir()
    options = f"size={size_kb}k,mode=0755"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"only root can mount a small disk: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(folder: Path, *, leave_bytes: int = 0) -> Path:
    """Takes all the room of a disk but leave_bytes; remove the file to give it back."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while (free := shutil.disk_usage(folder).free) > leave_bytes:
            file.write(bytes(min(free, 1 << 20)))
    return filler


def list_marked(mark: str) -> dict[int, str]:
    """The processes whose environment holds `NAME=value`, with their command lines; not this one and its workers."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            entries = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            is_worker = "from execnet" in command or int(folder.name) == os.getpid()
            if mark.encode() in entries and not is_worker:
                found[int(folder.name)] = command
    return found
