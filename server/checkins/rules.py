"""The rules of check-in by readings: pure functions of what was heard, the step, the pairings and the undoings.

All of them are functions of the spans as they are, never of how they came: whatever the order, the batches and the
repetitions of reports, the same spans give the same arrival and the same refusals.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from server.presence import joining
from server.presence.joining import Interval

EVER_MS = 1 << 62
# Somebody who signed up and is heard this long before the doors open, or after the end, is told so.
EARLY_MS = 7_200_000
LATE_MS = 3_600_000
# A refusal's times are whole minutes: its sentence speaks of minutes, and somebody who waits at the door for an hour
# costs a row version a minute instead of one a reading.
MINUTE_MS = 60_000
# At a venue, where nobody signs up: as long as a walk-in at an event, or passers-by would have been there.
VENUE_DWELL_MS = 90_000
# Agents report the same moment one after the other: a window of 2 s, a batch and the way. What begins this long before
# the newest that is known is not late.
SLACK_MS = 10_000

NOT_OPEN_YET = "not_open_yet"
ENDED = "ended"


class Held(NamedTuple):
    """One badge in one member's hands: what was heard of it where it counts, and when she held it.

    last_ms: when it was heard last anywhere at the venue, None if never.
    """

    badge_id: int
    heard: tuple[Interval, ...]
    held: tuple[Interval, ...]
    last_ms: int | None = None


class Arrival(NamedTuple):
    """The moment when a member had been heard long enough."""

    at_ms: int
    badge_id: int


class Refusal(NamedTuple):
    """Why she was told that she is not checked in: the whole minutes of the first and the last time heard."""

    code: str
    first_ms: int
    last_ms: int


class Asked(NamedTuple):
    """What a step asks of a member. undone_ms: her last undoing there; ever: she was checked in once, undone or not."""

    opens_ms: int
    ends_ms: int
    dwell_ms: int
    signed_up: bool
    undone_ms: int | None = None
    ever: bool = False


class Verdict(NamedTuple):
    """What follows from the spans: arrival None for not yet. counted: the time that counts, disjoint and ascending."""

    arrival: Arrival | None
    refusals: tuple[Refusal, ...]
    counted: tuple[Interval, ...]


def counted(heard: Iterable[Interval], heard_gap_ms: int, window: Interval, held: Iterable[Interval]) -> list[Interval]:
    """The time heard that counts: joined over gaps of at most heard_gap_ms first, then cut to the window and to `held`.

    In this order, or reports that were merged on their way would count differently.
    """
    return joining.cut(joining.cut(joining.join(heard, heard_gap_ms), [window]), held)


def open_window(opens_ms: int, ends_ms: int, undone_ms: int | None) -> Interval | None:
    """The time in which evidence counts: the step's open time, and only what comes after the last undoing."""
    low = opens_ms if undone_ms is None else max(opens_ms, undone_ms + 1)
    return (low, ends_ms) if low <= ends_ms else None


def arrival(badges: Sequence[Held], heard_gap_ms: int, window: Interval, dwell_ms: int) -> Arrival | None:
    """When the union of the time heard of all badges that a member held reached dwell_ms, and by which badge.

    None: not yet. Later evidence can move the moment earlier, never later, because time heard only grows.
    """
    heard = [badge._replace(heard=tuple(joining.join(badge.heard, heard_gap_ms))) for badge in badges if badge.heard]
    return _arrival(_cut(heard, window), dwell_ms)[0]


def judge(asked: Asked, badges: Sequence[Held], heard_gap_ms: int) -> Verdict:
    """What a step says of a member by all that was heard of her badges at its place."""
    heard = [badge._replace(heard=tuple(joining.join(badge.heard, heard_gap_ms))) for badge in badges if badge.heard]
    window = open_window(asked.opens_ms, asked.ends_ms, asked.undone_ms)
    reached, union = (None, []) if window is None else _arrival(_cut(heard, window), asked.dwell_ms)
    refusals: list[Refusal] = []
    if asked.signed_up:
        refusals += _told(NOT_OPEN_YET, _cut(heard, early_window(asked)))
        if reached is None and not asked.ever:
            refusals += _told(ENDED, _cut(heard, late_window(asked)))
    return Verdict(reached, tuple(refusals), tuple(union))


def early_window(asked: Asked) -> Interval:
    """The time before the doors open in which somebody is told that they are closed."""
    return asked.opens_ms - EARLY_MS, asked.opens_ms - 1


def late_window(asked: Asked) -> Interval:
    """The time after the end in which somebody who did not come is told that it is over."""
    return asked.ends_ms + 1, asked.ends_ms + LATE_MS


