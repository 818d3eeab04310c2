"""The demonstration's invented neighbourhood: a street with three venues, their zones and Pis, drawn in metres.

x runs east and y north, in metres from ORIGIN. Long Lane lies between y = 0 and y = 8, a pavement on either side; the
bookshop and the café stand on its north side, the workshop and a square with trees on its south side.

      .------------------ Left Bank Books -.    .- Kettle & Crumb -.
      | reading room   | children's corner |    | back room        |
      | fiction | counter  | poetry        |    | window   | bar   |
      |         | entrance |               |    | tables   |       |
      '-------------' '--------------------'    '---' '------------'
      ======================== Long Lane ============================
            square with trees                   .----' '-----------.
                                                | Blue Door Workshop|
"""

import functools
import math
from collections import deque
from dataclasses import dataclass

# (longitude, latitude) in the open North Atlantic: nobody's street, so no real shop or home is ever shown.
ORIGIN = (-30.0, 45.0)
# Metres of one degree at 45 degrees north on the WGS 84 ellipsoid (its meridian and its parallel there).
LONGITUDE_M = 78_846.8
LATITUDE_M = 111_131.7

STREET = "street"
LANE = "Long Lane"
# west, south, east, north: what the map shows and where somebody can be dragged to.
BOUNDS_M = (-18.0, -34.0, 84.0, 40.0)
# People come into view and leave at the two ends of the street, on either pavement.
ENDS_M = ((-16.0, 9.5), (-16.0, -1.5), (82.0, 9.5), (82.0, -1.5))
# Between these the street is clear of buildings, so that a straight line never leads through a wall.
CLEAR_Y_M = (-2.0, 10.5)
# Where "You" begin: on the square opposite the bookshop, too far from any Pi to be heard.
YOU_AT_M = (33.0, -12.0)

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Zone:
    """A named area of a venue, a rectangle."""

    id: str
    name: str
    west: float
    south: float
    east: float
    north: float

    def contains(self, x: float, y: float) -> bool:
        """Whether the point lies in the zone; its west and south edges belong to it."""
        return self.west <= x < self.east and self.south <= y < self.north

    @property
    def corners(self) -> list[Point]:
        """The ring around it, the first corner again at the end."""
        low, high = (self.west, self.south), (self.east, self.north)
        return [low, (high[0], low[1]), high, (low[0], high[1]), low]


@dataclass(frozen=True, slots=True)
class Pi:
    """A Raspberry Pi in a zone: on a wall or shelf at least four metres behind the shop window."""

    id: str
    zone: str
    at: Point


@dataclass(frozen=True, slots=True)
class Gate:
    """A door or passage between two spaces (zones, or the street)."""

    between: tuple[str, str]
    at: Point


@dataclass(frozen=True, slots=True)
class Venue:
    """A venue with its plan."""

    id: str
    name: str
    zones: tuple[Zone, ...]
    pis: tuple[Pi, ...]
    gates: tuple[Gate, ...]

    @property
    def outline(self) -> Zone:
        """The building: the rectangle around its zones."""
        zones = self.zones
        west, south = min(zone.west for zone in zones), min(zone.south for zone in zones)
        return Zone(self.id, self.name, west, south, max(z.east for z in zones), max(z.north for z in zones))


BOOKS = Venue(
    "left-bank-books",
    "Left Bank Books",
    (
        Zone("books-entrance", "Entrance", 18, 11, 28, 17),
        Zone("books-counter", "Counter", 18, 17, 28, 22),
        Zone("books-fiction", "Fiction", 8, 11, 18, 22),
        Zone("books-poetry", "Poetry & essays", 28, 11, 38, 22),
        Zone("books-reading", "Reading room", 8, 22, 26, 33),
        Zone("books-children", "Children's corner", 26, 22, 38, 33),
    ),
    (
        Pi("books-entrance-pi", "books-entrance", (23, 15)),
        Pi("books-counter-pi", "books-counter", (23, 20)),
        Pi("books-fiction-pi", "books-fiction", (13, 16.5)),
        Pi("books-poetry-pi", "books-poetry", (33, 16.5)),
        Pi("books-reading-west-pi", "books-reading", (12.5, 28)),
        Pi("books-reading-east-pi", "books-reading", (21, 28)),
        Pi("books-children-pi", "books-children", (32, 28)),
    ),
    (
        Gate((STREET, "books-entrance"), (23, 11)),
        Gate(("books-entrance", "books-counter"), (23, 17)),
        Gate(("books-entrance", "books-fiction"), (18, 14)),
        Gate(("books-entrance", "books-poetry"), (28, 14)),
        Gate(("books-counter", "books-fiction"), (18, 19.5)),
        Gate(("books-counter", "books-poetry"), (28, 19.5)),
        Gate(("books-counter", "books-reading"), (21, 22)),
        Gate(("books-fiction", "books-reading"), (13, 22)),
        Gate(("books-poetry", "books-children"), (33, 22)),
        Gate(("books-reading", "books-children"), (26, 27)),
    ),
)

CAFE = Venue(
    "kettle-and-crumb",
    "Kettle & Crumb",
    (
        Zone("cafe-tables", "Window tables", 44, 11, 53, 19),
        Zone("cafe-bar", "Bar", 53, 11, 60, 19),
        Zone("cafe-back", "Back room", 44, 19, 60, 26),
    ),
    (
        Pi("cafe-tables-pi", "cafe-tables", (48.5, 15.5)),
        Pi("cafe-bar-pi", "cafe-bar", (56.5, 15.5)),
        Pi("cafe-back-pi", "cafe-back", (52, 23)),
    ),
    (
        Gate((STREET, "cafe-tables"), (48.5, 11)),
        Gate(("cafe-tables", "cafe-bar"), (53, 15)),
        Gate(("cafe-tables", "cafe-back"), (48.5, 19)),
        Gate(("cafe-bar", "cafe-back"), (56.5, 19)),
    ),
)

