"""What may become of a gathering, and of somebody's sign-up: one table each, pure.

A table names for each state and verb the state that follows, or the refusal with its code and sentence. What a verb
leaves as it is may be said twice: a retry changes nothing. What is only proposed is no gathering yet and has a table of
its own (`server.proposals.states`).
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from enum import StrEnum

from server.errors import MusterError, NotFound, Refused


class State(StrEnum):
    """What a gathering is."""

    DRAFT = "draft"  # its hosts alone see it
    PUBLISHED = "published"
    CANCELLED = "cancelled"


class Phase(StrEnum):
    """Where a gathering stands, by the clock."""

    BEFORE = "before"
    OPEN = "open"  # doors are open, nothing has begun
    RUNNING = "running"
    OVER = "over"


class Verb(StrEnum):
    """What is done to a gathering."""

    PUBLISH = "publish"
    CHANGE = "change"  # its times and places, also afterwards: who was heard there is judged anew
    EDIT = "edit"  # what is said of it
    CANCEL = "cancel"
    GATHER = "gather"  # sign up, withdraw, say yes or no to somebody
    PROMOTE = "promote"  # somebody waiting gets a place


class NotAnnounced(Refused):
    """%(event)s is not announced yet."""

    code = "not_announced"


class CalledOff(Refused):
    """%(event)s was called off."""

    code = "called_off"


class EventOver(Refused):
    """%(event)s is over."""

    code = "event_over"


class AlreadyBegun(Refused):
    """%(event)s has begun."""

    code = "already_begun"


GATHERINGS: Mapping[State, Mapping[Verb, State | type[MusterError]]] = {
    State.DRAFT: {
        Verb.PUBLISH: State.PUBLISHED,
        Verb.CHANGE: State.DRAFT,
        Verb.EDIT: State.DRAFT,
        Verb.CANCEL: State.CANCELLED,
        Verb.GATHER: NotAnnounced,
        Verb.PROMOTE: NotAnnounced,
    },
    State.PUBLISHED: {
        Verb.PUBLISH: State.PUBLISHED,
        Verb.CHANGE: State.PUBLISHED,
        Verb.EDIT: State.PUBLISHED,
        Verb.CANCEL: State.CANCELLED,
        Verb.GATHER: State.PUBLISHED,
        Verb.PROMOTE: State.PUBLISHED,
    },
    State.CANCELLED: dict.fromkeys(Verb, CalledOff) | {Verb.CANCEL: State.CANCELLED},
}
# The last phase in which a verb is heard; what is not named is heard always.
LAST: Mapping[Verb, Phase] = {
    Verb.PUBLISH: Phase.RUNNING,
    Verb.CANCEL: Phase.RUNNING,
    Verb.EDIT: Phase.RUNNING,
    Verb.GATHER: Phase.RUNNING,
    Verb.PROMOTE: Phase.OPEN,
}
_PHASES = tuple(Phase)


class SignUpState(StrEnum):
    """What somebody's sign-up is, for a gathering or for one of its steps."""

    ASKED = "asked"  # the host has to say yes
    GOING = "going"
    WAITING = "waiting"  # every place is taken
    DECLINED = "declined"  # the host said no
    WITHDRAWN = "withdrawn"


LIVE = frozenset({SignUpState.ASKED, SignUpState.GOING, SignUpState.WAITING})


class Act(StrEnum):
    """What is done to a sign-up; the first two by herself, the next three by the host."""

    SIGN_UP = "sign_up"
    WITHDRAW = "withdraw"
    ACCEPT = "accept"
    DECLINE = "decline"
    BRING = "bring"  # by a list of who signed up elsewhere: they have been told that they may come
    PROMOTE = "promote"


class Turn(StrEnum):
    """States that follow from how things are."""

    ASK = "ask"  # asked where the host lets people in, else as ENTER
    ENTER = "enter"  # going where there is room, else waiting


class NotSignedUp(NotFound):
    """You have not signed up for this event."""

    code = "not_signed_up"


class NobodyAsked(NotFound):
    """They have not signed up for this event."""

    code = "nobody_asked"


class SaidNo(Refused):
    """The host said no this time."""

    code = "said_no"


