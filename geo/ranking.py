"""What makes a gathering or a place right for somebody: facts -> values -> points, whose sum orders them; pure.

Each factor turns a fact into a value of which more is better, and a weight turns the value into points. The points of
one thing add up to its score, so that every score can be told in words and numbers. The weights are learnt from who
really came (geo/learning.py): a softmax over the scores of what one could have gone to is the chance of each.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# People go somewhere with a chance that falls with a power of its distance (Liu et al., 2014: from 0.6 to 2): the
# logarithm makes that power a weight. Below 300 m nobody tells two distances apart; beyond 1000 km neither.
NEAR_KM = 0.3
FAR_KM = 1000.0
# What starts in six hours is "today" as what is on now; what is more than four weeks ahead is all "some time".
SOON_H = 6.0
LATE_H = 28 * 24.0


class Factor(StrEnum):
    """What speaks for a thing, in the order of the columns of values."""

    DISTANCE = "distance"  # how far it is from where one is
    WAYS = "ways"  # how far it is from the places one goes to
    START = "start"  # how soon it begins
    INTERESTS = "interests"  # how much it is about what one likes
    COMMUNITY = "community"  # it is of a community that one belongs to
    KNOWN = "known"  # those whom one knows, and may see, go there
    REGULAR = "regular"  # how often one came to it, or to what is of the same hosts or at the same place
    ALIKE = "alike"  # how often people who go where one goes really came to it
    POPULAR = "popular"  # how many really came
    PLACES = "places"  # places are left
    LIVELY = "lively"  # how much is on there now


FACTORS = tuple(Factor)
Weights = Mapping[Factor, float]


# Learnt, not set: what `muster bench relevance --kind mixed --seed 1 --ask moment` finds in a simulated world whose
# truth is known (docs/relevance.md; tests/bench/test_relevance.py learns them again). A server begins with them, until
# its own members have chosen often enough. No file says how lively it was, so that nothing could be learnt of it: half
# a point puts what is lively before what is else alike, and before nothing that is much nearer.
DEFAULT: Weights = {
    Factor.DISTANCE: 0.96,
    Factor.WAYS: 0.32,
    Factor.START: 0.44,
    Factor.INTERESTS: 2.44,
    Factor.COMMUNITY: 1.22,
    Factor.KNOWN: 0.33,
    Factor.REGULAR: 0.34,
    Factor.ALIKE: 1.22,
    Factor.POPULAR: 0.30,
    Factor.PLACES: 1.82,
    Factor.LIVELY: 0.5,
}


class Facts(NamedTuple):
    """What is known of n things for one person, each an array of n.

    distance_m, way_m: metres, from where she is and from the places that she goes to (habits.way_m); NaN where unknown.
    hours_until: until it begins, 0 where it is on; NaN for what is always there. interests: 0 to 1, the cosine of her
    interests and what it is about. community, full: 0 or 1. known: how many go whom she knows. regular: how often she
    came (habits.regular). alike: 0 to 1, how much the same people come as to where she goes (likeness.reach). came: how
    many people came, or usually come to its like (habits.usual_crowd). lively: 0 quiet to 1 lively.
    """

    distance_m: Floats
    way_m: Floats
    hours_until: Floats
    interests: Floats
    community: Floats
    known: Floats
    regular: Floats
    alike: Floats
    came: Floats
    full: Floats
    lively: Floats


def values(facts: Facts) -> Floats:
    """The values (n, len(FACTORS)) of things; never negative, and 0 where nothing is known that speaks for them."""
    columns = {
        Factor.DISTANCE: _falling(facts.distance_m / 1000.0, NEAR_KM, FAR_KM),
        Factor.WAYS: _falling(facts.way_m / 1000.0, NEAR_KM, FAR_KM),
        Factor.START: _falling(facts.hours_until, SOON_H, LATE_H),
        Factor.INTERESTS: facts.interests,
        Factor.COMMUNITY: facts.community,
        Factor.KNOWN: np.log1p(facts.known),
        Factor.REGULAR: np.log1p(facts.regular),
        Factor.ALIKE: np.sqrt(facts.alike),  # shares are small, and the first of them tell the most
        Factor.POPULAR: np.log1p(facts.came),
        Factor.PLACES: 1.0 - facts.full,
        Factor.LIVELY: facts.lively,
    }
    return np.stack([columns[factor] for factor in FACTORS], axis=1)


def points(valued: Floats, weights: Weights) -> Floats:
    """The points (n, len(FACTORS)) of values; a row adds up to the score."""
    shown: Floats = valued * np.array([weights[factor] for factor in FACTORS])
    return shown


def _falling(at: Any, near: float, far: float) -> Floats:
    """ln((far + near) / (at + near)), 0 from far on and where `at` is NaN."""
    known = np.where(np.isnan(at), far, np.clip(at, 0.0, far))
    falling: Floats = np.log((far + near) / (known + near))
    return falling
