"""The page of a gathering's steps: another one, one less, how many make it complete, and what one signs up for."""

import dataclasses
import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from config.settings import Settings
from server import versions
from server.corrections import making
from server.corrections import steps as stepping
from server.errors import Invalid, MusterError, http_status
from server.events import choosing, recurrence
from server.events import service as events
from server.events.model import Event
from server.pages import render, where
from server.pages.doors import told
from server.pages.facts import Fact
from server.pages.said import SaidStep, checked, if_match, step_of
from server.pages.sign_in import READ
from server.people import access
from server.people import service as people
from server.people.model import Member
from server.requests import Id, InSettings, InTransaction, Now
from server.texts import Texts
from server.venues import service as venues
from server.venues.model import Zone

router = APIRouter(include_in_schema=False)


class NeedsUnclear(Invalid):
    """Choose how many of its steps make it complete."""

    code = "needs_unclear"


@router.api_route("/events/{event_id}/steps", methods=READ)
def show_steps(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
) -> Response:
    """The steps of a gathering, for its hosts."""
    event = events.get(session, event_id)
    access.check_hosts(session, viewer, event)
    return _page(request, session, settings, viewer, event, now, say)


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
    said: Annotated[SaidStep, Form()],
    step: Annotated[str, Form(max_length=64)] = "",
    needs: Annotated[str, Form(max_length=4)] = "",
    by_step: Annotated[bool | None, Form()] = None,
) -> Response:
    """Adds a step, takes one out, or says how many make it complete (empty: all) and whether one signs up for each.

    step: which one; the id of one to be added is made with the form, so that a second tap adds no other.
    """
    event = events.get(session, event_id)
    access.check_hosts(session, viewer, event)
    try:
        with session.begin_nested():
            if act == "add":
                rule, presence = settings.checkin, settings.presence
                wanted = checked(step_of(session, said, said.name) | {"id": step or None})
                making.add_step(session, event, wanted, by=viewer, rule=rule, presence=presence, now=now)
            elif act == "remove":
                stepping.remove(session, event_id=event_id, step_id=step, now=now)
            else:
                _set_whole(session, event_id, said, needs, by_step, now)
    except MusterError as refused:
        session.expire_all()
        if act == "add" and step in {one.id for one in events.steps_of(session, event_id=event_id)}:
            return RedirectResponse(f"/events/{event_id}/steps", status_code=303)  # a second tap
        if act == "add":
            return _page(request, session, settings, viewer, event, now, say, refused=refused, said=said, new_id=step)
        typed = {"needs": needs, "by_step": event.by_step if by_step is None else by_step} if act == "needs" else {}
        return _page(request, session, settings, viewer, event, now, say, refused=refused, typed=typed)
    return RedirectResponse(f"/events/{event_id}/steps", status_code=303)


def _set_whole(
    session: Session, event_id: str, said: SaidStep, needs: str, by_step: bool | None, now: dt.datetime
) -> None:
    if needs and not (needs.isascii() and needs.isdecimal()):
        raise NeedsUnclear
    event = events.get(session, event_id, to_edit=True)
    events.check_edits(session, event, now)
    versions.edit(event, if_match(said))
    if by_step is not None:
        choosing.set_by_step(session, event, by_step, now)
    about = dataclasses.replace(events.details_of(event), needs=int(needs) if needs else None)
    events.edit(session, event, name=event.name, community_id=event.community_id, about=about)


def _page(
    request: Request,
    session: Session,
    settings: Settings,
    viewer: Member,
    event: Event,
    now: dt.datetime,
    say: Texts,
    *,
    refused: MusterError | None = None,
    said: SaidStep | None = None,
    new_id: str = "",
    typed: Fact | None = None,
) -> Response:
    steps = events.steps_of(session, event_id=event.id)
    shown = []
    for step in steps:
        venue = venues.get(session, step.venue_id)
        zone = None if step.zone_id is None else session.get_one(Zone, step.zone_id)
        shown.append(
            {
                "id": step.id,
                "name": say.name(step.name, event.simulated),
                "venue": say.name(venue.name, venue.simulated),
                "zone": None if zone is None else say.name(zone.name, venue.simulated),
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
        event={"id": event.id, "name": say.name(event.name, event.simulated), "version": event.version},
        whole={"needs": str(event.needs or ""), "by_step": event.by_step} | (typed or {}),
        steps=shown,
        said=(said or _after(session, last.venue_id, last.ends_at)).model_dump(),
        new_id=new_id or people.new_id("step"),
        typed=said is not None,
        **where.for_step(session, viewer, say, settings.checkin),
        says=told(refused, say),
    )


def _after(session: Session, venue_id: str, ends_at: dt.datetime) -> SaidStep:
    """What a form for the next step begins with: where and when the last one ends."""
    time_zone = venues.get(session, venue_id).time_zone
    wall = recurrence.wall(ends_at, time_zone)
    return SaidStep(venue=venue_id, day=wall.date().isoformat(), time=f"{wall:%H:%M}", hours="1", time_zone=time_zone)
