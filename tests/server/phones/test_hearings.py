"""How long a phone heard a beacon, and whether that checks in."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from server.phones import hearings
from server.phones.hearings import Heard, Step

START = dt.datetime(2026, 3, 13, 19, 0, tzinfo=dt.UTC)
GAP = dt.timedelta(minutes=30)
Word = tuple[str, int]


def at(minutes: float) -> dt.datetime:
    return START + dt.timedelta(minutes=minutes)


def fold(*words: Word) -> Heard | None:
    heard = None
    for event, minutes in words:
        heard = hearings.fold(heard, event, at(minutes), GAP)
    return heard


def step(*, signed_up: bool = False, walk_in: bool = True) -> Step:
    return Step("night", "night-1", at(0), at(120), signed_up, walk_in, dt.timedelta(minutes=5))


def came(*words: Word, signed_up: bool = False, walk_in: bool = True) -> dt.datetime | None:
    heard = fold(*words)
    return None if heard is None else hearings.came(heard, step(signed_up=signed_up, walk_in=walk_in))


def test_who_signed_up_is_there_when_the_phone_says_so() -> None:
    assert came(("enter", 3), signed_up=True) == at(3)


def test_who_did_not_has_to_stay_for_the_dwell_and_silence_shows_nothing() -> None:
    assert came(("enter", 3)) is None
    assert came(("enter", 3), ("leave", 7)) is None
    assert came(("enter", 3), ("leave", 8)) == at(8)
    assert came(("enter", 3), ("inside", 20)) == at(8)
    assert came(("enter", 3), ("leave", 20), walk_in=False) is None


def test_time_before_the_doors_open_and_after_the_end_does_not_count() -> None:
    assert came(("enter", -20), signed_up=True) is None
    assert came(("enter", -20), ("inside", 1), signed_up=True) == at(0)
    assert came(("enter", -20), ("leave", 4)) is None
    assert came(("enter", -20), ("leave", 5)) == at(5)
    assert came(("enter", 121), signed_up=True) is None


def test_a_leave_that_nobody_entered_for_says_nothing() -> None:
    assert fold(("leave", 5)) is None
    assert fold(("enter", 0), ("leave", 5), ("leave", 9)) == Heard(at(0), at(5), True)


def test_a_phone_that_was_silent_for_long_begins_anew() -> None:
    assert fold(("enter", 0), ("inside", 31)) == Heard(at(31), at(31), False)
    assert fold(("enter", 0), ("inside", 30)) == Heard(at(0), at(30), False)


def test_older_words_that_come_later_take_nothing_back() -> None:
    assert fold(("inside", 10), ("enter", 2)) == Heard(at(2), at(10), False)
    assert fold(("enter", 0), ("leave", 10), ("inside", 5)) == Heard(at(0), at(10), True)
    assert fold(("enter", 20), ("leave", 5)) == Heard(at(20), at(20), False)


@given(st.lists(st.tuples(st.sampled_from(["enter", "inside", "leave"]), st.integers(-60, 180)), max_size=8))
def test_the_same_again_changes_nothing(words: list[Word]) -> None:
    heard = fold(*sorted(words, key=lambda word: word[1]))
    if heard is not None and words:
        assert heard.since <= heard.until
        last = max(words, key=lambda word: word[1])
        again = hearings.fold(heard, last[0], at(last[1]), GAP)
        assert again is None or hearings.came(again, step(signed_up=True)) == hearings.came(heard, step(signed_up=True))


@given(st.lists(st.tuples(st.sampled_from(["enter", "inside"]), st.integers(0, 25)), min_size=1, max_size=6))
def test_within_a_gap_the_order_does_not_matter(words: list[Word]) -> None:
    assert fold(*words) == fold(*sorted(words, key=lambda word: word[1])) == fold(*reversed(words))
