"""`muster venue import`: brings the places of a file, all of them or none, with a progress bar."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from config.settings import Settings

if TYPE_CHECKING:
    from rich.progress import Progress

BROKEN = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("action", choices=["import"], help="bring the places of a file; again it changes nothing")
    parser.add_argument("file", type=Path, metavar="FILE", help="OpenStreetMap (.pbf, .osm), GeoJSON or IMDF (.zip)")
    parser.add_argument("--format", choices=["osm", "geojson", "imdf"], help="by its first bytes otherwise")
    parser.add_argument("--near", metavar="LON,LAT", help="where the places should be, so that swapped axes are seen")
    parser.add_argument(
        "--datum", choices=["wgs84", "gcj02", "bd09"], default="wgs84", help="of a GeoJSON file (default: wgs84)"
    )
    parser.add_argument("--source", metavar="NAME", help="whose ids a GeoJSON file has (default: its name)")
    parser.add_argument("--owner", metavar="MEMBER", help="whose the new places are (default: nobody's yet)")
    parser.add_argument("--dry-run", action="store_true", help="say what it would bring, and change nothing")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Imports a file; returns 1 when it cannot be used, and names every feature that is wrong."""
    from sqlalchemy.exc import OperationalError

    from server import database
    from server.errors import MusterError
    from server.migrations import models  # of all tables: what refers to a zone is asked of them
    from server.venues import imports
    from server.venues.found import MOST_FILE_BYTES, FileBroken

    assert models.ALL
    file: Path = arguments.file
    try:
        near = _position(arguments.near)
        if file.stat().st_size > MOST_FILE_BYTES:
            raise ValueError(f"{file} has more than {MOST_FILE_BYTES // 1_000_000} MB: import a part of it")
    except (OSError, ValueError) as error:
        print(f"muster: {error}", file=sys.stderr)
        return BROKEN
    engine = database.connect(settings.database.conninfo, pool=1)
    try:
        with progress() as bar_of, database.transaction(engine) as session:
            bar = bar_of.add_task("reading", total=None)
            found = imports.read(
                file,
                arguments.format,
                datum=arguments.datum,
                near=near,
                source=arguments.source,
                tell=lambda count: bar_of.update(bar, completed=count),
            )
            bar_of.update(bar, description="keeping", total=len(found.places), completed=0)
            taken = imports.take(
                session, found, owner_id=arguments.owner, tell=lambda count: bar_of.update(bar, completed=count)
            )
            if arguments.dry_run:
                session.rollback()
    except FileBroken as broken:
        print(f"muster: {broken.detail}", file=sys.stderr)
        for fault in broken.faults:
            print(f"  {fault.at}: {fault.why.template % dict(fault.why.values)}", file=sys.stderr)
        return BROKEN
    except (MusterError, OSError) as error:
        print(f"muster: {error}", file=sys.stderr)
        return BROKEN
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        print(f"muster: the database does not answer: {reason} (muster doctor says more)", file=sys.stderr)
        return BROKEN
    finally:
        engine.dispose()
    would = "would be " if arguments.dry_run else ""
    print(
        f"{taken.made} places {would}made, {taken.updated} {would}updated, {taken.unchanged} unchanged;"
        f" {taken.left_out} features left out: no footprint, or not whole in this file"
    )
    if taken.kept:
        print(f"{taken.kept} zones are gone from the file and stay, since something happened there")
    return 0


def _position(typed: str | None) -> tuple[float, float] | None:
    if typed is None:
        return None
    try:
        lon, lat = (float(part) for part in typed.split(","))
    except ValueError:
        raise ValueError("--near is a longitude and a latitude, such as 11.5755,48.1372") from None
    return lon, lat


def progress() -> "Progress":
    """A bar on the terminal, away once it is done; nothing where that is none."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from server.operations.progress import console

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console(stderr=True),
        transient=True,
    )
