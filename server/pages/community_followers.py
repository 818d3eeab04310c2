"""Who is taken out of a house and let back, for who decides there; each act is a form."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server import paging
from server.communities import rights as community_rights
from server.communities import service as communities
from server.errors import MusterError, http_status
from server.governance import ending
from server.limits.callers import InCaller
from server.pages import facts, render
from server.pages.communities import READ, head_of
from server.pages.community_votes import find, named_of
from server.people import access
from server.people.model import Member
from server.requests import Id, InPage, InTransaction, Now
from server.texts import Texts

router = APIRouter(include_in_schema=False)


@router.api_route("/communities/{community_id}/followers", methods=READ)
def show_followers(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    page: InPage,
) -> Response:
    """Taking somebody out of a house, and who was taken out."""
    return _page(request, community_id, viewer, session, now, say, page)


@router.post("/communities/{community_id}/followers")
def act_on_followers(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    caller: InCaller,
    say: access.Say,
    act: Annotated[Literal["remove", "readmit"], Form()],
    who: Annotated[str, Form(max_length=600)] = "",
) -> Response:
    """Takes somebody out, or lets them come back."""
    now = caller.now
    try:
        with session.begin_nested():
            community_rights.check_decides(session, viewer, communities.get(session, community_id))
            if act == "remove":
                found = find(session, caller, who)
                ending.remove_by(session, viewer=viewer, community_id=community_id, member_id=found, now=now)
            else:
                ending.readmit_by(session, viewer=viewer, community_id=community_id, member_id=who, now=now)
    except MusterError as error:
        first = paging.Page(limit=paging.DEFAULT)
        return _page(request, community_id, viewer, session, now, say, first, error, who)
    return RedirectResponse(request.url.path, status_code=303)


def _page(
    request: Request,
    community_id: str,
    viewer: Member,
    session: Session,
    now: dt.datetime,
    say: Texts,
    page: paging.Page,
    error: MusterError | None = None,
    typed: str = "",
) -> Response:
    community = communities.get(session, community_id)
    if community.shape == "circle":
        raise ending.VoteDecides
    community_rights.check_decides(session, viewer, community)
    out, next_cursor = paging.with_next(
        page, lambda page: communities.removals_of(session, community_id=community_id, now=now, page=page)
    )
    named = named_of(session, community_id, viewer, now)
    return render.page(
        request,
        "community_followers.html",
        status_code=http_status(error) if error is not None else 200,
        viewer=viewer,
        community=head_of(session, community, viewer, now, say),
        named=named,
        out=[{"id": one.member_id, "until": one.until} for one in out],
        next_cursor=next_cursor,
        typed=typed,
        time_zone=facts.clock_of(viewer),
        sentence=None if error is None else say.gettext(error.template, **error.values),
    )
