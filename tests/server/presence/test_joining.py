"""The algebra of presence: joining, cutting, counting, and stays out of a trace."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import settings
from server.presence import joining
from server.presence.joining import Stay, Trace

RULE = settings.load(environment={}).presence
SLOT = RULE.slot_s * 1000

intervals = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 200)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=25
)


@given(intervals, intervals, st.integers(0, 300), st.randoms())
def test_joining_ignores_order_repetition_and_batches(
    first: list[joining.Interval], second: list[joining.Interval], gap: int, chance: random.Random
) -> None:
    whole = joining.join([*first, *second], gap)
    shuffled = [*first, *second, *first]
    chance.shuffle(shuffled)
    assert joining.join(shuffled, gap) == whole
    assert joining.join([*joining.join(second, gap), *joining.join(first, gap)], gap) == whole
    assert joining.join(whole, gap) == whole


@given(intervals, st.integers(0, 300))
def test_joined_intervals_are_further_apart_than_the_gap_and_hold_every_reading(
    found: list[joining.Interval], gap: int
) -> None:
    joined = joining.join(found, gap)
    assert all(later[0] - earlier[1] > gap for earlier, later in itertools.pairwise(joined))
    assert all(any(low <= start and end <= high for low, high in joined) for start, end in found)
    edges = {edge for interval in found for edge in interval}
    assert all(edge in edges for interval in joined for edge in interval)


def test_a_gap_of_exactly_the_bound_joins_and_one_millisecond_more_does_not() -> None:
    assert joining.join([(0, 10), (310, 320)], 300) == [(0, 320)]
    assert joining.join([(0, 10), (311, 320)], 300) == [(0, 10), (311, 320)]


def test_cutting_keeps_the_parts_inside_the_windows() -> None:
    assert joining.cut([(0, 10), (20, 30)], [(5, 25)]) == [(5, 10), (20, 25)]
    assert joining.cut([(0, 100)], [(10, 20), (30, 40)]) == [(10, 20), (30, 40)]
    assert joining.cut([(0, 10)], [(11, 20)]) == []


@pytest.mark.parametrize(("needed", "moment"), [(0, 100), (10, 110), (20, 120), (21, 201), (50, 230), (51, None)])
def test_the_moment_is_when_the_summed_time_reaches_what_is_needed(needed: int, moment: int | None) -> None:
    assert joining.moment_reached([(100, 120), (200, 230)], needed) == moment


def test_nothing_heard_reaches_nothing() -> None:
    assert joining.moment_reached([], 0) is None


def _trace(*heard: tuple[int, str, int]) -> Trace:
    trace = Trace(SLOT)
    for slot, zone, rssi in heard:
        trace.hear(zone, slot, rssi)
    return trace


def _visit(trace: Trace) -> joining.Interval:
    return min(trace.peaks) * SLOT, max(trace.peaks) * SLOT + SLOT - 1


def test_a_louder_zone_takes_over_only_when_it_stays_louder() -> None:
    near = [(slot, "bar", -60) for slot in range(10)]
    lucky = _trace(*near, (5, "hall", -40))
    assert [stay.zone_id for stay in joining.stays(_visit(lucky), lucky, RULE, 0)] == ["bar"]
    moved = _trace(*near, *((slot, "hall", -50) for slot in range(10, 20)))
    found = joining.stays(_visit(moved), moved, RULE, 0)
    assert [stay.zone_id for stay in found] == ["bar", "hall"]
    assert 10 * SLOT <= found[1].from_ms <= 12 * SLOT


def test_a_zone_that_is_hardly_louder_does_not_take_over() -> None:
    trace = _trace(*((slot, "bar", -60) for slot in range(20)), *((slot, "hall", -55) for slot in range(5, 20)))
    assert [stay.zone_id for stay in joining.stays(_visit(trace), trace, RULE, 0)] == ["bar"]


def test_a_badge_that_is_seldom_heard_moves_once_its_old_zone_has_lost_it() -> None:
    trace = _trace((0, "bar", -60), (1, "bar", -60), (4, "hall", -80), (20, "hall", -80))
    found = joining.stays(_visit(trace), trace, RULE, 0)
    assert [(stay.zone_id, stay.from_ms) for stay in found] == [("bar", 0), ("hall", 20 * SLOT)]


def test_silence_leaves_a_badge_where_it_was() -> None:
    trace = _trace((0, "bar", -60), (1, "bar", -60), (50, "bar", -80))
    assert joining.stays(_visit(trace), trace, RULE, 0) == [Stay(0, "bar")]


heard_slots = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(["bar", "hall", "yard"]), st.integers(-95, -40)),
    min_size=1,
    max_size=60,
)


@given(heard_slots, st.integers(0, 40))
def test_stays_computed_from_a_slot_on_equal_those_from_the_whole_trace(
    heard: list[tuple[int, str, int]], cut_at: int
) -> None:
    trace = _trace(*heard)
    visit = _visit(trace)
    whole = joining.stays(visit, trace, RULE, visit[0])
    start_ms = cut_at * SLOT
    before = joining.in_force(whole, start_ms)
    again = joining.stays(visit, trace, RULE, start_ms, before)
    kept = [stay for stay in whole if before is not None and stay.from_ms < before.from_ms]
    if before is not None:
        assert kept + again == whole
    elif start_ms <= visit[0]:
        assert again == whole


@given(heard_slots)
def test_stays_cover_the_visit_in_order_without_overlap(heard: list[tuple[int, str, int]]) -> None:
    trace = _trace(*heard)
    visit = _visit(trace)
    found = joining.stays(visit, trace, RULE, visit[0])
    assert found[0].from_ms == visit[0]
    assert found[-1].from_ms <= visit[1]
    for earlier, later in itertools.pairwise(found):
        assert earlier.from_ms < later.from_ms
        assert earlier.zone_id != later.zone_id


def test_stays_carry_on_as_they_were_where_the_trace_is_gone() -> None:
    stored = [Stay(0, "bar"), Stay(70, "hall"), Stay(90, "yard")]
    for found, expected in (
        ([Stay(0, "bar")], [Stay(0, "bar"), Stay(70, "hall")]),
        ([Stay(0, "bar"), Stay(20, "yard")], [Stay(0, "bar"), Stay(20, "yard"), Stay(50, "bar"), Stay(70, "hall")]),
        ([], [Stay(50, "bar"), Stay(70, "hall")]),
    ):
        joining.carry_on(found, stored, 50, 90)
        assert found == expected
    # Somebody of whom nothing is stored before is where she was found until then, and in no zone twice.
    found = [Stay(0, "hall")]
    joining.carry_on(found, stored[1:], 50, 90)
    assert found == [Stay(0, "hall")]
    joining.carry_on(found, stored, 90, 90)
    assert found == [Stay(0, "hall")], "no time, no stay"
