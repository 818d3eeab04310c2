"""People who go where you go: which things are alike because the same people come to them; pure, arrays in and out.

Of those who came to A some came to B as well. Counted is how many more these are than if people came to B by chance, so
that what everybody comes to is like nothing (that is another factor), as a share of those who come to A and to B (the
geometric mean), drawn towards 0 while few came, since one of one is no rule. A person counts with her last things
alone, so that work and memory are bounded by the number of people.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.ranking import Floats

Ints = NDArray[np.int64]

LAST_THINGS = 50  # of a person: what she went to long ago says little, and pairs grow with the square
MOST_ALIKE = 50  # kept of each thing: nobody reads further, and what comes later is noise
SHRINK = 5.0  # people: as many who came to neither, so that 1 of 1 counts as 1 of 6
SURE = 0.999  # no share is more: of 1 the logarithm of the doubt has no end
PAIRS_AT_ONCE = 4_000_000  # each is 8 bytes, four times while they are sorted: 130 MB


class Alike(NamedTuple):
    """Of each thing the most alike, best first: rows of `begins[thing]` to `begins[thing + 1]`.

    other: the thing that is alike. both: how many came to both. share: 0 to 1, how alike.
    """

    begins: Ints
    other: Ints
    both: Ints
    share: Floats

    def of(self, thing: int) -> slice:
        """The rows of a thing."""
        return slice(int(self.begins[thing]), int(self.begins[thing + 1]))


def reach(alike: Alike, been: Ints, things: int) -> Floats:
    """How alike each of all things (n,) is to where somebody goes: 1 - product of (1 - share), 0 to 1.

    So one very alike thing counts, and several that are somewhat alike do as well. been: things, each once.
    """
    rows = take(alike.begins, been)
    doubt = np.bincount(alike.other[rows], weights=np.log1p(-np.minimum(alike.share[rows], SURE)), minlength=things)
    return np.asarray(1.0 - np.exp(doubt))


def take(begins: Ints, of: Ints) -> Ints:
    """The rows of several things, where those of the i-th stand at begins[i] to begins[i + 1]."""
    sizes = begins[of + 1] - begins[of]
    before = np.cumsum(sizes) - sizes
    return np.repeat(begins[of] - before, sizes) + np.arange(sizes.sum())


def keep_last(person: Ints, thing: Ints, at: Floats, most: int = LAST_THINGS) -> tuple[Ints, Ints, Floats]:
    """Each person's last things, each once with its last time: (person, thing, at), sorted by person, newest first."""
    order = np.lexsort((-at, thing, person))
    person, thing, at = person[order], thing[order], at[order]
    first = np.ones(len(person), dtype=bool)
    first[1:] = (person[1:] != person[:-1]) | (thing[1:] != thing[:-1])
    person, thing, at = person[first], thing[first], at[first]
    order = np.lexsort((thing, -at, person))
    person, thing, at = person[order], thing[order], at[order]
    rank = np.arange(len(person)) - np.searchsorted(person, person)
    return person[rank < most], thing[rank < most], at[rank < most]


def find(
    person: Ints, thing: Ints, things: int, most_alike: int = MOST_ALIKE, shrink: float = SHRINK, fewest: int = 1
) -> Alike:
    """What is alike, of pairs (person, thing) that each come once; things are numbered from 0.

    How alike: (both - one * other / people) / (sqrt(one * other) + shrink) of how many came, and 0 at least. fewest:
    what fewer people than that came to both of is not alike.
    """
    order = np.lexsort((thing, person))
    person, thing = person[order].astype(np.int64), thing[order].astype(np.int64)
    came = np.bincount(thing, minlength=things)
    begin, end = np.searchsorted(person, person), np.searchsorted(person, person, side="right")
    by_thing = np.argsort(thing, kind="stable")
    costs = np.cumsum((end - begin)[by_thing])
    bounds = np.searchsorted(thing[by_thing], np.arange(things + 1))
    found: list[tuple[Ints, Ints, Ints, Floats]] = []
    low, people = 0, len(np.unique(person))
    while low < things:
        before = costs[bounds[low] - 1] if bounds[low] else 0
        reach = int(np.searchsorted(costs, before + PAIRS_AT_ONCE))
        high = max(low + 1, int(np.searchsorted(bounds, reach, side="right")) - 1)
        high = min(high, things)
        rows = by_thing[bounds[low] : bounds[high]]
        found.append(_count(rows, thing, begin, end, came, (most_alike, fewest), shrink, things, people))
        low = high
    one, other, both, share = (np.concatenate(part) for part in zip(*found, strict=True)) if found else _nothing()
    return Alike(np.searchsorted(one, np.arange(things + 1)), other, both, share)


def _count(
    rows: Ints,
    thing: Ints,
    begin: Ints,
    end: Ints,
    came: Any,
    bounds: tuple[int, int],
    shrink: float,
    things: int,
    people: int,
) -> tuple[Ints, Ints, Ints, Floats]:
    """What is alike to the things of these rows: one, other, both, share; the best of each first.

    bounds: the most of each thing, the fewest people of each pair.
    """
    sizes = end[rows] - begin[rows]
    starts = np.repeat(begin[rows] - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes) if len(rows) else rows
    others = thing[starts + np.arange(len(starts))]
    ones = np.repeat(thing[rows], sizes)
    pairs, both = np.unique((ones * things + others)[ones != others], return_counts=True)
    one, other = pairs // things, pairs % things
    share = np.maximum(0, both - came[one] * came[other] / people) / (np.sqrt(came[one] * came[other]) + shrink)
    most, fewest = bounds
    told = (share > 0) & (both >= fewest)
    one, other, both, share = (column[told] for column in (one, other, both, share))
    order = np.lexsort((other, -share, one))
    one, other, both, share = one[order], other[order], both[order], share[order]
    kept = np.arange(len(one)) - np.searchsorted(one, one) < most
    return one[kept], other[kept], both[kept], share[kept]


def _nothing() -> tuple[Ints, Ints, Ints, Floats]:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
