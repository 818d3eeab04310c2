"""The pages of who comes: a door's code, the receipt, waiting for the host, one's own code, and the door's screen."""

import datetime as dt
import secrets
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server import qr
from server.checkins import rights as checkins_rights
from server.checkins import service as checkins
from server.checkins import words as checkin_words
from server.doors import asks, codes, passes, passing, places, receipts, refusals, words
from server.doors import schema as doors_schema
from server.doors import service as doors
from server.doors.arrivals import Wanted
from server.doors.model import Door
from server.doors.passing import Outcome
from server.errors import MusterError, Refused, TooMany, http_status
from server.events import service as events
from server.limits import service as limits
from server.limits.callers import InCaller
from server.pages import facts, morning_card, render
from server.pages.facts import Fact
from server.people import access, cookies
from server.people import service as people
from server.people.model import Member
from server.presence.schema import local_time
from server.requests import InSettings, InTransaction, Now, Number
from server.texts import Texts

strangers = APIRouter(include_in_schema=False)
router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
InPath = Annotated[str, Path(max_length=500)]


class NotYourCheckIn(Refused):
    """Only whose it is and the event's host see this receipt."""

    code = "not_your_check_in"


@strangers.api_route("/d", methods=READ)
def show_typing(request: Request, viewer: access.ViewerIfAny, code: str = "") -> Response:
    """Typing the six signs of a door."""
    if (known := codes.read(code)) is not None:
        return RedirectResponse(f"/d/{known}", status_code=303)
    return _typing(request, viewer, code, None)


