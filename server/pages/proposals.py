"""Proposed gatherings as pages: what was proposed, committing by a tap, and what came of it."""

import datetime as dt
import math
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server import paging
from server.communities import service as communities
from server.communities.model import Community
from server.communities.rights import JoinFirst
from server.errors import MusterError, http_status
from server.pages import render
from server.pages.doors import told
from server.pages.facts import Fact
from server.people import access
from server.people.model import Member
from server.proposals import reading, rules, seeing
from server.proposals import service as proposals
from server.proposals.model import Proposal, ProposalOption
from server.proposals.states import State
from server.requests import Id, InPage, InTransaction, Now
from server.texts import Texts
from server.venues import service as venues
from server.venues import welcome

router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
NAMES_SHOWN = 12


@router.api_route("/communities/{community_id}/proposals", methods=READ)
def show_proposals(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    page: InPage,
    now: Now,
    say: access.Say,
) -> Response:
    """What was proposed in a community, for its members."""
    community = communities.get(session, community_id)
    try:
        seeing.check_sees(session, viewer=viewer, community_id=community.id)
    except JoinFirst as refused:
        return _veiled(request, viewer, community, say, refused)
    found, next_cursor = paging.with_next(
        page, lambda page: proposals.of_community(session, community_id=community_id, now=now, page=page)
    )
    return render.page(
        request,
        "proposals.html",
        viewer=viewer,
        community={"id": community.id, "name": say.name(community.name, community.simulated)},
        belongs=communities.belongs(session, community_id=community_id, member_id=viewer.id),
        proposals=facts_of(session, found, viewer, now, say, simulated=community.simulated),
        next_cursor=next_cursor,
    )


