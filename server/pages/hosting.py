"""The host's pages: her event's doors, who asks at them, who came last, letting in by hand; and posters to print."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from config.settings import Settings
from server import qr
from server.checkins import rights as checkins_rights
from server.consent import reading
from server.doors import asks, codes, passing, places, receipts, rights, volunteers, words
from server.doors import schema as doors_schema
from server.doors import service as doors
from server.doors.arrivals import Wanted
from server.doors.model import Door
from server.errors import Invalid, MusterError, http_status
from server.events import service as events
from server.events import signups
from server.pages import facts, render
from server.pages.doors import names_of, new_nonce, told
from server.pages.facts import Fact
from server.people import access
from server.people.model import Member
from server.requests import Id, InSettings, InTransaction, Now, Number
from server.texts import Texts
from server.venues import service as venues

router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
LAST_SHOWN = 30  # an evening's last half hour; all of them are in the list of check-ins
CAPACITY_SIGNS = 7
KINDS = ("poster", "screen", "volunteer")


class NoNumber(Invalid):
    """Places are a number, or nothing where there is no bound."""

    code = "no_number"


@router.api_route("/events/{event_id}/doors", methods=READ)
def show_event_doors(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    typed: str = "",
) -> Response:
    """The host's screen at the door."""
    rights.check_makes(session, member=viewer, event_id=event_id)
    return _host(request, session, viewer, event_id, now, say, typed=typed[:100])


