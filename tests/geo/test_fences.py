"""Fences: nobody who stays flaps, no order and no repetition changes anything, and what is told adds up."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import fences
from geo.distances import EARTH_M
from geo.fences import Code, Fence, Happened, Kind, Sight, State, Stay

CAFE = Fence(enter_m=150, exit_m=250, approach_m=2000, dwell_s=90, gap_s=2400)
MINUTE_MS = 60_000


def fix(distance_m: float, minute: float, accuracy_m: float = 20) -> Sight:
    return Sight(distance_m, accuracy_m, round(minute * MINUTE_MS))


def kinds(*sights: Sight, state: State | None = None, fence: Fence = CAFE) -> list[Kind]:
    return [one.kind for one in fences.fold(state, sights, fence).happened]


sights = st.builds(
    Sight,
    st.floats(0, 5000),
    st.floats(0.1, 3000),
    st.integers(0, 40).map(lambda step: step * 5 * MINUTE_MS),  # few moments, so that several share one
)
walls = st.builds(
    lambda enter, wider, further, dwell, gap: Fence(enter, enter + wider, enter + wider + further, dwell, gap),
    st.floats(20, 500),
    st.floats(1, 500),
    st.floats(0, 3000),
    st.integers(0, 3600),
    st.integers(1, 7200),
)
states = st.one_of(st.none(), st.lists(sights, min_size=1).map(lambda some: fences.fold(None, some, CAFE).state))


def test_who_comes_stays_and_leaves_is_seen_to() -> None:
    walk = [fix(1500, 0), fix(600, 8), fix(60, 15), fix(40, 16), fix(50, 40), fix(400, 45), fix(3000, 60)]
    assert kinds(*walk) == [Kind.APPROACHING, Kind.ENTER, Kind.INSIDE, Kind.EXIT]
    found = fences.fold(None, walk, CAFE)
    assert found.happened[1] == Happened(Kind.ENTER, 15 * MINUTE_MS, 8 * MINUTE_MS)
    assert found.happened[2].at_ms == round(16.5 * MINUTE_MS), "dwelt at the moment, not when the next fix came"
    assert found.stays == (Stay(15 * MINUTE_MS, 40 * MINUTE_MS),)


def test_who_is_inside_when_the_first_fix_comes_enters() -> None:
    assert fences.fold(None, [fix(10, 0)], CAFE).happened == (Happened(Kind.ENTER, 0, None),)


def test_a_fix_of_500_metres_neither_enters_nor_leaves_a_fence_of_50() -> None:
    small = Fence(50, 100, 1000, 90, 2400)
    assert kinds(fix(0, 0, 500), fence=small) == [Kind.APPROACHING]
    inside = fences.fold(None, [fix(0, 0, 10)], small).state
    for distance_m in (0, 90, 400):
        assert kinds(fix(distance_m, 5, 500), state=inside, fence=small) == []
    assert kinds(fix(400, 5, 10), state=inside, fence=small) == [Kind.EXIT]


def test_silence_is_no_leaving_and_what_follows_it_is_dated_honestly() -> None:
    inside = fences.fold(None, [fix(10, 0), fix(10, 1)], CAFE).state
    hours = 5 * 60
    assert fences.explain(inside, CAFE, hours * MINUTE_MS).code is Code.UNKNOWN
    left = fences.fold(inside, [fix(900, hours)], CAFE).happened
    assert left == (Happened(Kind.EXIT, hours * MINUTE_MS, MINUTE_MS),), "some time since the last that was heard"
    # Or she was there all the time, or came back: she did not leave, but the silence is no stay.
    back = fences.fold(inside, [fix(10, hours)], CAFE)
    assert back.happened == ()
    assert back.stays == (Stay(hours * MINUTE_MS, hours * MINUTE_MS),)


def test_a_silence_within_the_gap_is_part_of_the_stay() -> None:
    assert fences.fold(None, [fix(10, 0), fix(10, 39)], CAFE).stays == (Stay(0, 39 * MINUTE_MS),)
    assert kinds(fix(10, 0), fix(10, 41)) == [Kind.ENTER]


def test_a_clock_that_jumps_back_is_not_believed_until_it_has_caught_up() -> None:
    ahead = fences.fold(None, [fix(10, 10)], CAFE)
    assert fences.fold(ahead.state, [fix(900, 2)], CAFE) == fences.Folded(ahead.state)
    assert kinds(fix(900, 11), state=ahead.state) == [Kind.EXIT]


def test_it_is_explained_in_numbers() -> None:
    now_ms = 10 * MINUTE_MS
    outside = fences.explain(fences.fold(None, [fix(162, 9, 5)], CAFE).state, CAFE, now_ms)
    assert (outside.code, outside.outside_m, outside.more_s) == (Code.OUTSIDE, 12, 90)
    vague = fences.explain(fences.fold(None, [fix(100, 9, 80)], CAFE).state, CAFE, now_ms)
    assert (vague.code, vague.off_m) == (Code.VAGUE, 80)
    short = fences.explain(fences.fold(None, [fix(10, 8), fix(10, 8.5)], CAFE).state, CAFE, now_ms)
    assert (short.code, short.more_s) == (Code.STAY, 60)
    edge = fences.explain(fences.fold(None, [fix(10, 5), fix(200, 9)], CAFE).state, CAFE, now_ms)
    assert edge.code is Code.EDGE
    long = fences.explain(fences.fold(None, [fix(10, 5), fix(10, 9)], CAFE).state, CAFE, now_ms)
    assert (long.code, long.more_s) == (Code.INSIDE, 0)
    assert fences.explain(None, CAFE, now_ms).code is Code.UNKNOWN


@pytest.mark.parametrize("wrong", [(150, 150, 2000, 90, 60), (150, 250, 200, 90, 60), (150, 250, 500, -1, 60)])
def test_a_fence_that_would_flap_is_refused(wrong: tuple[float, float, float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        fences.check(Fence(*wrong))
    assert fences.check(CAFE) == CAFE


@given(st.floats(0, 4000), st.lists(st.tuples(st.floats(1, 2000), st.floats(-1, 1)), max_size=30), walls)
def test_who_stays_where_she_is_never_flaps(away_m: float, noise: list[tuple[float, float]], fence: Fence) -> None:
    # Each fix lies within its accuracy of where she is; a hair less, for what arithmetic rounds.
    seen = [
        Sight(max(0.0, away_m + accuracy_m * share * 0.999), accuracy_m, step * MINUTE_MS)
        for step, (accuracy_m, share) in enumerate(noise)
    ]
    told = [one.kind for one in fences.fold(None, seen, fence).happened]
    assert Kind.EXIT not in told
    assert len(told) == len(set(told)), "each at most once"


@given(states, st.lists(sights), st.randoms())
def test_the_order_of_arrival_within_a_batch_does_not_matter(
    state: State | None, some: list[Sight], chance: random.Random
) -> None:
    mixed = list(some)
    chance.shuffle(mixed)
    assert fences.fold(state, mixed, CAFE) == fences.fold(state, some, CAFE)


@given(states, st.lists(sights))
def test_twice_is_as_once(state: State | None, some: list[Sight]) -> None:
    once = fences.fold(state, some, CAFE)
    assert fences.fold(once.state, some, CAFE) == fences.Folded(once.state)
    assert fences.fold(state, [*some, *some], CAFE) == once


@given(st.lists(sights, unique_by=lambda one: one.at_ms), st.integers(0, 40))
def test_batches_in_their_order_say_what_one_batch_says(some: list[Sight], cut: int) -> None:
    ordered = sorted(some, key=lambda one: one.at_ms)
    first = fences.fold(None, ordered[:cut], CAFE)
    second = fences.fold(first.state, ordered[cut:], CAFE)
    whole = fences.fold(None, ordered, CAFE)
    assert second.state == whole.state
    assert first.happened + second.happened == whole.happened


@given(st.lists(sights, max_size=60), walls)
def test_enter_and_exit_alternate_and_nobody_leaves_who_never_came(some: list[Sight], fence: Fence) -> None:
    found = fences.fold(None, some, fence)
    crossed = [one for one in found.happened if one.kind in (Kind.ENTER, Kind.EXIT)]
    assert [one.kind for one in crossed] == [Kind.ENTER, Kind.EXIT][:2] * (len(crossed) // 2) + (
        [Kind.ENTER] if len(crossed) % 2 else []
    )
    inside = False
    for one in found.happened:
        if one.kind is Kind.INSIDE:
            assert inside, "only who is in has dwelt"
        if one.kind is Kind.APPROACHING:
            assert not inside
        inside = {Kind.ENTER: True, Kind.EXIT: False}.get(one.kind, inside)
        assert one.after_ms is None or one.after_ms <= one.at_ms
    assert list(found.stays) == sorted(found.stays)


@given(st.floats(0, 240), st.sampled_from([(180.0, 0.0), (-180.0, 60.0), (13.4, 90.0), (0.0, -90.0), (13.4, 52.5)]))
def test_fences_hold_at_the_antimeridian_and_the_poles(bearing_deg: float, middle: tuple[float, float]) -> None:
    for away_m, inside in ((100.0, True), (190.0, None), (400.0, False)):
        place = _gone(middle, math.radians(bearing_deg), away_m)
        found = fences.side(fences.see(middle, place, 20, 0), CAFE)
        assert found is inside


def _gone(start: tuple[float, float], bearing: float, away_m: float) -> tuple[float, float]:
    """Where one is after so many metres along a great circle."""
    lon, lat = map(math.radians, start)
    arc = away_m / EARTH_M
    end = math.asin(math.sin(lat) * math.cos(arc) + math.cos(lat) * math.sin(arc) * math.cos(bearing))
    east = math.atan2(math.sin(bearing) * math.sin(arc) * math.cos(lat), math.cos(arc) - math.sin(lat) * math.sin(end))
    return (math.degrees(lon + east) + 540) % 360 - 180, math.degrees(end)
