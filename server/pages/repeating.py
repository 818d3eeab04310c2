"""Lets a gathering that is there come again: how often and until when, and its next dates before it is said."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server.errors import Invalid, MusterError, http_status
from server.events import copies, recurrence
from server.events import series as all_series
from server.events import service as events
from server.events.model import Event
from server.pages import render
from server.pages.doors import told
from server.pages.gathering import READ
from server.people import access
from server.people.model import Member
from server.requests import Id, InTransaction, Now
from server.texts import Texts

router = APIRouter(include_in_schema=False)

SHOWN = 12  # a season of weeks: what is made at once
MOST_TIMES = 500  # nine years of weeks; what goes on longer has no end
Short = Annotated[str, Field(max_length=40)]


class EndUnclear(Invalid):
    """Say the day until which it comes, or how many times: a number from 2 to %(most)s. Or neither, and it goes on."""

    code = "end_unclear"


class Said(BaseModel):
    """How a gathering comes again, as it was typed. until: a day; number: how many times in all; neither: for good."""

    model_config = ConfigDict(frozen=True)

    how: Short = recurrence.OFTEN[0]
    until: Short = ""
    number: Short = ""


@router.api_route("/events/{event_id}/repeat", methods=READ)
def show_repeat(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    said: Annotated[Said, Query()],
) -> Response:
    """How often and until when, with the dates that this gives; nothing is made yet."""
    event = events.get(session, event_id)
    access.check_organizes(viewer, event)
    if event.series_id is not None:
        return RedirectResponse(f"/series/{event.series_id}", status_code=303)
    return _page(request, session, viewer, event, said, now, say)


@router.post("/events/{event_id}/repeat")
def repeat(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    said: Annotated[Said, Form()],
) -> Response:
    """Lets it come again; the same form again is as once."""
    event = events.get(session, event_id)
    access.check_organizes(viewer, event)
    wall, time_zone = _first(session, event)
    try:
        rule = _check(said, wall, time_zone)
        with session.begin_nested():
            series = all_series.begin(session, event_id=event_id, rule=rule, now=now)
    except MusterError as refused:
        session.expire_all()
        return _page(request, session, viewer, events.get(session, event_id), said, now, say, refused=refused)
    return RedirectResponse(f"/series/{series.id}", status_code=303)


def _page(
    request: Request,
    session: Session,
    viewer: Member,
    event: Event,
    said: Said,
    now: dt.datetime,
    say: Texts,
    *,
    refused: MusterError | None = None,
) -> Response:
    wall, time_zone = _first(session, event)
    coming: list[dt.datetime] = []
    try:
        rule = _check(said, wall, time_zone)
        after = max(wall, recurrence.wall(now, time_zone))
        coming = recurrence.dates(rule, wall, time_zone, after=after, most=MOST_TIMES)
    except MusterError as unclear:
        refused = refused or unclear
    return render.page(
        request,
        "event_repeat.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        event={"id": event.id, "name": say.name(event.name, event.simulated)},
        said=said.model_dump(),
        often=recurrence.OFTEN,
        most=MOST_TIMES,
        first_day=wall.date().isoformat(),
        time_zone=time_zone,
        dates=[recurrence.at(date, time_zone) for date in coming[:SHOWN]],
        more=max(0, len(coming) - SHOWN),
        goes_on=not said.until.strip() and not said.number.strip(),
        says=told(refused, say),
    )


def _first(session: Session, event: Event) -> tuple[dt.datetime, str]:
    steps = events.steps_of(session, event_id=event.id)
    time_zone = copies.zone_of(session, steps)
    return copies.starts_at(steps, time_zone), time_zone


def _check(said: Said, wall: dt.datetime, time_zone: str) -> str:
    try:
        return recurrence.check(_rule(said, wall), wall, time_zone)
    except recurrence.RuleNeverComes:
        raise recurrence.RuleNeverComes("It does not come a second time by that day: choose a later one.") from None


def _rule(said: Said, wall: dt.datetime) -> str:
    """The rule that was typed; raises RuleInvalid, EndUnclear."""
    rule = recurrence.often(said.how, wall.date())
    until, number = said.until.strip(), said.number.strip()
    if until and number:
        raise EndUnclear(most=MOST_TIMES)
    if number:
        if not (number.isascii() and number.isdecimal() and len(number) < 5 and 2 <= int(number) <= MOST_TIMES):
            raise EndUnclear(most=MOST_TIMES)
        return f"{rule};COUNT={int(number)}"
    if until:
        try:
            day = dt.date.fromisoformat(until)
        except ValueError:
            raise EndUnclear(most=MOST_TIMES) from None
        if day < wall.date():
            raise recurrence.RuleNeverComes("It does not come a second time by that day: choose a later one.")
        return f"{rule};UNTIL={day:%Y%m%d}"
    return rule
