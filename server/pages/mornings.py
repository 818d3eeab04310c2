"""The morning after: the card that each who came answers, and what its hosts read of it; it works without scripts."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server.communities import service as communities
from server.errors import MusterError, http_status
from server.events import service as events
from server.events.states import State
from server.mornings import clock, opening
from server.mornings import routes as morning_rights
from server.mornings import service as mornings
from server.pages import render
from server.pages.doors import told
from server.pages.morning_card import card
from server.pages.sign_in import READ
from server.people import access
from server.people.model import Member
from server.proposals import service as proposals
from server.proposals.states import State as ProposalState
from server.recaps.figures import TOLD_FROM
from server.recaps.routes import check_was_there
from server.requests import Id, InTransaction, Now
from server.texts import Texts
from server.turnout import service as turnout
from server.venues import service as venues

router = APIRouter(include_in_schema=False)


@router.api_route("/mornings/{event_id}", methods=READ)
def show_morning(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """Her card, what was said, and the picture of those who came."""
    check_was_there(session, viewer, event_id)
    mornings.deal_to(session, member_id=viewer.id, now=now)
    return _page(request, session, viewer, event_id, now, say)


@router.post("/mornings/{event_id}")
def answer(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    answer: Annotated[mornings.Answer, Form()],
    line: Annotated[str, Form(max_length=4 * mornings.LONGEST_LINE)] = "",
) -> Response:
    """Keeps what she says."""
    check_was_there(session, viewer, event_id)
    try:
        with session.begin_nested():
            mornings.answer(session, event_id=event_id, member_id=viewer.id, answer=answer, line=line, now=now)
    except MusterError as refused:
        return _page(request, session, viewer, event_id, now, say, refused=refused, typed=line)
    return RedirectResponse(f"/mornings/{event_id}", status_code=303)


@router.post("/mornings/{event_id}/again")
def propose(
    request: Request,
    event_id: Id,
    viewer: access.Account,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """The host proposes it again."""
    morning_rights.check_opens(session, viewer, event_id)
    try:
        with session.begin_nested():
            mornings.open_again(session, event_id=event_id, by_id=viewer.id, now=now)
    except MusterError as refused:
        return _page(request, session, viewer, event_id, now, say, refused=refused)
    return RedirectResponse(f"/mornings/{event_id}", status_code=303)


def _proposal(session: Session, event_id: str, now: dt.datetime) -> dict[str, str | bool | None] | None:
    """What was proposed of it, as the page shows it, if anything was and it is still there."""
    proposal_id = mornings.proposed(session, event_id=event_id)
    if proposal_id is None:
        return None
    found = proposals.look(session, proposal_id=proposal_id, now=now)
    return {"id": found.id, "settled": found.state == ProposalState.SETTLED, "event": found.event_id}


def _page(
    request: Request,
    session: Session,
    viewer: Member,
    event_id: str,
    now: dt.datetime,
    say: Texts,
    *,
    refused: MusterError | None = None,
    typed: str | None = None,
) -> Response:
    event = events.get(session, event_id)
    of = None if event.community_id is None else communities.get(session, event.community_id)
    hosts = access.hosts(session, viewer, event)
    begins = mornings.begins_at(session, event_id)
    hers = card(session, event, viewer, now)
    if hers is not None and typed is not None:
        hers["line"] = typed
    said = mornings.said_of(session, event_id=event_id)
    next_one = opening.next_of(session, event, now)
    over = now >= max(step.ends_at for step in events.steps_of(session, event_id=event_id))
    came = {one.member_id or one.stranger for one in turnout.came(session, event_ids=[event_id])}
    return render.page(
        request,
        "morning.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        event={
            "id": event_id,
            "name": say.name(event.name, event.simulated),
            "cancelled": event.state != State.PUBLISHED,
        },
        community=None if of is None else say.name(of.name, of.simulated),
        begins_at=begins,
        ends_at=begins + clock.OPEN_FOR,
        time_zone=venues.get(session, events.steps_of(session, event_id=event_id)[-1].venue_id).time_zone,
        begun=now >= begins,
        card=hers,
        hosts=hosts,
        answers=said.answers,
        counts=said.counts,
        lines=[{"answer": of, "line": say.name(line, event.simulated)} for of, line in said.lines] if hosts else [],
        lines_from=mornings.LINES_FROM,
        needed=mornings.NUMBERS_FROM,
        proposal=_proposal(session, event_id, now),
        next=None if next_one is None else f"/events/{next_one.id}",
        picture=over and event.state == State.PUBLISHED and len(came) >= TOLD_FROM,
        may_open=hosts and not viewer.guest and mornings.is_open(session, event, now) and next_one is None,
        says=told(refused, say),
    )
