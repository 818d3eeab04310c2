"""What check-ins prove, weighed together: pure. A poster can be photographed and sent on, so it proves least."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

# The strongest first: what somebody saw or a radio heard, what changes by the minute, what a phone says of itself, and
# what anybody can read from a picture.
STRENGTHS = {"qr": 5, "manual": 5, "beacon": 4, "screen": 4, "phone": 3, "heard": 3, "poster": 1}
POSTER = STRENGTHS["poster"]
PHONE = STRENGTHS["phone"]


class Mix(NamedTuple):
    """People by the strongest that proves their coming. by: evidence -> how many."""

    by: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """How many came."""
        return sum(count for _, count in self.by)

    @property
    def proven(self) -> int:
        """How many came by something stronger than the poster."""
        return sum(count for evidence, count in self.by if STRENGTHS.get(evidence, 0) > POSTER)


class Figure(NamedTuple):
    """A number of people with its error bar: at least `low`, at most `high`, and by its evidence `counted`."""

    counted: int
    low: int
    high: int


def strongest(evidence: Iterable[str]) -> str | None:
    """The evidence that proves most, None of nothing; of two that prove as much the one named first in STRENGTHS."""
    order = list(STRENGTHS)
    return max(
        evidence,
        key=lambda one: (STRENGTHS.get(one, 0), -order.index(one) if one in order else -len(order)),
        default=None,
    )


def mix(people: Iterable[Iterable[str]]) -> Mix:
    """How many of these people came by what; each is told by all the evidence of her check-ins."""
    found = Counter(best for one in people if (best := strongest(one)) is not None)
    order = list(STRENGTHS)
    return Mix(tuple(sorted(found.items(), key=lambda one: order.index(one[0]) if one[0] in order else len(order))))


def figure(of: Mix, missed: int = 0) -> Figure:
    """The figure of a mix. missed: how many may have come besides, of whom nothing tells."""
    return Figure(of.total, of.proven, of.total + max(0, missed))


def has_word(evidence: Iterable[str], met: int = 0) -> bool:
    """Whether somebody's word counts in a community, by the evidence of her coming to something of it of late.

    What can be had without coming is not enough, unless she met somebody there: a poster's code can be photographed,
    and a position is what a phone claims. met: how many she met there.
    """
    best = strongest(evidence)
    return best is not None and (STRENGTHS.get(best, 0) > PHONE or met >= 1)
