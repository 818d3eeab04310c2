"""Sets of intervals, against sets of moments."""

from hypothesis import given
from hypothesis import strategies as st

from server.presence import intervals
from server.presence.intervals import Interval

END = 40
moments = st.integers(0, END)
some = st.lists(st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair))), max_size=8)


def members(found: list[Interval]) -> set[int]:
    return {at for start, end in found for at in range(start, end)}


def is_merged(found: list[Interval]) -> bool:
    return found == intervals.merge(found)


@given(some, some)
def test_parts_outside_and_inside_are_those_of_the_moments(first: list[Interval], second: list[Interval]) -> None:
    one, other = intervals.merge(first), intervals.merge(second)
    outside, inside = intervals.without(one, other), intervals.within(one, other)
    assert members(outside) == members(first) - members(second)
    assert members(inside) == members(first) & members(second)
    assert outside == intervals.merge(outside)
    assert intervals.total_ms(inside) == len(members(inside))


@given(some, moments, moments)
def test_cutting_is_being_within_one_window(found: list[Interval], low: int, high: int) -> None:
    merged = intervals.merge(found)
    assert intervals.cut(merged, low, high) == intervals.within(merged, intervals.merge([(low, high)]))


@given(some, st.randoms(use_true_random=False))
def test_adding_one_by_one_in_any_order_is_merging_at_once(found: list[Interval], chance: object) -> None:
    getattr(chance, "shuffle")(found)  # noqa: B009 -- hypothesis' own Random
    grown: list[Interval] = []
    for interval in found:
        grown = intervals.add(grown, interval)
        assert is_merged(grown)
    assert grown == intervals.merge(found)


@given(some, moments)
def test_what_is_around_and_what_follows_a_moment(found: list[Interval], at: int) -> None:
    merged = intervals.merge(found)
    holding = [each for each in merged if each[0] <= at <= each[1]]
    assert intervals.around(merged, at) == (holding[-1] if holding else None)
    assert list(intervals.following(merged, at)) == [each for each in merged if each[1] > at]
