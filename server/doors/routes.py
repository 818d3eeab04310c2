"""Doors over HTTP: coming in by any of them, making and closing them, and the host's yes or no."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy.orm import Session

from config.settings import Settings
from server import times, versions
from server.checkins import service as checkins
from server.doors import asks, passes, passing, refusals, rights, schema, volunteers
from server.doors import service as doors
from server.events import signups
from server.limits import service as limits
from server.limits.callers import InCaller
from server.people import access, cookies
from server.people.model import Member
from server.requests import Id, InPage, InSettings, InTransaction, Now, Number

strangers = APIRouter(prefix="/api", tags=["doors"])
router = APIRouter(prefix="/api", tags=["doors"])

InPath = Annotated[str, Path(max_length=200)]


@strangers.post("/check-ins")
def check_in(
    wanted: schema.CheckIn,
    request: Request,
    response: Response,
    viewer: access.ViewerIfAny,
    caller: InCaller,
    session: InTransaction,
    settings: InSettings,
    now: Now,
) -> schema.CheckInDone:
    """Comes in, or goes out, by a door: one's own by a code or a position, others' at a volunteer's or a host's hand.

    Who is not known on this phone says a name, and is signed in on it as a guest. The same nonce is answered as the
    first time. 202: the host is asked.
    """
    with limits.guessing(session, caller, "door code", refusals.CodeUnknown):
        found = passing.pass_door(
            session, schema.read(wanted, viewer), now=now, radius_m=settings.checkin.position_radius_m
        )
    if found.sign_in:
        cookies.enter(request, response, session, settings, member_id=found.member_id, how="name", now=now)
    if found.result == "asked":
        response.status_code = 202
    return schema.show(found)


@strangers.post("/doors/search")
def search(wanted: schema.Search, session: InTransaction, now: Now) -> list[schema.HitOut]:
    """Who of a volunteer's event has a name that begins with two typed letters or more; eight at most."""
    seen = volunteers.open_link(session, wanted.door, now)
    return [schema.show_hit(hit) for hit in volunteers.search(session, seen.door.event_id, wanted.typed, now)]


@strangers.post("/doors/undo", status_code=204)
def undo_at_door(wanted: schema.UndoAtDoor, session: InTransaction, now: Now) -> None:
    """Takes back what a volunteer's door did within the last ten minutes."""
    seen = volunteers.open_link(session, wanted.door, now)
    volunteers.undo(session, seen.door, wanted.check_in, now)


@strangers.get("/screens/{token}")
def get_screen(token: InPath, session: InTransaction, settings: InSettings, now: Now) -> schema.ScreenOut:
    """What a door's screen shows now; for the tablet that has its link."""
    return schema.show_screen(doors.open_screen(session, token, now), settings.server.url, now)


@router.get("/events/{event_id}/doors")
def list_event_doors(
    event_id: Id, viewer: access.Viewer, session: InTransaction, settings: InSettings
) -> list[schema.DoorOut]:
    """The open doors of an event, the oldest first; for its hosts."""
    return _list(session, settings, viewer, event_id=event_id)


@router.get("/venues/{venue_id}/doors")
def list_venue_doors(
    venue_id: Id, viewer: access.Viewer, session: InTransaction, settings: InSettings
) -> list[schema.DoorOut]:
    """The open doors of a venue, the oldest first; for who keeps it."""
    return _list(session, settings, viewer, venue_id=venue_id)


@router.post("/events/{event_id}/doors", status_code=201)
def make_event_door(
    event_id: Id,
    wanted: schema.NewDoor,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
) -> schema.DoorOut:
    """Makes a door of an event; the link of a screen or a volunteer is shown this once."""
    return _make(session, settings, viewer, wanted, now, event_id=event_id)


@router.post("/venues/{venue_id}/doors", status_code=201)
def make_venue_door(
    venue_id: Id,
    wanted: schema.NewDoor,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
) -> schema.DoorOut:
    """Makes a door of a venue; the link of a screen or a volunteer is shown this once."""
    return _make(session, settings, viewer, wanted, now, venue_id=venue_id)


