"""When it is the morning after: pure."""

import datetime as dt
from collections.abc import Iterable

from server.checkins import days
from server.events import recurrence

COMES_AT = dt.time(8)  # people are up, and the evening is still warm
OPEN_FOR = dt.timedelta(days=7)  # by then the next one has to be on its way


def begins(steps: Iterable[tuple[dt.datetime, str]]) -> dt.datetime:
    """The morning after the last of these steps; each by its end and the zone of time of its place.

    A night belongs to the day on which it began (days.TURNS_AT): after one that ends at two it is the same morning.
    """
    return max(_morning_after(ends_at, time_zone) for ends_at, time_zone in steps)


def is_open(begins_at: dt.datetime, now: dt.datetime) -> bool:
    """Whether it can be answered."""
    return begins_at <= now < begins_at + OPEN_FOR


def _morning_after(ends_at: dt.datetime, time_zone: str) -> dt.datetime:
    # What ends at five sharp is over when the day turns: it belongs to the night.
    last = days.day_of(ends_at - dt.timedelta(microseconds=1), time_zone)
    return recurrence.at(dt.datetime.combine(last + dt.timedelta(days=1), COMES_AT), time_zone)
