"""A venue of an IMDF archive (OGC Indoor Mapping Data Format 1.0.0): its levels, and its units that have names."""

import io
import zipfile
from collections import Counter
from typing import Any

import shapely

from geo import areas
from geo.areas import PlaceError
from server.errors import Fault
from server.venues import categories, found
from server.venues.found import Area, FileBroken, Found, Place

PARTS = ("venue", "level", "unit", "address", "occupant", "anchor")
# Unpacked, of one part and of all: an airport has some ten megabytes.
PART_BYTES = 50_000_000
ALL_BYTES = 100_000_000
MOST_ENTRIES = 200
EVERYWHERE = "everywhere"


def read(data: bytes) -> Found:
    """The venue of an archive; raises FileBroken."""
    parts = _unpack(data)
    language = str(parts["manifest"].get("language") or "en") if isinstance(parts["manifest"], dict) else "en"
    features = {part: found.features_of(parts[part], f"{part}.geojson") for part in PARTS if part in parts}
    if len(features.get("venue", [])) != 1:
        raise FileBroken("venue.geojson has one venue; this one has %(num)s.", num=len(features.get("venue", [])))
    faults: list[Fault] = []
    venue = features["venue"][0]
    try:
        outline = shapely.union_all(found.shapes_of(venue.get("geometry")))
        source, name = f"imdf/{_id(venue)}", _label(venue, "name", language)
        if not name:
            raise PlaceError("It has no name.")
    except PlaceError as error:
        raise FileBroken(faults=[Fault(found.id_of(venue) or "venue", error)]) from None
    properties = found.properties_of(venue)
    levels = {found.id_of(level): level for level in features.get("level", [])}
    drawn = _units(features, levels, outline, language, faults) or _levels(levels, outline, language, faults)
    if not drawn and not faults:
        largest = max(shapely.get_parts(outline), key=lambda part: part.area)
        drawn = [Area(source, EVERYWHERE, 0, areas.to_geojson(largest))]
    place = Place(
        source,
        name,
        _display_point(properties) or found.inside(outline),
        tuple(_told_apart(drawn)),
        category=categories.of_imdf(str(properties.get("category", ""))),
        opening_hours=str(properties.get("hours") or "")[:1000],
        address=_address(features.get("address", []), properties.get("address_id")),
    )
    return Found([place], faults)


def _unpack(data: bytes) -> dict[str, Any]:
    """The parts of an archive that are read; raises FileBroken. What an entry says of its size is not believed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if len(archive.infolist()) > MOST_ENTRIES:
                raise FileBroken("An archive has at most %(most)s files.", most=MOST_ENTRIES)
            named = {entry.filename.rpartition("/")[2]: entry for entry in archive.infolist()}
            parts: dict[str, Any] = {}
            unpacked = 0
            for name in ("manifest.json", *(f"{part}.geojson" for part in PARTS)):
                if name not in named:
                    continue
                with archive.open(named[name]) as file:
                    read = file.read(PART_BYTES + 1)
                unpacked += len(read)
                if len(read) > PART_BYTES or unpacked > ALL_BYTES:
                    raise FileBroken("%(name)s is too large when it is unpacked.", name=name)
                parts[name.partition(".")[0]] = found.read_json(read, name)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise FileBroken("This archive cannot be unpacked: %(why)s", why=str(error)[:200]) from None
    for part in ("manifest", "venue"):
        if part not in parts:
            raise FileBroken("An IMDF archive has a %(name)s; this one has none.", name=part)
    return parts


def _units(
    features: dict[str, list[dict[str, Any]]],
    levels: dict[str, dict[str, Any]],
    outline: Any,
    language: str,
    faults: list[Fault],
) -> list[Area]:
    """The units that have a name, of their own or of who is in them."""
    anchors = {found.id_of(one): found.properties_of(one).get("unit_id") for one in features.get("anchor", [])}
    occupied = {
        str(anchors.get(str(found.properties_of(one).get("anchor_id")))): _label(one, "name", language)
        for one in features.get("occupant", [])
    }
    drawn = []
    for unit in features.get("unit", []):
        name = _label(unit, "name", language) or occupied.get(found.id_of(unit), "")
        if not name:
            continue
        try:
            level = levels.get(str(found.properties_of(unit).get("level_id")))
            if level is None:
                raise PlaceError("Its level is not in level.geojson.")
            drawn.append(_area(unit, name, _ordinal(level), outline))
        except PlaceError as error:
            faults.append(Fault(found.id_of(unit) or name, error))
    return drawn


def _levels(levels: dict[str, dict[str, Any]], outline: Any, language: str, faults: list[Fault]) -> list[Area]:
    drawn = []
    for level_id, level in levels.items():
        try:
            ordinal = _ordinal(level)
            drawn.append(_area(level, _label(level, "name", language) or f"Level {ordinal}", ordinal, outline))
        except PlaceError as error:
            faults.append(Fault(level_id, error))
    return drawn


def _area(feature: dict[str, Any], name: str, level: int, outline: Any) -> Area:
    shape = found.only_shape(feature.get("geometry"), near=found.inside(outline))
    found.check_within(shape, outline)
    return Area(f"imdf/{_id(feature)}", name, level, areas.to_geojson(shape))


def _told_apart(drawn: list[Area]) -> list[Area]:
    """Zones of one name get numbers, in an order that stays: IMDF names each of ten cash desks alike."""
    named: Counter[str] = Counter()
    told = []
    for area in sorted(drawn, key=lambda area: (area.level, area.name, area.source)):
        named[area.name] += 1
        number = named[area.name]
        told.append(area if number == 1 else area._replace(name=f"{area.name} {number}"))
    return told


def _id(feature: dict[str, Any]) -> str:
    own_id = found.id_of(feature)
    if not own_id:
        raise PlaceError("It has no id: the next import would make it once more.")
    return own_id


def _ordinal(level: dict[str, Any]) -> int:
    ordinal = found.properties_of(level).get("ordinal")
    if isinstance(ordinal, bool) or not isinstance(ordinal, (int, float)) or ordinal != int(ordinal):
        raise PlaceError("The ordinal of a level is a whole number.")
    return int(ordinal)


def _label(feature: dict[str, Any], key: str, language: str) -> str:
    """A text that IMDF has by language: the archive's own, else English, else the first."""
    labels = found.properties_of(feature).get(key)
    if not isinstance(labels, dict):
        return ""
    texts = {str(tag): text for tag, text in labels.items() if isinstance(text, str) and text.strip()}
    return " ".join((texts.get(language) or texts.get("en") or next(iter(texts.values()), "")).split())


def _display_point(properties: dict[str, Any]) -> areas.Position | None:
    point = properties.get("display_point")
    try:
        return areas.check_position(point["coordinates"]) if isinstance(point, dict) else None
    except (PlaceError, KeyError):
        return None


def _address(addresses: list[dict[str, Any]], id: object) -> str:
    for one in addresses:
        if found.id_of(one) == id:
            properties = found.properties_of(one)
            said = (properties.get(key) for key in ("address", "postal_code", "locality"))
            return ", ".join(part for part in said if isinstance(part, str) and part)[:200]
    return ""
