"""Gathering face to face as pages: typing four digits, showing them, who is in; and keep or let go."""

import contextlib
import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server import fields, qr
from server.communities import service as communities
from server.doors.arrivals import Fix
from server.errors import MusterError, TooMany, http_status
from server.face_to_face import asking, coming
from server.face_to_face import digits as four
from server.face_to_face import service as gathers
from server.face_to_face.proof import Said
from server.limits.callers import InCaller
from server.pages import facts, render
from server.pages.doors import new_nonce, told
from server.people import access, cookies, guests
from server.people.model import Member
from server.requests import Id, InSettings, InTransaction, Now
from server.texts import Texts

strangers = APIRouter(include_in_schema=False)
router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
Typed = Annotated[str, Form(max_length=100)]


@strangers.api_route("/gather", methods=READ)
def show_gathering(
    request: Request,
    viewer: access.ViewerIfAny,
    session: InTransaction,
    now: Now,
    digits: str = "",
    community: str = "",
) -> Response:
    """Type four digits, or gather here."""
    return _start(request, session, viewer, now, {"digits": digits[:12], "community": community[:64]})


@strangers.post("/gather")
def gather(
    request: Request,
    viewer: access.ViewerIfAny,
    caller: InCaller,
    session: InTransaction,
    settings: InSettings,
    say: access.Say,
    name: Annotated[str, Form(max_length=1000)] = "",
    guest: Annotated[str, Form(max_length=1000)] = "",
    community: Annotated[str, Form(max_length=64)] = "",
    door: Annotated[str, Form(max_length=40)] = "",
    fix: Typed = "",
    taken_at: Typed = "",
    sent_at: Typed = "",
    nonce: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Gives four digits where she is."""
    try:
        found = coming.gather(
            session,
            caller,
            said=_said(door, fix, taken_at, sent_at),
            member=viewer,
            name=name,
            community_id=community or None,
            guest_name=guest,
            nonce=nonce or None,
            say=say,
        )
    except MusterError as refused:
        typed = {"name": name, "guest": guest, "community": community, "here_door": door}
        return _start(request, session, viewer, caller.now, typed, refused, say)
    return _to(request, session, settings, found, caller.now)


@strangers.post("/gather/join")
def join(
    request: Request,
    viewer: access.ViewerIfAny,
    caller: InCaller,
    session: InTransaction,
    settings: InSettings,
    say: access.Say,
    digits: Annotated[str, Form(max_length=100)] = "",
    guest: Annotated[str, Form(max_length=1000)] = "",
    door: Annotated[str, Form(max_length=40)] = "",
    fix: Typed = "",
    taken_at: Typed = "",
    sent_at: Typed = "",
    nonce: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Comes in by four digits."""
    try:
        found = coming.join(
            session,
            caller,
            typed=digits,
            said=_said(door, fix, taken_at, sent_at),
            member=viewer,
            name=guest,
            nonce=nonce or None,
            language=say.language,
        )
    except MusterError as refused:
        typed = {"digits": digits[:12], "guest": guest, "door": door}
        return _start(request, session, viewer, caller.now, typed, refused, say)
    return _to(request, session, settings, found, caller.now)


@router.api_route("/gather/{gather_id}", methods=READ)
def show_here(
    request: Request,
    gather_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
) -> Response:
    """The digits, how many are in, and for how long; once it is over, the circle."""
    try:
        found = gathers.look(session, gather_id=gather_id, member_id=viewer.id, now=now)
    except gathers.GatherUnknown as over:
        return render.page(
            request,
            "gather_over.html",
            status_code=http_status(over),
            viewer=viewer,
        )
    mine = found.founder_id == viewer.id
    address = f"{settings.server.url}/gather?digits={found.digits}"
    open_now = found.ends_at > now
    return render.page(
        request,
        "gather_here.html",
        viewer=viewer,
        id=found.id,
        name=found.name,
        digits=found.digits if open_now else None,
        picture=qr.svg(address, label=say.gettext("The four digits as a picture")) if open_now else "",
        ends_at=found.ends_at,
        minutes=max(1, round((found.ends_at - now).total_seconds() / 60)),
        now=now,
        count=gathers.count_in(session, found.id),
        community=found.community_id,
        mine=mine,
        people=gathers.people_in(session, found.id) if mine else [],
        nameless=guests.is_placeholder(viewer),
    )


@router.post("/gather/{gather_id}/end")
def end(gather_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> Response:
    """Ends it before its time."""
    with contextlib.suppress(gathers.GatherUnknown):  # two taps are as one
        gathers.end(session, gather_id=gather_id, by_id=viewer.id, now=now)
    return RedirectResponse(f"/gather/{gather_id}", status_code=303)


@router.post("/gather/{gather_id}/out")
def take_out(
    gather_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    member: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Takes somebody out, or oneself."""
    with contextlib.suppress(gathers.GatherUnknown):
        gathers.take_out(session, gather_id=gather_id, member_id=member or viewer.id, by_id=viewer.id, now=now)
    return RedirectResponse(f"/gather/{gather_id}" if member else "/gather", status_code=303)


@router.api_route("/communities/{community_id}/keep", methods=READ)
def show_keeping(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
) -> Response:
    """Keep or let go: one tap each."""
    name, asked = "", None
    try:
        asked = asking.question(session, community_id=community_id, member_id=viewer.id, now=now)
    except (asking.NothingAsked, communities.CommunityUnknown):
        with contextlib.suppress(communities.CommunityUnknown):
            name = communities.get(session, community_id).name
    return render.page(
        request,
        "keep.html",
        viewer=viewer,
        id=community_id,
        name=name,
        asked=asked,
        time_zone=facts.clock_of(viewer),
    )


@router.post("/communities/{community_id}/keep")
def answer(
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    keep: Annotated[Literal["yes", "no"], Form()],
) -> Response:
    """Takes her answer."""
    with contextlib.suppress(asking.NothingAsked):
        asking.answer(session, community_id=community_id, member_id=viewer.id, keep=keep == "yes", now=now)
    return RedirectResponse(f"/communities/{community_id}/keep", status_code=303)


def _to(request: Request, session: Session, settings: InSettings, found: gathers.Joined, now: dt.datetime) -> Response:
    response = RedirectResponse(f"/gather/{found.gather.id}", status_code=303)
    if found.sign_in:
        cookies.enter(request, response, session, settings, member_id=found.member_id, how="name", now=now)
    return response


def _start(
    request: Request,
    session: Session,
    viewer: Member | None,
    now: dt.datetime,
    typed: dict[str, str],
    refused: MusterError | None = None,
    say: Texts | None = None,
) -> Response:
    mine = [] if viewer is None else communities.communities_of(session, member_id=viewer.id)
    live = None if viewer is None else gathers.live_of(session, founder_id=viewer.id, now=now)
    empty = {"digits": "", "community": "", "name": "", "guest": "", "door": "", "here_door": ""}
    response = render.page(
        request,
        "gather.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        typed={**empty, **typed},
        digits=four.LENGTH,
        mine=[{"id": one.id, "name": one.name} for one in mine],
        live=None if live is None else live.id,
        nonces=(new_nonce(), new_nonce()),
        says=None if say is None else told(refused, say),
    )
    if isinstance(refused, TooMany):
        response.headers["Retry-After"] = str(refused.retry_after_s)
    return response


def _said(door: str, fix: str, taken_at: str, sent_at: str) -> Said:
    """What the form says of where she is; fix: longitude, latitude and metres, as the page's script writes them."""
    found = None
    with contextlib.suppress(ValueError):
        lon, lat, accuracy_m = (float(part) for part in fix.split(","))
        found = Fix(lon, lat, accuracy_m, _moment(taken_at))
    return Said(door.strip() or None, found, _moment(sent_at))


def _moment(typed: str) -> dt.datetime | None:
    with contextlib.suppress(ValueError):
        return fields.read_moment(typed)
    return None
