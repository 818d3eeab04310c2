"""The phrases of PostGIS: places and areas to columns and back."""

from typing import Any

from geoalchemy2 import WKBElement
from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry import Point, Polygon

from geo import areas

# Of fences: a column's place as two columns of degrees, for statements that read thousands at once.
LON_LAT = "ST_X({0}::geometry) AS lon, ST_Y({0}::geometry) AS lat"
WGS84 = 4326  # the number of the system of coordinates of GPS and GeoJSON


def from_position(place: areas.Position | None) -> WKBElement | None:
    """A place as the value of a column."""
    return None if place is None else from_shape(Point(place), srid=WGS84)


def to_position(value: Any) -> areas.Position | None:
    """The longitude and latitude, in degrees, of what a column holds."""
    if value is None:
        return None
    point = to_shape(value)
    assert isinstance(point, Point)
    return point.x, point.y


def from_polygon(shape: Polygon | None) -> WKBElement | None:
    """An area as the value of a column."""
    return None if shape is None else from_shape(shape, srid=WGS84)


def to_geojson(value: Any) -> dict[str, Any] | None:
    """The area that a column holds, as GeoJSON Polygon."""
    if value is None:
        return None
    shape = to_shape(value)
    assert isinstance(shape, Polygon)
    return areas.to_geojson(shape)
