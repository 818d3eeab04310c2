"""The laws of votes."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.governance import rules
from server.governance.rules import Outcome

PEOPLE = st.integers(1, 10_000)


@given(PEOPLE)
def test_a_third_has_to_vote_and_one_less_is_too_few(voters: int) -> None:
    needed = rules.quorum(voters)
    assert 1 <= needed <= voters
    assert 3 * needed >= voters
    assert 3 * (needed - 1) < voters


@given(PEOPLE, st.data())
def test_it_passes_exactly_when_enough_voted_and_more_said_yes(voters: int, data: st.DataObject) -> None:
    yes = data.draw(st.integers(0, voters))
    no = data.draw(st.integers(0, voters - yes))
    outcome = rules.decide(rules.quorum(voters), yes, no)
    assert (outcome is Outcome.PASSED) == (3 * (yes + no) >= voters and yes > no)
    assert (outcome is Outcome.TOO_FEW) == (3 * (yes + no) < voters)


@given(PEOPLE, st.data())
def test_another_yes_never_turns_a_vote_that_passes_down(voters: int, data: st.DataObject) -> None:
    yes = data.draw(st.integers(0, voters - 1))
    no = data.draw(st.integers(0, voters - 1 - yes))
    quorum = rules.quorum(voters)
    if rules.decide(quorum, yes, no) is Outcome.PASSED:
        assert rules.decide(quorum, yes + 1, no) is Outcome.PASSED


@given(st.integers(1, 5000))
def test_a_tie_fails(each: int) -> None:
    assert rules.decide(rules.quorum(2 * each), each, each) is Outcome.NOT_MORE


@pytest.mark.parametrize(
    ("voters", "yes", "no", "outcome"),
    [
        (1, 1, 0, Outcome.PASSED),
        (1, 0, 0, Outcome.TOO_FEW),
        (2, 1, 0, Outcome.PASSED),
        (3, 1, 0, Outcome.PASSED),
        (4, 1, 0, Outcome.TOO_FEW),
        (9, 2, 0, Outcome.TOO_FEW),
        (9, 2, 1, Outcome.PASSED),
        (9, 1, 2, Outcome.NOT_MORE),
        (10, 3, 0, Outcome.TOO_FEW),
        (10, 4, 0, Outcome.PASSED),
    ],
)
def test_votes_of_few(voters: int, yes: int, no: int, outcome: Outcome) -> None:
    assert rules.decide(rules.quorum(voters), yes, no) is outcome


def test_what_failed_waits_and_what_came_to_nothing_by_itself_does_not() -> None:
    ended = dt.datetime(2026, 3, 13, tzinfo=dt.UTC)
    for failed in (Outcome.TOO_FEW, Outcome.NOT_MORE):
        assert rules.opens_again_at(failed, ended) == ended + dt.timedelta(days=30)
    for done in (Outcome.PASSED, Outcome.MOOT):
        assert rules.opens_again_at(done, ended) is None
