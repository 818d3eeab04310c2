"""Positions read off Chinese maps, as WGS 84: what is stored is never of another datum.

Amap and Tencent show positions in GCJ-02 and Baidu in BD-09, some 500 m beside WGS 84; outside China all are the same.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import geocoordinates_ffi as ffi

from geo.areas import Position

Datum = Literal["wgs84", "gcj02", "bd09"]
DATUMS: tuple[Datum, ...] = get_args(Datum)


def to_wgs84(place: Position, datum: Datum) -> Position:
    """A position of this datum as WGS 84, to within a metre; outside China it is unchanged.

    What is no position at all comes back as it is: `areas.check_position` says what is wrong with it.
    """
    lon, lat = place
    if datum == "wgs84" or not (-180 <= lon <= 180 and -90 <= lat <= 90):
        return place
    if datum == "gcj02":
        found = ffi.gcj02_to_wgs84_refined(ffi.Gcj02(lat=lat, lon=lon))
        return found.lon, found.lat
    between = ffi.bd09_to_gcj02_refined(ffi.Bd09(lat=lat, lon=lon))
    if not _is_shifted(between.lon, between.lat):
        return place
    found = ffi.bd09_to_wgs84_refined(ffi.Bd09(lat=lat, lon=lon))
    return found.lon, found.lat


def area_to_wgs84(area: Mapping[str, Any], datum: Datum) -> dict[str, Any]:
    """A GeoJSON Polygon of this datum as WGS 84; what is none comes back as it is, for `areas` to refuse."""
    rings = area.get("coordinates")
    if datum == "wgs84" or not isinstance(rings, list):
        return dict(area)
    return {**area, "coordinates": [_ring(ring, datum) for ring in rings]}


def _ring(ring: object, datum: Datum) -> object:
    return [_place(place, datum) for place in ring] if isinstance(ring, list) else ring


def _place(place: object, datum: Datum) -> object:
    if not isinstance(place, (list, tuple)) or len(place) < 2:
        return place
    lon, lat = place[0], place[1]
    if any(isinstance(part, bool) or not isinstance(part, (int, float)) for part in (lon, lat)):
        return place
    return [*to_wgs84((float(lon), float(lat)), datum), *place[2:]]


def _is_shifted(lon: float, lat: float) -> bool:
    shifted = ffi.wgs84_to_gcj02(ffi.Wgs84(lat=lat, lon=lon))
    return (shifted.lon, shifted.lat) != (lon, lat)
