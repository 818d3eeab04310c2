"""The command `muster`: runs a whole muster, replays recordings, checks every part."""

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

from config import settings as config
from config.settings import Settings

CHECKOUT = Path(__file__).parents[2]
BENCHES = CHECKOUT / "tests" / "bench"
# As the contract lists them; `all` runs those that there are, in this order.
BENCH_ORDER = ("ingest", "latency", "chaos", "agent", "api", "match", "relevance", "live", "communities")

INTERRUPTED = 130  # what a shell says of a program that Ctrl-C ended

Run = Callable[[argparse.Namespace, Settings], int]


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns its exit code: 2 for a wrong setting, 1 for what went wrong otherwise."""
    arguments = _parser().parse_args(argv)
    try:
        settings = config.load(_settings_file(arguments))
    except config.SettingsError as error:
        print(f"muster: {error}", file=sys.stderr)
        return 2
    run: Run = arguments.run
    return run(arguments, settings)


def _settings_file(arguments: argparse.Namespace) -> Path | None:
    """The file of --config, else that of MUSTER_CONFIG, else (but for `up` itself) the one that `up` wrote here."""
    if arguments.config:
        return Path(arguments.config)
    return None if arguments.command == "up" else config.file_of_up()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="muster",
        description="Brings communities together in the real world.",
        epilog="example:\n  muster up\n  muster doctor",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    up = _add(commands, "up", _up, "run everything in a folder until Ctrl-C", "MUSTER_SERVER__PORT=8081 muster up")
    demo = up.add_mutually_exclusive_group()
    demo.add_argument("--demo", dest="demo", action="store_true", default=None, help="with simulated people (default)")
    demo.add_argument("--no-demo", dest="demo", action="store_false", help="empty, for a first evening of your own")
    lan = up.add_mutually_exclusive_group()
    lan.add_argument("--lan", dest="lan", action="store_true", default=None, help="for phones on this network too")
    lan.add_argument("--no-lan", dest="lan", action="store_false", help="for this machine alone (default)")

    replay = _add(
        commands,
        "replay",
        _replay,
        "play a recording through real agents",
        "muster replay recording.csv.gz --venue hall --speed 60",
    )
    if importlib.util.find_spec("server.operations.replay") is not None:
        from server.operations import replay as replaying

        replaying.add_arguments(replay)

    _add(commands, "doctor", _doctor, "check every part and say what to do", "muster doctor")

    db = _add(commands, "db", _db, "work on the database", "muster db migrate")
    db.add_argument("action", choices=["migrate", "seed"], help="newest tables, or the demonstration neighbourhood")

    venue = _add(
        commands,
        "venue",
        _venue,
        "bring places from a map or a building plan",
        "muster venue import town.osm.pbf --dry-run\n  muster venue import mall.zip --owner ben",
    )
    from server.operations import places

    places.add_arguments(venue)

    community = _add(
        commands,
        "community",
        _community,
        "take a community along with its people, or open one from elsewhere",
        "muster community export walkers --out walkers.zip\n  muster community import walkers.zip --dry-run",
    )
    from server.operations import moving

    moving.add_arguments(community)

    bench = _add(
        commands,
        "bench",
        _bench,
        "measure one thing beside its baseline (needs a checkout)",
        "muster bench ingest --json ingest.json\n  muster bench chaos --minutes 10 --seed 7",
    )
    bench.add_argument("name", metavar="NAME", help=f"{', '.join(BENCH_ORDER)}, or all")
    bench.add_argument(
        "options",
        nargs=argparse.REMAINDER,
        metavar="OPTIONS",
        help="of that benchmark (NAME --help lists them); each takes --json FILE (with `all`: a folder)",
    )

    _add(commands, "world", _world, "simulate the demonstration's people (started by up)", "muster world")
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, run: Run, purpose: str, example: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", metavar="FILE", help="settings (default: the file named by MUSTER_CONFIG)")
    parser.set_defaults(run=run)
    return parser


def _up(arguments: argparse.Namespace, settings: Settings) -> int:
    from server.operations import up

    return up.run(
        settings,
        demo=settings.up.demo if arguments.demo is None else arguments.demo,
        lan=settings.up.lan if arguments.lan is None else arguments.lan,
    )


def _replay(arguments: argparse.Namespace, settings: Settings) -> int:
    from server.operations import replay

    return replay.run(arguments, settings)


def _doctor(_arguments: argparse.Namespace, settings: Settings) -> int:
    from server.operations import doctor

    return doctor.run(settings)


def _db(arguments: argparse.Namespace, settings: Settings) -> int:
    import psycopg
    from sqlalchemy.exc import SQLAlchemyError

    from server.fleet.logins import LoginsError
    from server.operations import up

    try:
        if arguments.action == "migrate":
            up.migrate(settings)
            print("the database has the newest tables")
        else:
            print(f"sign in as: {', '.join(up.seed(settings))}")
    except (psycopg.Error, SQLAlchemyError, LoginsError) as error:
        reason = str(error).strip().splitlines()[0]
        print(f"muster: the database cannot be worked on: {reason} (muster doctor says more)", file=sys.stderr)
        return 1
    return 0


def _venue(arguments: argparse.Namespace, settings: Settings) -> int:
    from server.operations import places

    return places.run(arguments, settings)


def _community(arguments: argparse.Namespace, settings: Settings) -> int:
    from server.operations import moving

    return moving.run(arguments, settings)


def _bench(arguments: argparse.Namespace, _settings: Settings) -> int:
    found = {path.stem for path in BENCHES.glob("*.py")} & set(BENCH_ORDER)
    if not BENCHES.is_dir():
        print("muster: benchmarks need a checkout: git clone it and run `make bench` there", file=sys.stderr)
        return 2
    options: list[str] = arguments.options
    if arguments.name == "all":
        return _bench_all([name for name in BENCH_ORDER if name in found], options)
    if arguments.name not in found:
        known = ", ".join(name for name in BENCH_ORDER if name in found) or "none yet"
        print(f"muster: there is no benchmark {arguments.name}; there are: {known}", file=sys.stderr)
        return 2
    return _bench_one(arguments.name, options)


def _bench_all(names: list[str], options: list[str]) -> int:
    """All benchmarks with their defaults, since what one takes the other does not know; --json names a folder."""
    parser = argparse.ArgumentParser(prog="muster bench all")
    parser.add_argument("--json", metavar="FOLDER", type=Path, help="write the figures there, one file a benchmark")
    folder: Path | None = parser.parse_args(options).json
    return max(
        (_bench_one(name, [] if folder is None else ["--json", str(folder / f"{name}.json")]) for name in names),
        default=0,
    )


def _bench_one(name: str, options: list[str]) -> int:
    """One benchmark; returns its exit code."""
    if str(CHECKOUT) not in sys.path:
        sys.path.insert(0, str(CHECKOUT))
    try:
        return int(importlib.import_module(f"tests.bench.{name}").main(options) or 0)
    except KeyboardInterrupt:
        print("stopped; everything that it started has ended", file=sys.stderr)
        return INTERRUPTED


def _world(_arguments: argparse.Namespace, settings: Settings) -> int:
    from server.operations.demo import world

    return world.run(settings)


if __name__ == "__main__":
    sys.exit(main())