@router.post("/events/{event_id}/doors")
def make_event_door(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    kind: Annotated[str, Form(pattern="^(poster|screen|volunteer)$")],
    name: Annotated[str, Form(max_length=1000)] = "",
    step: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Makes a door; a link is shown this once."""
    rights.check_makes(session, member=viewer, event_id=event_id)
    made = doors.make(
        session,
        kind=kind,
        name=name.strip() or _default_name(kind, say),
        event_id=event_id,
        step_id=step or None,
        now=now,
        made_by=viewer.id,
    )
    return _made(request, session, settings, viewer, made, f"/events/{event_id}/doors", say)


@router.api_route("/venues/{venue_id}/doors", methods=READ)
def show_venue_doors(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    say: access.Say,
) -> Response:
    """A venue's own doors."""
    rights.check_makes(session, member=viewer, venue_id=venue_id)
    venue = venues.get(session, venue_id)
    return render.page(
        request,
        "host_venue.html",
        viewer=viewer,
        venue={"id": venue.id, "name": say.name(venue.name, venue.simulated), "time_zone": venue.time_zone},
        doors=_doors(session, doors.open_doors(session, venue_id=venue_id)),
    )


@router.post("/venues/{venue_id}/doors")
def make_venue_door(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    kind: Annotated[str, Form(pattern="^(poster|screen|volunteer)$")],
    name: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Makes a door of a venue; a link is shown this once."""
    rights.check_makes(session, member=viewer, venue_id=venue_id)
    shown = name.strip() or _default_name(kind, say)
    made = doors.make(session, kind=kind, name=shown, venue_id=venue_id, now=now, made_by=viewer.id)
    return _made(request, session, settings, viewer, made, f"/venues/{venue_id}/doors", say)


@router.post("/doors/{door_id}/revoke")
def revoke(door_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> Response:
    """Closes a door at once."""
    door = doors.get(session, door_id)
    rights.check_makes(session, member=viewer, event_id=door.event_id, venue_id=door.venue_id)
    doors.revoke(session, door_id=door_id, now=now, by=viewer.id)
    return RedirectResponse(_back(door), status_code=303)


@router.api_route("/doors/{door_id}/print", methods=READ)
def show_poster(
    request: Request,
    door_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    say: access.Say,
) -> Response:
    """A poster to print: a large code, six signs, what and where."""
    door = doors.get(session, door_id)
    rights.check_makes(session, member=viewer, event_id=door.event_id, venue_id=door.venue_id)
    if door.code is None:
        raise doors.NoSuchDoor
    seen = doors.see(session, door)
    room = None if door.event_id is None else _room(session, door)
    name = names_of(session, door, say)
    return render.page(
        request,
        "host_poster.html",
        viewer=viewer,
        what=name(seen.what),
        venue_name=name(seen.venue_name),
        is_event=seen.event_name is not None,
        room=room,
        time_zone=seen.time_zone,
        code=codes.show(door.code),
        picture=qr.svg(f"{settings.server.url}/d/{door.code}", label=say.gettext("Door code")),
        address=f"{settings.server.url.partition('://')[2]}/d",
        back=_back(door),
    )


@router.post("/asks/{ask_id}/answer")
def answer(
    request: Request,
    ask_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    answer: Annotated[str, Form(pattern="^(yes|no)$")],
) -> Response:
    """The host's yes or no."""
    event_id = asks.get(session, ask_id, now).event_id
    rights.check_lets_in(session, member=viewer, event_id=event_id)
    try:
        asks.answer(session, ask_id=ask_id, yes=answer == "yes", now=now, by=viewer.id)
    except MusterError as refused:
        return _host(request, session, viewer, event_id, now, say, refused=refused)
    return RedirectResponse(f"/events/{event_id}/doors", status_code=303)


@router.post("/events/{event_id}/let-in")
def let_in(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    nonce: Annotated[str, Form(max_length=64)],
    name: Annotated[str, Form(max_length=1000)] = "",
    member: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Lets somebody in by hand."""
    wanted = Wanted(
        nonce=nonce, asks=viewer, event_id=event_id, member_id=member or None, name=None if member else name
    )
    try:
        passing.pass_door(session, wanted, now=now, radius_m=settings.checkin.position_radius_m)
    except MusterError as refused:
        rights.check_makes(session, member=viewer, event_id=event_id)
        return _host(request, session, viewer, event_id, now, say, refused=refused)
    return RedirectResponse(f"/events/{event_id}/doors", status_code=303)


@router.post("/events/{event_id}/entry")
def change_entry(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    approval: Annotated[str, Form(max_length=1)] = "",
    step: Annotated[list[str], Form(max_length=events.MAX_STEPS)] = [],  # noqa: B006 -- FastAPI copies it
    capacity: Annotated[list[str], Form(max_length=events.MAX_STEPS)] = [],  # noqa: B006
) -> Response:
    """Whether the host is asked about who did not sign up, and how many places each step has (empty: no bound)."""
    rights.check_makes(session, member=viewer, event_id=event_id)
    typed = dict(zip(step, capacity, strict=False))
    try:
        with session.begin_nested():
            capacities = {step_id: _capacity(places) for step_id, places in typed.items()}
            signups.set_entry(session, event_id=event_id, approval=bool(approval), capacities=capacities, now=now)
    except MusterError as refused:
        entry = (bool(approval), typed)
        return _host(request, session, viewer, event_id, now, say, entry=entry, refused=refused)
    return RedirectResponse(f"/events/{event_id}/doors", status_code=303)


def _capacity(typed: str) -> int | None:
    plain = typed.strip()
    if plain and not (plain.isdecimal() and len(plain) <= CAPACITY_SIGNS):
        raise NoNumber
    return int(plain) if plain else None


def _host(
    request: Request,
    session: Session,
    viewer: Member,
    event_id: str,
    now: Any,
    say: Texts,
    *,
    typed: str = "",
    entry: tuple[bool, dict[str, str]] | None = None,
    refused: MusterError | None = None,
) -> Response:
    """entry: what was typed of who may come in, where it is not so: (the host is asked, places by step)."""
    event = events.get(session, event_id)
    behind = places.behind(session, event_id)
    # Operators make doors; who stands at them is the host's to see.
    names = checkins_rights.organizes(session, member=viewer, event_id=event_id)
    inside = places.inside(session, event_id)
    name = facts.naming(session, say, event_id=event_id)
    hits: list[volunteers.Hit] | None = None
    if names and typed:
        try:
            hits = volunteers.search(session, event_id, typed, now)
        except volunteers.TwoLetters as short:
            refused = refused or short
    last = receipts.last_of(session, event_id, LAST_SHOWN) if names else []
    came = {row.member_id for row in last if row.member_id is not None}
    named = reading.named_to_host(session, event_id=event_id, member_ids=came, now=now)
    return render.page(
        request,
        "host_event.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        event={
            "id": event.id,
            "name": name(event.name),
            "approval": event.approval if entry is None else entry[0],
            "owns": event.organizer_id == viewer.id or viewer.operator,
        },
        rooms=[
            {
                **room._asdict(),
                "name": name(room.name),
                "inside": inside.get(room.step_id, 0),
                "typed": str(room.capacity or "") if entry is None else entry[1].get(room.step_id, ""),
            }
            for room in behind.rooms
        ],
        time_zone=behind.rooms[0].time_zone,
        doors=_doors(session, doors.open_doors(session, event_id=event_id)),
        names=names,
        asks=asks.of_event(session, event_id=event_id, now=now) if names else [],
        last=[_entry(row, row.member_id in named, say) for row in last],
        typed=typed,
        hits=hits,
        nonce=new_nonce(),
        says=told(refused, say),
        live_url=f"/api/live?topic=event/{event_id}",
    )


def _entry(row: receipts.Entry, named: bool, say: Texts) -> Fact:
    shown = row if named else row._replace(name=None)
    return {**shown._asdict(), "by": words.by(row.evidence, say), "marks": words.marks(row.flags, say)}


def _doors(session: Session, found: list[Door]) -> list[Fact]:
    shown = []
    for door in found:
        seen = doors.see(session, door)
        shown.append(
            {
                "id": door.id,
                "kind": door.kind,
                "name": door.name,
                "code": None if door.code is None else codes.show(door.code),
                "closes_at": seen.closes_at,
                "time_zone": seen.time_zone,
            }
        )
    return shown


def _made(
    request: Request, session: Session, settings: Settings, viewer: Member, made: doors.Made, back: str, say: Texts
) -> Response:
    if made.token is None:
        return RedirectResponse(f"/doors/{made.door.id}/print", status_code=303)
    address = doors_schema.link(made.door.kind, settings.server.url, made.token)
    seen = doors.see(session, made.door)
    return render.page(
        request,
        "host_link.html",
        viewer=viewer,
        kind=made.door.kind,
        what=names_of(session, made.door, say)(seen.what),
        closes_at=seen.closes_at,
        time_zone=seen.time_zone,
        address=address,
        picture=qr.svg(address, label=say.gettext("The door's link")),
        back=back,
    )


def _default_name(kind: str, say: Texts) -> str:
    return {
        "poster": say.gettext("Poster"),
        "screen": say.gettext("Screen"),
        "volunteer": say.gettext("A volunteer's phone"),
    }[kind]


def _room(session: Session, door: Door) -> places.Room:
    rooms = places.behind(session, door.event_id or "").rooms
    return next((room for room in rooms if room.step_id == door.step_id), rooms[0])


def _back(door: Door) -> str:
    return f"/events/{door.event_id}/doors" if door.event_id is not None else f"/venues/{door.venue_id}/doors"
