"""Cells of the earth (H3): what is kept of where somebody is, no finer than its purpose needs.

A cell is a number that fits into a bigint. Finer ones lie in coarser ones, nearly: the centre of a cell always does.
"""

import math

from h3.api import basic_int as h3

from geo import distances
from geo.areas import Position

# Resolution -> what it is for. H3's table of average edges: 201 m, 531 m, 3.7 km.
NEAR = 9  # what is near: a block or two, so that nobody's door is told
HOME = 8  # where somebody lives: a quarter of a city
AREA = 6  # whom to look at for what takes place somewhere: a part of a city

# Cells are not all alike: edges of one resolution differ from the average by no more than these factors.
_LONGEST, _SHORTEST = 1.4, 0.7


def of(place: Position, resolution: int) -> int:
    """The cell in which a place lies."""
    return int(h3.latlng_to_cell(place[1], place[0], resolution))


def centre(cell: int) -> Position:
    """The middle of a cell, in degrees, longitude first."""
    lat, lon = h3.cell_to_latlng(cell)
    return lon, lat


def reach_m(resolution: int) -> float:
    """Metres from the middle of a cell within which all of it lies, whichever cell of this resolution it is."""
    return _LONGEST * float(h3.average_hexagon_edge_length(resolution, unit="m"))


def parent(cell: int, resolution: int) -> int:
    """The cell of a coarser resolution (or the same) to which a cell belongs."""
    return int(h3.cell_to_parent(cell, resolution))


def is_cell(cell: int) -> bool:
    """Whether a number is a cell at all."""
    return bool(h3.is_valid_cell(cell))


def around(place: Position, radius_m: float, resolution: int) -> list[int]:
    """Cells in which everything within a radius of a place lies, and little else; the nearest first.

    Their number grows with the square of radius_m: 25 km at AREA are about 100.
    """
    reach = reach_m(resolution)
    # The middles of neighbours are no nearer to each other than this.
    apart_m = _SHORTEST * math.sqrt(3) * h3.average_hexagon_edge_length(resolution, unit="m")
    rings = math.ceil((radius_m + reach) / apart_m)
    found = [(distances.between_m(place, centre(cell)), cell) for cell in h3.grid_disk(of(place, resolution), rings)]
    return [cell for away_m, cell in sorted(found) if away_m <= radius_m + reach]
