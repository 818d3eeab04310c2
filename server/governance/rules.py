"""When a vote passes, may be opened, and takes ballots: pure."""

import datetime as dt
from enum import StrEnum

LASTS = dt.timedelta(hours=72)  # a weekend away from the phone
AGAIN_AFTER = dt.timedelta(days=30)  # what failed is not asked until it passes
MOST_OPENED = 5  # votes that somebody opens in a day: each asks all who came of late to look
GONE_FOR = dt.timedelta(days=365)  # somebody removed comes back after that without a vote


class Outcome(StrEnum):
    """How a vote was decided."""

    PASSED = "passed"
    TOO_FEW = "too_few"  # voted
    NOT_MORE = "not_more"  # said yes than no: a tie fails
    MOOT = "moot"  # what it was about had come to an end


class Kind(StrEnum):
    """What is voted on."""

    DISSOLVE = "dissolve"  # the circle
    REMOVE = "remove"  # a member
    READMIT = "readmit"  # somebody who was removed
    MOVE = "move"  # the circle, to another server: who carries it out registers it, see server.governance.votes.carries
    RESTORE = "restore"  # what was hidden: who hides (posts, newcomers) says how, see server.governance.votes.carries


def quorum(voters: int) -> int:
    """How many of those who may vote have to: a third of them, rounded up; voters is at least 1."""
    return -(-voters // 3)


def decide(quorum: int, yes: int, no: int) -> Outcome:
    """The outcome of the ballots cast."""
    if yes + no < quorum:
        return Outcome.TOO_FEW
    return Outcome.PASSED if yes > no else Outcome.NOT_MORE


def opens_again_at(decided: Outcome, ended_at: dt.datetime) -> dt.datetime | None:
    """From when on the same may be asked again; None: at once."""
    return ended_at + AGAIN_AFTER if decided in (Outcome.TOO_FEW, Outcome.NOT_MORE) else None
