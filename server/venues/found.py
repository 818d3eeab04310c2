"""What a file says of places, before anything is kept: places with their zones, and what is wrong with which."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
import shapely
from shapely.geometry import MultiPolygon, Polygon

from geo import areas, datums, plans
from geo.areas import PlaceError, Position
from server.errors import Fault, Invalid

MOST_FEATURES = 50_000  # a town has some thousand named places
MOST_FAULTS = 100  # told of one file: whoever mends these sees the next
MOST_FILE_BYTES = 500_000_000  # by the command line; a request takes less anyway
SLACK_M = 2.0  # so far a zone may reach over its venue's outline: walls are drawn twice


class FileBroken(Invalid):
    """Nothing was imported: some of the file cannot be used."""

    code = "file_broken"

    def __init__(self, template: str = "", *, faults: list[Fault] | None = None, **values: Any) -> None:
        """faults: what is wrong with which feature."""
        super().__init__(template, **values)
        self.faults = tuple(faults or ())[:MOST_FAULTS]


class Area(NamedTuple):
    """A zone of a place; area: a GeoJSON Polygon."""

    source: str
    name: str
    level: int
    area: dict[str, Any]


class Place(NamedTuple):
    """A place. source: what the file calls it, the same in the next file."""

    source: str
    name: str
    location: Position
    areas: tuple[Area, ...]
    category: str = ""
    opening_hours: str = ""
    address: str = ""
    time_zone: str | None = None


class Found(NamedTuple):
    """What a file has. left_out: features that are no places, or not whole in this file."""

    places: list[Place]
    faults: list[Fault]
    left_out: int = 0


def read_json(data: bytes, what: str) -> Any:
    """What a file of JSON holds; raises FileBroken."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise FileBroken(
            "%(what)s is no JSON: line %(line)s, sign %(column)s.", what=what, line=error.lineno, column=error.colno
        ) from None


def features_of(value: Any, what: str) -> list[dict[str, Any]]:
    """The features of a GeoJSON FeatureCollection; raises FileBroken."""
    features = value.get("features") if isinstance(value, dict) and value.get("type") == "FeatureCollection" else None
    if not isinstance(features, list) or not all(isinstance(each, dict) for each in features):
        raise FileBroken("%(what)s is no GeoJSON FeatureCollection.", what=what)
    if len(features) > MOST_FEATURES:
        raise FileBroken("%(what)s has more than %(most)s features.", what=what, most=MOST_FEATURES)
    return features


def id_of(feature: Mapping[str, Any]) -> str:
    """What a feature is called in its file; empty where it is called nothing."""
    properties = feature.get("properties")
    said = feature.get("id", properties.get("id") if isinstance(properties, dict) else None)
    return str(said)[:200] if isinstance(said, (str, int)) and not isinstance(said, bool) else ""


def properties_of(feature: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a feature; nothing where it has none."""
    found = feature.get("properties")
    return found if isinstance(found, dict) else {}


def text_of(properties: Mapping[str, Any], key: str, most: int) -> str:
    """One of the properties as a line; raises PlaceError where it is no text or too long."""
    value = properties.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most:
        raise PlaceError("%(key)s is a text of at most %(most)s signs.", key=key, most=most)
    return " ".join(value.split())


def shapes_of(geometry: Any, datum: datums.Datum = "wgs84", near: Position | None = None) -> list[Polygon]:
    """The parts of a Polygon or MultiPolygon; raises PlaceError."""
    if not isinstance(geometry, dict):
        raise PlaceError("It has no geometry.")
    if geometry.get("type") != "MultiPolygon":
        return [areas.read_polygon(datums.area_to_wgs84(geometry, datum), near)]
    parts = geometry.get("coordinates")
    if not isinstance(parts, list) or not parts:
        raise PlaceError("A MultiPolygon has at least one part.")
    if len(parts) > areas.MAX_POINTS // 4:
        raise PlaceError("An area has at most %(most)s points.", most=areas.MAX_POINTS)
    return [
        areas.read_polygon(datums.area_to_wgs84({"type": "Polygon", "coordinates": part}, datum), near)
        for part in parts
    ]


def only_shape(geometry: Any, datum: datums.Datum = "wgs84", near: Position | None = None) -> Polygon:
    """The one part of a geometry; raises PlaceError where it has several."""
    parts = shapes_of(geometry, datum, near)
    if len(parts) > 1:
        raise PlaceError("It has %(num)s parts; a zone has one. Make each a feature of its own.", num=len(parts))
    return parts[0]


def check_within(shape: Polygon, outline: Polygon | MultiPolygon) -> None:
    """Raises PlaceError, which says where, when a zone lies outside its venue."""
    beyond = shape.difference(outline)
    if beyond.is_empty:
        return
    per_lon, per_lat = plans.metres_per_degree(outline.centroid.y)
    # The corner that is farthest out, measured in metres.
    scaled = shapely.transform(outline, lambda points: points * (per_lon, per_lat))
    corners = shapely.get_coordinates(beyond)
    away = shapely.distance(scaled, shapely.points(corners * (per_lon, per_lat)))
    if away.max() > SLACK_M:
        lon, lat = corners[away.argmax()]
        raise PlaceError(
            "It lies outside its venue, by %(metres)s m near %(where)s.",
            metres=f"{away.max():.0f}",
            where=f"{lon:.6f} {lat:.6f}",
        )


def inside(shape: Polygon | MultiPolygon) -> Position:
    """A place within a shape."""
    point = shape.representative_point()
    return point.x, point.y
