"""The tables of states: every pair of a state and a verb, those that are refused too, each with code and sentence."""

import datetime as dt
from itertools import product

import pytest

from server.errors import MusterError
from server.events import states
from server.events.states import Act, Phase, SignUpState, State, Verb

NOW = dt.datetime(2026, 3, 13, 19, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
# Each row: what a verb makes of draft, published and cancelled; a code where it is refused.
GATHERINGS = {
    "publish": "published published called_off",
    "change": "draft published called_off",
    "edit": "draft published called_off",
    "cancel": "cancelled cancelled cancelled",
    "gather": "not_announced published called_off",
    "promote": "not_announced published called_off",
}
# Each row: what an act makes of nothing, asked, going, waiting, declined and withdrawn, where the host does not let
# people in and there is room.
SIGN_UPS = {
    "sign_up": "going asked going going said_no going",
    "withdraw": "not_signed_up withdrawn withdrawn withdrawn not_signed_up not_signed_up",
    "accept": "nobody_asked going going waiting going nobody_asked",
    "decline": "nobody_asked declined declined declined declined nobody_asked",
    "bring": "going going going going going going",
    "promote": "nobody_asked nobody_asked going going nobody_asked nobody_asked",
}
SENTENCES = {
    "called_off": "Supper was called off.",
    "not_announced": "Supper is not announced yet.",
    "event_over": "Supper is over.",
    "already_begun": "Supper has begun.",
}
NONE: tuple[SignUpState | None, ...] = (None, *SignUpState)


def gathering(state: State, verb: Verb, phase: Phase) -> str:
    try:
        return states.gathering(state, verb, phase, event="Supper")
    except MusterError as error:
        return error.code if error.detail == SENTENCES[error.code] else error.detail


def sign_up(state: SignUpState | None, act: Act, *, approval: bool = False, room: bool = True) -> str:
    try:
        return states.sign_up(state, act, approval=approval, room=room)
    except MusterError as error:
        return error.code if error.detail.endswith(".") else error.detail


@pytest.mark.parametrize("verb", Verb)
def test_every_verb_in_every_state_of_a_gathering(verb: Verb) -> None:
    assert [gathering(state, verb, Phase.BEFORE) for state in State] == GATHERINGS[verb].split()


def test_the_tables_are_whole() -> None:
    assert all(states.GATHERINGS[state].keys() == set(Verb) for state in State)
    assert all(states.SIGN_UPS[state].keys() == set(Act) for state in NONE)


@pytest.mark.parametrize(
    ("verb", "from_phase", "code"),
    [
        ("publish", "over", "event_over"),
        ("cancel", "over", "event_over"),
        ("gather", "over", "event_over"),
        ("promote", "running", "already_begun"),
        ("change", None, ""),
        ("edit", "over", "event_over"),
    ],
)
def test_the_clock_closes_verbs_one_after_the_other(verb: str, from_phase: str | None, code: str) -> None:
    state = State.DRAFT if verb == "publish" else State.PUBLISHED
    phases = list(Phase)
    closed = phases.index(Phase(from_phase)) if from_phase is not None else len(phases)
    for number, phase in enumerate(phases):
        found = gathering(state, Verb(verb), phase)
        if number < closed:
            assert found in set(State), phase
        else:
            assert found == (code if number == closed else found)
            assert found in ("event_over", "already_begun")


def test_what_changes_nothing_may_be_said_again_whenever() -> None:
    for phase in Phase:
        assert gathering(State.PUBLISHED, Verb.PUBLISH, phase) == "published"
        assert gathering(State.CANCELLED, Verb.CANCEL, phase) == "cancelled"


@pytest.mark.parametrize("act", Act)
def test_every_act_in_every_state_of_a_sign_up(act: Act) -> None:
    assert [sign_up(state, act) for state in NONE] == SIGN_UPS[act].split()


@pytest.mark.parametrize(("approval", "room"), [*product((False, True), repeat=2)])
def test_who_signs_up_asks_enters_or_waits(approval: bool, room: bool) -> None:
    entered = "going" if room else "waiting"
    for state in (None, SignUpState.WITHDRAWN):
        assert sign_up(state, Act.SIGN_UP, approval=approval, room=room) == ("asked" if approval else entered)
    for state in (SignUpState.ASKED, SignUpState.DECLINED):
        assert sign_up(state, Act.ACCEPT, approval=approval, room=room) == entered


def test_phases_follow_from_the_steps_times() -> None:
    steps = [(NOW, NOW + HOUR, NOW + 2 * HOUR), (NOW + HOUR, NOW + 3 * HOUR, NOW + 4 * HOUR)]
    found = [states.phase(steps, NOW + number * HOUR / 2) for number in (-1, 0, 1, 2, 5, 7, 8, 9)]
    assert found == ["before", "open", "open", "running", "running", "running", "over", "over"]
    assert states.phase([], NOW) == "before"


def test_of_several_steps_the_strongest_state_stands_for_all() -> None:
    assert states.together([SignUpState.WAITING, SignUpState.GOING, SignUpState.WITHDRAWN]) == "going"
    assert states.together([SignUpState.WAITING, SignUpState.ASKED]) == "asked"
    assert states.together([SignUpState.WITHDRAWN, SignUpState.DECLINED]) == "declined"
