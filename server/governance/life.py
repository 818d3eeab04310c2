"""Whether a community is lively, quiet, asleep or dissolved: a pure function of its gatherings and the time."""

import datetime as dt
from enum import StrEnum
from typing import NamedTuple

from config.settings import Life

_DAY = dt.timedelta(days=1)


class State(StrEnum):
    """How a community lives."""

    LIVELY = "lively"
    QUIET = "quiet"
    ASLEEP = "asleep"  # at the end of lists, and nobody is told anything of it
    DISSOLVED = "dissolved"


class Signs(NamedTuple):
    """What its life is told from. gathered_at: the end of its latest gathering, also of one to come, else its founding.

    kept_at: when a member asked to keep it; warned_at: when its members were told that it is about to dissolve.
    orphaned_at: when they were told that nobody is left to decide in a house; nothing but somebody who does keeps it.
    """

    gathered_at: dt.datetime
    kept_at: dt.datetime | None = None
    warned_at: dt.datetime | None = None
    dissolved_at: dt.datetime | None = None
    orphaned_at: dt.datetime | None = None


def state_of(signs: Signs, life: Life, now: dt.datetime) -> State:
    """How it lives now. One that is due to dissolve is asleep until that was done."""
    if signs.dissolved_at is not None:
        return State.DISSOLVED
    silent = now - signs.gathered_at
    if silent < life.quiet_days * _DAY:
        return State.LIVELY
    return State.QUIET if silent < life.asleep_days * _DAY else State.ASLEEP


def dissolves_at(signs: Signs, life: Life) -> dt.datetime:
    """When it dissolves if nobody gathers, keeps it or has been told: never sooner than its members were told."""
    silent = _silent_until(signs, life)
    if signs.orphaned_at is None:
        return silent
    alone = signs.orphaned_at + life.warn_days * _DAY
    return min(alone, silent) if _was_warned(signs) else alone


def _silent_until(signs: Signs, life: Life) -> dt.datetime:
    silent_since = max(signs.gathered_at, signs.kept_at or signs.gathered_at)
    due = silent_since + life.dissolve_days * _DAY
    if _was_warned(signs):
        assert signs.warned_at is not None
        return max(due, signs.warned_at + life.warn_days * _DAY)
    return due


def warns(signs: Signs, life: Life, now: dt.datetime) -> bool:
    """Whether its members are to be told now that it is about to dissolve."""
    if signs.dissolved_at is not None or _was_warned(signs):
        return False
    return now >= _silent_until(signs, life) - life.warn_days * _DAY


def is_warned(signs: Signs) -> bool:
    """Whether its members were told, and what they were told of goes on."""
    return signs.dissolved_at is None and (signs.orphaned_at is not None or _was_warned(signs))


def dissolves(signs: Signs, life: Life, now: dt.datetime) -> bool:
    """Whether it is to be dissolved now: its members were told long enough ago, in this silence."""
    return is_warned(signs) and now >= dissolves_at(signs, life)


def _was_warned(signs: Signs) -> bool:
    """Told in this silence: what was told before it gathered or was kept again says nothing."""
    silent_since = max(signs.gathered_at, signs.kept_at or signs.gathered_at)
    return signs.warned_at is not None and signs.warned_at > silent_since
