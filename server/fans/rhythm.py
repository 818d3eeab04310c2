"""Somebody's own rhythm of coming, and whether she is drifting away; pure.

Her rhythm is the median of the gaps between her last visits: one long holiday does not change it, and whoever comes
once a month is not missed after two weeks.
"""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

FEWEST_VISITS = 4  # three gaps: of fewer a median is a guess
LAST_VISITS = 8  # her rhythm of late, not that of two years ago
TIMES = 2.5  # silent for twice her rhythm happens to everybody now and then
SHORTEST_DAYS = 21  # a daily guest may go on holiday


class Rhythm(NamedTuple):
    """The days between her visits, as the median of the last gaps, and for how many days she has been silent."""

    gap_days: float
    silent_days: int

    @property
    def drifting(self) -> bool:
        """Whether she has been silent for much longer than she uses to be."""
        return self.silent_days >= SHORTEST_DAYS and self.silent_days > TIMES * self.gap_days


def of(days: Sequence[dt.date], as_of: dt.date) -> Rhythm | None:
    """The rhythm of somebody who came on these days, in any order; None for fewer than FEWEST_VISITS.

    as_of: the last day on which anybody is known to have come: while a place is closed, or nothing listens there,
    nobody is silent. Days after it do not count.
    """
    known = sorted({day for day in days if day <= as_of})
    if len(known) < FEWEST_VISITS:
        return None
    gaps = [(later - earlier).days for earlier, later in pairwise(known[-LAST_VISITS:])]
    return Rhythm(float(median(gaps)), (as_of - known[-1]).days)
