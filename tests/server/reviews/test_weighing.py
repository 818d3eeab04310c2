"""What reviews come to together, and in which order they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.reviews import weighing
from server.reviews.weighing import Mark, Rating

BADGE = Mark("beacon", 80, 1.0)
HAND = Mark("manual", None, 0.2)
NOT_THERE = Mark()
SAID = st.tuples(st.integers(1, 5), st.sampled_from([BADGE, HAND, NOT_THERE]))


@pytest.mark.parametrize(
    ("said", "rating"),
    [
        ([], Rating(None, 0, 0)),
        ([(5, BADGE)] * 4, Rating(None, 4, 0)),
        ([(5, BADGE)] * 5, Rating(5.0, 5, 0)),
        ([(5, BADGE)] * 4 + [(1, HAND)], Rating(4.8, 5, 0)),
        ([(5, BADGE)] * 4 + [(1, NOT_THERE)] * 50, Rating(None, 4, 50)),
        ([(5, BADGE)] * 5 + [(1, NOT_THERE)] * 50, Rating(5.0, 5, 50)),
    ],
)
def test_the_mean_is_of_those_who_were_there_from_five_on(said: list[tuple[int, Mark]], rating: Rating) -> None:
    assert weighing.rate(said) == rating


@given(st.lists(SAID, max_size=30), st.integers(1, 5))
def test_who_was_not_there_moves_no_mean(said: list[tuple[int, Mark]], stars: int) -> None:
    assert weighing.rate([*said, (stars, NOT_THERE)]).mean == weighing.rate(said).mean


@given(st.lists(SAID, min_size=5, max_size=30))
def test_the_mean_lies_within_what_was_said(said: list[tuple[int, Mark]]) -> None:
    there = [stars for stars, mark in said if mark.there]
    mean = weighing.rate(said).mean
    assert mean is None if len(there) < 5 else min(there) <= (mean or 0) <= max(there)


def test_who_was_there_stands_first_then_the_newest() -> None:
    reviews = {1: NOT_THERE, 2: BADGE, 3: HAND, 4: NOT_THERE, 5: BADGE}
    assert sorted(reviews, key=lambda number: weighing.place(reviews[number], number)) == [5, 2, 3, 4, 1]
