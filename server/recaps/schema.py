"""What the API says of what a gathering was."""

from typing import Literal

from server import times
from server.events.states import State
from server.fields import Moment, Outgoing
from server.recaps import figures, words
from server.recaps.reading import Recap
from server.texts import Texts


class ReasonOut(Outgoing):
    """Why a figure may be off, and by how many. code: weak, no_badge, silent, nobody_listens, erased."""

    code: str
    count: int
    says: str


class FigureOut(Outgoing):
    """A number of people: at least low, at most high. by: what proves them."""

    value: int
    low: int
    high: int
    by: dict[str, int]
    reasons: list[ReasonOut]


class SpreadOut(Outgoing):
    """A number with its error bar."""

    value: float
    low: float
    high: float


class DwellOut(Outgoing):
    """How many minutes people stayed of whom is known when they left; none of fewer than five."""

    observed: int
    unobserved: int
    by: dict[str, int]
    quarter: SpreadOut | None
    half: SpreadOut | None
    three_quarters: SpreadOut | None


class FullestOut(Outgoing):
    """When most were there, as far as is known; not said of fewer than five."""

    at: Moment
    count: int


class BarOut(Outgoing):
    """How many came from then until then, and in all by then."""

    from_at: Moment
    to_at: Moment
    count: int
    total: int


class StepOut(Outgoing):
    """One of several steps."""

    step: str
    came: FigureOut


class RoomOut(Outgoing):
    """A room: how many were there, and how many minutes half of them; nothing of fewer than five."""

    zone: str
    name: str
    people: SpreadOut | None
    half: SpreadOut | None


class SilenceOut(Outgoing):
    """Time in which an agent did not listen. nothing: there is none at that place."""

    step: str
    place: str
    from_at: Moment
    to_at: Moment
    nothing: bool


class ReportOut(Outgoing):
    """What a gathering was, as far as is known at as_of; numbers only. called_off: it did not take place."""

    event: str
    called_off: bool
    phase: Literal["before", "open", "running", "over"]
    as_of: Moment
    time_zone: str
    signed_up: int
    came: FigureOut
    no_shows: FigureOut
    first_timers: FigureOut
    walk_ins: FigureOut
    dwell: DwellOut
    fullest: FullestOut | None
    arrivals: list[BarOut]
    steps: list[StepOut]
    rooms: list[RoomOut]
    silences: list[SilenceOut]


def show(recap: Recap, say: Texts) -> ReportOut:
    """A report as the API shows it."""
    dwell, most = recap.dwell, recap.fullest
    return ReportOut(
        event=recap.event.id,
        called_off=recap.event.state == State.CANCELLED,
        phase=recap.phase.value,
        as_of=recap.as_of,
        time_zone=recap.time_zone,
        signed_up=recap.signed_up,
        came=_figure(recap.came, recap, say),
        no_shows=_figure(recap.no_shows, recap, say),
        first_timers=_figure(recap.first_timers, recap, say),
        walk_ins=_figure(recap.walk_ins, recap, say),
        dwell=DwellOut(
            observed=dwell.observed,
            unobserved=dwell.unobserved,
            by=dict(dwell.by.by),
            quarter=_spread(dwell.quarter),
            half=_spread(dwell.half),
            three_quarters=_spread(dwell.three),
        ),
        fullest=None
        if most is None or most.count < figures.TOLD_FROM
        else FullestOut(at=times.from_ms(most.at_ms), count=most.count),
        arrivals=[
            BarOut(from_at=times.from_ms(one.from_ms), to_at=times.from_ms(one.to_ms), count=one.count, total=one.total)
            for one in recap.arrivals
        ],
        steps=[StepOut(step=one.step.id, came=_figure(one.came, recap, say)) for one in recap.steps],
        rooms=[
            RoomOut(zone=one.room.zone_id, name=one.name, people=_spread(one.room.people), half=_spread(one.room.half))
            for one in recap.rooms
        ],
        silences=[
            SilenceOut(
                step=one.step_id,
                place=one.place,
                from_at=times.from_ms(one.from_ms),
                to_at=times.from_ms(one.to_ms),
                nothing=one.none,
            )
            for one in recap.silences
        ],
    )


def _figure(of: figures.Figure, recap: Recap, say: Texts) -> FigureOut:
    told = [ReasonOut(code=one.code, count=one.count, says=words.reason(one, recap, say)) for one in of.reasons]
    return FigureOut(value=of.value, low=of.low, high=of.high, by=dict(of.by.by), reasons=told)


def _spread(of: figures.Spread | None) -> SpreadOut | None:
    return None if of is None else SpreadOut(value=of.value, low=of.low, high=of.high)
