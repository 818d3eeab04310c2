"""Quiet hours and the hour of a digest, by the clock on a member's wall; pure, and right when that changes."""

import datetime as dt
import zoneinfo
from typing import NamedTuple

_DAY = dt.timedelta(days=1)
_SECOND = dt.timedelta(seconds=1)


class Hours(NamedTuple):
    """Her hours. zone: an IANA name. quiet_from, quiet_to: the same means none. digest_at: of a day, or of a Monday."""

    zone: str
    quiet_from: dt.time
    quiet_to: dt.time
    digest_at: dt.time


# Nobody is woken by what can wait, and most are up by then; the news of the day are there with the first coffee.
NIGHT = dt.time(22)
MORNING = dt.time(8)
WITHOUT_ZONE = "UTC"
DEFAULT = Hours(WITHOUT_ZONE, NIGHT, MORNING, MORNING)
WEEKLY_ON = 0  # Monday: what the week brings


def quiet_until(hours: Hours, now: dt.datetime) -> dt.datetime | None:
    """When the quiet hours end that it is now; None: it is none of them.

    Where the clock shows an hour twice, both are quiet if one is; where it skips their end, they end with the skip.
    """
    local = now.astimezone(zoneinfo.ZoneInfo(hours.zone))
    clock, start, end = local.time(), hours.quiet_from, hours.quiet_to
    if start == end or not (start <= clock < end if start < end else clock >= start or clock < end):
        return None
    day = local.date() if clock < end else local.date() + _DAY
    found = [moment for moment in _shown(day, end, hours.zone) if moment > now]
    return found[0] if found else _shown(day + _DAY, end, hours.zone)[0]


def next_digest(hours: Hours, now: dt.datetime, *, weekly: bool) -> dt.datetime:
    """When the next digest goes out, after `now`."""
    day = now.astimezone(zoneinfo.ZoneInfo(hours.zone)).date()
    while True:
        if not weekly or day.weekday() == WEEKLY_ON:
            moment = _shown(day, hours.digest_at, hours.zone)[0]
            if moment > now:
                return moment
        day += _DAY


def day_of(hours: Hours, now: dt.datetime) -> dt.date:
    """The day that it is there."""
    return now.astimezone(zoneinfo.ZoneInfo(hours.zone)).date()


def _shown(day: dt.date, clock: dt.time, zone: str) -> list[dt.datetime]:
    """When the clock there shows this, in UTC: once, twice in autumn; in spring the end of what it skips."""
    there = zoneinfo.ZoneInfo(zone)
    wall = dt.datetime.combine(day, clock)
    found = []
    for fold in (0, 1):
        moment = wall.replace(tzinfo=there, fold=fold).astimezone(dt.UTC)
        if moment.astimezone(there).replace(tzinfo=None) == wall and moment not in found:
            found.append(moment)
    return found or [_after_gap(wall, there)]


def _after_gap(wall: dt.datetime, there: zoneinfo.ZoneInfo) -> dt.datetime:
    """The first moment after a time that the clock there skips: halving the time around it."""
    before = wall.replace(tzinfo=there, fold=1).astimezone(dt.UTC)
    after = wall.replace(tzinfo=there, fold=0).astimezone(dt.UTC)
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(there).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
