"""The votes of a community: those that are open, how the others went, opening one; each act is a form."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server import paging
from server.communities import service as communities
from server.errors import MusterError, NotFound, http_status
from server.governance import reading, rights, telling, votes, words
from server.governance.model import Vote
from server.governance.rules import Kind, Outcome, opens_again_at
from server.limits import service as limits
from server.limits.callers import InCaller
from server.met import reading as met
from server.met import words as met_words
from server.met.trust import CAME_WITHIN
from server.pages import facts, render
from server.pages.communities import READ, head_of
from server.pages.facts import Fact
from server.people import access, roles
from server.people.model import Member
from server.requests import Id, InPage, InTransaction, Now
from server.texts import Texts

router = APIRouter(include_in_schema=False)
MOST_NAMED = 200  # to choose from while typing; more are found by their address
Words = Annotated[str, Form(max_length=4 * votes.WORDS_MAX_LENGTH)]


@router.api_route("/communities/{community_id}/votes", methods=READ)
def show_votes(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    page: InPage,
) -> Response:
    """The votes of a community, the newest first; for its members, and for her whom one is about."""
    return _page(request, community_id, viewer, session, now, say, page)


@router.post("/communities/{community_id}/votes")
def act_on_votes(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    caller: InCaller,
    say: access.Say,
    act: Annotated[Literal["dissolve", "move", "remove", "readmit", "yes", "no", "speak"], Form()],
    vote: Annotated[int | None, Form(ge=1, le=2**63 - 1)] = None,
    who: Annotated[str, Form(max_length=600)] = "",
    called: Annotated[str, Form(max_length=1000)] = "",
    reason: Words = "",
    said: Words = "",
) -> Response:
    """Opens a vote, votes, or speaks in one's own matter."""
    now = caller.now
    try:
        with session.begin_nested():
            if act in ("dissolve", "move", "remove", "readmit"):
                about_her = act in ("remove", "readmit")
                member_id = find(session, caller, who) if about_her else None
                opened = votes.open_vote(
                    session,
                    viewer=viewer,
                    community_id=community_id,
                    kind=Kind(act),
                    now=now,
                    member_id=member_id,
                    called=called if about_her else "",
                    reason=reason,
                )
                return RedirectResponse(telling.link(opened), status_code=303)
            of_id = vote or 0
            if act == "speak":
                votes.speak(session, viewer=viewer, community_id=community_id, vote_id=of_id, words=said, now=now)
            else:
                votes.cast(session, viewer=viewer, community_id=community_id, vote_id=of_id, yes=act == "yes", now=now)
    except MusterError as error:
        everything = paging.Page(limit=paging.DEFAULT)
        typed = {"act": act, "who": who, "called": called, "reason": reason}
        return _page(request, community_id, viewer, session, now, say, everything, error, typed)
    return RedirectResponse(f"/communities/{community_id}/votes#vote-{vote}", status_code=303)


def find(session: Session, caller: InCaller, who: str) -> str:
    """Whom an act is about, by id or address. Who asks could learn who is known here: tries are counted."""
    with limits.guessing(session, caller, "who", NotFound):
        return roles.find(session, who).id


def _page(
    request: Request,
    community_id: str,
    viewer: Member,
    session: Session,
    now: dt.datetime,
    say: Texts,
    page: paging.Page,
    error: MusterError | None = None,
    typed: Fact | None = None,
) -> Response:
    community = communities.get(session, community_id)
    found, next_cursor = paging.with_next(
        page, lambda page: votes.list_votes(session, community_id=community_id, now=now, page=page)
    )
    if not communities.belongs(session, community_id=community_id, member_id=viewer.id):
        found = [vote for vote in found if vote.member_id == viewer.id]
        if not found:
            rights.check_member(session, viewer=viewer, community=community)
    shown = [_vote(session, vote, viewer, community.simulated, now, say) for vote in found]
    # In a house nobody is voted out.
    named = named_of(session, community_id, viewer, now) if community.shape == "circle" else []
    return render.page(
        request,
        "community_votes.html",
        status_code=http_status(error) if error is not None else 200,
        viewer=viewer,
        community=head_of(session, community, viewer, now, say),
        open=[one for one in shown if one["outcome"] is None],
        decided=[one for one in shown if one["outcome"] is not None],
        next_cursor=next_cursor,
        has_word=votes.has_word(session, community_id=community_id, member_id=viewer.id, now=now),
        word=met_words.of_word(
            met.word_of(session, community_id=community_id, member_id=viewer.id, since=now - CAME_WITHIN, now=now),
            say,
        ),
        named=named,
        typed=typed or {"act": "", "who": "", "called": "", "reason": ""},
        time_zone=facts.clock_of(viewer),
        sentence=None if error is None else say.gettext(error.template, **error.values),
    )


def named_of(session: Session, community_id: str, viewer: Member, now: dt.datetime) -> list[Fact]:
    """Those who let the members know their names, by name, of the first who came: {"id", "name"}."""
    first = communities.members_of(session, community_id=community_id, most=MOST_NAMED)
    others = [one for one in first if one != viewer.id]
    named = reading.names_shown(session, community_id, others, viewer_id=viewer.id, now=now)
    found: list[Fact] = [{"id": one, "name": name} for one, name in named.items()]
    return sorted(found, key=lambda one: str(one["name"]).casefold())


def _vote(session: Session, vote: Vote, viewer: Member, simulated: bool, now: dt.datetime, say: Texts) -> Fact:
    seen = votes.seen_by(session, vote, viewer.id)
    again_at = None if vote.outcome is None else opens_again_at(Outcome(vote.outcome), vote.ends_at)
    return {
        "id": vote.id,
        "kind": vote.kind,
        "called": vote.called,
        "about_you": vote.member_id == viewer.id,
        "reason": say.name(vote.reason, simulated),
        "words": vote.words,
        "ends_at": vote.ends_at,
        "cast": seen.cast,
        "voters": vote.voters,
        "quorum": vote.quorum,
        "may_vote": seen.may_vote,
        # What was hidden is shown to those who decide about it.
        "look": f"/posts/{vote.about.partition('/')[2]}" if vote.kind == Kind.RESTORE and seen.may_vote else None,
        "you": seen.yes,
        "outcome": vote.outcome,
        "again_at": again_at if again_at is not None and now < again_at else None,
        "sentence": words.of_vote(vote, seen.cast, say),
    }
