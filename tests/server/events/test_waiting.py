"""The waiting list: strictly in turn, who does not fit keeps her turn, and never more than there are places."""

from hypothesis import given
from hypothesis import strategies as st

from server.events import waiting
from server.events.completion import progress
from server.events.waiting import Party

STEPS = ("a", "b")
parties = st.lists(
    st.builds(
        Party,
        st.integers(1, 50),
        st.sampled_from([f"m-{number}" for number in range(20)]),
        st.none(),
        st.integers(1, 6),
        st.sampled_from([("a",), ("b",), STEPS]),
    ),
    max_size=15,
    unique_by=lambda one: one.turn,
)
free = st.fixed_dictionaries({step: st.none() | st.integers(-3, 12) for step in STEPS})


def party(turn: int, people: int = 1) -> Party:
    return Party(turn, f"m-{turn}", None, people, ("a",))


def test_the_first_in_turn_gets_the_place() -> None:
    assert waiting.next_in([party(3), party(1), party(2)], {"a": 2}) == [party(1), party(2)]


def test_who_does_not_fit_is_passed_over_and_keeps_her_turn() -> None:
    queue = [party(1, people=3), party(2), party(3)]
    assert waiting.next_in(queue, {"a": 2}) == [party(2), party(3)]
    assert waiting.next_in(queue, {"a": 3}) == [party(1, people=3)]
    assert waiting.before(queue, 3) == 2


def test_without_a_bound_everybody_gets_a_place_and_below_none_nobody() -> None:
    assert waiting.next_in([party(1), party(2, 9)], {"a": None}) == [party(1), party(2, 9)]
    assert waiting.next_in([party(1)], {"a": 0}) == waiting.next_in([party(1)], {"a": -4}) == []


@given(parties, free)
def test_no_step_is_overbooked_and_nobody_who_fits_is_left(queue: list[Party], places: dict[str, int | None]) -> None:
    found = waiting.next_in(queue, places)
    assert [one.turn for one in found] == sorted(one.turn for one in found)
    left = dict(places)
    for step, bound in places.items():
        used = sum(one.people for one in found if step in one.steps)
        if bound is not None:
            assert used <= max(bound, 0)
            left[step] = bound - used
    assert not [one for one in queue if one not in found and waiting.fits(one.people, one.steps, left)]


@given(parties, free)
def test_who_is_promoted_does_not_hang_on_who_stands_behind(queue: list[Party], places: dict[str, int | None]) -> None:
    last = max((one.turn for one in queue), default=0)
    ahead = [one for one in queue if one.turn < last]
    found = waiting.next_in(queue, places)
    assert waiting.next_in(ahead, places) == [one for one in found if one.turn < last]


def test_complete_is_all_or_as_many_as_it_needs() -> None:
    steps = ["one", "two", "three"]
    assert progress(steps, None, {"three", "one", "elsewhere"}).done == ("one", "three")
    assert not progress(steps, None, {"three", "one"}).complete
    assert progress(steps, None, set(steps)).complete
    assert progress(steps, 2, {"three", "one"}).complete
    assert not progress(steps, 2, {"one"}).complete
    assert progress(steps, 9, set(steps)).needs == 3
