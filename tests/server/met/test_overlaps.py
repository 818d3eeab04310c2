"""Who was in one zone at one time: by a reference that compares all pairs, and in a crowd that says nothing."""

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from server.met import overlaps
from server.presence import intervals
from server.presence.intervals import Interval

MINUTE = 60_000
STAY = st.tuples(st.integers(0, 30), st.integers(1, 12)).map(lambda one: (one[0], one[0] + one[1]))
STAYS = st.dictionaries(
    st.sampled_from(["bar", "hall"]),
    st.dictionaries(st.sampled_from("abcdef"), st.lists(STAY, max_size=3), max_size=6),
    max_size=2,
)


def minutes(start: int, end: int) -> Interval:
    return (start * MINUTE, end * MINUTE)


def _slowly(stays: overlaps.Stays, most: int) -> Counter[tuple[str, str]]:
    """Minute by minute."""
    found: Counter[tuple[str, str]] = Counter()
    for hers in stays.values():
        for at in range(60):
            here = sorted(one for one, parts in hers.items() if any(start <= at < end for start, end in parts))
            if len(here) <= most:
                found.update(itertools.combinations(here, 2))
    return found


@given(STAYS, st.integers(2, 6))
def test_the_sweep_says_what_looking_every_minute_says(stays: overlaps.Stays, most: int) -> None:
    assert overlaps.met(stays, most=most, long_enough_ms=1) == dict(_slowly(stays, most))


@given(STAYS, st.randoms())
def test_order_and_repetition_of_stays_change_nothing(stays: overlaps.Stays, chance: object) -> None:
    turned = {
        zone: {member: [*parts, *parts] for member, parts in reversed(list(hers.items()))}
        for zone, hers in reversed(list(stays.items()))
    }
    for hers in turned.values():
        for parts in hers.values():
            chance.shuffle(parts)  # type: ignore[attr-defined]
    assert overlaps.met(turned, long_enough_ms=1) == overlaps.met(stays, long_enough_ms=1)


def test_minutes_in_several_zones_are_summed_and_ten_are_enough() -> None:
    stays = {
        "bar": {"a": [minutes(0, 6)], "b": [minutes(0, 30)], "c": [minutes(0, 9)]},
        "hall": {"a": [minutes(6, 20)], "b": [minutes(40, 50)], "c": [minutes(9, 13)]},
    }
    assert overlaps.met(stays) == {("a", "c"): 10 * MINUTE}


def test_a_crowd_says_nothing_but_who_stays_when_it_goes_is_heard_again() -> None:
    crowd = {f"m{number:04}": [minutes(10, 60)] for number in range(2000)}
    stays = {"hall": {**crowd, "a": [minutes(0, 75)], "b": [minutes(0, 75)]}}
    assert overlaps.met(stays) == {("a", "b"): 25 * MINUTE}


def test_pairs_are_bounded_by_who_is_around_each() -> None:
    """A fair of 2,000 in one zone, sixty at a time: at most as many pairs as sixty around each make."""
    fair = {f"m{number:04}": [minutes(number, number + 60)] for number in range(2000)}
    found = overlaps.met({"fair": fair})
    assert 0 < len(found) <= 2000 * overlaps.MOST_TOGETHER
    assert found["m0000", "m0050"] == 10 * MINUTE
    assert ("m0000", "m0051") not in found


def test_intervals_that_touch_do_not_overlap() -> None:
    stays = {"bar": {"a": [minutes(0, 10), minutes(10, 20)], "b": [minutes(20, 40)], "c": [minutes(9, 21)]}}
    assert overlaps.met(stays) == {("a", "c"): 11 * MINUTE}
    assert intervals.merge(stays["bar"]["a"]) == [minutes(0, 20)]
