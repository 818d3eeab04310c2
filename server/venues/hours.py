"""When a place is open: the syntax of OpenStreetMap, typed line by line, and the coming week of it."""

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from server.errors import Invalid
from server.venues.model import Venue

if TYPE_CHECKING:  # what the gateway shares with the server needs it not
    from opening_hours import OpeningHours

MOST_SIGNS = 1000  # the longest known of OpenStreetMap has 255
MOST_SPANS = 12  # of one day: what opens more often is no place
DAYS = 7
_TODAY = dt.timedelta(hours=24)  # a time of day means the next one


class HoursUnclear(Invalid):
    """These opening hours cannot be read: a line is such as Mo-Fr 09:00-18:00 or Sa,Su 10:00-14:00."""

    code = "hours_unclear"


class Day(NamedTuple):
    """A day at a place; spans: from when until when it is open. all_day: without a break."""

    date: dt.date
    spans: tuple[tuple[dt.datetime, dt.datetime], ...]
    all_day: bool


def check(typed: str) -> str:
    """Opening hours as they are kept, lines one after the other; raises HoursUnclear. Nothing stays nothing."""
    lines = [line.strip().strip(";").strip() for line in typed.replace("\n", ";").split(";")]
    joined = "; ".join(line for line in lines if line)
    if not joined:
        return ""
    from opening_hours import validate

    if len(joined) > MOST_SIGNS or not joined.isprintable():
        raise HoursUnclear("Opening hours have at most %(most)s signs.", most=MOST_SIGNS)
    for line in joined.split("; "):
        if not validate(line):
            raise HoursUnclear(
                "%(line)s cannot be read: a line is such as Mo-Fr 09:00-18:00 or Sa,Su 10:00-14:00.", line=line[:80]
            )
    return joined


def readable(said: str) -> str:
    """What a file says of opening hours as they are kept; nothing where that cannot be read."""
    try:
        return check(said)
    except HoursUnclear:
        return ""


def lines(kept: str) -> str:
    """The kept ones as they are typed: a line each."""
    return kept.replace("; ", "\n")


def week(venue: Venue, location: tuple[float, float] | None, now: dt.datetime) -> list[Day]:
    """The coming days at a place from today on; empty where nothing is known. location decides about sunsets."""
    hours = _read(venue, location)
    if hours is None:
        return []
    zone = zoneinfo.ZoneInfo(venue.time_zone)
    today = now.astimezone(zone).date()
    return [_day(hours, today + dt.timedelta(days=ahead), zone) for ahead in range(DAYS)]


def is_open(venue: Venue, location: tuple[float, float] | None, now: dt.datetime) -> bool | None:
    """Whether it is open; None where nothing is known."""
    hours = _read(venue, location)
    return None if hours is None else hours.is_open(now.astimezone(zoneinfo.ZoneInfo(venue.time_zone)))


def closes(venue: Venue, location: tuple[float, float] | None, now: dt.datetime) -> dt.datetime | None:
    """When it closes today or in the coming night, by its own clock; None where it is closed, or open for longer."""
    hours = _read(venue, location)
    if hours is None or not is_open(venue, location, now):
        return None
    here = now.astimezone(zoneinfo.ZoneInfo(venue.time_zone))
    until = hours.next_change(here)
    # Spans that touch are told apart: what goes on at midnight has not closed then.
    while until is not None and until - here < _TODAY and hours.is_open(until):
        until = hours.next_change(until)
    return until if until is not None and until - here < _TODAY else None


def _read(venue: Venue, location: tuple[float, float] | None) -> "OpeningHours | None":
    from opening_hours import OpeningHours, validate

    if not venue.opening_hours or not validate(venue.opening_hours):  # another library may read less
        return None
    coords = None if location is None else (location[1], location[0])
    return OpeningHours(venue.opening_hours, timezone=zoneinfo.ZoneInfo(venue.time_zone), coords=coords)


def _day(hours: "OpeningHours", date: dt.date, zone: zoneinfo.ZoneInfo) -> Day:
    from opening_hours import State

    begins = dt.datetime.combine(date, dt.time(), zone)
    ends = dt.datetime.combine(date + dt.timedelta(days=1), dt.time(), zone)
    # From the evening before: what began there and goes on past midnight belongs to that day.
    found = [
        (since, until)
        for since, until, state, _ in hours.intervals(begins - dt.timedelta(days=1), ends + dt.timedelta(days=1))
        if state is State.OPEN and until is not None
    ]
    if any(since <= begins and until >= ends for since, until in found):
        return Day(date, (), True)
    return Day(date, _of(found, begins, ends), False)


def _of(
    found: Sequence[tuple[dt.datetime, dt.datetime]], begins: dt.datetime, ends: dt.datetime
) -> tuple[tuple[dt.datetime, dt.datetime], ...]:
    before = begins - dt.timedelta(days=1)  # what was open all that day goes on into this one
    return tuple(
        (max(since, begins), until)
        for since, until in found
        if begins <= since < ends or since <= before < until > begins
    )[:MOST_SPANS]
