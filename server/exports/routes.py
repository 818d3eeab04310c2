"""Files of an event and of a venue, and lists of who signed up elsewhere."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from server import fields, times
from server.audit import service as audit
from server.consent import reading
from server.events import service as events
from server.exports import check_ins, download, schema, sign_up_list, visits
from server.exports import service as exports
from server.exports.download import Form
from server.people import access
from server.people.model import Member
from server.presence import service as presence
from server.requests import Id, InTransaction, Now, context
from server.venues import service as venues

router = APIRouter(prefix="/api", tags=["files"])

Since = Annotated[fields.Moment | None, Query(description="28 days before the end by default")]
Until = Annotated[fields.Moment | None, Query(description="now by default; 92 days after the beginning at most")]
What = Annotated[
    Literal["numbers", "visits"],
    Query(description="numbers of each quarter of an hour, or visits of who lets the venue know her name"),
]
_CSV: dict[int | str, dict[str, Any]] = {
    **download.RESPONSES,
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "UTF-8 with its mark, RFC 4180."},
}
_JSON: dict[int | str, dict[str, Any]] = {
    **download.RESPONSES,
    200: {"content": {"application/json": {"schema": {"type": "object"}}}, "description": "The same as JSON."},
}


_LIST: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {
                "schema": {"type": "string", "maxLength": sign_up_list.MAX_BYTES},
                "example": "name,e-mail\r\nLi Wei,wei@example.org\r\nKim,\r\n",
            }
        },
    }
}


async def _body(request: Request) -> bytes:
    """What was sent, whatever it says it is: lists come from many programs."""
    return await request.body()


Body = Annotated[bytes, Depends(_body)]


@router.get("/events/{event_id}/export.csv", response_class=Response, responses=_CSV)
def export_event_csv(
    event_id: Id, request: Request, viewer: access.Viewer, session: InTransaction, now: Now
) -> Response:
    """An event's check-ins, for its organizer and operators; names as far as the organizer may see them."""
    return _event(event_id, request, viewer, session, now, "csv")


@router.get("/events/{event_id}/export.json", response_class=Response, responses=_JSON)
def export_event_json(
    event_id: Id, request: Request, viewer: access.Viewer, session: InTransaction, now: Now
) -> Response:
    """An event's check-ins, for its organizer and operators; names as far as the organizer may see them."""
    return _event(event_id, request, viewer, session, now, "json")


@router.get("/venues/{venue_id}/export.csv", response_class=Response, responses=_CSV)
def export_venue_csv(
    venue_id: Id,
    request: Request,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    what: What = "numbers",
    since: Since = None,
    until: Until = None,
) -> Response:
    """A venue's visits, for its shop owner and operators: numbers from 20 on, rounded; names with consent alone."""
    return _venue(venue_id, request, viewer, session, now, what, since, until, "csv")


@router.get("/venues/{venue_id}/export.json", response_class=Response, responses=_JSON)
def export_venue_json(
    venue_id: Id,
    request: Request,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    what: What = "numbers",
    since: Since = None,
    until: Until = None,
) -> Response:
    """A venue's visits, for its shop owner and operators: numbers from 20 on, rounded; names with consent alone."""
    return _venue(venue_id, request, viewer, session, now, what, since, until, "json")


@router.post("/events/{event_id}/sign-ups.csv", openapi_extra=_LIST)
def take_list(
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    data: Body,
    preview: Annotated[bool, Query(description="say what it would bring, and change nothing")] = False,
) -> schema.ListOut:
    """Takes a list of who signed up elsewhere: all of it or nothing; again it changes nothing. For the organizer.

    Everybody on it becomes a guest who means to come. The first line names the columns: name, and perhaps e-mail.
    """
    access.check_hosts(session, viewer, events.get(session, event_id))
    if preview:
        return schema.show(exports.look(session, event_id=event_id, data=data), True)
    return schema.show(exports.take(session, event_id=event_id, data=data, now=now, by=viewer.id), False)


def _event(event_id: str, request: Request, viewer: Member, session: Session, now: Now, form: Form) -> Response:
    event = events.get(session, event_id)
    access.check_hosts(session, viewer, event)
    _note(session, viewer, f"event/{event.id}", "check-ins", now)
    return check_ins.of_event(context(request).engine, event=event, viewer=viewer, now=now, form=form)


def _venue(
    venue_id: str,
    request: Request,
    viewer: Member,
    session: Session,
    now: Now,
    what: str,
    since: Since,
    until: Until,
    form: Form,
) -> Response:
    venue = venues.get(session, venue_id)
    access.check_keeps(session, viewer, [venue])
    its_now = presence.now_of(session, venue=venue, now=now)
    since_ms, until_ms = visits.quarters(since, until, its_now)
    _note(session, viewer, f"venue/{venue.id}", what, now)
    engine = context(request).engine
    if what == "numbers":
        hidden = reading.hidden_at(session, venue.id, times.to_ms(its_now))
        return visits.numbers(
            engine, venue=venue, hidden=hidden, since_ms=since_ms, until_ms=until_ms, now=now, form=form
        )
    return visits.named(engine, venue=venue, viewer=viewer, since_ms=since_ms, until_ms=until_ms, now=now, form=form)


def _note(session: Session, viewer: Member, of: str, what: str, now: Now) -> None:
    audit.note(session, "file.taken", of=of, by=viewer.id, now=now, what=what)
