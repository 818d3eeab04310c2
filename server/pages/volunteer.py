"""The page of a volunteer's phone: a door by its link alone, also while there is no network."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server.doors import passes, passing, volunteers, words
from server.doors.arrivals import Wanted
from server.doors.passing import Outcome
from server.errors import MusterError, http_status
from server.pages import render
from server.pages.doors import closed, names_of, new_nonce, told, what_came
from server.people import access
from server.requests import InSettings, InTransaction, Now
from server.texts import Texts

strangers = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
Token = Annotated[str, Path(max_length=200)]


@strangers.api_route("/door/{token}", methods=READ)
def show(
    request: Request,
    token: Token,
    session: InTransaction,
    now: Now,
    say: access.Say,
    typed: str = "",
) -> Response:
    """A volunteer's door."""
    return _page(request, session, token, now, say, typed=typed[:100])


@strangers.post("/door/{token}")
def let_in(
    request: Request,
    token: Token,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    nonce: Annotated[str, Form(max_length=64)],
    name: Annotated[str, Form(max_length=1000)] = "",
    member: Annotated[str, Form(max_length=64)] = "",
    code: Annotated[str, Form(max_length=1000)] = "",
    direction: Annotated[str, Form(pattern="^(in|out)$")] = "in",
) -> Response:
    """Lets somebody in, or out: by a name, somebody found, or a personal code."""
    wanted = Wanted(
        nonce=nonce,
        door_token=token,
        direction=direction,
        member_id=member or None,
        shown=None if member else code or None,
        name=None if member or code else name,
    )
    try:
        found = passing.pass_door(session, wanted, now=now, radius_m=settings.checkin.position_radius_m)
    except MusterError as refused:
        return _page(request, session, token, now, say, refused=refused)
    return _page(request, session, token, now, say, done=found)


@strangers.post("/door/{token}/undo")
def undo(
    request: Request,
    token: Token,
    session: InTransaction,
    now: Now,
    say: access.Say,
    check_in: Annotated[int, Form(ge=1, le=2**63 - 1)],
) -> Response:
    """Takes back what this door did a moment ago."""
    try:
        seen = volunteers.open_link(session, token, now)
        volunteers.undo(session, seen.door, check_in, now)
    except MusterError as refused:
        return _page(request, session, token, now, say, refused=refused)
    return RedirectResponse(f"/door/{token}", status_code=303)


def _page(
    request: Request,
    session: Session,
    token: str,
    now: Any,
    say: Texts,
    *,
    typed: str = "",
    refused: MusterError | None = None,
    done: Outcome | None = None,
) -> Response:
    try:
        seen = volunteers.open_link(session, token, now)
    except MusterError as shut:
        return closed(request, shut, say)
    name = names_of(session, seen.door, say)
    hits: list[volunteers.Hit] | None = None
    if typed:
        try:
            hits = volunteers.search(session, seen.door.event_id, typed, now)
        except volunteers.TwoLetters as short:
            refused = refused or short
    return render.page(
        request,
        "door_volunteer.html",
        status_code=200 if refused is None else http_status(refused),
        what={
            "name": name(seen.what),
            "venue_name": name(seen.venue_name),
            "time_zone": seen.time_zone,
            "closes_at": seen.closes_at,
            "searches": seen.door.event_id is not None,
        },
        action=f"/door/{token}",
        token=token,
        keys=passes.public_keys(session, now),
        nonce=new_nonce,
        typed=typed,
        hits=hits,
        recent=[
            {**one._asdict(), "marks": words.marks(one.flags, say)}
            for one in volunteers.recent(session, seen.door, now)
        ],
        says=told(refused, say),
        done=None if done is None else what_came(session, done, say),
    )
