"""The page on which hosts write to those of their gathering: written, looked at, sent; it works without scripts."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server import nonces
from server.errors import MusterError, http_status
from server.events import service as events
from server.messages import routes as message_rights
from server.messages import service as messages
from server.messages.service import Preview, To
from server.pages import render
from server.pages.doors import new_nonce, told
from server.pages.sign_in import READ
from server.people import access
from server.people.model import Member
from server.requests import Id, InTransaction, Now
from server.texts import Texts
from server.venues import service as venues

router = APIRouter(include_in_schema=False)

Typed = Annotated[str, Form(max_length=4 * messages.LONGEST)]


@router.api_route("/events/{event_id}/messages", methods=READ)
def show_messages(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """What was written, and the form for one more."""
    message_rights.check_writes(session, viewer, event_id)
    return _page(request, session, viewer, event_id, now, say)


@router.post("/events/{event_id}/messages")
def write(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    nonce: Annotated[str, Form(min_length=nonces.SIGNS[0], max_length=nonces.SIGNS[1])],
    act: Annotated[str, Form(pattern="^(look|edit|send)$")] = "look",
    to: Annotated[To, Form()] = "going",
    text: Typed = "",
) -> Response:
    """Shows how it would look, or sends what was looked at."""
    message_rights.check_writes(session, viewer, event_id)
    preview = None
    try:
        if act == "look":
            preview = messages.preview(session, event_id=event_id, to=to, text=text, by_id=viewer.id, now=now)
        elif act == "send":
            with session.begin_nested():
                messages.send(session, event_id=event_id, to=to, text=text, by_id=viewer.id, nonce=nonce, now=now)
            return RedirectResponse(f"/events/{event_id}/messages", status_code=303)
    except MusterError as refused:
        return _page(request, session, viewer, event_id, now, say, refused=refused, typed=(to, text), nonce=nonce)
    return _page(request, session, viewer, event_id, now, say, preview=preview, typed=(to, text), nonce=nonce)


@router.post("/inbox/mute")
def mute(
    event_id: Annotated[str, Form(max_length=64)], viewer: access.Viewer, session: InTransaction, now: Now
) -> Response:
    """No more messages of whoever organizes this."""
    event = events.get_seen(session, event_id, viewer)
    messages.mute(session, member_id=viewer.id, organizer_id=event.organizer_id, now=now)
    return RedirectResponse("/inbox", status_code=303)


@router.post("/inbox/unmute")
def unmute(
    organizer_id: Annotated[str, Form(max_length=64)], viewer: access.Viewer, session: InTransaction
) -> Response:
    """Hears of this organizer again."""
    messages.unmute(session, member_id=viewer.id, organizer_id=organizer_id)
    return RedirectResponse("/inbox", status_code=303)


def _page(
    request: Request,
    session: Session,
    viewer: Member,
    event_id: str,
    now: dt.datetime,
    say: Texts,
    *,
    refused: MusterError | None = None,
    preview: Preview | None = None,
    typed: tuple[str, str] | None = None,
    nonce: str | None = None,
) -> Response:
    event = events.get(session, event_id)
    steps = events.steps_of(session, event_id=event_id)
    sent = messages.sent_of(session, event_id=event_id)
    counts = messages.counts(session, event_id=event_id, by_id=viewer.id, now=now)
    groups = {
        "going": say.gettext("Who is going"),
        "waiting": say.gettext("Who waits for a place"),
        "came": say.gettext("Who came"),
        "absent": say.gettext("Who signed up and did not come"),
    }
    first = next((one for one in groups if counts.get(one)), "going")  # type: ignore[call-overload]
    return render.page(
        request,
        "messages.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        event={"id": event_id, "name": say.name(event.name, event.simulated)},
        groups=[{"to": to, "name": name, "count": counts.get(to)} for to, name in groups.items()],  # type: ignore[call-overload]
        sent=[
            {"number": one.number, "to": groups[one.to], "text": one.text, "count": one.recipients, "at": one.at}
            for one in sent
        ],
        left=messages.MOST - len(sent),
        time_zone=venues.get(session, steps[0].venue_id).time_zone,
        typed={"to": first if typed is None else typed[0], "text": "" if typed is None else typed[1]},
        preview=None
        if preview is None
        else {
            "name": groups[preview.to],
            "count": preview.count,
            "looks": [{"language": language, "text": text} for language, text in preview.looks.items()],
        },
        longest=messages.LONGEST,
        nonce=nonce or new_nonce(),
        says=told(refused, say),
    )
