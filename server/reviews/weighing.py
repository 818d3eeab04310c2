"""How reviews are ordered and what they come to together: pure. Who was not there counts in no figure."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

# Below this a mean would say what this one or that one thinks, and two friends would move it by a star.
MEAN_FROM = 5


class Mark(NamedTuple):
    """That somebody was there: by the strongest evidence, for how many minutes her badge was heard, None if unknown.

    weight: what her word weighs; 0 of who was not there.
    """

    evidence: str | None = None
    minutes: int | None = None
    weight: float = 0.0

    @property
    def there(self) -> bool:
        """Whether anything proves that she was there."""
        return self.evidence is not None


class Rating(NamedTuple):
    """What those who were there say together. mean: to a tenth, None of fewer than MEAN_FROM. others: not there."""

    mean: float | None
    there: int
    others: int


def rate(said: Iterable[tuple[int, Mark]]) -> Rating:
    """The weighed mean of stars, of those who were there alone."""
    known: Collection[tuple[int, Mark]] = list(said)
    there = [(stars, mark.weight) for stars, mark in known if mark.there]
    weight = sum(weight for _, weight in there)
    mean = None
    if len(there) >= MEAN_FROM and weight > 0:
        mean = round(sum(stars * one for stars, one in there) / weight, 1)
    return Rating(mean, len(there), len(known) - len(there))


def place(mark: Mark, number: int) -> tuple[int, int]:
    """Where a review stands, the smallest first: who was there by the weight of her word, then the newest."""
    return (-round(mark.weight * 1000) - (1 if mark.there else 0), -number)
