"""When a proposal is settled, by which of its options, and for whom: pure functions of who can when, and of now."""

import datetime as dt
from typing import NamedTuple

MOST_OPTIONS = 6  # more are a poll that nobody reads to its end
QUORUM = (2, 500)
AHEAD = dt.timedelta(days=366)  # who means to come in two years is not asked today


class Option(NamedTuple):
    """One place and time. stands: its place is still there. can: who can then, in the order in which they said so."""

    id: int
    starts_at: dt.datetime
    stands: bool
    can: tuple[str, ...]


class Case(NamedTuple):
    """What decides. most: how many there is room for, None: no bound. proposer: None when she is gone.

    dissolved: its community has.
    """

    quorum: int
    most: int | None
    decide_by: dt.datetime
    options: tuple[Option, ...]
    proposer: str | None
    dissolved: bool = False


class Wait(NamedTuple):
    """Nothing is decided yet."""


class Settle(NamedTuple):
    """It happens so. waiting: who can, for whom there is no room, in order; others: who can at other times alone."""

    option_id: int
    going: tuple[str, ...]
    waiting: tuple[str, ...]
    others: tuple[str, ...]


class Lapse(NamedTuple):
    """It does not happen. why: `too_few`, or `nothing_left`: every option has started, or lost its place."""

    why: str


class Withdraw(NamedTuple):
    """Whoever proposed it is gone, or takes it back; why: `dissolved` where its community has."""

    why: str | None = None


Verdict = Wait | Settle | Lapse | Withdraw


def live(case: Case, now: dt.datetime) -> list[Option]:
    """The options that can still happen: not started, their place still there."""
    return [option for option in case.options if option.stands and option.starts_at > now]


def best(case: Case, now: dt.datetime) -> Option | None:
    """The option with the most commitments, of equals the earlier start; None when nothing is left."""
    return min(live(case, now), key=lambda each: (-len(each.can), each.starts_at, each.id), default=None)


def judge(case: Case, now: dt.datetime, *, tapped: bool = False) -> Verdict:
    """What is decided at `now`.

    With one option left that has its quorum it happens at once; of several the best happens at decide_by, or as soon as
    it has the quorum and the proposer says so (tapped). Nobody commits from decide_by on, so a late look decides alike,
    but for options that have started meanwhile.
    """
    if case.dissolved:
        return Withdraw("dissolved")
    if case.proposer is None:
        return Withdraw()
    found = best(case, now)
    if found is None:
        return Lapse("nothing_left")
    if len(found.can) < case.quorum:
        return Lapse("too_few") if now >= case.decide_by else Wait()
    if now < case.decide_by and not tapped and len(live(case, now)) > 1:
        return Wait()
    room = len(found.can) if case.most is None else case.most
    others = dict.fromkeys(one for option in case.options for one in option.can if one not in found.can)
    return Settle(found.id, found.can[:room], found.can[room:], tuple(others))


def everybody(case: Case) -> list[str]:
    """All who committed to anything, each once, who said so first first."""
    return list(dict.fromkeys(one for option in case.options for one in option.can))
