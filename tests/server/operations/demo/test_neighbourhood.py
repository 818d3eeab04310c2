"""Tests of the invented neighbourhood's plan."""

import itertools
import math

import pytest
from shapely.geometry import shape

from server.operations.demo import neighbourhood
from server.operations.demo.neighbourhood import STREET


@pytest.mark.parametrize("venue", neighbourhood.VENUES, ids=lambda venue: venue.id)
def test_zones_tile_their_building(venue: neighbourhood.Venue) -> None:
    areas = [shape(neighbourhood.polygon(zone)) for zone in venue.zones]
    whole = shape(neighbourhood.polygon(venue.outline))
    assert sum(area.area for area in areas) == pytest.approx(whole.area, rel=1e-4)
    assert all(
        first.intersection(second).area < 1e-6 * whole.area for first, second in itertools.combinations(areas, 2)
    )


def test_every_zone_has_a_pi_that_stands_in_it() -> None:
    assert {pi.zone for pi in neighbourhood.PIS.values()} == neighbourhood.ZONES.keys()
    assert all(neighbourhood.space_at(*pi.at) == pi.zone for pi in neighbourhood.PIS.values())


def test_a_point_keeps_its_place_through_degrees_and_back() -> None:
    for point in [(0.0, 0.0), (84.0, 40.0), (-18.0, -34.0)]:
        assert neighbourhood.to_metres(*neighbourhood.to_lon_lat(*point)) == pytest.approx(point, abs=0.01)


def test_a_metre_is_a_metre_on_the_globe() -> None:
    radius_m = 6_371_000
    (lon1, lat1), (lon2, lat2) = neighbourhood.to_lon_lat(0, 0), neighbourhood.to_lon_lat(60, 30)
    x = math.radians(lon2 - lon1) * math.cos(math.radians(lat1)) * radius_m
    y = math.radians(lat2 - lat1) * radius_m
    assert math.hypot(x, y) == pytest.approx(math.hypot(60, 30), rel=0.005)


@pytest.mark.parametrize("start", [STREET, *neighbourhood.ZONES])
@pytest.mark.parametrize("end", [STREET, *neighbourhood.ZONES])
def test_a_way_leads_from_everywhere_to_everywhere_and_never_through_a_wall(start: str, end: str) -> None:
    def middle(space: str) -> neighbourhood.Point:
        zone = neighbourhood.ZONES.get(space)
        return ((zone.west + zone.east) / 2, (zone.south + zone.north) / 2) if zone else neighbourhood.YOU_AT_M

    way = [middle(start), *neighbourhood.route(middle(start), middle(end))]
    assert way[-1] == middle(end)
    buildings = [venue.outline for venue in neighbourhood.VENUES] + list(neighbourhood.HOUSES)
    for (x1, y1), (x2, y2) in itertools.pairwise(way):
        spaces = {neighbourhood.space_at(x1 + (x2 - x1) * i / 200, y1 + (y2 - y1) * i / 200) for i in range(1, 200)}
        # A leg lies in one space; its end may touch the next.
        assert len(spaces) <= 1 or spaces <= {start, end}, (start, end, spaces)
        if spaces == {STREET}:
            points = [(x1 + (x2 - x1) * i / 200, y1 + (y2 - y1) * i / 200) for i in range(1, 200)]
            assert not any(building.contains(*point) for building in buildings for point in points)


def test_the_map_shows_everything_within_its_bounds() -> None:
    west, south, east, north = neighbourhood.bounds()
    streets = neighbourhood.draw_streets()
    features = streets["features"]
    assert isinstance(features, list)
    for feature in features:
        low_x, low_y, high_x, high_y = shape(feature["geometry"]).bounds
        assert west <= low_x <= high_x <= east
        assert south <= low_y <= high_y <= north
    assert {feature["properties"]["kind"] for feature in features} == {
        "square",
        "pavement",
        "street",
        "building",
        "tree",
    }
