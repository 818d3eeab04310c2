"""Places of OpenStreetMap: what has a name, a footprint, and says that it is an amenity, shop, sight or for leisure."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import osmium
import shapely
from shapely.geometry import Polygon

from geo import areas
from geo.areas import PlaceError, Position
from server.errors import Fault
from server.venues import categories, found
from server.venues.found import Area, FileBroken, Found, Place

KEYS = ("amenity", "shop", "tourism", "leisure")
# Things, not places: nobody meets in them, and there are thousands.
NO_PLACES = frozenset({"parking", "parking_space", "bicycle_parking", "motorcycle_parking", "bench", "waste_basket"})
EVERYWHERE = "everywhere"


def read(
    file: Path | bytes,
    *,
    kind: str = "pbf",
    near: Position | None = None,
    tell: Callable[[int], None] = lambda _count: None,
) -> Found:
    """The places of a file, or of its bytes (kind: pbf or osm); raises FileBroken. tell: how many were read so far.

    Outlines are read as they were drawn, so that a crossed one is named. What a file has only in part is left out.
    """
    places: list[Place] = []
    faults: list[Fault] = []
    left_out = seen = 0
    drawn: set[int] = set()
    assembled: set[int] = set()
    try:
        for entity in _entities(file, kind):
            seen += 1
            if seen % 1000 == 0:
                tell(seen)
            tags = dict(entity.tags)
            if not tags.get("name") or not _is_place(tags):
                continue
            if entity.is_node():
                left_out += 1
                continue
            if entity.is_relation():
                drawn |= {entity.id} if tags.get("type") == "multipolygon" else set()
                left_out += tags.get("type") != "multipolygon"
                continue
            if entity.is_way() and not entity.is_closed():
                left_out += 1
                continue
            if entity.is_area() and entity.from_way():
                continue  # read as a way
            number = entity.orig_id() if entity.is_area() else entity.id
            source = f"osm/{'relation' if entity.is_area() else 'way'}/{number}"
            assembled |= {number} if entity.is_area() else set()
            try:
                shape = _largest(entity) if entity.is_area() else _way(entity, near)
            except osmium.InvalidLocationError:
                left_out += 1  # a way at the edge of an extract
                continue
            except PlaceError as error:
                faults.append(Fault(source, error))
                continue
            places.append(_place(source, tags, shape))
    except RuntimeError as error:
        raise FileBroken("This is no file of OpenStreetMap: %(why)s", why=str(error)[:200]) from None
    return Found(sorted(places), faults, left_out + len(drawn - assembled))


def _entities(file: Path | bytes, kind: str) -> Iterator[Any]:
    source = str(file) if isinstance(file, Path) else osmium.io.FileBuffer(file, kind)
    keys = osmium.filter.KeyFilter(*KEYS)
    # Nodes are needed for the outlines and are none themselves.
    return iter(osmium.FileProcessor(source).with_areas(keys).with_filter(osmium.filter.EmptyTagFilter()))


def _is_place(tags: dict[str, str]) -> bool:
    return any(key in tags and tags[key] not in NO_PLACES for key in KEYS)


def _way(way: Any, near: Position | None) -> Polygon:
    ring = [[node.lon, node.lat] for node in way.nodes]
    return areas.read_polygon({"type": "Polygon", "coordinates": [ring]}, near)


def _largest(area: Any) -> Polygon:
    """The largest part of a relation, without its holes."""
    rings = [[(node.lon, node.lat) for node in ring] for ring in area.outer_rings()]
    largest = max((Polygon(ring) for ring in rings), key=lambda shape: shape.area)
    return areas.read_polygon(areas.to_geojson(shapely.orient_polygons(largest)))


def _place(source: str, tags: dict[str, str], shape: Polygon) -> Place:
    street = " ".join(part for part in (tags.get("addr:street"), tags.get("addr:housenumber")) if part)
    town = " ".join(part for part in (tags.get("addr:postcode"), tags.get("addr:city")) if part)
    return Place(
        source=source,
        name=tags["name"],
        location=found.inside(shape),
        areas=(Area(source, EVERYWHERE, 0, areas.to_geojson(shape)),),
        category=categories.of_osm(tags),
        opening_hours=tags.get("opening_hours", ""),
        address=", ".join(part for part in (street, town) if part)[:200],
    )
