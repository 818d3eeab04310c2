"""The table of a proposal's states: every transition, and every one that is none."""

import itertools

import pytest

from server.proposals import states
from server.proposals.states import (
    ProposalLapsed,
    ProposalSettled,
    ProposalWithdrawn,
    State,
    Verb,
)

OVER = {State.SETTLED: ProposalSettled, State.LAPSED: ProposalLapsed, State.WITHDRAWN: ProposalWithdrawn}


@pytest.mark.parametrize(("state", "verb"), [*itertools.product(State, Verb)])
def test_every_verb_leads_on_or_says_what_it_is_already(state: State, verb: Verb) -> None:
    if (state, verb) in states.TABLE:
        assert states.after(state, verb) is states.TABLE[state, verb]
    else:
        with pytest.raises(OVER[state]):
            states.after(state, verb)


def test_an_open_one_can_do_everything_and_what_is_over_stays_over() -> None:
    assert {verb: states.after(State.OPEN, verb) for verb in Verb} == {
        Verb.COMMIT: State.OPEN,
        Verb.TAKE_BACK: State.OPEN,
        Verb.SETTLE: State.SETTLED,
        Verb.LAPSE: State.LAPSED,
        Verb.WITHDRAW: State.WITHDRAWN,
    }
    assert all(after is state for (state, _), after in states.TABLE.items() if state is not State.OPEN)
