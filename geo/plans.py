"""A photo or a sketch as a plan: pixels to degrees and back, by two points, their distance, a direction and an anchor.

    pixel (x right, y down, of the picture)  ──scale, turn──►  metres east and north of the anchor  ──►  degrees

Metres become degrees on the plane that touches WGS 84 at the anchor: over a kilometre that is wrong by centimetres.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from geo import areas
from geo.areas import PlaceError, Position

Pixel = tuple[float, float]  # x to the right, y down

# WGS 84 (NIMA TR8350.2): the semi-major axis, and the first eccentricity squared.
EQUATOR_M = 6_378_137.0
ECCENTRICITY_2 = 6.694379990141317e-3
METRES = (0.1, 5_000.0)  # between the two points: a table, and an airport
LEAST_PIXELS = 8.0  # between the two points: what is nearer was one tap
MOST_LATITUDE = 85.0  # beyond, meridians run together and a plan has no north
MOST_SPAN_M = 20_000.0  # of a whole picture: larger is a mistaken distance


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """Where a picture lies: `a` and `b` are `metres` apart, its top looks to `bearing_deg` (0 north, 90 east).

    anchor: where `a` is, degrees, longitude first. Raises PlaceError where that is no plan.
    """

    width: int
    height: int
    a: Pixel
    b: Pixel
    metres: float
    bearing_deg: float
    anchor: Position

    def __post_init__(self) -> None:
        """Says what is wrong with it."""
        for x, y in (self.a, self.b):
            if not (0 <= x <= self.width and 0 <= y <= self.height):
                raise PlaceError("Both points lie on the picture.")
        if math.dist(self.a, self.b) < LEAST_PIXELS:
            raise PlaceError("The two points are nearly one: take two that are far apart on the picture.")
        if not METRES[0] <= self.metres <= METRES[1]:
            raise PlaceError(
                "The two points are %(least)s to %(most)s metres apart.", least=f"{METRES[0]:g}", most=f"{METRES[1]:g}"
            )
        if not (math.isfinite(self.bearing_deg) and -360 <= self.bearing_deg <= 360):
            raise PlaceError("The direction of the picture's top lies between 0 (north) and 360 degrees.")
        areas.check_position(self.anchor)
        if abs(self.anchor[1]) > MOST_LATITUDE:
            raise PlaceError("That near to a pole no plan can be laid.")
        if math.hypot(self.width, self.height) * self.metres_per_pixel > MOST_SPAN_M:
            raise PlaceError("The whole picture would be more than 20 km wide: is the distance in metres?")

    @property
    def metres_per_pixel(self) -> float:
        """Its scale."""
        return self.metres / math.dist(self.a, self.b)

    def to_position(self, pixel: Pixel) -> Position:
        """Where a pixel lies, degrees, longitude first."""
        right, up = pixel[0] - self.a[0], self.a[1] - pixel[1]
        sine, cosine = _turn(self.bearing_deg)
        scale = self.metres_per_pixel
        east, north = scale * (right * cosine + up * sine), scale * (up * cosine - right * sine)
        per_lon, per_lat = metres_per_degree(self.anchor[1])
        return self.anchor[0] + east / per_lon, self.anchor[1] + north / per_lat

    def to_pixel(self, place: Position) -> Pixel:
        """Which pixel shows a position; it may lie beside the picture."""
        per_lon, per_lat = metres_per_degree(self.anchor[1])
        scale = self.metres_per_pixel
        east = (place[0] - self.anchor[0]) * per_lon / scale
        north = (place[1] - self.anchor[1]) * per_lat / scale
        sine, cosine = _turn(self.bearing_deg)
        return self.a[0] + east * cosine - north * sine, self.a[1] - (east * sine + north * cosine)

    def corners(self) -> list[Position]:
        """Where the picture's corners lie: top left, top right, bottom right, bottom left."""
        return [
            self.to_position(pixel) for pixel in ((0, 0), (self.width, 0), (self.width, self.height), (0, self.height))
        ]

    def to_area(self, pixels: Sequence[Pixel]) -> dict[str, Any]:
        """What was drawn on the picture, as GeoJSON Polygon; raises PlaceError."""
        if len(pixels) < 3:
            raise PlaceError("An area has at least three corners.")
        ring = [list(self.to_position(pixel)) for pixel in pixels]
        return areas.to_geojson(areas.read_polygon({"type": "Polygon", "coordinates": [[*ring, ring[0]]]}))

    def to_pixels(self, area: dict[str, Any]) -> list[Pixel]:
        """The corners of an area's outline on the picture, the first one not repeated."""
        return [self.to_pixel((lon, lat)) for lon, lat, *_ in area["coordinates"][0][:-1]]


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Of longitude and of latitude there, by the radii of curvature of WGS 84."""
    sine, cosine = math.sin(math.radians(lat)), math.cos(math.radians(lat))
    flat = 1 - ECCENTRICITY_2 * sine**2
    across = EQUATOR_M / math.sqrt(flat)
    along = EQUATOR_M * (1 - ECCENTRICITY_2) / flat**1.5
    return math.radians(across * cosine), math.radians(along)


def _turn(bearing_deg: float) -> tuple[float, float]:
    return math.sin(math.radians(bearing_deg)), math.cos(math.radians(bearing_deg))
