"""What fans give over HTTP."""

import datetime as dt

from server.fans import rounding
from server.fans.brought import Way
from server.fans.coming import HOURS
from server.fans.service import OFTEN, Fan, Fans
from server.fields import Outgoing


class FigureOut(Outgoing):
    """People: `named` are seen by name, `others` are at least so many more; none: too few to be told, or nobody."""

    named: int
    others: int | None


class OftenOut(Outgoing):
    """Who came on `from_days` to `to_days` days; no end for the last."""

    from_days: int
    to_days: int | None
    people: FigureOut


class SlotOut(Outgoing):
    """Who came on a weekday (Monday is 0) from an hour of it on, for `hours` hours."""

    weekday: int
    from_hour: int
    hours: int
    people: FigureOut


class PointOut(Outgoing):
    """Some weeks: who came, and who of them for the first time."""

    since: dt.date
    until: dt.date
    people: FigureOut
    first_timers: FigureOut


class FanOut(Outgoing):
    """Somebody who agreed to be seen by name. gap_days: her rhythm, none while she came fewer than four times."""

    member: str
    name: str
    days: int
    first_on: dt.date
    last_on: dt.date
    gap_days: float | None
    drifting: bool


class FansOut(Outgoing):
    """Who comes. Numbers of others are rounded down, and nothing is told of fewer than 5. named: 200 at most."""

    since: dt.date
    until: dt.date
    people: FigureOut
    first_timers: FigureOut
    drifting: FigureOut
    often: list[OftenOut]
    brought: dict[Way, FigureOut]
    slots: list[SlotOut]
    over_time: list[PointOut]
    named: list[FanOut]


def show(fans: Fans) -> FansOut:
    """Fans as the API shows them."""
    return FansOut(
        since=fans.since,
        until=fans.until,
        people=_figure(fans.people),
        first_timers=_figure(fans.first_timers),
        drifting=_figure(fans.drifting),
        often=[
            OftenOut(from_days=low, to_days=high, people=_figure(figure))
            for (low, high), figure in zip(OFTEN, fans.often, strict=True)
        ],
        brought={way: _figure(figure) for way, figure in fans.brought.items()},
        slots=[
            SlotOut(weekday=weekday, from_hour=part * HOURS, hours=HOURS, people=_figure(figure))
            for weekday, parts in enumerate(fans.slots)
            for part, figure in enumerate(parts)
        ],
        over_time=[
            PointOut(
                since=point.since,
                until=point.until,
                people=_figure(point.people),
                first_timers=_figure(point.first_timers),
            )
            for point in fans.points
        ],
        named=[_fan(fan) for fan in fans.named],
    )


def _figure(figure: rounding.Figure) -> FigureOut:
    return FigureOut(named=figure.named, others=figure.others)


def _fan(fan: Fan) -> FanOut:
    return FanOut(
        member=fan.member_id,
        name=fan.name,
        days=fan.days,
        first_on=fan.first_on,
        last_on=fan.last_on,
        gap_days=None if fan.rhythm is None else fan.rhythm.gap_days,
        drifting=fan.drifting,
    )
