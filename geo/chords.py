"""Distances on a sphere for many places at once: the chord between two unit vectors, and the arc over it; pure."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.distances import EARTH_M

Floats = NDArray[np.float64]


def units(places: Any) -> Floats:
    """(n, 3) unit vectors of (n, 2) places, (lon, lat) in degrees; NaN where a place is unknown."""
    lon, lat = np.radians(places[:, 0]), np.radians(places[:, 1])
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def nearest_m(some: Floats, others: Floats) -> Floats:
    """Metres from each of some to the nearest of the others, both unit vectors; NaN where either is unknown or none."""
    if not len(others):
        return np.full(len(some), np.nan)
    return metres((some @ others.T).max(axis=1))


def metres(cosines: Floats) -> Floats:
    """Metres of the arcs between unit vectors, of the cosines (products) of these; right to centimetres."""
    return np.asarray(2 * EARTH_M * np.arcsin(np.sqrt(np.clip((1 - cosines) / 2, 0, 1))))
