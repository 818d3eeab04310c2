"""The states of a proposal, and which verb leads from which to which: one table, pure."""

from collections.abc import Mapping
from enum import StrEnum

from server.errors import Conflict


class State(StrEnum):
    """Where a proposal stands."""

    OPEN = "open"
    SETTLED = "settled"  # it happens: an event was published
    LAPSED = "lapsed"  # too few in time, or nothing was left of it
    WITHDRAWN = "withdrawn"


class Verb(StrEnum):
    """What happens to a proposal."""

    COMMIT = "commit"
    TAKE_BACK = "take_back"
    SETTLE = "settle"
    LAPSE = "lapse"
    WITHDRAW = "withdraw"


class ProposalSettled(Conflict):
    """This is settled: it happens. Look at the gathering, and sign up or withdraw there."""

    code = "proposal_settled"
    kept = True  # whoever comes too late may be the first who looks: what the clock decided stays


class ProposalLapsed(Conflict):
    """Its time is over, and it does not happen. You may propose it again."""

    code = "proposal_lapsed"
    kept = True


class ProposalWithdrawn(Conflict):
    """This was taken back: nobody is expected."""

    code = "proposal_withdrawn"
    kept = True


TABLE: Mapping[tuple[State, Verb], State] = {
    (State.OPEN, Verb.COMMIT): State.OPEN,
    (State.OPEN, Verb.TAKE_BACK): State.OPEN,
    (State.OPEN, Verb.SETTLE): State.SETTLED,
    (State.OPEN, Verb.LAPSE): State.LAPSED,
    (State.OPEN, Verb.WITHDRAW): State.WITHDRAWN,
    # Twice is as once: a second tap, a retry.
    (State.SETTLED, Verb.SETTLE): State.SETTLED,
    (State.WITHDRAWN, Verb.WITHDRAW): State.WITHDRAWN,
}


def after(state: State, verb: Verb) -> State:
    """The state that the verb leads to; raises ProposalSettled, ProposalLapsed, ProposalWithdrawn."""
    found = TABLE.get((state, verb))
    if found is not None:
        return found
    if state is State.SETTLED:
        raise ProposalSettled
    if state is State.LAPSED:
        raise ProposalLapsed
    raise ProposalWithdrawn
