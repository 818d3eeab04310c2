"""The rules of check-in by readings: pure functions of what was heard, the step, the pairings and the undoings."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from server.presence import joining
from server.presence.joining import Interval

EVER_MS = 1 << 62


class Held(NamedTuple):
    """One badge in one member's hands: what was heard of it, and when she held it."""

    badge_id: int
    heard: tuple[Interval, ...]
    held: tuple[Interval, ...]


class Arrival(NamedTuple):
    """The moment when a member had been heard long enough."""

    at_ms: int
    badge_id: int


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
    parts = [
        (part, badge.badge_id) for badge in badges for part in counted(badge.heard, heard_gap_ms, window, badge.held)
    ]
    moment = joining.moment_reached(joining.join((part for part, _ in parts), 0), dwell_ms)
    if moment is None:
        return None
    by = min(badge_id for part, badge_id in parts if part[0] <= moment <= part[1])
    return Arrival(moment, by)


def opens_in(opens_at: dt.datetime, heard_at: dt.datetime) -> str:
    """The sentence for somebody who came before the doors opened."""
    minutes = max(1, -(-int((opens_at - heard_at).total_seconds()) // 60))
    amount = "1 minute" if minutes == 1 else f"{minutes} minutes"
    return f"Check-in opens in {amount}. Stay near, your badge does the rest."


def ended_ago(ends_at: dt.datetime, heard_at: dt.datetime) -> str:
    """The sentence for somebody who came after the end."""
    minutes = int((heard_at - ends_at).total_seconds()) // 60
    return (
        f"This ended {minutes} minutes ago. Ask the host if you were there."
        if minutes > 1
        else "This has just ended. Ask the host if you were there."
    )
