"""`muster replay`: plays a recording through real agents, one for each scanner, and shows how far it is."""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.settings import Settings

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from server.operations.recording import Scanner

# Agents need their config and a connection before the first row is due; a second each is plenty.
SHIFT_AHEAD_MS = 3000
# Nothing moved for this long: one of the other processes is away, and who waits wants to know which.
HINT_AFTER_S = 15.0
REFRESH_S = 0.25
# An agent that is stopped sends what it has first; then it is killed.
STOP_S = 8.0
INTERRUPTED = 130  # what a shell says of a program that Ctrl-C ended


class ReplayError(RuntimeError):
    """The replay cannot begin: the message says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `muster replay` is told."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a recording: CSV or CSV.gz, see docs/protocol.md")
    parser.add_argument("--venue", required=True, metavar="ID", help="the venue to replay it into; made when missing")
    parser.add_argument(
        "--speed", type=_read_speed, default="1", metavar="N|max", help="recorded seconds per second (default 1)"
    )
    parser.add_argument("--shift-to-now", action="store_true", help="as if the recording began now; for speed 1")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Replays a recording; returns 0 when everything is settled, 2 when it cannot be, 1 when something failed."""
    from psycopg import Error as PsycopgError
    from sqlalchemy.exc import SQLAlchemyError

    from server.errors import MusterError
    from server.fleet.logins import LoginsError
    from server.operations.recording import CannotReplay

    try:
        return _run(arguments, settings)
    except (ReplayError, CannotReplay, MusterError) as error:
        print(f"muster: {error}", file=sys.stderr)
        return 2
    except (LoginsError, SQLAlchemyError, PsycopgError) as error:
        reason = str(error).strip().splitlines()[0]
        print(f"muster: the recording cannot be replayed: {reason} (muster doctor says more)", file=sys.stderr)
        return 1


def _read_speed(text: str) -> str:
    """The text itself; the agent reads it again."""
    if text != "max":
        try:
            valid = 0 < float(text) < 1e6
        except ValueError:
            valid = False
        if not valid:
            raise argparse.ArgumentTypeError("it must be a number above 0, or max")
    return text


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    from server import database
    from server.fleet import logins
    from server.operations import recording

    if arguments.shift_to_now and arguments.speed not in ("1", "1.0"):
        raise ReplayError("--shift-to-now is for speed 1: faster would run ahead of the clock")
    facts = recording.read_facts(_describe(arguments.file))
    shift_to_ms = time.time_ns() // 1_000_000 + SHIFT_AHEAD_MS if arguments.shift_to_now else None
    engine = database.connect(settings.database.conninfo, pool=1)
    try:
        scanners = recording.prepare(engine, facts, arguments.venue, shift_to_ms or facts.from_ms)
        broker = settings.broker
        if broker.admin_user:  # otherwise the server, or whoever runs the broker, lets the agents in
            wanted = recording.logins_of(engine, scanners)
            with logins.administer(broker.host, broker.port, broker.admin_user, broker.admin_password) as found:
                found.add_agents(wanted)
        code = asyncio.run(_Replay(arguments, settings, scanners, facts.rows, shift_to_ms).run())
        if code == 0:
            result = recording.read_result(engine, arguments.venue, scanners)
            refused = ", ".join(f"{count} {reason}" for reason, count in sorted(result.refused.items())) or "none"
            print(f"{arguments.venue}: {result.badges} badges, {result.visits} visits, {result.stays} stays")
            print(f"refused reports: {refused}")
            print(f"live map: {settings.server.url}/venues/{arguments.venue}/live (for operators)")
        return code
    finally:
        engine.dispose()


