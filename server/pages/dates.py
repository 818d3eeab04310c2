"""The dates of a gathering that comes again: its hosts take one out, put one back, change one, or end them."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server.errors import MusterError, http_status
from server.events import recurrence, schema, signups
from server.events import routes as events_routes
from server.events import series as all_series
from server.events import service as events
from server.pages import render
from server.pages.doors import told
from server.pages.gathering import READ
from server.people import access
from server.people.model import Member
from server.requests import Id, InTransaction, Now
from server.texts import Texts

router = APIRouter(include_in_schema=False)


@router.api_route("/series/{series_id}", methods=READ)
def show_series(
    request: Request,
    series_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """The dates still to come, as far as she may see them; its hosts change them. Where it goes on is one tap away."""
    return _series(request, session, viewer, series_id, now, say)


@router.post("/series/{series_id}")
def change_series(
    request: Request,
    series_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    out: Annotated[str, Form(max_length=40)] = "",
    last: Annotated[str, Form(max_length=40)] = "",
    back: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Takes one date out, puts one back, or ends the series after a date."""
    events_routes.check_series(session, viewer, series_id)
    try:
        with session.begin_nested():
            if out:
                all_series.leave_out(session, series_id=series_id, wall=_wall(out), now=now)
            if back:
                all_series.put_back(session, series_id=series_id, wall=_wall(back), now=now)
            if last:
                after = _wall(last) + dt.timedelta(seconds=1)
                all_series.end(session, series_id=series_id, wall=after, now=now)
    except MusterError as refused:
        session.expire_all()
        return _series(request, session, viewer, series_id, now, say, refused=refused)
    return RedirectResponse(f"/series/{series_id}", status_code=303)


def _series(
    request: Request,
    session: Session,
    viewer: Member,
    series_id: str,
    now: dt.datetime,
    say: Texts,
    *,
    refused: MusterError | None = None,
) -> Response:
    series = all_series.get(session, series_id)
    shown = all_series.first_seen(session, series, viewer)
    first = all_series.events_of(session, series)[0]
    dates = []
    for date in all_series.dates_seen(session, series, viewer, now):
        steps = [] if date.event is None else events.steps_of(session, event_id=date.event.id)
        at = steps[0].starts_at if steps else recurrence.at(date.wall, series.time_zone)
        dates.append(
            {
                "key": date.wall.isoformat(),
                "event": None if date.event is None else date.event.id,
                "off": date.left_out or (date.event is not None and date.event.state == "cancelled"),
                "for_members": date.for_members,
                "moved": bool(steps) and at != recurrence.at(date.wall, series.time_zone),
                "at": at,
                "going": 0 if date.event is None else signups.count_heads(session, event_id=date.event.id),
            }
        )
    return render.page(
        request,
        "series.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        series={"id": series.id, "name": say.name(shown.name, shown.simulated), "event": shown.id},
        time_zone=series.time_zone,
        next=all_series.next_seen(session, series, viewer),
        ended=series.ends_before is not None,
        dates=dates,
        hosts=access.hosts(session, viewer, first),
        says=told(refused, say),
    )


def _wall(typed: str) -> dt.datetime:
    try:
        return schema.read_wall(typed)
    except ValueError:
        raise all_series.DateUnknown from None