WORKSHOP = Venue(
    "blue-door-workshop",
    "Blue Door Workshop",
    (
        Zone("workshop-gallery", "Gallery", 44, -11, 60, -3),
        Zone("workshop-press", "Press room", 44, -19, 60, -11),
    ),
    (
        Pi("workshop-gallery-pi", "workshop-gallery", (52, -7)),
        Pi("workshop-press-pi", "workshop-press", (52, -15)),
    ),
    (
        Gate((STREET, "workshop-gallery"), (52, -3)),
        Gate(("workshop-gallery", "workshop-press"), (52, -11)),
    ),
)

VENUES = (BOOKS, CAFE, WORKSHOP)
ZONES = {zone.id: zone for venue in VENUES for zone in venue.zones}
PIS = {pi.id: pi for venue in VENUES for pi in venue.pis}
HOUSES = (
    Zone("house-1", "", -14, 11, 6, 27),
    Zone("house-2", "", 62, 11, 80, 29),
    Zone("house-3", "", 62, -19, 80, -3),
)
SQUARE = Zone("square", "Linden Square", -14, -30, 38, -3)
TREES = (
    (-6.0, -8.0),
    (4.0, -8.0),
    (14.0, -8.0),
    (24.0, -8.0),
    (-6.0, -24.0),
    (4.0, -25.0),
    (14.0, -24.0),
    (24.0, -25.0),
)


def to_lon_lat(x: float, y: float) -> tuple[float, float]:
    """(longitude, latitude) in degrees of a point in metres; exact enough for a street (flat Earth, under 1 mm)."""
    return (round(ORIGIN[0] + x / LONGITUDE_M, 8), round(ORIGIN[1] + y / LATITUDE_M, 8))


def to_metres(longitude: float, latitude: float) -> Point:
    """The inverse of `to_lon_lat`."""
    return ((longitude - ORIGIN[0]) * LONGITUDE_M, (latitude - ORIGIN[1]) * LATITUDE_M)


def bounds() -> tuple[float, float, float, float]:
    """West, south, east, north in degrees."""
    return (*to_lon_lat(*BOUNDS_M[:2]), *to_lon_lat(*BOUNDS_M[2:]))


def polygon(zone: Zone) -> dict[str, object]:
    """A zone's area as a GeoJSON Polygon."""
    return {"type": "Polygon", "coordinates": [[list(to_lon_lat(x, y)) for x, y in zone.corners]]}


def space_at(x: float, y: float) -> str:
    """The zone in which a point lies, or the street."""
    return next((zone.id for zone in ZONES.values() if zone.contains(x, y)), STREET)


@functools.cache
def gates_between(start: str, end: str) -> tuple[Gate, ...]:
    """The gates one passes on the way from one space to another with the fewest of them."""
    gates = [gate for venue in VENUES for gate in venue.gates]
    waiting: deque[tuple[str, tuple[Gate, ...]]] = deque([(start, ())])
    seen = {start}
    while waiting:
        space, passed = waiting.popleft()
        if space == end:
            return passed
        for gate in gates:
            if space in gate.between:
                other = gate.between[gate.between[0] == space]
                if other not in seen:
                    seen.add(other)
                    waiting.append((other, (*passed, gate)))
    raise KeyError(f"no way from {start} to {end}")


def route(start: Point, end: Point) -> list[Point]:
    """The points somebody walks by from start (left out) to end: through gates, and around buildings on the street."""
    points: list[Point] = []
    space = space_at(*start)
    gates = gates_between(space, space_at(*end))
    here = start
    for gate, there in [*((gate, gate.at) for gate in gates), (None, end)]:
        if space == STREET:
            points += [_onto_clear(here), _onto_clear(there)]
        points.append(there)
        here = there
        if gate is not None:
            space = gate.between[gate.between[0] == space]
    return points


def _onto_clear(point: Point) -> Point:
    return (point[0], min(max(point[1], CLEAR_Y_M[0]), CLEAR_Y_M[1]))


def distance_m(first: Point, second: Point) -> float:
    """The straight distance of two points."""
    return math.hypot(first[0] - second[0], first[1] - second[1])


def draw_streets() -> dict[str, object]:
    """The ground as a GeoJSON FeatureCollection: `kind` is square, street, pavement, building or tree."""
    west, _, east, _ = BOUNDS_M
    grounds = [
        ("square", SQUARE),
        ("pavement", Zone("pavement-south", "", west, -3, east, 0)),
        ("pavement", Zone("pavement-north", "", west, 8, east, 11)),
        ("street", Zone("long-lane", LANE, west, 0, east, 8)),
        *(("building", house) for house in HOUSES),
        *(("building", venue.outline) for venue in VENUES),
    ]
    features: list[dict[str, object]] = [
        {
            "type": "Feature",
            "id": area.id,
            "properties": {"kind": kind, "name": area.name},
            "geometry": polygon(area),
        }
        for kind, area in grounds
    ]
    features += [
        {
            "type": "Feature",
            "id": f"tree-{number}",
            "properties": {"kind": "tree", "name": ""},
            "geometry": {"type": "Point", "coordinates": list(to_lon_lat(x, y))},
        }
        for number, (x, y) in enumerate(TREES, 1)
    ]
    return {"type": "FeatureCollection", "features": features}
