"""The report of a gathering, for its hosts: figures with what proves them, arrivals as a picture and as a table."""

import zoneinfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from server import times
from server.checkins import rights
from server.events.states import Phase, State
from server.pages import render
from server.pages.facts import Fact
from server.pages.sign_in import READ
from server.people import access
from server.recaps import reading, words
from server.recaps.figures import TOLD_FROM, Bar, Figure, Spread
from server.recaps.reading import Recap
from server.requests import Id, InSettings, InTransaction, Now
from server.texts import Texts

router = APIRouter(include_in_schema=False)

WIDTH, HEIGHT, FOOT = 420, 160, 24  # of the curve, in its own units; below it stands the time
LABELS = 4  # as many as are read on a phone


@router.api_route("/events/{event_id}/report", methods=READ)
def show_report(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
) -> Response:
    """What a gathering was."""
    hers = rights.check_sees(session, member=viewer, event_id=event_id)
    recap = reading.read(session, event_id=event_id, now=now, presence=settings.presence)
    simulated = recap.event.simulated
    over = recap.phase is Phase.OVER
    return render.page(
        request,
        "report.html",
        viewer=viewer,
        event={"id": event_id, "name": say.name(recap.event.name, simulated)},
        over=over,
        called_off=recap.event.state == State.CANCELLED,
        begun=recap.phase is not Phase.BEFORE,
        as_of=recap.as_of,
        time_zone=recap.time_zone,
        signed_up=recap.signed_up,
        came=_figure(recap.came, recap, say),
        no_shows=_figure(recap.no_shows, recap, say),
        first_timers=_figure(recap.first_timers, recap, say),
        walk_ins=_figure(recap.walk_ins, recap, say),
        dwell={
            "observed": recap.dwell.observed,
            "unobserved": recap.dwell.unobserved,
            "by": words.proof(recap.dwell.by, say),
            "spreads": [
                {"what": what, **_spread(spread, say)}
                for what, spread in (
                    (say.gettext("a quarter stayed at most"), recap.dwell.quarter),
                    (say.gettext("half stayed at most"), recap.dwell.half),
                    (say.gettext("three quarters stayed at most"), recap.dwell.three),
                )
                if spread is not None
            ],
        },
        fullest=None
        if recap.fullest is None
        else {"at": words.near(recap.fullest.at_ms, recap.time_zone), "count": recap.fullest.count},
        curve=_curve(recap, say),
        steps=[
            {
                "name": say.name(one.step.name, one.venue.simulated),
                "venue": say.name(one.venue.name, one.venue.simulated),
                "starts_at": one.step.starts_at,
                "time_zone": one.venue.time_zone,
                **_figure(one.came, recap, say),
            }
            for one in recap.steps
        ],
        rooms=[
            {
                "name": say.name(one.name, simulated),
                "people": None if one.room.people is None else _people(one.room.people, say),
                "half": None if one.room.half is None else _spread(one.room.half, say),
            }
            for one in recap.rooms
        ],
        silences=[
            {"place": say.name(one.place, simulated), "when": words.silent(one, recap, say), "none": one.none}
            for one in recap.silences
        ],
        needed=TOLD_FROM,
        picture=hers and over and recap.event.state == State.PUBLISHED and recap.came.value >= TOLD_FROM,
        writes=hers,
    )


def _figure(of: Figure, recap: Recap, say: Texts) -> Fact:
    return {
        "value": of.value,
        "bar": words.bar(of.low, of.high, say),
        "by": words.proof(of.by, say),
        "why": words.why(of, recap, say),
    }


def _spread(of: Spread, say: Texts) -> Fact:
    low, high = words.long(of.low, say), words.long(of.high, say)
    return {
        "value": words.long(of.value, say),
        "bar": "" if low == high else say.gettext("%(low)s to %(high)s", low=low, high=high),
    }


def _people(of: Spread, say: Texts) -> Fact:
    return {"value": round(of.value), "bar": words.bar(round(of.low), round(of.high), say)}


def _curve(recap: Recap, say: Texts) -> Fact:
    """The bars of the curve of arrivals in its own units, and its table."""
    bars = recap.arrivals
    most = max([1, *(bar.count for bar in bars)])
    wide = WIDTH / len(bars)
    drawn = [
        {
            "x": round(number * wide + 1, 1),
            "y": round((HEIGHT - FOOT) * (1 - bar.count / most), 1),
            "width": round(wide - 2, 1),
            "height": round((HEIGHT - FOOT) * bar.count / most, 1),
        }
        for number, bar in enumerate(bars)
    ]
    every = -(-len(bars) // LABELS)
    labels = [
        {"x": round(number * wide + 1, 1), "says": _clock(bar, recap, say)}
        for number, bar in enumerate(bars)
        if number % every == 0
    ]
    rows = [{"from": _clock(bar, recap, say), "count": bar.count, "total": bar.total} for bar in bars]
    return {"bars": drawn, "labels": labels, "rows": rows, "width": WIDTH, "height": HEIGHT, "floor": HEIGHT - FOOT}


def _clock(bar: Bar, recap: Recap, say: Texts) -> str:
    local = times.from_ms(bar.from_ms).astimezone(zoneinfo.ZoneInfo(recap.time_zone))
    days = recap.arrivals[-1].to_ms - recap.arrivals[0].from_ms > 24 * 3_600_000
    return say.sentences(say.day(local.date()), f"{local:%H:%M}") if days else f"{local:%H:%M}"
