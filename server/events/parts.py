"""Parts of a series: from one of its dates on it comes at another time, and its dates are made like that one."""

import bisect
import datetime as dt
from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from server import names
from server.errors import Conflict
from server.events import recurrence
from server.events import series as all_series
from server.events.model import Event, Series

_MOST = 10_000  # dates looked at: 27 years of days
_SECOND = dt.timedelta(seconds=1)


class NotInSeries(Conflict):
    """This gathering is no date of a series: let it come again first."""

    code = "not_in_series"


def later(session: Session, series: Series, event: Event) -> list[Event]:
    """The events of a series at its dates after this one, by their dates."""
    return [one for one in all_series.events_of(session, series) if _date(one) > _date(event)]


def comes_after(series: Series, event: Event) -> bool:
    """Whether the series has a date after this event's."""
    after = _date(event) + _SECOND
    return bool(
        recurrence.dates(
            series.rule, series.starts_at, series.time_zone, after=after, before=series.ends_before, most=1
        )
    )


def begin(session: Session, series: Series, event: Event, *, start: dt.datetime, time_zone: str) -> Series:
    """Lets a series come from this date of it on as a part of its own, which begins at `start`; twice is as once.

    The dates after it follow in its days, with what was left out, and their events with them: these stay where and
    when they are. The part before has ended. start: a wall time at time_zone. The caller holds the series' row.
    Raises RuleMissesStart, RuleNeverComes.
    """
    date = _date(event)
    if (series.starts_at, date, series.time_zone) == (start, start, time_zone):
        return series
    count = "COUNT=" in series.rule
    passed = len(_dates_of(series, after=series.starts_at, before=date)) if count else 0
    try:
        rule = recurrence.check(recurrence.move(series.rule, date, start, passed=passed), start, time_zone)
    except recurrence.RuleMissesStart:
        raise recurrence.RuleMissesStart(
            "The dates that follow come by a rule without that day: change its time alone, or this date by itself."
        ) from None
    moving = [event, *later(session, series, event)]
    walls = sorted({*map(_date, moving), *(one for one in series.exdates if one > date)})
    became = dict(zip(walls, _move(walls, rule, start, time_zone), strict=True))
    left_out = [became[one] for one in series.exdates if one > date]
    ends = None
    if series.ends_before is not None:
        lasts = [became[_date(one)] + _SECOND for one in moving if _date(one) < series.ends_before]
        ends = max(series.ends_before + (start - date), *lasts)
    dates = {one.id: became[_date(one)] for one in moving}
    for one in moving:  # no two are ever at one date, in between neither
        one.series_id = one.recurrence_at = None
    session.flush()
    part = series
    if date == series.starts_at:
        series.rule, series.starts_at, series.time_zone = rule, start, time_zone
    else:
        series.exdates = [one for one in series.exdates if one < date]
        series.ends_before = date
        part = Series(
            id=names.free_id(session, Series.id, event.name, "series"),
            rule=rule,
            time_zone=time_zone,
            starts_at=start,
            next_id=series.next_id,
        )
        session.add(part)
        session.flush()
        series.next_id = part.id
    part.exdates, part.ends_before = left_out, ends
    for one in moving:
        one.series_id, one.recurrence_at = part.id, dates[one.id]
    session.flush()
    return part


def _move(walls: Sequence[dt.datetime], rule: str, start: dt.datetime, time_zone: str) -> Iterable[dt.datetime]:
    """Each date's own among those of the moved rule: the nearest one as far from the start as it was, in order."""
    shift = start - walls[0]
    last = walls[-1] + shift
    coming = recurrence.dates(rule, start, time_zone, after=start, before=last + dt.timedelta(days=62), most=_MOST)
    found: list[dt.datetime] = []
    first = 0
    for wall in walls:
        wanted = wall + shift
        place = max(first, bisect.bisect_left(coming, wanted))
        if place > first and (place == len(coming) or wanted - coming[place - 1] < coming[place] - wanted):
            place -= 1
        if place < len(coming):
            found.append(coming[place])
        else:  # the rule ends before: it keeps its distance
            found.append(max(wanted, found[-1] + _SECOND) if found else wanted)
        first = place + 1
    return found


def _dates_of(series: Series, *, after: dt.datetime, before: dt.datetime) -> list[dt.datetime]:
    return recurrence.dates(series.rule, series.starts_at, series.time_zone, after=after, before=before, most=_MOST)


def _date(event: Event) -> dt.datetime:
    if event.recurrence_at is None:
        raise NotInSeries
    return event.recurrence_at
