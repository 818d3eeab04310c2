"""The page where one asks to gather at somebody else's place, and where who keeps it answers."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server import paging
from server.errors import MusterError, http_status
from server.pages import facts, render
from server.pages.doors import told
from server.pages.sign_in import READ
from server.people import access
from server.people import service as people
from server.people.model import Member
from server.requests import Id, InTransaction, Now
from server.texts import Texts
from server.venues import service as venues
from server.venues import welcome
from server.venues.model import Welcome

router = APIRouter(include_in_schema=False)
SHOWN = 50


@router.api_route("/venues/{venue_id}/welcome", methods=READ)
def show_welcome(
    request: Request,
    venue_id: Id,
    viewer: access.Account,
    session: InTransaction,
    say: access.Say,
) -> Response:
    """Who asked to gather here, for who keeps the place; a form to ask, for everybody else."""
    return _page(request, session, viewer, venue_id, say)


@router.post("/venues/{venue_id}/welcome")
def act(
    request: Request,
    venue_id: Id,
    viewer: access.Account,
    session: InTransaction,
    now: Now,
    say: access.Say,
    act: Annotated[Literal["ask", "yes", "no"], Form()],
    reason: Annotated[str, Form(max_length=5000)] = "",
    member: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Asks, or answers."""
    try:
        with session.begin_nested():
            if act == "ask":
                welcome.ask(session, venue_id=venue_id, member=viewer, reason=reason, now=now)
            else:
                yes = act == "yes"
                welcome.answer(session, venue_id=venue_id, member_id=member, yes=yes, by=viewer, now=now)
    except MusterError as refused:
        return _page(request, session, viewer, venue_id, say, refused=refused, reason=reason)
    return RedirectResponse(f"/venues/{venue_id}/welcome", status_code=303)


def _page(
    request: Request,
    session: Session,
    viewer: Member,
    venue_id: str,
    say: Texts,
    *,
    refused: MusterError | None = None,
    reason: str = "",
) -> Response:
    venue = venues.get(session, venue_id)
    keeps = access.may_keep(session, viewer, venue)
    page = paging.Page(limit=SHOWN)
    mine = session.get(Welcome, (venue_id, viewer.id))
    return render.page(
        request,
        "venue_welcome.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        venue={"id": venue.id, "name": say.name(venue.name, venue.simulated)},
        time_zone=venue.time_zone,
        keeps=keeps,
        asked=[_fact(session, one, say) for one in welcome.of_venue(session, venue_id=venue_id, page=page)]
        if keeps
        else [],
        mine=None if mine is None else {"welcome": mine.welcome, "reason": mine.reason},
        reason=reason,
        says=told(refused, say),
    )


def _fact(session: Session, one: Welcome, say: Texts) -> facts.Fact:
    member = people.get(session, one.member_id)
    return {
        "member": one.member_id,
        "name": say.name(member.name, member.simulated),
        "reason": one.reason,
        "at": one.asked_at,
        "welcome": one.welcome,
    }
