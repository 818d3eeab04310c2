"""Positions of Chinese maps: published pairs, there and back, and nothing moved elsewhere."""

import math
from typing import Any

import geocoordinates_ffi as ffi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import areas, datums, plans

# Pairs published with eviltransform (github.com/googollee/eviltransform): shown there, and WGS 84; longitude first.
GCJ02 = [
    ((121.531541859215, 31.17530398364597), (121.5272106, 31.1774276)),  # Shanghai
    ((113.9171764808363, 22.540796131694766), (113.912316, 22.543847)),  # Shenzhen
    ((116.38404722455657, 39.91334545536069), (116.377817, 39.911954)),  # Beijing
]
# Published by Baidu with its own conversion (lbsyun.baidu.com, geoconv), and with github.com/wandergis/coordtransform.
BD09 = [
    ((114.23075042223, 29.579088074495), (114.21892734521, 29.575429778924)),
    ((116.41036949371029, 39.92133699351021), (116.39775550083061, 39.91359571849836)),
]
ELSEWHERE = [(11.5755, 48.1372), (-104.9903, 39.7392), (151.2, -33.87), (0.0, 0.0), (-179.9, 60.0)]


def apart_m(one: areas.Position, other: areas.Position) -> float:
    """Metres between two places that are near each other."""
    per_lon, per_lat = plans.metres_per_degree(one[1])
    return math.hypot((one[0] - other[0]) * per_lon, (one[1] - other[1]) * per_lat)


@pytest.mark.parametrize(("shown", "real"), GCJ02)
def test_published_pairs_of_gcj02(shown: areas.Position, real: areas.Position) -> None:
    assert apart_m(shown, real) > 300
    assert apart_m(datums.to_wgs84(shown, "gcj02"), real) < 1


@pytest.mark.parametrize(("shown", "real"), BD09)
def test_published_pairs_of_bd09(shown: areas.Position, real: areas.Position) -> None:
    assert apart_m(shown, real) > 300
    assert apart_m(datums.to_wgs84(shown, "bd09"), real) < 1


@given(st.floats(98, 120), st.floats(24, 40))
def test_there_and_back_is_within_a_metre_inside_china(lon: float, lat: float) -> None:
    wgs84 = ffi.Wgs84(lat=lat, lon=lon)
    gcj02, bd09 = ffi.wgs84_to_gcj02(wgs84), ffi.wgs84_to_bd09(wgs84)
    assert apart_m(datums.to_wgs84((gcj02.lon, gcj02.lat), "gcj02"), (lon, lat)) < 1
    assert apart_m(datums.to_wgs84((bd09.lon, bd09.lat), "bd09"), (lon, lat)) < 1


@pytest.mark.parametrize("place", ELSEWHERE)
@pytest.mark.parametrize("datum", datums.DATUMS)
def test_outside_china_nothing_moves(place: areas.Position, datum: datums.Datum) -> None:
    assert datums.to_wgs84(place, datum) == place


@pytest.mark.parametrize("place", [(200.0, 31.0), (121.0, 95.0), (math.nan, 31.0), (math.inf, math.nan)])
def test_what_is_no_place_is_left_for_who_refuses_it(place: areas.Position) -> None:
    for datum in datums.DATUMS:
        assert datums.to_wgs84(place, datum) is place or str(datums.to_wgs84(place, datum)) == str(place)


def test_an_area_moves_with_its_corners_and_nonsense_stays_nonsense() -> None:
    ring: list[Any] = [list(shown) for shown, _ in GCJ02]
    moved = datums.area_to_wgs84({"type": "Polygon", "coordinates": [[*ring, ring[0]]]}, "gcj02")
    for place, (_, real) in zip(moved["coordinates"][0], [*GCJ02, GCJ02[0]], strict=True):
        assert apart_m((place[0], place[1]), real) < 1
    odd: Any
    for odd in ({}, {"coordinates": 1}, {"coordinates": [1]}, {"coordinates": [[1, [2], ["a", "b"], [True, 1]]]}):
        assert datums.area_to_wgs84(odd, "bd09") == odd