@strangers.api_route("/d/{code}", methods=READ)
def show_door(
    request: Request,
    code: InPath,
    viewer: access.ViewerIfAny,
    caller: InCaller,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """What scanning a door's code opens: one button, or one field and one button."""
    try:
        with limits.guessing(session, caller, "door code", refusals.CodeUnknown):
            seen = doors.by_code(session, code, now)
    except MusterError as refused:
        return _typing(request, viewer, code, refused, say)
    door = seen.door
    ticket = "" if door.secret is None else codes.ticket(door.secret, door.id, now.timestamp())
    given = {"code": door.code or "", "ticket": ticket}
    return _door(request, session, viewer, seen, given, None, now, say)


@strangers.post("/d")
def come(
    request: Request,
    viewer: access.ViewerIfAny,
    caller: InCaller,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    nonce: Annotated[str, Form(max_length=64)],
    code: Annotated[str, Form(max_length=40)] = "",
    ticket: Annotated[str, Form(max_length=100)] = "",
    name: Annotated[str, Form(max_length=1000)] = "",
    direction: Annotated[str, Form(pattern="^(in|out)$")] = "in",
    other: Annotated[str, Form(max_length=1)] = "",
) -> Response:
    """Comes in: to the receipt, to waiting for the host, or back with what is in the way."""
    asks_as = None if other else viewer
    wanted = Wanted(
        nonce=nonce,
        asks=asks_as,
        direction=direction,
        code=code or None,
        ticket=None if code else ticket,
        name=name if asks_as is None else None,
    )
    try:
        with limits.guessing(session, caller, "door code", refusals.CodeUnknown):
            found = passing.pass_door(session, wanted, now=now, radius_m=settings.checkin.position_radius_m)
    except MusterError as refused:
        try:
            seen = doors.by_code(session, code, now) if code else doors.by_ticket(session, ticket, now)
        except MusterError:
            return _typing(request, viewer, code, refused, say)
        given = {"code": code, "ticket": ticket, "name": name}
        return _door(request, session, viewer, seen, given, refused, now, say)
    if asks_as is None and viewer is not None:
        # Whose phone it is stays signed in; who came in beside her has no page of her own on it.
        # By its number: a retry is answered as the first time, also when a screen's ticket has ended since.
        seen = (
            doors.by_code(session, code, now)
            if code
            else doors.see(session, doors.get(session, codes.door_of(ticket) or 0))
        )
        given = {"code": code, "ticket": ticket}
        return _door(request, session, viewer, seen, given, None, now, say, found)
    to = f"/asks/{found.ask_id}" if found.checkin_id is None else f"/check-ins/{found.checkin_id}"
    response = RedirectResponse(to, status_code=303)
    if found.sign_in:
        cookies.enter(request, response, session, settings, member_id=found.member_id, how="name", now=now)
    return response


@router.api_route("/check-ins/{checkin_id}", methods=READ)
def show_receipt(
    request: Request,
    checkin_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """The receipt: when, where, by what, how sure, and one tap to say that it was somebody else."""
    found = receipts.load(session, checkin_id)
    name = facts.naming(session, say, event_id=found.event_id, venue_id=found.venue_id)
    hers = found.member_id == viewer.id
    if not hers and (
        found.event_id is None or not checkins_rights.organizes(session, member=viewer, event_id=found.event_id)
    ):
        raise NotYourCheckIn
    asks_to_remember = (
        hers
        and found.event_id is None
        and found.undone_at is None
        and not checkins.was_asked(session, member_id=viewer.id, venue_id=found.venue_id)
    )
    return render.page(
        request,
        "door_receipt.html",
        viewer=viewer,
        receipt=found._replace(
            event_name=found.event_name and name(found.event_name),
            venue_name=name(found.venue_name),
            zone=found.zone and name(found.zone),
        ),
        hers=hers,
        late=checkin_words.late(found.at, found.recorded_at, found.replayed, say),
        sure=words.how_sure(found.evidence, say),
        by=words.by(found.evidence, say),
        marks=words.marks(found.flags, say),
        remember=asks_to_remember,
        morning=morning_card.card(session, events.get(session, found.event_id), viewer, now)
        if hers and found.event_id is not None and found.undone_at is None
        else None,
    )


@router.post("/check-ins/{checkin_id}/undo")
def undo(checkin_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> Response:
    """That wasn't me."""
    found = receipts.load(session, checkin_id)
    hosts = found.event_id is not None and checkins_rights.organizes(session, member=viewer, event_id=found.event_id)
    if found.member_id != viewer.id and not hosts:
        raise NotYourCheckIn
    if found.undone_at is None:
        checkins.undo(session, checkin_id=checkin_id, now=now, by=viewer.id)
    return RedirectResponse(f"/check-ins/{checkin_id}", status_code=303)


@router.post("/check-ins/{checkin_id}/remember")
def remember(
    checkin_id: Number, viewer: access.Viewer, session: InTransaction, now: Now, answer: Annotated[str, Form()]
) -> Response:
    """Whether her visits to that venue are remembered from now on."""
    found = receipts.load(session, checkin_id)
    if found.member_id != viewer.id:
        raise NotYourCheckIn
    act = checkins.remember if answer == "yes" else checkins.decline
    act(session, member_id=viewer.id, venue_id=found.venue_id, now=now)
    return RedirectResponse(f"/check-ins/{checkin_id}", status_code=303)


@router.api_route("/asks/{ask_id}", methods=READ)
def show_ask(
    request: Request,
    ask_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """Waiting for the host; the page turns by itself once she has answered."""
    row = asks.get(session, ask_id, now)
    if row.member_id != viewer.id:
        raise asks.NoSuchAsk
    if row.checkin_id is not None:
        return RedirectResponse(f"/check-ins/{row.checkin_id}", status_code=303)
    name = facts.naming(session, say, event_id=row.event_id)
    return render.page(
        request,
        "door_ask.html",
        viewer=viewer,
        ask=row._replace(event_name=name(row.event_name), host_name=name(row.host_name)),
        live=True,
    )


@router.api_route("/me/pass", methods=READ)
def show_pass(
    request: Request, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now, say: access.Say
) -> Response:
    """One's personal code, as a picture that a door scans; good without a network once it is shown."""
    token, expires_at = passes.make(session, member_id=viewer.id, name=viewer.name, now=now)
    address = f"{settings.server.url}/q/{token}"
    picture = qr.svg(address, label=say.gettext("Your personal code"))
    return render.page(
        request,
        "door_pass.html",
        viewer=viewer,
        picture=picture,
        expires_at=expires_at,
        time_zone=facts.clock_of(viewer),
    )


@strangers.api_route("/q/{token}", methods=READ)
def show_shown_pass(request: Request, token: InPath, viewer: access.ViewerIfAny) -> Response:
    """What somebody else's personal code opens when it is scanned by any camera: whose it is stays with the doors."""
    del token
    return render.page(
        request,
        "door_shown.html",
        viewer=viewer,
    )


@strangers.api_route("/screen/{token}", methods=READ)
def show_screen(
    request: Request, token: InPath, session: InTransaction, settings: InSettings, now: Now, say: access.Say
) -> Response:
    """The tablet at the door: a code that changes every 30 seconds, without an account."""
    try:
        seen = doors.open_screen(session, token, now)
    except MusterError as refused:
        return closed(request, refused, say)
    shown = doors_schema.show_screen(seen, settings.server.url, now)
    return render.page(
        request,
        "door_screen.html",
        what=_what(session, seen, say),
        screen=shown,
        left_s=max(1, round((shown.until - now).total_seconds())),
        data_url=f"/api/screens/{token}",
        host=settings.server.url.partition("://")[2],
    )


def told(refused: MusterError | None, say: Texts) -> str | None:
    """What is in the way, in the reader's language."""
    if refused is None:
        return None
    return say.gettext(refused.template, **refused.values) if refused.values else say.gettext(refused.template)


def what_came(session: Session, done: Outcome, say: Texts) -> dict[str, Any]:
    """What somebody at a door is told of another whom she let in, and whether it went well."""
    name = people.get(session, done.member_id).name
    sentences = {
        "in": say.gettext("%(name)s is in.", name=name),
        "already": say.gettext(
            "%(name)s was in already, since %(time)s.", name=name, time=local_time(done.at, done.time_zone)
        ),
        "out": say.gettext("%(name)s is out.", name=name),
        "asked": say.gettext("The host has been asked about %(name)s.", name=name),
    }
    return {"says": sentences[done.result], "well": done.result in ("in", "out")}


def new_nonce() -> str:
    """A number for one tap."""
    return secrets.token_hex(16)


def names_of(session: Session, door: Door, say: Texts) -> Callable[[str], str]:
    """Says the names of what a door leads to."""
    return facts.naming(session, say, event_id=door.event_id, venue_id=door.venue_id)


def _what(session: Session, seen: doors.Seen, say: Texts) -> Fact:
    """What a door leads to, as its pages head it."""
    name = names_of(session, seen.door, say)
    found: Fact = {
        "name": name(seen.what),
        "venue_name": None if seen.event_name is None else name(seen.venue_name),
        "time_zone": seen.time_zone,
        "starts_at": None,
        "ends_at": None,
        "is_event": seen.event_name is not None,
    }
    if seen.door.event_id is not None:
        rooms = places.behind(session, seen.door.event_id).rooms
        room = next((one for one in rooms if one.step_id == seen.door.step_id), rooms[0])
        found |= {"starts_at": room.starts_at, "ends_at": rooms[-1].ends_at, "venue_name": name(room.venue_name)}
    return found


def _door(
    request: Request,
    session: Session,
    viewer: Member | None,
    seen: doors.Seen,
    given: dict[str, Any],
    refused: MusterError | None,
    now: dt.datetime,
    say: Texts,
    done: Outcome | None = None,
) -> Response:
    inside = None if viewer is None else passing.inside(session, seen.door, viewer.id, now)
    return render.page(
        request,
        "door_in.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        what=_what(session, seen, say),
        given={"name": "", **given},
        nonces=[new_nonce(), new_nonce(), new_nonce()],
        inside=inside,
        says=told(refused, say),
        done=None if done is None else what_came(session, done, say)["says"],
    )


def _typing(
    request: Request,
    viewer: Member | None,
    code: str,
    refused: MusterError | None,
    say: Texts | None = None,
) -> Response:
    response = render.page(
        request,
        "door_type.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        code=code[:12],
        says=None if say is None else told(refused, say),
    )
    if isinstance(refused, TooMany):
        response.headers["Retry-After"] = str(refused.retry_after_s)
    return response


def closed(request: Request, refused: MusterError, say: Texts) -> Response:
    return render.page(
        request,
        "door_closed.html",
        status_code=http_status(refused),
        says=told(refused, say),
    )
