"""What follows from a phone that hears a venue's beacon: pure. How long it was there, and whether that checks in.

A phone says when it comes into hearing and when it goes out of it, and little between. Who signed up is there at that
moment. Whoever did not has to stay for the step's dwell, which is shown by the phone going out later, or by its saying
meanwhile that it is still there: never by its silence.
"""

import datetime as dt
from typing import NamedTuple

# What is dated longer ago is no evidence of tonight any more; phones without a network hand in what they kept.
OLDEST = dt.timedelta(hours=24)
AHEAD = dt.timedelta(minutes=5)  # phones' clocks


class Heard(NamedTuple):
    """A time in hearing. ended: the phone said that it hears it no more."""

    since: dt.datetime
    until: dt.datetime
    ended: bool


class Step(NamedTuple):
    """A step at the venue. walk_in: somebody who did not sign up may come in without being asked."""

    event_id: str
    step_id: str
    opens_at: dt.datetime
    ends_at: dt.datetime
    signed_up: bool
    walk_in: bool
    dwell_walk_in: dt.timedelta


def is_timely(at: dt.datetime, *, now: dt.datetime) -> bool:
    """Whether a moment may be judged."""
    return now - OLDEST < at <= now + AHEAD


def fold(before: Heard | None, event: str, at: dt.datetime, gap: dt.timedelta) -> Heard | None:
    """What is known after `event` (enter, inside, leave) at a time; the same again, or an older one, adds nothing.

    gap: for how long a phone that says nothing is believed to be where it was.
    """
    if before is None or (at > before.until and (before.ended or at - before.until > gap)):
        if event == "leave":
            return before  # it came when nobody heard of it: how long it was there is not known
        return Heard(at, at, False)
    if at < before.since:
        # An older word that came later: it was there already, if it did not go out meanwhile.
        if event != "leave" and before.since - at <= gap:
            return before._replace(since=at)
        return before
    if at < before.until or (at == before.until and before.ended):
        return before
    return Heard(before.since, at, event == "leave")


def came(heard: Heard, step: Step) -> dt.datetime | None:
    """When somebody came to a step by what was heard, None if that does not show it."""
    start, end = max(heard.since, step.opens_at), min(heard.until, step.ends_at)
    if start > end or start >= step.ends_at:
        return None
    if step.signed_up:
        return start
    if step.walk_in and end - start >= step.dwell_walk_in:
        return start + step.dwell_walk_in
    return None
