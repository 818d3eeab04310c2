"""The page of a question to the room: the host asks and closes, who is there answers; it works without scripts."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server.checkins import rights
from server.errors import MusterError, http_status
from server.events import service as events
from server.pages import facts, render
from server.pages.doors import new_nonce, told
from server.pages.sign_in import READ
from server.people import access
from server.people.model import Member
from server.pulse import routes as pulse_rights
from server.pulse import service as pulse
from server.requests import Id, InTransaction, Now, Number
from server.texts import Texts

router = APIRouter(include_in_schema=False)


@router.api_route("/events/{event_id}/pulse", methods=READ)
def show_pulse(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """What the room is asked, to ask or to answer."""
    pulse_rights.check_sees(session, viewer, event_id)
    return _page(request, session, viewer, event_id, now, say)


@router.post("/events/{event_id}/pulse")
def ask_room(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    nonce: Annotated[str, Form(min_length=1, max_length=64)],
    question: Annotated[str, Form(max_length=1000)] = "",
    choice: Annotated[list[str], Form(max_length=pulse.MOST_CHOICES)] = [],  # noqa: B006 -- FastAPI copies it
) -> Response:
    """Asks the room."""
    pulse_rights.check_asks(session, viewer, event_id)
    try:
        with session.begin_nested():
            pulse.ask(session, event_id=event_id, question=question, choices=choice, by=viewer.id, nonce=nonce, now=now)
    except MusterError as refused:
        return _page(request, session, viewer, event_id, now, say, refused=refused, typed=(question, choice))
    return RedirectResponse(f"/events/{event_id}/pulse", status_code=303)


@router.post("/pulses/{pulse_id}/close")
def close(pulse_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> Response:
    """Closes a question."""
    event_id = pulse.get(session, pulse_id).event_id
    pulse_rights.check_asks(session, viewer, event_id)
    pulse.close(session, pulse_id=pulse_id, now=now)
    return RedirectResponse(f"/events/{event_id}/pulse", status_code=303)


@router.post("/pulses/{pulse_id}/answer")
def answer(
    request: Request,
    pulse_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    choice: Annotated[int, Form(ge=0, lt=pulse.MOST_CHOICES)],
) -> Response:
    """Keeps an answer."""
    event_id = pulse.get(session, pulse_id).event_id
    try:
        pulse.answer(session, pulse_id=pulse_id, member_id=viewer.id, choice=choice, now=now)
    except pulse.PulseClosed as refused:
        return _page(request, session, viewer, event_id, now, say, refused=refused)
    return RedirectResponse(f"/events/{event_id}/pulse", status_code=303)


def _page(
    request: Request,
    session: Session,
    viewer: Member,
    event_id: str,
    now: Now,
    say: Texts,
    *,
    refused: MusterError | None = None,
    typed: tuple[str, list[str]] = ("", []),
) -> Response:
    event = events.get(session, event_id)
    naming = facts.naming(session, say, event_id=event_id)
    shown = [
        {
            **one._asdict(),
            "question": naming(one.question),
            "choices": [naming(choice) for choice in one.choices],
            "open": pulse.is_open(session, one, now=now),
            "mine": pulse.answered(session, pulse_id=one.id, member_id=viewer.id),
            "most": max([1, *(one.counts or ())]),
        }
        for one in pulse.of_event(session, event_id=event_id)
    ]
    return render.page(
        request,
        "pulse.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        event={"id": event.id, "name": naming(event.name)},
        hosts=rights.organizes(session, member=viewer, event_id=event_id),
        answers=pulse.is_in(session, event_id=event_id, member_id=viewer.id),
        running=rights.is_running(session, event_id=event_id, now=now),
        pulses=shown,
        needed=pulse.TOLD_FROM,
        typed={"question": typed[0], "choices": [*typed[1], *[""] * pulse.MOST_CHOICES][: pulse.MOST_CHOICES]},
        nonce=new_nonce(),
        says=told(refused, say),
    )
