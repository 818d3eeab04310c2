"""The command `muster-agent`: run, replay, describe, record."""

import argparse
import asyncio
import contextlib
import json
import logging
import math
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from beacon_agent import agent, replay
from beacon_agent.clock import Clock, read_system_ms
from beacon_agent.source import Source
from beacon_agent.store import SpoolError
from beacon_agent.window import Interest
from config import settings as config_settings

EXAMPLES = """\
examples:
  muster-agent run                                 listen with the first Bluetooth adapter
  muster-agent run --radio stdin < adverts.jsonl   listen to JSON lines instead
  muster-agent replay walk.csv.gz --scanner Room201 --speed max
  muster-agent describe walk.csv.gz
  muster-agent record --out walk.csv.gz
"""
HOLD_REPORTS = 32  # a replay runs ahead of its acknowledgements by at most so many windows, about a minute of 2 s each:
#                    the agents of one recording stay that near to each other in event time
PROGRESS_S = 0.25  # a progress bar that moves more often than this only flickers


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0 done, 1 failed, 2 wrong settings or use."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S"
    )
    try:
        code: int = options.command(options)
    except (config_settings.SettingsError, SpoolError, replay.RecordingError) as error:
        print(f"muster-agent: {error}", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    def example(text: str) -> str:
        return f"example:\n  {text}\n"

    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="muster-agent",
        description="Listens for badges and reports what it hears to muster.",
        epilog=EXAMPLES,
        formatter_class=raw,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run", help="listen and report until stopped", formatter_class=raw, epilog=example("muster-agent run")
    )
    run.add_argument("--radio", choices=["bluez", "stdin"], default="bluez", help="what to listen with")
    run.set_defaults(command=_run)

    play = commands.add_parser(
        "replay",
        help="report what a recording holds, as one of its scanners",
        formatter_class=raw,
        epilog=example("muster-agent replay walk.csv.gz --scanner Room201 --speed 10"),
    )
    play.add_argument("file", type=Path)
    play.add_argument("--scanner", required=True, help="whose rows to hear")
    play.add_argument("--speed", type=_speed, default=1.0, help="recorded seconds per second, or max (default 1)")
    play.add_argument("--shift-to-now", action="store_true", help="as if the recording began now")
    play.add_argument("--shift-to", type=int, metavar="MS", help="as if it began then (ms since the epoch)")
    play.add_argument("--progress", action="store_true", help="print JSON lines that tell how far it is")
    play.set_defaults(command=_replay)

    describe = commands.add_parser(
        "describe",
        help="print what a recording holds, as JSON",
        formatter_class=raw,
        epilog=example("muster-agent describe walk.csv.gz"),
    )
    describe.add_argument("file", type=Path)
    describe.set_defaults(command=_describe)

    record = commands.add_parser(
        "record",
        help="write what is heard to a file, in place of the running agent",
        formatter_class=raw,
        epilog=example("muster-agent record --out walk.csv.gz"),
    )
    record.add_argument("--out", type=Path, required=True, metavar="FILE", help="CSV, compressed when named .gz")
    record.add_argument("--all", action="store_true", help="strangers' iBeacons too, not only registered badges")
    record.add_argument("--radio", choices=["bluez", "stdin"], default="bluez", help="what to listen with")
    record.set_defaults(command=_record)

    for command in (run, play, record):
        command.add_argument("--config", type=Path, metavar="FILE", help="settings (default: MUSTER_CONFIG)")
    return parser


def _speed(text: str) -> float:
    if text == "max":
        return math.inf
    speed = float(text)
    if not 0 < speed < 1e6:
        raise ValueError("speed must be above 0")
    return speed


def _open_radio(kind: str, settings: config_settings.Settings, clock: Clock) -> Source:
    if kind == "stdin":
        from beacon_agent.fake import FakeRadio

        return FakeRadio(sys.stdin.fileno(), clock)
    from beacon_agent.radio import BlueZRadio  # here, since bleak takes 0.3 s to import

    return BlueZRadio(settings.agent.adapter, settings.agent.deaf_after_s, clock)


def _catch_signals() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set, also when they were inherited as ignored."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def _run(options: argparse.Namespace) -> int:
    settings = config_settings.load(options.config)

    async def run() -> None:
        stop = _catch_signals()
        ear = agent.Agent(settings)
        await ear.run(_open_radio(options.radio, settings, ear.clock), stop)

    asyncio.run(run())
    return 0


def _replay(options: argparse.Namespace) -> int:
    settings = config_settings.load(options.config)
    agent.check_identity(settings)
    shift_to_ms = options.shift_to
    if options.shift_to_now:
        shift_to_ms = time.time_ns() // 1_000_000
    source = replay.Replay(options.file, options.scanner, speed=options.speed, shift_to_ms=shift_to_ms)

    async def play() -> int:
        stop = _catch_signals()
        said_s = 0.0

        def say(at_ms: int, *, done: bool = False) -> None:
            nonlocal said_s
            if options.progress and (done or time.monotonic() - said_s > PROGRESS_S):
                said_s = time.monotonic()
                settled = player.publisher.counts["settled"]
                print(replay.progress_line(source, at_ms, player.unsettled, settled, done=done), flush=True)

        player = agent.Agent(settings, hold_reports=HOLD_REPORTS, recording=source.name, on_progress=say)
        source.begin_ms = player.played_until_ms
        await player.run(source, stop, until_settled=True)
        done = not player.unsettled
        say(source.facts["to_ms"], done=done)
        return 0 if done else 1

    return asyncio.run(play())


def _describe(options: argparse.Namespace) -> int:
    print(json.dumps(replay.describe(options.file)))
    return 0


def _record(options: argparse.Namespace) -> int:
    settings = config_settings.load(options.config)
    wants: Callable[[bytes], bool] = lambda _identity: True  # noqa: E731 -- one line says it
    if not options.all:
        known = agent.read_config(settings)
        wants = Interest(known.patterns).wants
    try:
        recorder = replay.Recorder(options.out, settings.agent.id or "here", wants)
    except OSError as error:
        raise replay.RecordingError(f"{options.out} cannot be written: {error}") from None

    async def record() -> None:
        stop = _catch_signals()
        clock = Clock("", ask_system=read_system_ms)  # a recording says what the wall clock said
        listening = asyncio.create_task(_open_radio(options.radio, settings, clock).listen(recorder))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({listening, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening

    try:
        asyncio.run(record())
    finally:
        recorder.close()
    print(f"{recorder.rows} adverts in {options.out}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
