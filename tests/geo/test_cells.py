"""Cells of the earth: `around` misses nothing, wherever on it."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geo import cells, distances
from geo.areas import Position

PLACES = st.one_of(
    st.tuples(st.floats(-180, 180), st.floats(-90, 90)),
    st.tuples(st.floats(179.9, 180), st.floats(-90, 90)),
    st.tuples(st.floats(-180, -179.9), st.floats(-90, 90)),
    st.tuples(st.floats(-180, 180), st.sampled_from([90.0, 89.9999, -89.9999, -90.0])),
)
RESOLUTIONS = (cells.NEAR, cells.HOME, cells.AREA)


def away(place: Position, metres: float, bearing: float) -> Position:
    """The place so many metres away on the sphere, in a direction (radians, clockwise from north)."""
    lon, lat = map(math.radians, place)
    arc = metres / distances.EARTH_M
    there = math.asin(math.sin(lat) * math.cos(arc) + math.cos(lat) * math.sin(arc) * math.cos(bearing))
    turned = math.atan2(
        math.sin(bearing) * math.sin(arc) * math.cos(lat), math.cos(arc) - math.sin(lat) * math.sin(there)
    )
    return (math.degrees(lon + turned) + 540) % 360 - 180, math.degrees(there)


@given(PLACES, st.sampled_from(RESOLUTIONS))
@example((180.0, 90.0), cells.AREA)
@example((-180.0, -90.0), cells.NEAR)
def test_a_place_is_no_further_from_the_middle_of_its_cell_than_said(place: Position, resolution: int) -> None:
    cell = cells.of(place, resolution)
    assert cells.is_cell(cell)
    assert cell < 2**63
    assert distances.between_m(place, cells.centre(cell)) <= cells.reach_m(resolution)
    assert all(
        distances.between_m(corner, cells.centre(cell)) <= cells.reach_m(resolution) for corner in cells.outline(cell)
    )


@given(PLACES, st.sampled_from(RESOLUTIONS))
@example((-0.0002486451213926123, 0.999985559448397), cells.NEAR)  # its middle lies beside what it belongs to
def test_the_middle_of_a_cell_lies_in_it_and_not_far_from_what_it_belongs_to(place: Position, resolution: int) -> None:
    cell = cells.of(place, resolution)
    assert cells.of(cells.centre(cell), resolution) == cell
    away_m = distances.between_m(cells.centre(cell), cells.centre(cells.parent(cell, cells.AREA)))
    assert away_m <= cells.reach_m(cells.AREA)


@settings(max_examples=60)
@given(PLACES, st.sampled_from([(cells.AREA, 25_000.0), (cells.HOME, 3_000.0), (cells.NEAR, 800.0)]), st.data())
@example((180.0, 0.0), (cells.AREA, 25_000.0), None)
@example((12.0, 90.0), (cells.AREA, 25_000.0), None)
@example((12.0, -90.0), (cells.NEAR, 800.0), None)
def test_around_misses_nothing_and_takes_little_else(
    place: Position, kind: tuple[int, float], data: st.DataObject | None
) -> None:
    resolution, radius_m = kind
    found = cells.around(place, radius_m, resolution)
    if data is None:
        tried = [(radius_m * share / 4, math.radians(turn)) for share in range(5) for turn in range(0, 360, 30)]
    else:
        pairs = st.tuples(st.floats(0, radius_m * 0.999), st.floats(0, 2 * math.pi))
        tried = data.draw(st.lists(pairs, min_size=1, max_size=20))
    for metres, bearing in tried:
        there = away(place, metres, bearing)
        if distances.between_m(place, there) <= radius_m:
            assert cells.of(there, resolution) in found
    assert len(set(found)) == len(found)
    apart = [distances.between_m(place, cells.centre(cell)) for cell in found]
    assert apart == sorted(apart)
    assert apart[-1] <= radius_m + cells.reach_m(resolution)


@pytest.mark.parametrize("no_cell", [0, 1, 2**62, 0xFFFFFFFFFFFFFFFF])
def test_other_numbers_are_no_cells(no_cell: int) -> None:
    assert not cells.is_cell(no_cell)
