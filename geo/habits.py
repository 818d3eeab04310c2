"""What the past says: habits that fade, tastes that show, hosts whose evenings are well attended; pure.

The numbers were tried in simulated worlds of three kinds, with half and twice of most of them: what is found changes by
less than chance does, so that they are round ones, and nothing is won by fitting them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY_S = 86_400.0
HABIT_DAYS = 60.0  # after which a visit counts half: habits of one season, not of last year
CROWD_DAYS = 90.0  # the same of how many came: crowds change slower than one person does
# Coming to what is of the same community or organizer, or at the same venue, says a fifth of coming to the very series.
SAME_HOSTS = 0.2
ROOM_M = 300.0  # below which nobody tells two ways apart, as in geo/ranking.py
# Evenings of a series that count as much as what is known of its hosts: two, since the first is often the fullest.
FEW_EVENINGS = 2.0
# Visits until what somebody does says as much of her taste as what she told.
VISITS_TO_KNOW = 5.0


def fade(age_s: Any, half_life_days: float = HABIT_DAYS) -> Floats:
    """What something so old (seconds) counts: 1 now, half after the half-life."""
    return np.asarray(0.5 ** (np.maximum(age_s, 0.0) / (half_life_days * DAY_S)))


def regular(same: Any, hosts: Any) -> Floats:
    """How regularly she comes. same: faded visits to the venue or series; hosts: to what is of its hosts, or there."""
    return np.asarray(same + SAME_HOSTS * hosts)


def way_m(metres: Floats, counts: Floats) -> Floats:
    """(n,) metres of n things from the places she goes to, of (n, places) metres and what each place counts.

    The harmonic mean: near to one place that she often goes to is near, however far the others are.
    """
    nearness = (1.0 / (metres + ROOM_M)) @ (counts / counts.sum())
    return np.asarray(1.0 / nearness - ROOM_M)


def usual_crowd(people: Any, evenings: Any, otherwise: Any) -> Floats:
    """How many usually come, of faded sums of people and evenings; `otherwise` is what to expect of what is unknown."""
    return np.asarray((people + FEW_EVENINGS * otherwise) / (evenings + FEW_EVENINGS))


def rarity(things_with_tag: Any, things: int) -> Floats:
    """How much each tag tells (inverse document frequency): much if rare, nothing if everything has it."""
    return np.asarray(np.log((things + 1.0) / (things_with_tag + 1.0)))


def taste(told: Floats, shown: Floats, visits: float) -> Floats:
    """One's taste as a unit vector over the tags. told: of her interests; shown: the faded sum of what she came to."""
    told, shown = unit(told), unit(shown)
    share = visits / (visits + VISITS_TO_KNOW) if told.any() else 1.0
    return unit((1 - share) * told + share * shown)


def unit(vector: Floats) -> Floats:
    """A vector of length 1 of the same direction; one of zeros stays it."""
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector
