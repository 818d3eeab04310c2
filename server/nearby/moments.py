"""How lively venues are now, as far as everybody may know it: what is told of so many people; pure.

A number is a multiple of 5 that is never more than there are, and nothing below 10. Where it steps is shifted by a
secret offset of the venue and the hour (server/fans/rounding.py). The mood follows from what was told, never from how
many there are, so it says nothing beyond the number.
"""

import datetime as dt
from enum import StrEnum
from typing import NamedTuple

from server.fans import rounding

FRESH = dt.timedelta(minutes=15)  # what is older was another moment
K = 10  # k-anonymity: everybody reads it, so twice of what who keeps a venue is told
RISE = 2  # people beyond a step before a higher number is told: one who goes out for a minute does not swing it
# What is told is 0 to 8 below what there is (the rest of the division and the offset): on the average so much.
SHORT = 4
# Beside the usual number of the hour. By chance alone 20 people are 16 to 24 two times in three, so 1.4 times as many
# are one evening of twenty; half as many are fewer than that. Between the two of a pair it stays as it was.
LIVELY_FROM, LIVELY_TO = 1.4, 1.2
QUIET_FROM, QUIET_TO = 0.5, 0.65
UNKNOWN_USUAL = 12.0  # where the hour is not known yet: 10 in a new place are its usual, 15 are lively


class Mood(StrEnum):
    """How much is on at a venue, beside what is usual there at this hour."""

    QUIET = "quiet"
    NORMAL = "normal"
    LIVELY = "lively"


LEVELS = {Mood.QUIET: 0.0, Mood.NORMAL: 0.5, Mood.LIVELY: 1.0}


class Moment(NamedTuple):
    """What everybody is told: people: at least so many, a multiple of 5; None below K."""

    mood: Mood
    people: int | None


def tell(people: int, usual: float | None, before: Moment | None, offset: int) -> Moment:
    """What is told of so many people at a venue where `usual` are at this hour, and `before` was told just now.

    offset: rounding.offset_of the venue and the hour. Told again with what it told, it tells the same.
    """
    told = number(people, None if before is None else before.people, offset)
    return Moment(mood(told, usual, None if before is None else before.mood), told)


def number(people: int, before: int | None, offset: int) -> int | None:
    """At least so many people: never more than there are; None below K. before: what was told just now."""
    told, last = _rounded(people, offset), before or 0
    if told > last:
        told = max(last, _rounded(people - RISE, offset))
    return told or None


def _rounded(people: int, offset: int) -> int:
    told = rounding.at_least(people, offset)
    return told if told is not None and told >= K else 0


def mood(told: int | None, usual: float | None, before: Mood | None) -> Mood:
    """How lively it is where so many are told; below K quiet. before: what it was just now."""
    if told is None:
        return Mood.QUIET
    ratio = (told + SHORT) / max(1.0, UNKNOWN_USUAL if usual is None else usual)
    if ratio >= (LIVELY_TO if before is Mood.LIVELY else LIVELY_FROM):
        return Mood.LIVELY
    return Mood.QUIET if ratio <= (QUIET_TO if before is Mood.QUIET else QUIET_FROM) else Mood.NORMAL
