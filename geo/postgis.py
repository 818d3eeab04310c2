"""The phrases of PostGIS: places and areas to columns and back."""

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from geoalchemy2 import WKBElement
from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry import Point, Polygon

from geo import areas

# Of fences: a column's place as two columns of degrees, for statements that read thousands at once.
LON_LAT = "ST_X({0}::geometry) AS lon, ST_Y({0}::geometry) AS lat"
HOME_GRID = 0.02  # degrees
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


# --- Near a place ----------------------------------------------------------------------------------------------------
# Distances are those on the sphere (within half a per cent of the true ones), everywhere the same: the order that the
# index gives, what lies within a radius, and what is told. They hold across the antimeridian and at the poles.

# The place that is asked about: the parameter `here`, as `here()` writes it. Made of two numbers, a plan that is kept
# would make it again for every row.
HERE = "CAST(:here AS geography)"


# Up to which latitude how many digits of a longitude are kept: a metre along the parallel; beyond, it is the pole.
_DIGITS = ((84.0, 5), (89.4, 4), (89.94, 3), (89.994, 2), (89.9994, 1), (89.99994, 0))


def canonical(place: areas.Position) -> areas.Position:
    """A place as `listing_place` of the database says it: to a metre (1e-5 degrees), and in one way.

    The nearest-neighbour index of PostGIS 3.3 keeps boxes of single precision around places, and gives up ("index
    returned tuples in wrong order") where a box says that a place is further away than it is. They are too large by
    more than a rounding everywhere but within decimetres of the planes through the earth's axes, as at 180 degrees.
    """
    lat = _round(place[1], 5)
    for up_to, digits in _DIGITS:
        if abs(lat) < up_to:
            lon = _round(place[0], digits)
            return (-180.0 if lon == 180 else lon), lat
    return 0.0, math.copysign(90.0, lat)


def _round(degrees: float, digits: int) -> float:
    """As PostgreSQL rounds a double that it takes for a decimal number: halves, as maps have many, away from zero."""
    rounded = Decimal(f"{degrees:.15g}").quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return float(rounded) + 0.0


def about(place: areas.Position) -> areas.Position:
    """About where somebody's home is, as listings say it (ST_SnapToGrid): to 0.02 degrees, a part of a town."""
    lon, lat = (round(degrees / HOME_GRID) * HOME_GRID for degrees in place)
    return canonical((lon, lat))


def here(place: areas.Position) -> str:
    """A place as the parameter of HERE."""
    lon, lat = canonical(place)
    return f"SRID={WGS84};POINT({lon!r} {lat!r})"


def away(column: str) -> str:
    """Metres from HERE to a geography column; ordered by it with a limit, its GiST index gives the nearest first."""
    return f"({column} <-> {HERE})"


def within(column: str, radius: str) -> str:
    """Whether a geography column lies within metres of HERE, found by its index; radius: a parameter, `:radius_m`."""
    return f"ST_DWithin({column}, {HERE}, {radius}, false)"
