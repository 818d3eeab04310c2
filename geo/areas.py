"""Reads places and areas as people send them (GeoJSON, WGS 84: longitude first) and says what is wrong with them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import shapely
from shapely.geometry import Polygon
from shapely.validation import explain_validity

Position = tuple[float, float]  # degrees, longitude first

MAX_POINTS = 10_000  # a building's outline has tens; what has more was meant for something else
MAX_EXTENT_DEGREES = 1.0  # about 100 km: no zone of a venue is larger, a mistaken number is


class PlaceError(ValueError):
    """A place or area cannot be used: the message says why, in a sentence.

    Its template and values are kept apart, so that the sentence can be told in another language.
    """

    def __init__(self, template: str, **values: object) -> None:
        """template: the sentence, `%(name)s` where values go."""
        self.template, self.values = template, dict[str, Any](values)
        super().__init__(template % values if values else template)


def check_position(value: object) -> Position:
    """Longitude and latitude in degrees; raises PlaceError, which names swapped axes where they are likely."""
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)) or len(value) not in (2, 3):
        raise PlaceError("A place is a longitude and a latitude, such as [11.5755, 48.1372].")
    lon, lat = value[0], value[1]
    for degrees in (lon, lat):
        if isinstance(degrees, bool) or not isinstance(degrees, (int, float)) or not math.isfinite(degrees):
            raise PlaceError("A place is two numbers, a longitude and a latitude in degrees.")
    if not -90 <= lat <= 90:
        if -90 <= lon <= 90 and -180 <= lat <= 180:
            raise PlaceError(
                "A latitude lies between -90 and 90 degrees, %(lat)s does not. Are the two swapped? Longitude comes"
                " first.",
                lat=f"{lat:g}",
            )
        raise PlaceError("A latitude lies between -90 and 90 degrees, %(lat)s does not.", lat=f"{lat:g}")
    if not -180 <= lon <= 180:
        raise PlaceError("A longitude lies between -180 and 180 degrees, %(lon)s does not.", lon=f"{lon:g}")
    return float(lon), float(lat)


def check_near(place: Position, near: Position | None) -> Position:
    """The place itself; raises PlaceError when it is far from where it should be, and names swapped axes."""
    if near is not None and _is_far(*place, near):
        if not _is_far(place[1], place[0], near):
            raise PlaceError("It would be there with the axes swapped: longitude comes first.")
        raise PlaceError("It lies far from where it should be, at %(where)s.", where=f"{place[0]:.4f} {place[1]:.4f}")
    return place


def read_polygon(value: Mapping[str, Any], near: Position | None = None) -> Polygon:
    """A GeoJSON Polygon as shape; raises PlaceError.

    near: where it should be. An area far from there is refused; if its swapped axes would be near it is told so.
    """
    if value.get("type") != "Polygon":
        raise PlaceError("An area is a GeoJSON Polygon; its type is %(type)s.", type=repr(value.get("type"))[:40])
    rings = value.get("coordinates")
    if not isinstance(rings, list) or not rings:
        raise PlaceError("The coordinates of a Polygon are a list of rings.")
    read = [_read_ring(ring) for ring in rings]
    if sum(len(ring) for ring in read) > MAX_POINTS:
        raise PlaceError("An area has at most %(most)s points.", most=MAX_POINTS)
    shape = Polygon(read[0], read[1:])
    if not shape.is_valid:
        reason = explain_validity(shape)
        if reason.startswith("Self-intersection"):
            where = reason.partition("[")[2].rstrip("]")
            raise PlaceError("The outline crosses itself near %(where)s.", where=where)
        raise PlaceError("The outline encloses no area (%(reason)s).", reason=reason)
    if shape.area == 0:
        raise PlaceError("The outline encloses no area.")
    west, south, east, north = shape.bounds
    if east - west > MAX_EXTENT_DEGREES or north - south > MAX_EXTENT_DEGREES:
        raise PlaceError(
            "An area extends over at most %(most)s degree; is a number of it mistyped?", most=f"{MAX_EXTENT_DEGREES:g}"
        )
    if near is not None and _looks_swapped((west, south, east, north), near):
        raise PlaceError(
            "The area lies far from its venue and would lie at it with the axes swapped: longitude comes first."
        )
    if near is not None and _is_far((west + east) / 2, (south + north) / 2, near):
        raise PlaceError(
            "The area lies far from its venue, near %(where)s.",
            where=f"{(west + east) / 2:.4f} {(south + north) / 2:.4f}",
        )
    return shapely.orient_polygons(shape)


def to_geojson(shape: Polygon) -> dict[str, Any]:
    """A shape as GeoJSON Polygon: counter-clockwise outside, closed rings, longitude first."""
    rings = [shape.exterior, *shape.interiors]
    return {"type": "Polygon", "coordinates": [[[x, y] for x, y, *_ in ring.coords] for ring in rings]}


def _read_ring(ring: object) -> list[Position]:
    if not isinstance(ring, list) or len(ring) < 4:
        raise PlaceError("A ring of an area has at least four places, the last one the same as the first.")
    places = [check_position(place) for place in ring]
    if places[0] != places[-1]:
        raise PlaceError(
            "A ring of an area is closed: its last place is its first again. This one ends at %(where)s.",
            where=f"{places[-1][0]:g} {places[-1][1]:g}",
        )
    return places


def _looks_swapped(bounds: tuple[float, float, float, float], near: Position) -> bool:
    west, south, east, north = bounds
    lon, lat = (west + east) / 2, (south + north) / 2
    return _is_far(lon, lat, near) and not _is_far(lat, lon, near)


def _is_far(lon: float, lat: float, near: Position) -> bool:
    return abs(lon - near[0]) > MAX_EXTENT_DEGREES or abs(lat - near[1]) > MAX_EXTENT_DEGREES
