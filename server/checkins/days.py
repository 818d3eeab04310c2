"""A venue's days: each begins at 05:00 by the venue's own clock, so that a night out belongs to the day it began on."""

import datetime as dt
import zoneinfo

from server import times
from server.presence.joining import Interval

# Later than any bar closes, earlier than any baker opens; no zone of the world turns its clocks then.
TURNS_AT = dt.time(5)
_SEPARATOR = "@"  # in no id


def day_of(at: dt.datetime, time_zone: str) -> dt.date:
    """The day at a venue that a moment belongs to; time_zone: an IANA name."""
    local = at.astimezone(zoneinfo.ZoneInfo(time_zone))
    return local.date() if local.time() >= TURNS_AT else local.date() - dt.timedelta(days=1)


def bounds(day: dt.date, time_zone: str) -> Interval:
    """The first and the last millisecond of a day at a venue: 23 to 25 hours apart where clocks are turned."""
    begins, ends = (_begins(one, time_zone) for one in (day, day + dt.timedelta(days=1)))
    return times.to_ms(begins), times.to_ms(ends) - 1


def name(venue_id: str, day: dt.date) -> str:
    """`cafe@2026-03-13`: a venue's day where otherwise a step is named."""
    return f"{venue_id}{_SEPARATOR}{day.isoformat()}"


def read(occasion: str) -> tuple[str, dt.date] | None:
    """The venue and the day of such a name; None for a step's id."""
    venue_id, found, day = occasion.partition(_SEPARATOR)
    return (venue_id, dt.date.fromisoformat(day)) if found else None


def _begins(day: dt.date, time_zone: str) -> dt.datetime:
    return dt.datetime.combine(day, TURNS_AT, zoneinfo.ZoneInfo(time_zone)).astimezone(dt.UTC)
