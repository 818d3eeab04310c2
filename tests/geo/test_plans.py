"""Plans: pixels to degrees and back, by two points, their distance, a direction and an anchor."""

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geo import areas
from geo.plans import Plan, metres_per_degree

HALL = Plan(800, 600, (100, 500), (500, 500), 20, 0, (11.5755, 48.1372))


@st.composite
def a_plan(draw: st.DrawFn) -> Plan:
    """Any plan there can be."""
    width, height = draw(st.integers(50, 4000)), draw(st.integers(50, 4000))
    points = st.tuples(st.floats(0, width), st.floats(0, height))
    a, b = draw(points), draw(points)
    assume(math.dist(a, b) >= 8)
    metres = draw(st.floats(0.1, 5000))
    assume(math.hypot(width, height) * metres / math.dist(a, b) <= 20_000)
    anchor = draw(st.tuples(st.floats(-179, 179), st.floats(-84, 84)))
    return Plan(width, height, a, b, metres, draw(st.floats(-360, 360)), anchor)


@given(a_plan(), st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_pixel_becomes_a_place_and_the_same_pixel_again(plan: Plan, part: tuple[float, float]) -> None:
    pixel = (part[0] * plan.width, part[1] * plan.height)
    assert math.dist(plan.to_pixel(plan.to_position(pixel)), pixel) < 0.01


@given(a_plan())
def test_the_two_points_are_as_far_apart_as_was_said(plan: Plan) -> None:
    a, b = plan.to_position(plan.a), plan.to_position(plan.b)
    assert math.dist(a, plan.anchor) < 1e-9
    per_lon, per_lat = metres_per_degree(plan.anchor[1])
    assert math.hypot((b[0] - a[0]) * per_lon, (b[1] - a[1]) * per_lat) == pytest.approx(
        plan.metres, rel=1e-6, abs=1e-3
    )


@pytest.mark.parametrize(("bearing_deg", "heading"), [(0, (0, 1)), (90, (1, 0)), (180, (0, -1)), (-90, (-1, 0))])
def test_the_top_of_the_picture_looks_where_it_was_turned(bearing_deg: float, heading: tuple[int, int]) -> None:
    turned = dataclasses.replace(HALL, bearing_deg=bearing_deg)
    lon, lat = turned.to_position((100, 480))  # 20 pixels above the anchor: a metre
    per_lon, per_lat = metres_per_degree(48.1372)
    east, north = (lon - 11.5755) * per_lon, (lat - 48.1372) * per_lat
    assert [east, north] == pytest.approx(heading, abs=1e-4)


def test_a_degree_is_as_long_as_the_tables_say() -> None:
    # Of WGS 84: a degree of latitude at the equator and at a pole, one of longitude at the equator and at 60 degrees.
    assert list(metres_per_degree(0)) == pytest.approx([111_319.49, 110_574.28], abs=0.1)
    assert metres_per_degree(60)[0] == pytest.approx(55_800.0, abs=1)
    assert metres_per_degree(90)[1] == pytest.approx(111_693.98, abs=0.1)


@given(a_plan())
def test_what_was_drawn_is_an_area_there_and_the_same_corners_again(plan: Plan) -> None:
    w, h = plan.width, plan.height
    drawn = [(0.2 * w, 0.8 * h), (0.8 * w, 0.8 * h), (0.8 * w, 0.2 * h), (0.2 * w, 0.2 * h)]
    assume(plan.metres_per_pixel * min(w, h) > 0.5)
    again = plan.to_pixels(plan.to_area(drawn))
    for corner in drawn:
        assert min(math.dist(corner, found) for found in again) < 0.05


def test_the_corners_go_round_from_the_top_left() -> None:
    lons, lats = zip(*HALL.corners(), strict=True)
    assert lons[0] == lons[3] < lons[1] == lons[2]
    assert lats[0] == lats[1] > lats[2] == lats[3]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"a": (900, 10)}, "on the picture"),
        ({"b": (103, 500)}, "nearly one"),
        ({"metres": 0}, "metres apart"),
        ({"metres": math.nan}, "metres apart"),
        ({"metres": 5000, "b": (110, 500)}, "20 km"),
        ({"bearing_deg": math.inf}, "direction"),
        ({"anchor": (48.1, 111.5)}, "swapped"),
        ({"anchor": (0.0, 89.0)}, "pole"),
    ],
)
def test_what_is_no_plan_is_said(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(areas.PlaceError, match=says):
        dataclasses.replace(HALL, **changes)


@pytest.mark.parametrize(
    ("pixels", "says"), [([(1, 1), (5, 5)], "three corners"), ([(0, 0), (90, 90), (90, 0), (0, 90)], "crosses itself")]
)
def test_what_is_no_area_is_said(pixels: list[tuple[float, float]], says: str) -> None:
    with pytest.raises(areas.PlaceError, match=says):
        HALL.to_area(pixels)
