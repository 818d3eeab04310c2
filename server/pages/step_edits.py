"""The page of one step: what it is called, where and when it is, its places and its check-in rule."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from config.settings import Settings
from server.corrections import making
from server.errors import MusterError, http_status
from server.events import service as events
from server.events import spots
from server.events.model import Event, Step
from server.pages import render, where
from server.pages.doors import told
from server.pages.said import SaidStep, checked, if_match, of_step, step_of
from server.pages.sign_in import READ
from server.people import access
from server.people.model import Member
from server.requests import Id, InSettings, InTransaction, Now
from server.texts import Texts
from server.venues import service as venues

router = APIRouter(include_in_schema=False)


@router.api_route("/events/{event_id}/steps/{step_id}", methods=READ)
def show_step(
    request: Request,
    event_id: Id,
    step_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    say: access.Say,
) -> Response:
    """A step as it is, to be changed by itself; for its hosts."""
    event = events.get(session, event_id)
    access.check_hosts(session, viewer, event)
    step = events.get_step(session, event_id=event_id, step_id=step_id)
    return _page(request, session, settings, viewer, event, step, of_step(session, step), say)


@router.post("/events/{event_id}/steps/{step_id}")
def change_step(
    request: Request,
    event_id: Id,
    step_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    said: Annotated[SaidStep, Form()],
) -> Response:
    """Changes this step alone; the others stay as they are."""
    event = events.get(session, event_id)
    access.check_hosts(session, viewer, event)
    step = events.get_step(session, event_id=event_id, step_id=step_id)
    try:
        with session.begin_nested():
            making.change_step(
                session,
                event,
                step_id,
                checked(step_of(session, said, said.name, step)),
                by=viewer,
                if_match=if_match(said),
                rule=settings.checkin,
                presence=settings.presence,
                now=now,
            )
    except MusterError as refused:
        session.expire_all()
        step = events.get_step(session, event_id=event_id, step_id=step_id)  # another host may have taken it out
        said = said.model_copy(update={"version": str(step.version)})
        return _page(request, session, settings, viewer, event, step, said, say, refused=refused)
    return RedirectResponse(f"/events/{event_id}/steps", status_code=303)


def _page(
    request: Request,
    session: Session,
    settings: Settings,
    viewer: Member,
    event: Event,
    step: Step,
    said: SaidStep,
    say: Texts,
    *,
    refused: MusterError | None = None,
) -> Response:
    return render.page(
        request,
        "event_step.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        event={"id": event.id, "name": say.name(event.name, event.simulated)},
        step={
            "id": step.id,
            "name": say.name(step.name, event.simulated),
            "spot": step.venue_id if venues.get(session, step.venue_id).kind == spots.SPOT else "",
        },
        several=len(events.steps_of(session, event_id=event.id)) > 1,
        said=said.model_dump(),
        typed=refused is not None,
        **where.for_step(session, viewer, say, settings.checkin, also=[step.venue_id]),
        says=told(refused, say),
    )
