"""The plan of a date of a series, kept for this one and all that follow: a plain form."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from config.settings import Settings
from server.corrections import following
from server.errors import MusterError
from server.events import service as events
from server.events.model import Event
from server.limits.callers import InCaller
from server.pages import planning
from server.pages.said import Said
from server.people import access
from server.people.model import Member
from server.requests import Id, InSettings, InTransaction
from server.versions import EditedMeanwhile

router = APIRouter(include_in_schema=False)


@router.post("/events/{event_id}/following")
def change_following(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
    said: Annotated[Said, Form()],
    picture: planning.Sent = None,
    no_picture: Annotated[bool, Form()] = False,
    times: Annotated[bool, Form()] = False,
) -> Response:
    """Says otherwise what a date is, when and where, and lets all that follow take it over; all or nothing.

    times: also the time to which this one had been moved by itself before. The same form again is as once.
    """
    event = events.get(session, event_id)
    access.check_organizes(viewer, event)
    before = planning.said_of(session, event)
    moves = times or (before.day, before.time) != (said.day, said.time)
    now, presence = caller.now, settings.presence
    try:
        with session.begin_nested():
            kept = {"picture": None} if no_picture else planning.pictured(session, caller, picture, viewer)
            with following.changing(
                session, event_id=event_id, times=moves, venue_ids=[said.venue], presence=presence, now=now
            ) as event:
                _change_once(session, settings, event, said, kept.get("picture", event.picture_id), viewer, now)
    except MusterError as refused:
        session.expire_all()
        event = events.get(session, event_id)
        said = said.model_copy(update={"version": str(event.version)})
        return planning.plan_page(request, session, viewer, event, said, now, say, times=times, refused=refused)
    return RedirectResponse(f"/series/{event.series_id}", status_code=303)


def _change_once(
    session: Session,
    settings: Settings,
    event: Event,
    said: Said,
    picture_id: str | None,
    viewer: Member,
    now: dt.datetime,
) -> None:
    """Changes it; raises EditedMeanwhile unless the form knew it as it is, or would change nothing any more."""
    if said.version in ("", str(event.version)):
        planning.change(session, settings, event, said, picture_id, viewer, now)
        return
    before = (planning.said_of(session, event), event.picture_id)
    tried = session.begin_nested()
    planning.change(session, settings, event, said.model_copy(update={"version": ""}), picture_id, viewer, now)
    after = planning.said_of(session, event).model_copy(update={"version": before[0].version}), event.picture_id
    tried.rollback()
    if after != before:
        raise EditedMeanwhile
