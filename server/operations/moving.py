"""`muster community export / import`: takes a community along with its people, and opens it on another server."""

import argparse
import shutil
import sys
from pathlib import Path

from config.settings import Settings

BROKEN = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    leave = actions.add_parser(
        "export",
        help="write a community into a file",
        description="Write a community into a file: its history, and its people who said that they come along.",
        epilog="example:\n  muster community export walkers --out walkers.zip",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    leave.add_argument("community", metavar="ID", help="as in its address: /communities/ID")
    leave.add_argument("--out", type=Path, required=True, metavar="FILE", help="a zip; keep it as a list of addresses")
    arrive = actions.add_parser(
        "import",
        help="open a community that left another server",
        description="Open a community that left another server: all of its file or nothing; again changes nothing.",
        epilog="example:\n  muster community import walkers.zip --dry-run\n  muster community import walkers.zip",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    arrive.add_argument("file", type=Path, metavar="FILE", help="what `muster community export` wrote")
    arrive.add_argument("--host", metavar="MEMBER", help="who hosts it here, if nobody comes along who did")
    arrive.add_argument("--dry-run", action="store_true", help="say what it would bring, and change nothing")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Exports or imports; returns 1 with one sentence when it cannot."""
    from sqlalchemy.exc import OperationalError

    from server.errors import MusterError

    try:
        return _export(arguments, settings) if arguments.action == "export" else _import(arguments, settings)
    except (MusterError, OSError) as error:
        print(f"muster: {error}", file=sys.stderr)
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        print(f"muster: the database does not answer: {reason} (muster doctor says more)", file=sys.stderr)
    return BROKEN


def _export(arguments: argparse.Namespace, settings: Settings) -> int:
    from server import database
    from server.migrations import models  # of all tables: what refers to what is asked of them
    from server.moving import leaving
    from server.moving.rows import TABLES
    from server.operations import places
    from server.requests import utc_now

    assert models.ALL
    out: Path = arguments.out
    engine = database.connect(settings.database.conninfo, pool=1)
    part = out.with_name(f"{out.name}.part")
    try:
        with places.progress() as bar, database.transaction(engine) as session:
            task = bar.add_task("writing", total=len(TABLES))
            written = leaving.write(
                session,
                community_id=arguments.community,
                settings=settings,
                now=utc_now(),
                tell=lambda what, _count: bar.update(task, description=what, advance=1),
            )
            with written.file, part.open("wb") as file:
                part.chmod(0o600)  # addresses are in it
                shutil.copyfileobj(written.file, file)
            part.replace(out)
    finally:
        part.unlink(missing_ok=True)
        engine.dispose()
    rows = written.rows
    print(
        f"{out}: {rows['people']} come along, {rows['events']} gatherings, {rows['posts']} posts,"
        f" {rows['pictures']} pictures"
    )
    if not rows["people"]:
        print(f"nobody said that they come along: they are asked at /communities/{arguments.community}/move")
    return 0


def _import(arguments: argparse.Namespace, settings: Settings) -> int:
    from server import database
    from server.inbox import tasks as _tasks  # noqa: F401 -- it registers itself: whoever comes along is told
    from server.migrations import models  # of all tables, as above
    from server.moving import archive, arriving
    from server.moving.rows import TABLES
    from server.operations import places
    from server.requests import utc_now

    assert models.ALL
    path: Path = arguments.file
    engine = database.connect(settings.database.conninfo, pool=1)
    try:
        with places.progress() as bar, path.open("rb") as file, database.transaction(engine) as session:
            task = bar.add_task("reading", total=len(TABLES) + 4)
            read = archive.read(file, tell=lambda what, _count: bar.update(task, description=what, advance=1))
            taken = arriving.take(
                session,
                read,
                host_id=arguments.host,
                now=utc_now(),
                tell=lambda what: bar.update(task, description=f"keeping {what}", advance=1),
            )
            if arguments.dry_run:
                session.rollback()
    finally:
        engine.dispose()
    if taken.state == "unchanged":
        print(f"{taken.name} is here already, as this file says: /communities/{taken.community_id}")
        return 0
    would = "would be " if arguments.dry_run else ""
    print(
        f"{taken.name} {would}{taken.state}: {taken.people} come along ({taken.new_people} new here),"
        f" {taken.gatherings} new gatherings, {taken.posts} new posts: /communities/{taken.community_id}"
    )
    return 0
