"""The pages of moving: who comes along and what travels, taking the file, and opening one that came from elsewhere."""

import datetime as dt
import io
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Request, UploadFile
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server.communities import service as communities
from server.errors import MusterError, http_status
from server.governance import votes
from server.moving import archive, arriving, asking
from server.pages import facts, render
from server.pages.communities import READ, head_of
from server.people import access
from server.people.model import Member
from server.requests import Id, InTransaction, Now
from server.texts import Texts

router = APIRouter(include_in_schema=False)


@router.api_route("/communities/{community_id}/move", methods=READ)
def show_move(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """Come along? And for who decides: asking, and the file."""
    return _page(request, community_id, viewer, session, now, say)


@router.post("/communities/{community_id}/move")
def act_on_move(
    request: Request,
    community_id: Id,
    viewer: access.Account,
    session: InTransaction,
    now: Now,
    say: access.Say,
    act: Annotated[Literal["ask", "come", "stay"], Form()],
) -> Response:
    """Asks everybody, or answers."""
    try:
        with session.begin_nested():
            if act == "ask":
                asking.ask(session, viewer=viewer, community_id=community_id, now=now)
            else:
                asking.answer(session, viewer=viewer, community_id=community_id, come=act == "come", now=now)
    except MusterError as error:
        return _page(request, community_id, viewer, session, now, say, error)
    return RedirectResponse(f"/communities/{community_id}/move", status_code=303)


@router.api_route("/operator/arrivals", methods=READ)
def show_arrivals(request: Request, operator: access.Operator) -> Response:
    """Opens a community that left another server."""
    return _arrivals(request, operator)


@router.post("/operator/arrivals")
def act_on_arrivals(
    request: Request,
    operator: access.Operator,
    session: InTransaction,
    now: Now,
    say: access.Say,
    act: Annotated[Literal["look", "open"], Form()],
    file: Annotated[UploadFile | None, File()] = None,
    host: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Says what a file would bring, or brings it."""
    data = b"" if file is None else file.file.read()
    try:
        inside = session.begin_nested()
        read = archive.read(io.BytesIO(data))
        taken = arriving.take(session, read, host_id=host.strip() or None, by=operator.id, now=now)
    except MusterError as error:
        inside.rollback()
        return _arrivals(request, operator, error=error, say=say, host=host)
    if act == "look":
        inside.rollback()
    return _arrivals(request, operator, taken=taken, looked=act == "look", host=host)


def _arrivals(
    request: Request,
    operator: Member,
    *,
    taken: arriving.Taken | None = None,
    looked: bool = False,
    host: str = "",
    error: MusterError | None = None,
    say: Texts | None = None,
) -> Response:
    return render.page(
        request,
        "arrivals.html",
        status_code=200 if error is None else http_status(error),
        viewer=operator,
        taken=taken,
        looked=looked,
        host=host,
        sentence=None if error is None or say is None else say.gettext(error.template, **error.values),
    )


def _page(
    request: Request,
    community_id: str,
    viewer: Member,
    session: Session,
    now: dt.datetime,
    say: Texts,
    error: MusterError | None = None,
) -> Response:
    community = communities.get(session, community_id)
    head = head_of(session, community, viewer, now, say)
    if not head["member"] and not head["decides"]:
        raise asking.MembersMove
    try:
        asked = asking.look(session, viewer=viewer, community_id=community_id)
    except asking.NobodyAsked:
        asked = None
    takes = head["decides"] if community.shape == "house" else viewer.id in votes.voters_of(session, community_id, now)
    return render.page(
        request,
        "community_move.html",
        status_code=200 if error is None else http_status(error),
        viewer=viewer,
        community=head,
        asked=asked,
        open_now=asked is not None and now < asked.until,
        takes=bool(takes) and community.dissolved_at is None,
        address=None if viewer.guest else viewer.email,
        time_zone=facts.clock_of(viewer),
        sentence=None if error is None else say.gettext(error.template, **error.values),
    )