@router.delete("/doors/{door_id}", status_code=204)
def revoke_door(door_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Closes a door at once; what it let in stays."""
    door = doors.get(session, door_id)
    rights.check_makes(session, member=viewer, event_id=door.event_id, venue_id=door.venue_id)
    doors.revoke(session, door_id=door_id, now=now, by=viewer.id)


@router.get("/events/{event_id}/asks")
def list_asks(
    event_id: Id, viewer: access.Viewer, session: InTransaction, page: InPage, now: Now
) -> list[schema.AskOut]:
    """Who waits at a door for the host's answer, the longest first; for the event's hosts."""
    rights.check_lets_in(session, member=viewer, event_id=event_id)
    waiting = asks.of_event(session, event_id=event_id, now=now)
    return [schema.show_ask(row) for row in page.sort(waiting, "asks", lambda row: (times.to_ms(row.asked_at), row.id))]


@router.get("/asks/{ask_id}")
def get_ask(ask_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.AskOut:
    """What became of one's own ask."""
    row = asks.get(session, ask_id, now)
    if row.member_id != viewer.id:
        rights.check_lets_in(session, member=viewer, event_id=row.event_id)
    return schema.show_ask(row)


@router.post("/asks/{ask_id}/answer")
def answer_ask(
    ask_id: Number, wanted: schema.Answer, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.AskOut:
    """Lets somebody in, or not; for the event's hosts. Of two answers at one moment the first counts."""
    rights.check_lets_in(session, member=viewer, event_id=asks.get(session, ask_id, now).event_id)
    return schema.show_ask(asks.answer(session, ask_id=ask_id, yes=wanted.answer == "yes", now=now, by=viewer.id))


@router.patch("/events/{event_id}/entry", status_code=204)
def change_entry(
    event_id: Id, wanted: schema.Entry, response: Response, viewer: access.Viewer, session: InTransaction, now: Now
) -> None:
    """Says whether the host is asked about everybody, and how many each step takes; for its hosts.

    Who waits gets the places that are free now. Where there are fewer places than people, nobody is sent away.
    """
    rights.check_makes(session, member=viewer, event_id=event_id)
    event = signups.set_entry(
        session,
        event_id=event_id,
        approval=wanted.approval,
        capacities={one.step: one.capacity for one in wanted.places},
        now=now,
    )
    versions.tell(response, event)


@router.get("/me/pass")
def get_pass(viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now) -> schema.PassOut:
    """One's personal code: shown at a door, it lets in, with or without a network."""
    token, expires_at = passes.make(session, member_id=viewer.id, name=viewer.name, now=now)
    return schema.PassOut(address=f"{settings.server.url}/q/{token}", expires_at=expires_at)


@router.get("/me/remembered-venues")
def list_remembered(viewer: access.Viewer, session: InTransaction, page: InPage) -> list[str]:
    """The venues that remember your visits, for yourself alone."""
    after = page.after("remembered", str) or ("",)
    found = sorted(venue for venue in checkins.venues_of(session, member_id=viewer.id) if venue > after[0])
    return page.cut(found, "remembered", lambda venue: (venue,))


@router.put("/me/remembered-venues/{venue_id}", status_code=204)
def remember(venue_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Remembers your visits to a venue from now on; only you see them."""
    checkins.remember(session, member_id=viewer.id, venue_id=venue_id, now=now)


@router.delete("/me/remembered-venues/{venue_id}", status_code=204)
def forget(venue_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Does not, or no longer."""
    checkins.decline(session, member_id=viewer.id, venue_id=venue_id, now=now)


def _list(session: Session, settings: Settings, viewer: Member, **of: str) -> list[schema.DoorOut]:
    rights.check_makes(session, member=viewer, **of)
    return [schema.show_door(doors.see(session, door), settings.server.url) for door in doors.open_doors(session, **of)]


def _make(
    session: Session, settings: Settings, viewer: Member, wanted: schema.NewDoor, now: dt.datetime, **of: str
) -> schema.DoorOut:
    rights.check_makes(session, member=viewer, **of)
    made = doors.make(
        session,
        kind=wanted.kind,
        name=wanted.name,
        step_id=wanted.step,
        ends_at=wanted.ends_at,
        now=now,
        made_by=viewer.id,
        **of,
    )
    return schema.show_door(doors.see(session, made.door), settings.server.url, made.token)