def next_change(
    asked: Asked, verdict: Verdict, badge: Held, heard_gap_ms: int, checked_in_ms: int | None
) -> int | None:
    """The earliest time (ms) at which newer time heard of this badge could change the verdict; None: never.

    Newer: it begins at most SLACK_MS before badge.last_ms. Time heard that ends before the answer changes nothing;
    what begins earlier may always. checked_in_ms: when the check-in that stands says that she came, by any evidence.
    """
    since_ms = _new_from(badge, heard_gap_ms)
    moments = [_next_arrival(asked, verdict, badge, since_ms, checked_in_ms)]
    if asked.signed_up:
        moments.append(_next_refusal(verdict, NOT_OPEN_YET, _ahead(since_ms, early_window(asked), badge)))
        if verdict.arrival is None and not asked.ever:
            moments.append(_next_refusal(verdict, ENDED, _ahead(since_ms, late_window(asked), badge)))
    return min([moment for moment in moments if moment is not None], default=None)


def _cut(joined: Iterable[Held], window: Interval) -> list[tuple[Interval, int]]:
    """The parts of what was heard, joined already, that lie in the window and in her hands; and by which badge."""
    # As joining.cut twice, in plain loops: thousands of members are judged in each batch.
    low, high = window
    parts: list[tuple[Interval, int]] = []
    for badge_id, heard, held, _ in joined:
        for start, end in heard:
            if end < low or start > high:
                continue
            first, last = (max(start, low)), (min(end, high))
            for since, until in held:
                if since <= last and until >= first:
                    parts.append(((max(first, since), min(last, until)), badge_id))
    return parts


def _ahead(since_ms: int, window: Interval, badge: Held) -> list[Interval]:
    return joining.cut([(max(since_ms, window[0]), window[1])], badge.held) if since_ms <= window[1] else []


def _arrival(parts: Sequence[tuple[Interval, int]], dwell_ms: int) -> tuple[Arrival | None, list[Interval]]:
    union = joining.join([part for part, _ in parts], 0)
    moment = joining.moment_reached(union, dwell_ms)
    if moment is None:
        return None, union
    return Arrival(moment, min(badge_id for part, badge_id in parts if part[0] <= moment <= part[1])), union


def _told(code: str, parts: Sequence[tuple[Interval, int]]) -> list[Refusal]:
    if not parts:
        return []
    return [Refusal(code, _minute(min([low for (low, _), _ in parts])), _minute(max([high for (_, high), _ in parts])))]


def _minute(at_ms: int) -> int:
    return at_ms - at_ms % MINUTE_MS


def _new_from(badge: Held, heard_gap_ms: int) -> int:
    """From when on newer readings of a badge may add time: those that join what was heard add what lies between."""
    if badge.last_ms is None:
        return 0
    newest_ms = badge.last_ms - SLACK_MS
    # Not the last span alone: within the slack something may yet join an earlier one to it.
    return min([newest_ms, *[end for _, end in badge.heard if newest_ms - end <= heard_gap_ms]])


def _next_arrival(asked: Asked, verdict: Verdict, badge: Held, since_ms: int, checked_in_ms: int | None) -> int | None:
    window = open_window(asked.opens_ms, asked.ends_ms, asked.undone_ms)
    if window is None:
        return None
    until_ms = window[1] if checked_in_ms is None else min(window[1], checked_in_ms)
    if since_ms > until_ms:
        return None
    may_count = joining.cut([(max(since_ms, window[0]), until_ms)], badge.held)
    added = _without(may_count, verdict.counted)
    if checked_in_ms is None:
        return joining.moment_reached(added, asked.dwell_ms - joining.total_ms(verdict.counted))
    moments = [low for low, high in added if high > low][:1]
    by = verdict.arrival
    # Of several badges that were heard at the moment of arrival the one of the smallest number is named.
    if by is not None and badge.badge_id < by.badge_id and any(low <= by.at_ms <= high for low, high in may_count):
        moments.append(by.at_ms)
    return min(moments, default=None)


def _next_refusal(verdict: Verdict, code: str, may_tell: Sequence[Interval]) -> int | None:
    if not may_tell:
        return None
    told = next((refusal for refusal in verdict.refusals if refusal.code == code), None)
    first_ms = may_tell[0][0]
    if told is None or _minute(first_ms) < told.first_ms:
        return first_ms
    after_ms = told.last_ms + MINUTE_MS
    return next((max(low, after_ms) for low, high in may_tell if high >= after_ms), None)


def _without(intervals: Iterable[Interval], taken: Sequence[Interval]) -> list[Interval]:
    """The parts of the intervals that lie in none of the taken ones; both disjoint and ascending."""
    left: list[Interval] = []
    for low, high in intervals:
        for start, end in taken:
            if end <= low or start >= high:
                continue
            if start > low:
                left.append((low, start))
            low = end
        if low <= high:
            left.append((low, high))
    return left
