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
    """A place or area cannot be used: the message says why, in a sentence."""


def check_position(value: object) -> Position:
    """Longitude and latitude in degrees; raises PlaceError, which names swapped axes where they are likely."""
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)) or len(value) not in (2, 3):
        raise PlaceError("A place is a longitude and a latitude, such as [11.5755, 48.1372].")
    lon, lat = value[0], value[1]
    for degrees in (lon, lat):
        if isinstance(degrees, bool) or not isinstance(degrees, (int, float)) or not math.isfinite(degrees):
            raise PlaceError("A place is two numbers, a longitude and a latitude in degrees.")
    if not -90 <= lat <= 90:
        hint = " Are the two swapped? Longitude comes first." if -90 <= lon <= 90 and -180 <= lat <= 180 else ""
        raise PlaceError(f"A latitude lies between -90 and 90 degrees, {lat:g} does not.{hint}")
    if not -180 <= lon <= 180:
        raise PlaceError(f"A longitude lies between -180 and 180 degrees, {lon:g} does not.")
    return float(lon), float(lat)


def read_polygon(value: Mapping[str, Any], near: Position | None = None) -> Polygon:
    """A GeoJSON Polygon as shape; raises PlaceError.

    near: where it should be. An area far from there whose swapped axes would be near is told to be swapped.
    """
    if value.get("type") != "Polygon":
        raise PlaceError(f"An area is a GeoJSON Polygon; its type is {value.get('type')!r}.")
    rings = value.get("coordinates")
    if not isinstance(rings, list) or not rings:
        raise PlaceError("The coordinates of a Polygon are a list of rings.")
    read = [_read_ring(ring) for ring in rings]
    if sum(len(ring) for ring in read) > MAX_POINTS:
        raise PlaceError(f"An area has at most {MAX_POINTS} points.")
    shape = Polygon(read[0], read[1:])
    if not shape.is_valid:
        reason = explain_validity(shape)
        if reason.startswith("Self-intersection"):
            where = reason.partition("[")[2].rstrip("]")
            raise PlaceError(f"The outline crosses itself near {where}.")
        raise PlaceError(f"The outline encloses no area ({reason}).")
    if shape.area == 0:
        raise PlaceError("The outline encloses no area.")
    west, south, east, north = shape.bounds
    if east - west > MAX_EXTENT_DEGREES or north - south > MAX_EXTENT_DEGREES:
        raise PlaceError(f"An area extends over at most {MAX_EXTENT_DEGREES:g} degree; is a number of it mistyped?")
    if near is not None and _looks_swapped((west, south, east, north), near):
        raise PlaceError(
            "The area lies far from its venue and would lie at it with the axes swapped: longitude comes first."
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
        raise PlaceError("A ring of an area is closed: its last place is its first again.")
    return places


def _looks_swapped(bounds: tuple[float, float, float, float], near: Position) -> bool:
    west, south, east, north = bounds
    lon, lat = (west + east) / 2, (south + north) / 2

    def far(lon: float, lat: float) -> bool:
        return abs(lon - near[0]) > MAX_EXTENT_DEGREES or abs(lat - near[1]) > MAX_EXTENT_DEGREES

    return far(lon, lat) and not far(lat, lon)
