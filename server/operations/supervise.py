"""Starts child processes in order, each when the one before is ready, keeps them running, and ends them in reverse."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from server.operations import logs, stale

READY_POLL_S = 0.05
# What a child still says after it has ended is read for this long; a grandchild may hold the pipe open for ever.
LAST_WORDS_S = 0.5
# After a crash: at once, as most are over then; doubled each time up to half a minute, so that a child that can't start
# neither floods the log nor takes a core.
BACKOFF_FIRST_S = 0.5
BACKOFF_MOST_S = 30
# Children that ended for one reason, such as a full disk, are not all started again at the same moment.
JITTER = (0.8, 1.2)
# Who ran this long had started well: the next crash is a new one.
BACKOFF_FORGET_S = 60
# A line longer than this is written in pieces.
LINE_BYTES = 1 << 20


def always_ready() -> bool:
    """For children that others do not wait for."""
    return True


@dataclass(frozen=True)
class Program:
    """A child process: how to start it, when it is ready, and how to end it."""

    name: str
    command: list[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    is_ready: Callable[[], bool] = always_ready  # may block for a second or two; runs in a thread
    ready_s: float = 60
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 15  # then it is killed


class StartError(RuntimeError):
    """A child did not become ready: the message names it and its log, last_lines is what it said."""

    def __init__(self, message: str, last_lines: list[str]) -> None:
        """message: one line; last_lines: the end of the child's log."""
        super().__init__(message)
        self.last_lines = last_lines


@dataclass(frozen=True, slots=True)
class Crash:
    """A child ended by itself; it is started again in `again_in_s`."""

    name: str
    how: str
    last_lines: list[str]
    log: Path
    again_in_s: float


class Child:
    """One program and the process that runs it now."""

    def __init__(self, program: Program, on_start: Callable[[], None]) -> None:
        """on_start: called as soon as there is a new process. Starts nothing yet."""
        self.program = program
        self._on_start = on_start
        self.log = logs.Log(program.log)
        self.process: asyncio.subprocess.Process | None = None
        self._pump: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts the process and waits until it is ready. Raises StartError."""
        program = self.program
        self.log.forget()
        # A pipe of our own: with asyncio's, a grandchild that holds it open makes the child's wait() wait as well.
        reading, writing = os.pipe()
        try:
            self.process = await asyncio.create_subprocess_exec(
                *program.command,
                env=dict(program.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,  # the terminal's Ctrl-C is for us alone: we end the children in order
            )
        except OSError as error:
            os.close(reading)
            raise StartError(f"{program.name} cannot be started: {error}", []) from None
        finally:
            os.close(writing)
        self._pump = asyncio.create_task(self._read(reading))
        self._on_start()
        deadline = time.monotonic() + program.ready_s
        while not await asyncio.to_thread(program.is_ready):
            if self.process.returncode is not None:
                await self._ended()
                raise StartError(f"{program.name} {self.how}, see {program.log}", self.log.last_lines)
            if time.monotonic() > deadline:
                await self.stop(asyncio.Event())
                raise StartError(
                    f"{program.name} was not ready within {program.ready_s:g} s, see {program.log}",
                    self.log.last_lines,
                )
            await asyncio.sleep(READY_POLL_S)

    async def wait(self) -> None:
        """Returns when the process has ended by itself and its last words are read."""
        assert self.process is not None
        await self.process.wait()
        await self._ended()

    async def stop(self, hurry: asyncio.Event) -> None:
        """Ends the process and its group, by force when it takes too long or `hurry` is set."""
        process = self.process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self.program.stop_signal)
            ended = asyncio.create_task(process.wait())
            hurried = asyncio.create_task(hurry.wait())
            await asyncio.wait({ended, hurried}, timeout=self.program.stop_s, return_when=asyncio.FIRST_COMPLETED)
            hurried.cancel()
            if not ended.done():
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await ended
        await self._ended()

    @property
    def how(self) -> str:
        """How the process ended, in words."""
        code = self.process.returncode if self.process else None
        if code is not None and code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    async def _ended(self) -> None:
        if self.process is None or self._pump is None:
            return
        stale.end_group(self.process.pid)
        await asyncio.wait({self._pump}, timeout=LAST_WORDS_S)
        self._pump.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._pump
        self._pump = None

    async def _read(self, pipe: int) -> None:
        """Writes what comes through the pipe to the log until nobody holds its other end."""
        reader = asyncio.StreamReader(limit=LINE_BYTES)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", buffering=0)
        )
        try:
            while True:
                try:
                    line = await reader.readuntil(b"\n")
                except asyncio.IncompleteReadError as error:
                    self.log.write(error.partial)
                    return
                except asyncio.LimitOverrunError as error:
                    line = await reader.readexactly(error.consumed)
                self.log.write(line)
        finally:
            transport.close()


class Supervisor:
    """The children that run, in the order in which they were started."""

    def __init__(self, pids: Path, show: Callable[[Crash], None]) -> None:
        """pids: where the running processes are noted, see `stale`; show: told of every crash."""
        self._pids = pids
        self._show = show
        self._children: list[Child] = []
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._hurry = asyncio.Event()

    async def start(self, program: Program) -> None:
        """Starts a program, waits until it is ready, and keeps it running from then on. Raises StartError."""
        child = Child(program, self._note)
        self._children.append(child)
        await child.start()
        self._keepers[program.name] = asyncio.create_task(self._keep(child))

    async def stop(self) -> None:
        """Ends all children, the last one started first."""
        for child in reversed(self._children):
            keeper = self._keepers.pop(child.program.name, None)
            if keeper is not None:
                keeper.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await keeper
            await child.stop(self._hurry)
            child.log.close()
        self._children.clear()
        self._pids.unlink(missing_ok=True)

    def hurry(self) -> None:
        """Makes `stop` kill what it would wait for."""
        self._hurry.set()

    async def _keep(self, child: Child) -> None:
        """Starts a child again whenever it ends."""
        backoff_s = BACKOFF_FIRST_S
        started = time.monotonic()
        how = ""
        while True:
            if not how:
                await child.wait()
                how = child.how
                if time.monotonic() - started > BACKOFF_FORGET_S:
                    backoff_s = BACKOFF_FIRST_S
            self._show(Crash(child.program.name, how, child.log.last_lines, child.program.log, backoff_s))
            await asyncio.sleep(backoff_s * random.uniform(*JITTER))  # noqa: S311 -- spreads starts, guards nothing
            backoff_s = min(2 * backoff_s, BACKOFF_MOST_S)
            started = time.monotonic()
            how = ""
            try:
                await child.start()
            except StartError as error:
                how = f"was started again in vain ({error})"

    def _note(self) -> None:
        """Writes down what runs, before anything waits for it: we may be killed at any time."""
        traces = {}
        for child in self._children:
            if child.process is not None and child.process.returncode is None:
                found = stale.trace(child.process.pid, child.program.stop_signal)
                if found is not None:
                    traces[child.program.name] = found
        # On a full disk the kernel still ends the children with us; not to start one again would be worse.
        with contextlib.suppress(OSError):
            stale.remember(self._pids, traces)
