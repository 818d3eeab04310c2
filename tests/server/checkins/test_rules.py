"""The rules of check-in: what counts, in which order it is cut, and the moment of arrival."""

import random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.checkins import rules
from server.presence import joining

GAP = 60_000
EVER = (0, rules.EVER_MS)


def _held(*heard: joining.Interval, badge_id: int = 1, held: tuple[joining.Interval, ...] = (EVER,)) -> rules.Held:
    return rules.Held(badge_id, heard, held)


def test_fifteen_seconds_heard_are_an_arrival_at_the_moment_they_were_reached() -> None:
    assert rules.arrival([_held((100_000, 114_999))], GAP, EVER, 15_000) is None
    assert rules.arrival([_held((100_000, 115_000))], GAP, EVER, 15_000) == (115_000, 1)


def test_silence_of_up_to_the_gap_counts_as_heard_and_longer_silence_does_not() -> None:
    assert rules.arrival([_held((0, 0), (60_000, 60_000))], GAP, EVER, 15_000) == (15_000, 1)
    assert rules.arrival([_held((0, 0), (60_001, 60_001))], GAP, EVER, 15_000) is None


def test_joining_comes_before_cutting_so_a_reading_before_the_doors_open_bridges() -> None:
    window = (50_000, 500_000)
    assert rules.counted([(0, 0), (55_000, 70_000)], GAP, window, [EVER]) == [(50_000, 70_000)]


def test_only_the_time_in_which_she_held_the_badge_counts() -> None:
    hers, his = ((0, 20_000),), ((20_001, rules.EVER_MS),)
    assert rules.arrival([_held((10_000, 40_000), held=hers)], GAP, EVER, 15_000) is None
    assert rules.arrival([_held((10_000, 40_000), held=his)], GAP, EVER, 15_000) == (35_001, 1)


def test_two_badges_at_once_do_not_count_twice() -> None:
    both = [_held((0, 10_000), badge_id=1), _held((0, 10_000), badge_id=2)]
    assert rules.arrival(both, GAP, EVER, 15_000) is None
    apart = [_held((0, 10_000), badge_id=1), _held((20_000, 30_000), badge_id=2)]
    assert rules.arrival(apart, GAP, EVER, 15_000) == (25_000, 2)


def test_evidence_up_to_an_undoing_never_counts_again() -> None:
    assert rules.open_window(0, 1000, None) == (0, 1000)
    assert rules.open_window(0, 1000, 400) == (401, 1000)
    assert rules.open_window(0, 1000, 1000) is None


readings = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 40)), min_size=1, max_size=30)


@given(readings, st.integers(0, 400), st.integers(0, 200), st.integers(1, 120), st.randoms())
def test_later_evidence_moves_an_arrival_earlier_never_later_in_any_order(
    found: list[tuple[int, int]], opens_s: int, length_s: int, dwell_s: int, chance: random.Random
) -> None:
    heard = [(start * 1000, (start + length) * 1000) for start, length in found]
    window = (opens_s * 1000, (opens_s + length_s) * 1000)
    chance.shuffle(heard)
    before: rules.Arrival | None = None
    for known in range(1, len(heard) + 1):
        now = rules.arrival([_held(*heard[:known])], GAP, window, dwell_s * 1000)
        if before is not None:
            assert now is not None
            assert now.at_ms <= before.at_ms
        if now is not None:
            assert window[0] <= now.at_ms <= window[1]
        before = now
    chance.shuffle(heard)
    assert rules.arrival([_held(*heard, *heard)], GAP, window, dwell_s * 1000) == before


def _verdict(asked: rules.Asked, badges: list[rules.Held], *more: rules.Held) -> rules.Verdict:
    return rules.judge(asked, [*badges, *more], GAP)


spans = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 6)).map(lambda pair: (pair[0] * 5000, sum(pair) * 5000)), max_size=3
)
hers = st.one_of(
    st.just((EVER,)),
    st.tuples(st.integers(0, 15), st.integers(16, 30)).map(lambda pair: ((pair[0] * 5000, pair[1] * 5000 - 1),)),
)


# What comes within the slack joins an earlier span to the last one.
@example([([(0, 0), (65_000, 65_000)], (EVER,), 0)], (0, 4, 1, False), 0, (-1, 0))
@settings(max_examples=1000)
@given(
    st.lists(st.tuples(spans, hers, st.sampled_from([0, 0, 5, 8])), min_size=1, max_size=2),
    st.tuples(st.integers(0, 12), st.integers(4, 40), st.integers(0, 8), st.booleans()),
    st.integers(0, 1),
    st.tuples(st.integers(-2, 18), st.integers(0, 18)),
)
def test_what_ends_before_the_next_change_changes_nothing(
    badges: list[tuple[list[joining.Interval], tuple[joining.Interval, ...], int]],
    step: tuple[int, int, int, bool],
    which: int,
    reading: tuple[int, int],
) -> None:
    opens, length, dwell, signed_up = step
    asked = rules.Asked(opens * 5000, (opens + length) * 5000, dwell * 5000, signed_up)
    # A step in one zone: the badge may have been heard elsewhere at the venue since.
    held = [
        rules.Held(
            number, tuple(heard), times, max((end for _, end in heard), default=0) + elsewhere * 5000 if heard else None
        )
        for number, (heard, times, elsewhere) in enumerate(badges)
    ]
    place = which % len(held)
    before, badge = _verdict(asked, held), held[place]
    came_ms = None if before.arrival is None else before.arrival.at_ms
    wait_ms = rules.next_change(asked, before, badge, GAP, came_ms)
    from_ms = (badge.last_ms or 0) + reading[0] * 5000
    to_ms = from_ms + reading[1] * 5000
    if badge.last_ms is None and from_ms < 0:
        return
    held[place] = badge._replace(heard=(*badge.heard, (from_ms, to_ms)))
    after = _verdict(asked, held)
    if wait_ms is None or to_ms < wait_ms:
        assert (after.arrival, after.refusals) == (before.arrival, before.refusals)
