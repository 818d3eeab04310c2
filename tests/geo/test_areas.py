"""Places and areas as people send them."""

from typing import Any

import pytest

from geo import areas


def polygon(*rings: list[list[Any]]) -> dict[str, Any]:
    """A GeoJSON Polygon of these rings."""
    return {"type": "Polygon", "coordinates": list(rings)}


SQUARE = [[13.4, 52.5], [13.5, 52.5], [13.5, 52.6], [13.4, 52.6], [13.4, 52.5]]
HOLE = [[13.44, 52.54], [13.44, 52.56], [13.46, 52.56], [13.46, 52.54], [13.44, 52.54]]


def test_an_area_comes_back_as_it_was_counter_clockwise() -> None:
    assert areas.to_geojson(areas.read_polygon(polygon(SQUARE))) == polygon(SQUARE)
    assert areas.to_geojson(areas.read_polygon(polygon(SQUARE[::-1])))["coordinates"][0][1] in SQUARE


def test_an_area_may_have_a_hole_and_heights() -> None:
    read = areas.read_polygon(polygon(SQUARE, HOLE))
    assert len(read.interiors) == 1
    assert read.area < areas.read_polygon(polygon(SQUARE)).area
    areas.read_polygon(polygon([[*place, 34.0] for place in SQUARE]))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({}, "GeoJSON Polygon"),
        ({"type": "Point", "coordinates": [1, 2]}, "Point"),
        ({"type": "Polygon"}, "list of rings"),
        ({"type": "Polygon", "coordinates": []}, "list of rings"),
        (polygon(SQUARE[:3]), "at least four"),
        (polygon(SQUARE[:-1]), "closed"),
        (polygon([[1, 1], [2, 2], [1, 1], [1, 1]]), "encloses no area"),
        (polygon([[0, 0], [0.1, 0.1], [0.1, 0], [0, 0.1], [0, 0]]), "crosses itself near 0.05"),
        (polygon(SQUARE, [[20, 20], [21, 20], [21, 21], [20, 20]]), "encloses no area"),
        (polygon([[0, 0], [9, 0], [9, 9], [0, 0]]), "at most 1 degree"),
        (polygon([["a", 0], [9, 0], [9, 9], ["a", 0]]), "two numbers"),
        (polygon([[True, 0], [9, 0], [9, 9], [True, 0]]), "two numbers"),
        (polygon([[float("inf"), 0], [9, 0], [9, 9], [0, 0]]), "two numbers"),
        ({"type": "Polygon", "coordinates": [[1, 2, 3, 4]]}, "longitude and a latitude"),
        ({"type": "Polygon", "coordinates": [["aa", "bb", "cc", "aa"]]}, "longitude and a latitude"),
    ],
)
def test_an_area_that_cannot_be_one_is_refused_with_a_sentence(value: dict[str, Any], sentence: str) -> None:
    with pytest.raises(areas.PlaceError, match=sentence):
        areas.read_polygon(value)


def test_axes_that_look_swapped_are_named() -> None:
    with pytest.raises(areas.PlaceError, match="swapped"):
        areas.check_position([52.5, 113.4])
    with pytest.raises(areas.PlaceError, match=r"latitude lies between .*not\.$"):
        areas.check_position([113.4, 152.5])
    swapped = polygon([[lat, lon] for lon, lat in SQUARE])
    with pytest.raises(areas.PlaceError, match="axes swapped"):
        areas.read_polygon(swapped, near=(13.4, 52.5))
    areas.read_polygon(swapped, near=(52.5, 13.4))
    areas.read_polygon(swapped)


def test_an_area_has_a_bound_of_points() -> None:
    ring = [[13 + step / 1e6, 52.0] for step in range(areas.MAX_POINTS)]
    with pytest.raises(areas.PlaceError, match="points"):
        areas.read_polygon(polygon([*ring, [13.0, 52.5], ring[0]]))
