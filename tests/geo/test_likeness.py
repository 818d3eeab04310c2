"""What the same people come to: equal to counting pairs one by one, bounded, and few say little."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import likeness
from geo.likeness import Alike

THINGS = 8
Visit = tuple[int, int, int]
VISITS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, THINGS - 1), st.integers(0, 9)), max_size=40)


def find(visits: list[Visit], most: int = 50) -> Alike:
    table = np.array(visits, dtype=np.int64).reshape(-1, 3)
    person, thing, _ = likeness.keep_last(table[:, 0], table[:, 1], table[:, 2].astype(float))
    return likeness.find(person, thing, THINGS, most_alike=most)


def more(one: set[int], other: set[int], people: int) -> float:
    """By how much more than by chance the same people come, as the formula says it."""
    chance = len(one) * len(other) / max(1, people)
    return (len(one & other) - chance) / (math.sqrt(len(one) * len(other)) + likeness.SHRINK)


def listed(alike: Alike, thing: int) -> dict[int, float]:
    rows = alike.of(thing)
    return dict(zip(alike.other[rows].tolist(), alike.share[rows].tolist(), strict=True))


@given(VISITS, st.integers(1, 30))
def test_counting_in_blocks_equals_counting_pairs_one_by_one(visits: list[Visit], at_once: int) -> None:
    who = [{person for person, thing, _ in visits if thing == number} for number in range(THINGS)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(likeness, "PAIRS_AT_ONCE", at_once)
        alike = find(visits)
    for one in range(THINGS):
        wanted = {other: more(who[one], who[other], len(set().union(*who))) for other in range(THINGS) if other != one}
        assert listed(alike, one) == pytest.approx({other: share for other, share in wanted.items() if share > 1e-12})


@given(VISITS)
def test_the_order_and_repetition_of_visits_change_nothing(visits: list[Visit]) -> None:
    again = find([*reversed(visits), *visits])
    for once, twice in zip(find(visits), again, strict=True):
        assert np.array_equal(once, twice)


@given(VISITS, st.integers(1, 3))
def test_the_last_things_of_each_person_are_kept_once(visits: list[Visit], most: int) -> None:
    table = np.array(visits, dtype=np.int64).reshape(-1, 3)
    kept = likeness.keep_last(table[:, 0], table[:, 1], table[:, 2].astype(float), most=most)
    for person in range(6):
        last = {
            thing: max(at for p, t, at in visits if (p, t) == (person, thing)) for p, thing, _ in visits if p == person
        }
        wanted = sorted(last.items(), key=lambda item: (-item[1], item[0]))[:most]
        rows = kept[0] == person
        assert list(zip(kept[1][rows].tolist(), kept[2][rows].tolist(), strict=True)) == wanted


def test_only_the_most_alike_are_kept_the_best_first() -> None:
    visits = [(person, thing, 0) for person in range(4) for thing in range(person + 1)]
    visits += [(person, 7, 0) for person in range(4, 20)]
    alike = find(visits, most=2)
    assert alike.other[alike.of(0)].tolist() == [1, 2]


OTHERS = [(person, 7, 1) for person in range(10, 20)]  # who came to something else altogether


def test_one_of_one_is_no_rule() -> None:
    one = listed(find([(0, 0, 1), (0, 1, 1), *OTHERS]), 0)[1]
    many = listed(find([*((person, thing, 1) for person in range(6) for thing in (0, 1)), *OTHERS]), 0)[1]
    assert one == pytest.approx((1 - 1 / 11) / 6)
    assert many == pytest.approx((6 - 36 / 16) / 11)


def test_what_everybody_comes_to_is_like_nothing() -> None:
    visits = [(person, 0, 1) for person in range(12)] + [(person, 1 + person % 2, 1) for person in range(12)]
    assert listed(find(visits), 0) == {}


def test_several_that_are_somewhat_alike_count_together_and_never_more_than_all() -> None:
    alike = find([*((person, thing, 1) for person in range(6) for thing in (0, 1, 2)), *OTHERS])
    one, two = (likeness.reach(alike, np.array(been), THINGS)[2] for been in ([0], [0, 1]))
    assert 0 < one < two < 1
    assert likeness.reach(alike, np.array([], dtype=np.int64), THINGS).tolist() == [0.0] * THINGS
