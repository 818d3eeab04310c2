"""Keeps the places of a file: all of them or none, the same again changes nothing, others are updated.

A place is known again by where it comes from (`Venue.source`), and left alone while the file says the same of it:
what its owner changed meanwhile stays.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo import datums
from geo.areas import Position
from server import constraints, names, topics
from server.errors import Fault, MusterError
from server.people import service as people
from server.venues import categories, geojson, hours, imdf, osm, zones
from server.venues import service as venues
from server.venues.found import MOST_FAULTS, Area, FileBroken, Found, Place
from server.venues.model import Venue, Zone

Format = Literal["osm", "geojson", "imdf"]
Done = Literal["made", "updated", "unchanged"]
Note = Callable[[Place, str, Done], None]  # of a place: the id of its venue, and what was done with it
_AT_ONCE = 500  # looked up in one statement
_DIGITS = 8  # that tell places of one name apart in their ids
_HEAD_BYTES = 32  # of a file: enough to tell its kind
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"\x28\xb5\x2f\xfd")  # gzip, bzip2, xz, 7z, zstd


class Taken(NamedTuple):
    """What an import did, or would do. left_out: features of the file that are no places.

    kept: zones that the file does not have any more, and that stay since something happened there.
    """

    made: int
    updated: int
    unchanged: int
    left_out: int = 0
    kept: int = 0


def read(
    file: Path | bytes,
    form: Format | None,
    *,
    datum: datums.Datum = "wgs84",
    near: Position | None = None,
    source: str | None = None,
    tell: Callable[[int], None] = lambda _count: None,
) -> Found:
    """The places of a file; form: by its first bytes where none is said. Raises FileBroken."""
    head = _head(file)
    form = form or guess(head)
    if form == "osm":
        return osm.read(file, kind="osm" if _text(head).startswith(b"<") else "pbf", near=near, tell=tell)
    data = file.read_bytes() if isinstance(file, Path) else file
    return imdf.read(data) if form == "imdf" else geojson.read(data, datum=datum, near=near, source=source)


def _head(file: Path | bytes) -> bytes:
    if isinstance(file, bytes):
        return file[:_HEAD_BYTES]
    with file.open("rb") as opened:
        return opened.read(_HEAD_BYTES)


def _text(head: bytes) -> bytes:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")


def guess(head: bytes) -> Format:
    """What kind of file begins so; raises FileBroken where it is none that is read here."""
    if head.startswith(b"PK"):
        return "imdf"
    if _text(head).startswith(b"{"):
        return "geojson"
    if _text(head).startswith(b"<") or b"OSMHeader" in head:
        return "osm"
    if not head:
        raise FileBroken("This file is empty.")
    if head.startswith(_PACKED):
        raise FileBroken("This file is packed: unpack it first.")
    raise FileBroken("This is no file of places: OpenStreetMap (.osm.pbf, .osm), GeoJSON or an IMDF archive (.zip).")


def take(
    session: Session,
    found: Found,
    *,
    owner_id: str | None = None,
    tell: Callable[[int], None] = lambda _count: None,
    note: Note = lambda _place, _venue_id, _done: None,
) -> Taken:
    """Keeps what was found; raises FileBroken, with every fault, and then nothing is kept.

    owner_id: whose the new ones are; raises MemberUnknown. tell: how many places are done. note: what with which.
    """
    if owner_id is not None:
        people.get(session, owner_id)
    # Two imports of one file at once make its places once.
    constraints.take_turn(session, "venue import")
    faults = list(found.faults)
    counts = {"made": 0, "updated": 0, "unchanged": 0, "kept": 0}
    # What changed is told at the end, so that nobody who pairs or places waits for the whole file.
    with topics.together(session):
        _take_all(session, found, faults, counts, owner_id, tell, note)
    if faults:
        raise FileBroken(
            "Nothing was imported: %(num)s features cannot be used. %(first)s: %(why)s",
            num=len(faults),
            first=faults[0].at,
            why=faults[0].why,
            faults=faults,
        )
    return Taken(**counts, left_out=found.left_out)


def _take_all(
    session: Session,
    found: Found,
    faults: list[Fault],
    counts: dict[str, int],
    owner_id: str | None,
    tell: Callable[[int], None],
    note: Note,
) -> None:
    """Keeps each place, counts what was done, and adds what is wrong to the faults."""
    for start in range(0, len(found.places), _AT_ONCE):
        portion = found.places[start : start + _AT_ONCE]
        known = {
            venue.source: venue
            for venue in session.scalars(select(Venue).where(Venue.source.in_([place.source for place in portion])))
        }
        ids = _ids(session, [place for place in portion if place.source not in known])
        for number, place in enumerate(portion, start + 1):
            if len(faults) >= MOST_FAULTS:
                break
            try:
                with session.begin_nested():
                    there = known.get(place.source)
                    venue_id = ids[place.source] if there is None else there.id
                    done, kept = _keep(session, place, there, venue_id, owner_id)
                counts[done] += 1
                counts["kept"] += kept
                note(place, venue_id, done)
            except MusterError as error:
                faults.append(Fault(place.source, error))
            tell(number)


def _keep(session: Session, place: Place, venue: Venue | None, new_id: str, owner_id: str | None) -> tuple[Done, int]:
    """What was done with a place, and how many zones stayed that the file does not have any more."""
    place = place._replace(
        category=place.category if place.category in categories.CATEGORIES else "other",
        opening_hours=hours.readable(place.opening_hours),
    )
    digest = hashlib.sha256(json.dumps(place).encode()).hexdigest()
    if venue is None:
        made = venues.create(
            session,
            id=new_id,
            name=place.name,
            time_zone=place.time_zone,
            owner_id=owner_id,
            location=place.location,
            zones=[
                venues.NewZone(_zone_id(new_id, area), area.name, area.level, area.area, area.source)
                for area in place.areas
            ],
            category=place.category,
            opening_hours=place.opening_hours,
            address=place.address,
        )
        made.source, made.source_digest = place.source, digest
        session.flush()
        return "made", 0
    if venue.source_digest == digest or venue.kind == venues.HOME:
        return "unchanged", 0
    venues.change(
        session,
        id=venue.id,
        name=place.name,
        location=place.location,
        category=place.category,
        opening_hours=place.opening_hours,
        address=place.address,
    )
    kept = _keep_zones(session, venue, place.areas)
    venue.source_digest = digest
    session.flush()
    return "updated", kept


def _keep_zones(session: Session, venue: Venue, areas: Sequence[Area]) -> int:
    """Adds, renames and redraws the zones that came from the file; those that are gone from it go, if they are free.

    Returns how many are gone from it and stay, since something refers to them.
    """
    there = {zone.source: zone for zone in venues.zones_of(session, venue_id=venue.id) if zone.source is not None}
    wanted = {area.source: area for area in areas}
    _adopt(there, wanted)
    # Names that change hands would meet for a moment.
    for source, zone in there.items():
        if source in wanted and zone.name != wanted[source].name:
            zone.name = zone.id
    session.flush()
    for area in areas:
        old = there.get(area.source)
        if old is None:
            added = venues.NewZone(_zone_id(venue.id, area), area.name, area.level, area.area, area.source)
            zones.add(session, venue_id=venue.id, zone=added)
        else:
            zones.change(session, venue_id=venue.id, zone_id=old.id, name=area.name, level=area.level, area=area.area)
    gone = [zone for source, zone in there.items() if source not in wanted]
    used = [zone for zone in gone if zones.is_used(session, zone)]
    for zone in gone:
        if zone not in used:
            zones.remove(session, venue_id=venue.id, zone_id=zone.id)
    topics.bump(session, [topics.FACTS])
    return len(used)


def _adopt(there: dict[str, Zone], wanted: Mapping[str, Area]) -> None:
    """A zone whose id is gone and whose name and level are there anew is the same one under another id."""
    gone = {(zone.name, zone.level): source for source, zone in there.items() if source not in wanted}
    for source, area in wanted.items():
        before = gone.pop((area.name, area.level), None) if source not in there else None
        if before is not None:
            zone = there[source] = there.pop(before)
            zone.source = source


def _zone_id(venue_id: str, area: Area) -> str:
    return names.append(venue_id, hashlib.sha256(area.source.encode()).hexdigest()[:_DIGITS])


def _ids(session: Session, places: Sequence[Place]) -> dict[str, str]:
    """An id for each new place: its name, with digits of where it comes from if that is taken."""
    wanted = {place.source: names.suggest_id(place.name, "venue") for place in places}
    taken = set(session.scalars(select(Venue.id).where(Venue.id.in_(set(wanted.values()))))) | set(venues.RESERVED)
    ids: dict[str, str] = {}
    for source, suggested in wanted.items():
        if suggested in taken:
            suggested = names.append(suggested, hashlib.sha256(source.encode()).hexdigest()[:_DIGITS])
        taken.add(suggested)
        ids[source] = suggested
    return ids
