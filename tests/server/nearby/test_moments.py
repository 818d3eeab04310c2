"""What everybody is told of how many people there are: its laws, and what nobody can read from it."""

from hypothesis import given
from hypothesis import strategies as st

from server.fans import rounding
from server.nearby import moments
from server.nearby.moments import Moment, Mood

steps = st.integers(0, rounding.STEP - 1)
moods = st.sampled_from([None, *Mood])


@given(people=st.integers(0, 300), before=st.none() | st.integers(2, 60).map(lambda each: 5 * each), offset=steps)
def test_a_number_is_never_more_than_there_are_and_never_below_ten(
    people: int, before: int | None, offset: int
) -> None:
    told = moments.number(people, before, offset)
    assert told is None or (moments.K <= told <= people and told % rounding.STEP == 0)
    assert told is not None or people < moments.K + rounding.STEP + moments.RISE
    assert moments.number(people, told, offset) == told, "the same again changes nothing"


@given(before=st.none() | st.integers(2, 30).map(lambda each: 5 * each), people=st.integers(0, 150), offset=steps)
def test_one_who_comes_and_goes_does_not_swing_the_number(before: int | None, people: int, offset: int) -> None:
    told = [moments.number(people, before, offset)]
    for each in (people + 1, people, people + 1, people):
        told.append(moments.number(each, told[-1], offset))
    assert len(set(told[2:])) == 1


@given(
    told=st.none() | st.integers(2, 60).map(lambda each: 5 * each), usual=st.none() | st.floats(0, 300), before=moods
)
def test_a_mood_is_steady_and_quiet_below_ten(told: int | None, usual: float | None, before: Mood | None) -> None:
    found = moments.mood(told, usual, before)
    assert moments.mood(told, usual, found) is found
    assert told is not None or found is Mood.QUIET


def test_moods_follow_what_is_usual_and_do_not_flap() -> None:
    assert [moments.mood(told, 20, None) for told in (None, 10, 20, 25)] == ["quiet", "normal", "normal", "lively"]
    assert moments.mood(10, 40, None) is Mood.QUIET, "few for this hour, however many elsewhere"
    assert [moments.mood(20, 20, before) for before in (Mood.NORMAL, Mood.LIVELY)] == ["normal", "lively"]
    assert [moments.mood(20, 40, before) for before in (Mood.NORMAL, Mood.QUIET)] == ["normal", "quiet"]
    assert [moments.mood(told, None, None) for told in (10, 15)] == ["normal", "lively"], "nothing is known yet"


@given(others=st.integers(0, 60), own=st.integers(0, 30), offset=steps, usual=st.floats(1, 60))
def test_who_takes_her_own_away_one_by_one_never_proves_that_another_is_there(
    others: int, own: int, offset: int, usual: float
) -> None:
    def watched(others: int, offset: int) -> list[Moment]:
        seen: list[Moment] = []
        for left in range(own, -1, -1):
            seen.append(moments.tell(others + left, usual, seen[-1] if seen else None, offset))
        return seen

    seen = watched(others, offset)
    possible = {guess for guess in range(100) for shift in range(rounding.STEP) if watched(guess, shift) == seen}
    assert others in possible
    assert len(possible) >= rounding.STEP or 0 in possible
    assert others == 0 or len(possible) > 1


@given(people=st.integers(0, 100), before=st.none() | st.integers(2, 20).map(lambda each: 5 * each))
def test_one_more_person_is_told_by_one_offset_of_five_at_most(people: int, before: int | None) -> None:
    stepped = [
        offset
        for offset in range(rounding.STEP)
        if moments.number(people, before, offset) != moments.number(people + 1, before, offset)
    ]
    assert len(stepped) <= 1 + (before is not None)