_S = SignUpState
SIGN_UPS: Mapping[SignUpState | None, Mapping[Act, SignUpState | Turn | type[MusterError]]] = {
    None: {
        Act.SIGN_UP: Turn.ASK,
        Act.WITHDRAW: NotSignedUp,
        Act.ACCEPT: NobodyAsked,
        Act.DECLINE: NobodyAsked,
        Act.BRING: _S.GOING,
        Act.PROMOTE: NobodyAsked,
    },
    _S.ASKED: {
        Act.SIGN_UP: _S.ASKED,
        Act.WITHDRAW: _S.WITHDRAWN,
        Act.ACCEPT: Turn.ENTER,
        Act.DECLINE: _S.DECLINED,
        Act.BRING: _S.GOING,
        Act.PROMOTE: NobodyAsked,
    },
    _S.GOING: {
        Act.SIGN_UP: _S.GOING,
        Act.WITHDRAW: _S.WITHDRAWN,
        Act.ACCEPT: _S.GOING,
        Act.DECLINE: _S.DECLINED,
        Act.BRING: _S.GOING,
        Act.PROMOTE: _S.GOING,
    },
    _S.WAITING: {
        Act.SIGN_UP: Turn.ENTER,  # once it has begun nobody is promoted: who waits asks again
        Act.WITHDRAW: _S.WITHDRAWN,
        Act.ACCEPT: _S.WAITING,
        Act.DECLINE: _S.DECLINED,
        Act.BRING: _S.GOING,
        Act.PROMOTE: _S.GOING,
    },
    _S.DECLINED: {
        Act.SIGN_UP: SaidNo,
        Act.WITHDRAW: NotSignedUp,
        Act.ACCEPT: Turn.ENTER,
        Act.DECLINE: _S.DECLINED,
        Act.BRING: _S.GOING,
        Act.PROMOTE: NobodyAsked,
    },
    _S.WITHDRAWN: {
        Act.SIGN_UP: Turn.ASK,
        Act.WITHDRAW: NotSignedUp,
        Act.ACCEPT: NobodyAsked,
        Act.DECLINE: NobodyAsked,
        Act.BRING: _S.GOING,
        Act.PROMOTE: NobodyAsked,
    },
}
# Of somebody's steps, the state that stands for all of them is the first of these that there is.
_STRONGEST = (_S.GOING, _S.ASKED, _S.WAITING, _S.DECLINED, _S.WITHDRAWN)


def phase(windows: Iterable[tuple[dt.datetime, dt.datetime, dt.datetime]], now: dt.datetime) -> Phase:
    """The phase of a gathering whose steps open, start and end then; one without steps is before."""
    times = list(windows)
    if not times or now < min(opens for opens, _, _ in times):
        return Phase.BEFORE
    if now < min(starts for _, starts, _ in times):
        return Phase.OPEN
    return Phase.RUNNING if now < max(ends for _, _, ends in times) else Phase.OVER


def gathering(state: State, verb: Verb, phase: Phase, *, event: str) -> State:
    """What a gathering becomes by a verb; raises the refusal of the table. event: its name, for the sentence."""
    target = GATHERINGS[state][verb]
    if not isinstance(target, State):
        raise target(event=event)
    last = LAST.get(verb)
    stays = verb not in (Verb.GATHER, Verb.PROMOTE, Verb.EDIT) or state is State.DRAFT
    if target is not state or not stays:
        if phase is Phase.OVER and last is not None:
            raise EventOver(event=event)
        if last is not None and _PHASES.index(phase) > _PHASES.index(last):
            raise AlreadyBegun(event=event)
    return target


def sign_up(state: SignUpState | None, act: Act, *, approval: bool, room: bool) -> SignUpState:
    """What a sign-up becomes; raises the refusal of the table.

    approval: the host lets people in. room: whether she fits, with whom she brings.
    """
    target = SIGN_UPS[state][act]
    if target is Turn.ASK:
        target = _S.ASKED if approval else Turn.ENTER
    if target is Turn.ENTER:
        target = _S.GOING if room else _S.WAITING
    if isinstance(target, SignUpState):
        return target
    assert not isinstance(target, Turn)
    raise target


def together(states: Iterable[SignUpState]) -> SignUpState:
    """The state that stands for those of somebody's steps."""
    found = set(states)
    return next(state for state in _STRONGEST if state in found)
