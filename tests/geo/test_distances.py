"""Distances on the earth, beside those of an exact program on the ellipsoid."""

import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import example, given

from geo import distances
from geo.areas import Position
from tests.geo.test_cells import PLACES

ERROR = 0.006  # of a sphere: its radius differs from the ellipsoid's own by as much, at the poles


@given(PLACES, PLACES)
@example((179.999, 10.0), (-179.999, 10.0))
@example((0.0, 90.0), (123.0, 89.0))
@example((0.0, 0.0), (180.0, 0.0))
@example((0.0, 0.0), (179.7, 0.3))
def test_a_sphere_is_near_enough(a: Position, b: Position) -> None:
    exact = Geodesic.WGS84.Inverse(a[1], a[0], b[1], b[0])["s12"]
    assert distances.between_m(a, b) == pytest.approx(exact, rel=ERROR, abs=0.01)


@given(PLACES, PLACES)
def test_it_is_the_same_both_ways_and_nothing_to_itself(a: Position, b: Position) -> None:
    assert distances.between_m(a, b) == pytest.approx(distances.between_m(b, a), abs=1e-6)
    assert distances.between_m(a, a) == 0


@given(PLACES, PLACES, PLACES)
def test_a_detour_is_no_shorter(a: Position, b: Position, c: Position) -> None:
    assert distances.between_m(a, c) <= distances.between_m(a, b) + distances.between_m(b, c) + 0.1


def test_the_two_sides_of_the_antimeridian_are_neighbours() -> None:
    assert distances.between_m((179.9995, 0.0), (-179.9995, 0.0)) == pytest.approx(111.2, abs=0.1)
    assert distances.between_m((0.0, 90.0), (90.0, 90.0)) == pytest.approx(0, abs=1e-6)


def test_a_walk_takes_longer_than_the_line() -> None:
    assert distances.walk_s(1250) == pytest.approx(1300)