@router.api_route("/proposals/{proposal_id}", methods=READ)
def show_proposal(
    request: Request,
    proposal_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """A proposal: its times and places, how many can, and one button for each."""
    proposal = proposals.look(session, proposal_id=proposal_id, now=now)
    return _page(request, session, viewer, proposal, now, say)


@router.post("/proposals/{proposal_id}/commit")
def commit(
    request: Request,
    proposal_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    option: Annotated[int, Form(ge=1, le=2**31 - 1)],
    on: Annotated[Literal["yes", "no"], Form()],
) -> Response:
    """Says of one option whether she can."""
    proposal = proposals.get(session, proposal_id, to_edit=True)
    can = proposals.case_of(session, proposal).options
    hers = {each.id for each in can if viewer.id in each.can}
    wanted = hers | {option} if on == "yes" else hers - {option}
    try:
        proposals.commit(session, proposal_id=proposal_id, member_id=viewer.id, option_ids=wanted, now=now)
    except MusterError as refused:
        return _page(request, session, viewer, proposal, now, say, refused)
    return RedirectResponse(f"/proposals/{proposal_id}", status_code=303)


@router.post("/proposals/{proposal_id}/{verb}")
def decide(
    request: Request,
    proposal_id: Id,
    verb: Literal["settle", "withdraw"],
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """Lets the best option happen, or takes it all back."""
    act = proposals.settle if verb == "settle" else proposals.withdraw
    try:
        act(session, proposal_id=proposal_id, by_id=viewer.id, now=now)
    except MusterError as refused:
        proposal = proposals.get(session, proposal_id)
        return _page(request, session, viewer, proposal, now, say, refused)
    return RedirectResponse(f"/proposals/{proposal_id}", status_code=303)


def facts_of(
    session: Session, found: Sequence[Proposal], viewer: Member, now: dt.datetime, say: Texts, *, simulated: bool
) -> list[Fact]:
    """Proposals as pages show them; for `_proposals.html` as well. simulated: whether their community is."""
    read = reading.read(session, found)
    who = seeing.who_can(session, {one: read[one.id].case for one in found}, viewer=viewer, now=now)
    return [_fact(session, one, read[one.id], who, viewer, now, say, simulated) for one in found]


def _fact(
    session: Session,
    proposal: Proposal,
    read: reading.Read,
    who: dict[int, seeing.Who],
    viewer: Member,
    now: dt.datetime,
    say: Texts,
    simulated: bool,
) -> Fact:
    live = {option.id for option in rules.live(read.case, now)}
    best = rules.best(read.case, now)
    shown = []
    for option in read.options:
        can = who[option.id]
        shown.append(
            {
                "id": option.id,
                "starts_at": option.starts_at,
                "ends_at": option.ends_at,
                "time_zone": option.time_zone,
                "place": say.name(read.places[option.id], simulated),
                "stands": option.id in live,
                "ask": _ask_at(session, proposal, option, viewer),
                "best": best is not None and best.id == option.id and len(live) > 1 and len(best.can) > 1,
                "can": can.total,
                "mine": can.mine,
                "names": can.names[:NAMES_SHOWN],
                "unnamed": can.total - can.mine - len(can.names[:NAMES_SHOWN]),
            }
        )
    return {
        "id": proposal.id,
        "title": say.name(proposal.title, simulated),
        "about": say.name(proposal.about, simulated),
        "state": proposal.state,
        "why": proposal.why,
        "mine": proposal.by_id == viewer.id,
        "quorum": proposal.quorum,
        "most": proposal.most,
        "can": 0 if best is None else len(best.can),
        "decide_by": proposal.decide_by,
        "left": left(proposal.decide_by - now, say),
        "time_zone": shown[0]["time_zone"],
        "event": proposal.event_id,
        "options": shown,
    }


def _ask_at(session: Session, proposal: Proposal, option: ProposalOption, viewer: Member) -> str | None:
    """Where who proposes asks whether they may gather at somebody else's place; until then nothing hears them there."""
    if proposal.state != State.OPEN or proposal.by_id != viewer.id or option.venue_id is None:
        return None
    venue = venues.get(session, option.venue_id)
    hers = access.keeps(session, viewer, venue) or welcome.said_yes(session, viewer, venue)
    return None if hers else f"/venues/{venue.id}/welcome"


def left(time: dt.timedelta, say: Texts) -> str:
    """How much time is left, in the largest unit that says something."""
    minutes = max(1, math.ceil(time.total_seconds() / 60))
    if minutes < 120:
        return say.ngettext("%(num)s minute left", "%(num)s minutes left", minutes)
    if minutes < 48 * 60:
        return say.ngettext("%(num)s hour left", "%(num)s hours left", minutes // 60)
    return say.ngettext("%(num)s day left", "%(num)s days left", minutes // (24 * 60))


def _page(
    request: Request,
    session: Session,
    viewer: Member,
    proposal: Proposal,
    now: dt.datetime,
    say: Texts,
    refused: MusterError | None = None,
) -> Response:
    of = None if proposal.community_id is None else communities.get(session, proposal.community_id)
    try:
        seeing.check_sees(session, viewer=viewer, community_id=proposal.community_id, by_id=proposal.by_id)
    except JoinFirst as veiled:
        assert of is not None
        return _veiled(request, viewer, of, say, veiled)
    belongs = of is None or communities.belongs(session, community_id=of.id, member_id=viewer.id)
    return render.page(
        request,
        "proposal.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        proposal=facts_of(session, [proposal], viewer, now, say, simulated=of is not None and of.simulated)[0],
        community=None if of is None else {"id": of.id, "name": say.name(of.name, of.simulated)},
        belongs=belongs,
        says=told(refused, say),
    )


def _veiled(request: Request, viewer: Member, community: Community, say: Texts, refused: MusterError) -> Response:
    """What strangers to a community find in place of what is proposed there: whose it is, and how to belong."""
    return render.page(
        request,
        "proposal_veiled.html",
        status_code=http_status(refused),
        viewer=viewer,
        community={
            "id": community.id,
            "name": say.name(community.name, community.simulated),
            "dissolved": community.dissolved_at is not None,
        },
        says=told(refused, say),
    )
