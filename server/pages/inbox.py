"""The page of what a member should know, with what became of each note."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from server import paging
from server.inbox import log, wishes, words
from server.inbox import service as inbox
from server.invitations import service as invitations
from server.messages import service as messages
from server.mornings import service as mornings
from server.pages import facts, render
from server.pages.sign_in import READ
from server.people import access
from server.people import service as people
from server.requests import InPage, InTransaction, Now

router = APIRouter(include_in_schema=False)
MOST_MUTED = 100  # shown; all of them are in the API


@router.api_route("/inbox", methods=READ)
def show_inbox(
    request: Request,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    page: InPage,
) -> Response:
    """Her notifications, the newest first; seeing them is having read them."""
    mornings.deal_to(session, member_id=viewer.id, now=now)
    found = inbox.list_of(session, member_id=viewer.id, page=page)
    sent = log.of_notes(session, [one.id for one in found], now=now)
    zone = facts.clock_of(viewer)
    muted = [
        people.get(session, one.muted_id)
        for one in messages.muted_by(session, member_id=viewer.id, page=paging.Page(MOST_MUTED))
    ]
    shown = [
        {
            "sentence": words.fill(one.sentence, one.values, say),
            "link": one.link,
            "at": one.at,
            "new": one.read_at is None,
            "shop": one.link if one.kind == invitations.KIND else None,
            "mute": one.subject.removeprefix("event/") if one.kind == messages.KIND else None,
            "sent": [log.tell(delivery, say, zone) for delivery in sent.get(one.id, ())],
        }
        for one in found
    ]
    if found and request.method == "GET":
        inbox.read(session, member_id=viewer.id, up_to=max(one.id for one in found), now=now)
    return render.page(
        request,
        "inbox.html",
        viewer=viewer,
        notifications=shown,
        time_zone=zone,
        letters=wishes.wants_letters(session, member_id=viewer.id),
        address=viewer.email,
        muted=[{"id": one.id, "name": say.name(one.name, one.simulated)} for one in muted],
    )


@router.post("/inbox/letters")
def choose_letters(viewer: access.Viewer, session: InTransaction, letters: Annotated[bool, Form()] = False) -> Response:
    """Ends all letters, or begins those again that she gets by default."""
    wishes.choose_letters(session, member_id=viewer.id, wanted=letters)
    return RedirectResponse("/inbox/settings", status_code=303)
