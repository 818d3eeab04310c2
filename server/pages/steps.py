"""The page of a gathering's steps: another one, one less, and how many of them make it complete."""

import dataclasses
import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from pydantic import ValidationError
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server.corrections import making
from server.corrections import steps as stepping
from server.errors import Invalid, MusterError, http_status
from server.events import places, recurrence, schema
from server.events import service as events
from server.events.model import Event
from server.pages import facts, planning, render
from server.pages.doors import told
from server.pages.planning import Said
from server.pages.sign_in import READ
from server.people import access
from server.people.model import Member
from server.requests import Id, InSettings, InTransaction, Now
from server.texts import Texts
from server.venues import service as venues

router = APIRouter(include_in_schema=False)


@router.api_route("/events/{event_id}/steps", methods=READ)
def show_steps(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """The steps of a gathering, for its hosts."""
    event = events.get(session, event_id)
    access.check_hosts(session, viewer, event)
    return _page(request, session, viewer, event, now, say)


@router.post("/events/{event_id}/steps")
def change_steps(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    act: Annotated[Literal["add", "remove", "needs"], Form()],
    said: Annotated[Said, Form()],
    step: Annotated[str, Form(max_length=64)] = "",
    needs: Annotated[str, Form(max_length=4)] = "",
) -> Response:
    """Adds a step, takes one out, or says how many of them make it complete (empty: all)."""
    event = events.get(session, event_id)
    access.check_hosts(session, viewer, event)
    try:
        with session.begin_nested():
            if act == "add":
                rule, presence = settings.checkin, settings.presence
                wanted = planning.step_of(session, said, said.name)
                making.add_step(session, event, _checked(wanted), by=viewer, rule=rule, presence=presence, now=now)
            elif act == "remove":
                stepping.remove(session, event_id=event_id, step_id=step, now=now)
            else:
                _set_needs(session, event_id, needs)
    except MusterError as refused:
        session.expire_all()
        typed = said if act == "add" else None
        return _page(request, session, viewer, event, now, say, refused=refused, said=typed)
    return RedirectResponse(f"/events/{event_id}/steps", status_code=303)


def _checked(step: facts.Fact) -> schema.NewStep:
    try:
        return schema.NewStep.model_validate(step)
    except ValidationError:
        raise Invalid from None


def _set_needs(session: Session, event_id: str, typed: str) -> None:
    if typed and not (typed.isascii() and typed.isdecimal()):
        raise Invalid
    event = events.get(session, event_id, to_edit=True)
    event.version += 1
    about = dataclasses.replace(events.details_of(event), needs=int(typed) if typed else None)
    events.edit(session, event, name=event.name, community_id=event.community_id, about=about)


def _page(
    request: Request,
    session: Session,
    viewer: Member,
    event: Event,
    now: dt.datetime,
    say: Texts,
    *,
    refused: MusterError | None = None,
    said: Said | None = None,
) -> Response:
    steps = events.steps_of(session, event_id=event.id)
    shown = []
    for step in steps:
        venue = venues.get(session, step.venue_id)
        shown.append(
            {
                "id": step.id,
                "name": say.name(step.name, event.simulated),
                "venue": say.name(venue.name, venue.simulated),
                "withheld": not places.sees_address(session, venue=venue, member=viewer, now=now),
                "time_zone": venue.time_zone,
                "starts_at": step.starts_at,
                "ends_at": step.ends_at,
                "capacity": step.capacity,
                "begun": step.opens_at <= now,
            }
        )
    last = steps[-1]
    return render.page(
        request,
        "event_steps.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        event={"id": event.id, "name": say.name(event.name, event.simulated), "needs": event.needs},
        steps=shown,
        said=(said or _after(session, last.venue_id, last.ends_at)).model_dump(),
        **planning.for_steps(session, viewer, say),
        says=told(refused, say),
    )


def _after(session: Session, venue_id: str, ends_at: dt.datetime) -> Said:
    """What a form for the next step begins with: where and when the last one ends."""
    time_zone = venues.get(session, venue_id).time_zone
    wall = recurrence.wall(ends_at, time_zone)
    return Said(venue=venue_id, day=wall.date().isoformat(), time=f"{wall:%H:%M}", hours="1", time_zone=time_zone)
