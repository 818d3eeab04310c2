"""Places of a GeoJSON FeatureCollection: features that are venues, and features that are their zones.

A feature has an `id`, a `name`, perhaps a `kind` (`venue`, or `zone` with the `venue` it belongs to and a `level`),
`category`, `opening_hours`, `address`, `time_zone`. A venue is a Point, or the Polygon of its outline.
"""

from typing import Any

from shapely.geometry import Polygon

from geo import areas, datums
from geo.areas import PlaceError, Position
from server.errors import Fault
from server.venues import found
from server.venues.found import Area, FileBroken, Found, Place

EVERYWHERE = "everywhere"
NAME_SIGNS = 1000  # what is too long for a name is told by the rule for names


def read(
    data: bytes, *, datum: datums.Datum = "wgs84", near: Position | None = None, source: str | None = None
) -> Found:
    """The places of a file; raises FileBroken. source: whose ids these are; the collection's `name` where none is said.

    near: where they should be, so that swapped axes are seen.
    """
    collection = found.read_json(data, "file.geojson")
    features = found.features_of(collection, "file.geojson")
    named = source or str(collection.get("name") or "geojson")
    faults: list[Fault] = []
    seen: set[str] = set()
    venues: dict[str, tuple[Place, Polygon | None]] = {}
    zones: list[tuple[str, dict[str, Any]]] = []
    for number, feature in enumerate(features, 1):
        own_id = found.id_of(feature)
        at = own_id or f"feature {number}"
        try:
            if not own_id:
                raise PlaceError("It has no id: the next import would make it once more.")
            if own_id in seen:
                raise PlaceError("Another feature has this id.")
            seen.add(own_id)
            kind = found.properties_of(feature).get("kind", "venue")
            if kind == "zone":
                zones.append((own_id, feature))
            elif kind == "venue":
                venues[own_id] = _venue(f"{named}/{own_id}", feature, datum, near)
            else:
                raise PlaceError("Its kind is venue or zone.")
        except PlaceError as error:
            faults.append(Fault(at, error))
    drawn: dict[str, list[Area]] = {}
    for own_id, feature in zones:
        try:
            venue_id, area = _zone(f"{named}/{own_id}", feature, datum, venues)
            drawn.setdefault(venue_id, []).append(area)
        except PlaceError as error:
            faults.append(Fault(own_id, error))
    places = [_with_zones(place, outline, drawn.get(own_id, [])) for own_id, (place, outline) in venues.items()]
    if not places and not faults:
        raise FileBroken("There is no place in this file.")
    return Found(places, faults)


def _venue(
    source: str, feature: dict[str, Any], datum: datums.Datum, near: Position | None
) -> tuple[Place, Polygon | None]:
    properties, geometry = found.properties_of(feature), feature.get("geometry")
    if isinstance(geometry, dict) and geometry.get("type") == "Point":
        outline = None
        location = areas.check_position(geometry.get("coordinates"))
        location = areas.check_near(datums.to_wgs84(location, datum), near)
    else:
        outline = found.only_shape(geometry, datum, near)
        location = found.inside(outline)
    name = found.text_of(properties, "name", NAME_SIGNS)
    if not name:
        raise PlaceError("It has no name.")
    said = {key: found.text_of(properties, key, NAME_SIGNS) for key in ("category", "opening_hours", "address")}
    time_zone = found.text_of(properties, "time_zone", 64) or None
    return Place(source, name, location, (), **said, time_zone=time_zone), outline


def _zone(
    source: str,
    feature: dict[str, Any],
    datum: datums.Datum,
    venues: dict[str, tuple[Place, Polygon | None]],
) -> tuple[str, Area]:
    properties = found.properties_of(feature)
    venue_id = str(properties.get("venue", next(iter(venues)) if len(venues) == 1 else ""))
    if venue_id not in venues:
        raise PlaceError("It is a zone of %(venue)s, which is no venue of this file.", venue=repr(venue_id[:80]))
    place, outline = venues[venue_id]
    shape = found.only_shape(feature.get("geometry"), datum, place.location)
    if outline is not None:
        found.check_within(shape, outline)
    level = properties.get("level", 0)
    if isinstance(level, bool) or not isinstance(level, int):
        raise PlaceError("Its level is a whole number.")
    name = found.text_of(properties, "name", NAME_SIGNS)
    if not name:
        raise PlaceError("It has no name.")
    return venue_id, Area(source, name, level, areas.to_geojson(shape))


def _with_zones(place: Place, outline: Polygon | None, drawn: list[Area]) -> Place:
    if not drawn and outline is not None:
        drawn = [Area(place.source, EVERYWHERE, 0, areas.to_geojson(outline))]
    return place._replace(areas=tuple(drawn))