def _describe(file: Path) -> dict[str, Any]:
    """What is in a recording; raises ReplayError with the agent's own line when it is none."""
    from server.operations import agents

    result = subprocess.run([agents.program(), "describe", str(file)], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or [f"{file} cannot be read"]
        raise ReplayError(lines[-1].removeprefix("muster-agent: "))
    described: dict[str, Any] = json.loads(result.stdout)
    return described


@dataclasses.dataclass
class _Player:
    """One agent that plays one scanner, and how far it is."""

    scanner: "Scanner"
    log: Path
    process: asyncio.subprocess.Process
    rows: int = 0
    at_ms: int = 0
    settled: int = 0
    unsettled: int = 0


class _Replay:
    """The agents of one recording, from start to end."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        settings: Settings,
        scanners: "list[Scanner]",
        rows: int,
        shift_to_ms: int | None,
    ) -> None:
        """rows: of the whole recording, which every agent reads. shift_to_ms: when it begins, None: when it did."""
        self._settings = settings
        self._folder = Path(settings.up.folder).resolve()
        self._scanners = scanners
        self._rows = rows
        self._options = [str(arguments.file.resolve()), "--speed", arguments.speed, "--progress"]
        if shift_to_ms is not None:
            self._options += ["--shift-to", str(shift_to_ms)]
        self._players: list[_Player] = []

    async def run(self) -> int:
        """Plays until everything is settled; returns the exit code."""
        told = asyncio.Event()
        # Explicitly, since whoever started us may have told us to ignore them.
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        try:
            for scanner in self._scanners:
                self._players.append(await self._start(scanner))
            playing = asyncio.create_task(self._play())
            waiting = asyncio.create_task(told.wait())
            await asyncio.wait({playing, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if not playing.done():
                playing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await playing
                print("stopped; the same command plays it again, and nothing will be there twice", file=sys.stderr)
                return INTERRUPTED
            return playing.result()
        finally:
            await self._stop()

    async def _start(self, scanner: "Scanner") -> _Player:
        from server.operations import accounts, agents

        home = agents.make_home(self._folder, scanner.agent_id)
        command = [agents.program(), "replay", *self._options, "--scanner", scanner.name]
        with agents.begin_log(home) as errors:
            process = await asyncio.create_subprocess_exec(
                *accounts.with_parent(command),
                env=agents.environment_of(scanner.agent_id, scanner.key, home, self._settings.broker),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # the terminal's Ctrl-C is for us alone: we end the agents
            )
        return _Player(scanner, home / "log", process)

    async def _play(self) -> int:
        with _make_progress() as progress:
            bar = progress.add_task("", total=self._rows, at="", settled="")
            reading = [asyncio.create_task(self._read(player)) for player in self._players]
            try:
                await self._show_until(reading, progress, bar)
            finally:
                for task in reading:
                    task.cancel()
            self._show(progress, bar)
        failed = [player for player in self._players if await player.process.wait() != 0]
        for player in failed:
            said = player.log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
            print(
                f"muster: {player.scanner.agent_id} ended with {player.process.returncode}: {said[-1]}", file=sys.stderr
            )
        return 1 if failed else 0

    async def _show_until(self, reading: "list[asyncio.Task[None]]", progress: "Progress", bar: "TaskID") -> None:
        """Shows how far it is until every agent has ended or one has failed."""
        moved_s, before = time.monotonic(), self._sums()
        while not all(task.done() for task in reading):
            await asyncio.wait(reading, timeout=REFRESH_S)
            self._show(progress, bar)
            if any(player.process.returncode for player in self._players):
                return
            if self._sums() != before:
                moved_s, before = time.monotonic(), self._sums()
            elif time.monotonic() - moved_s > HINT_AFTER_S:
                away = "muster-gateway" if before[0] else "muster-server"
                progress.console.print(f"nothing moves: does {away} run? (muster doctor says more; Ctrl-C stops)")
                moved_s = time.monotonic()

    def _sums(self) -> tuple[int, int]:
        return sum(player.rows for player in self._players), sum(player.settled for player in self._players)

    def _show(self, progress: "Progress", bar: "TaskID") -> None:
        players = self._players
        at_ms = min(player.at_ms for player in players)
        settled, unsettled = sum(p.settled for p in players), sum(p.unsettled for p in players)
        progress.update(
            bar,
            completed=min(player.rows for player in players),
            at=time.strftime("%d %b %H:%M:%S", time.gmtime(at_ms / 1000)) if at_ms else "waiting for the agents",
            settled=f"{settled} settled, {unsettled} not yet" if at_ms else "",
        )

    async def _read(self, player: _Player) -> None:
        """Takes what an agent says of its progress, until it ends."""
        assert player.process.stdout is not None
        async for line in player.process.stdout:
            with contextlib.suppress(ValueError, KeyError):
                said = json.loads(line)
                player.rows, player.at_ms = said["rows"], said["at_ms"]
                player.settled, player.unsettled = said["settled"], said["unsettled"]

    async def _stop(self) -> None:
        """Ends what still runs."""
        running = [player.process for player in self._players if player.process.returncode is None]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        if running:
            ending = [asyncio.create_task(process.wait()) for process in running]
            _, late = await asyncio.wait(ending, timeout=STOP_S)
            for process in running if late else []:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
            await asyncio.gather(*ending)


def _make_progress() -> "Progress":
    from rich.progress import BarColumn, Progress, TextColumn

    # Together 78 columns at most, so that nothing is cut off on a terminal of 80.
    return Progress(
        BarColumn(bar_width=14),
        TextColumn("{task.completed:,} of {task.total:,} rows"),
        TextColumn("{task.fields[at]}"),
        TextColumn("[dim]{task.fields[settled]}"),
    )
