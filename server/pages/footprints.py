"""A drawing of places from above: their outlines in the pixels of a picture, north at the top."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import shapely
from shapely.geometry import shape

from geo import plans
from geo.areas import Position
from server.venues.found import Place

WIDTH, MOST_HEIGHT, LEAST_HEIGHT = 640.0, 640.0, 160.0  # pixels: two columns of a page, and no taller than a phone
MARGIN = 12.0
FINE = 0.4  # of a pixel: what is nearer than this to a straight line is drawn as one
LARGEST = 2.0  # pixels a metre: a hall of 50 m is 100 wide, and not a wall of colour
MOST_DRAWN = 3000  # beyond that a page has megabytes, and the drawing is one spot
SMALL = 4.0  # pixels: whatever is smaller is a dot, or nobody would see it


class Drawing(NamedTuple):
    """paths: outlines as SVG path data, and what was said of their places. dots: centres of what is small or a point.

    middle: degrees, longitude first. wide_m, high_m: the ground that is shown, without the margin. left_out: places
    beyond MOST_DRAWN.
    """

    width: float
    height: float
    paths: list[tuple[str, str]]
    dots: list[tuple[float, float, str]]
    middle: Position
    wide_m: float
    high_m: float
    left_out: int


def draw(places: Sequence[Place], said: Mapping[str, str]) -> Drawing | None:
    """Places as a drawing, None where there are none. said: a word for each source, such as its colour goes by."""
    shown = places[:MOST_DRAWN]
    if not shown:
        return None
    outlines = [shapely.union_all([shape(area.area) for area in place.areas]) for place in shown]
    pins = [shapely.Point(place.location) for place in shown]
    grounds = [pin if outline.is_empty else outline for outline, pin in zip(outlines, pins, strict=True)]
    west, south, east, north = shapely.total_bounds(grounds)
    per_lon, per_lat = plans.metres_per_degree((south + north) / 2)
    wide_m, high_m = (east - west) * per_lon, (north - south) * per_lat
    inside = WIDTH - 2 * MARGIN
    scale = min(inside / max(wide_m, 1.0), (MOST_HEIGHT - 2 * MARGIN) / max(high_m, 1.0), LARGEST)
    height = max(high_m * scale + 2 * MARGIN, LEAST_HEIGHT)
    left, top = (WIDTH - wide_m * scale) / 2, (height - high_m * scale) / 2
    paths: list[tuple[str, str]] = []
    dots: list[tuple[float, float, str]] = []
    for place, ground in zip(shown, grounds, strict=True):
        drawn = shapely.transform(
            ground, lambda at: (at - (west, north)) * (per_lon * scale, -per_lat * scale) + (left, top)
        )
        x0, y0, x1, y1 = drawn.bounds
        word = said.get(place.source, "")
        if math.hypot(x1 - x0, y1 - y0) < SMALL:
            dots.append((round((x0 + x1) / 2, 1), round((y0 + y1) / 2, 1), word))
        else:
            rings = [
                ring for part in shapely.get_parts(drawn.simplify(FINE)) for ring in (part.exterior, *part.interiors)
            ]
            paths.append(("".join(_ring(ring) for ring in rings), word))
    middle = (float(west + east) / 2, float(south + north) / 2)
    return Drawing(WIDTH, height, paths, dots, middle, float(wide_m), float(high_m), len(places) - len(shown))


def _ring(ring: shapely.LinearRing) -> str:
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in shapely.get_coordinates(ring)[:-1]) + "Z"
