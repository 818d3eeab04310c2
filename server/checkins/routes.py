"""Check-ins of an event and of oneself, taking one back, and why somebody is not checked in."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from server import names, paging, times
from server.checkins import capacity, explain, rights, schema, visits
from server.checkins import service as checkins
from server.consent import reading
from server.consent.rules import Level
from server.errors import Refused
from server.events import service as events
from server.people import access
from server.requests import Id, InPage, InSettings, InTransaction, Now, Number

router = APIRouter(prefix="/api", tags=["check-ins"])


class CheckInNotYours(Refused):
    """Only the organizer, or whose it is, takes a check-in back."""

    code = "check_in_not_yours"


_ROWS = """
    SELECT checkin.id, step.event_id, checkin.step_id, checkin.member_id, member.name, step.venue_id, checkin.badge_id,
           checkin.at, checkin.recorded_at, checkin.evidence, checkin.undone_at, venue.replayed,
           going_to.member_id IS NOT NULL OR (checkin.member_id IS NULL AND checkin.signed_up) AS signed_up
    FROM checkin JOIN step ON step.id = checkin.step_id JOIN venue ON venue.id = step.venue_id
    LEFT JOIN member ON member.id = checkin.member_id
    LEFT JOIN going_to ON going_to.step_id = step.id AND going_to.member_id = checkin.member_id
"""
_ORDER = ("check-ins", dt.datetime, int)
_PAGE = """
    AND (CAST(:at AS timestamptz) IS NULL OR (checkin.at, checkin.id) < (:at, :id))
    ORDER BY checkin.at DESC, checkin.id DESC LIMIT :limit
"""
_OF_EVENT = text(f"{_ROWS} WHERE step.event_id = :event {_PAGE}")
_OF_MEMBER = text(f"{_ROWS} WHERE checkin.member_id = :member {_PAGE}")
_WHOSE = text("""
    SELECT checkin.member_id, step.event_id FROM checkin LEFT JOIN step ON step.id = checkin.step_id
    WHERE checkin.id = :id
""")


@router.get("/events/{event_id}/check-ins")
def list_check_ins(
    event_id: Id, viewer: access.Viewer, session: InTransaction, page: InPage, now: Now, say: access.Say
) -> list[schema.CheckInOut]:
    """Who came to an event, the latest first; for its organizer and operators.

    Names for the organizer, of those who let her: if they said nothing, of who signed up or checked in herself, until a
    day after the event. Without a name or a number: who is hidden, and who was erased.
    """
    hers = rights.check_sees(session, member=viewer, event_id=event_id)
    at_ms = times.to_ms(rights.own_now(session, event_id=event_id, now=now))
    rows = _read(session, _OF_EVENT, {"event": event_id}, page)
    seen = reading.for_event(session, event_id, {row.member_id for row in rows if row.member_id is not None})
    over = capacity.over(session, {row.step_id for row in rows})

    def level(row: Any) -> Level:
        if row.member_id is None:
            return Level.HIDDEN
        if hers:
            return seen[row.member_id].of_organizer(row.venue_id, at_ms)
        return min(seen[row.member_id].of_venue(row.venue_id, at_ms), Level.COUNTED)

    return [schema.show(row, level(row), row.id in over, say) for row in rows]


@router.get("/me/check-ins")
def list_mine(viewer: access.Viewer, session: InTransaction, page: InPage, say: access.Say) -> list[schema.CheckInOut]:
    """One's own check-ins, the latest first."""
    rows = _read(session, _OF_MEMBER, {"member": viewer.id}, page)
    over = capacity.over(session, {row.step_id for row in rows})
    return [schema.show(row, Level.NAME, row.id in over, say) for row in rows]


@router.get("/events/{event_id}/progress")
def get_progress(event_id: Id, viewer: access.Viewer, session: InTransaction) -> schema.ProgressOut:
    """To which steps of an event you are checked in, and whether that completes it."""
    event = events.get_seen(session, event_id, viewer)
    found = checkins.progress(session, event=event, member_id=viewer.id)
    return schema.ProgressOut(done=list(found.done), needs=found.needs, complete=found.complete)


@router.get("/me/visits")
def list_my_visits(viewer: access.Viewer, session: InTransaction, page: InPage) -> list[schema.VisitOut]:
    """Where your badges were heard while you held them, the latest first."""
    return [schema.show_visit(visit, Level.NAME) for visit in visits.of_member(session, member_id=viewer.id, page=page)]


@router.get("/events/{event_id}/visits")
def list_event_visits(
    event_id: Id, viewer: access.Viewer, session: InTransaction, page: InPage, now: Now
) -> list[schema.VisitOut]:
    """The visits at an event's venues while it is on, the latest first; for its organizer while it runs, and operators.

    A badge that changed hands is told for each holder. Whose, for the organizer alone, of those who let her.
    """
    hers = rights.check_sees(session, member=viewer, event_id=event_id)
    running = rights.is_running(session, event_id=event_id, now=now)
    if not running and not viewer.operator:
        raise rights.EventNotRunning
    at_ms = times.to_ms(rights.own_now(session, event_id=event_id, now=now))
    found = visits.of_event(session, event_id=event_id, page=page)
    seen = reading.for_event(session, event_id, {visit.member_id for visit in found if visit.member_id is not None})

    def level(visit: visits.HerVisit) -> Level:
        if visit.member_id is None:
            return Level.COUNTED
        if hers:
            return seen[visit.member_id].of_organizer(visit.venue_id, at_ms)
        return min(seen[visit.member_id].of_venue(visit.venue_id, at_ms), Level.COUNTED)

    return [schema.show_visit(visit, level(visit)) for visit in found if level(visit) is not Level.HIDDEN]


@router.post("/check-ins/{checkin_id}/undo", status_code=204)
def undo(checkin_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Takes a check-in back; for the organizer, and for whose it is. What was heard before never checks in again."""
    found = session.execute(_WHOSE, {"id": checkin_id}).one_or_none()
    if found is None:
        raise checkins.NotCheckedIn
    hosts = found.event_id is not None and rights.organizes(session, member=viewer, event_id=found.event_id)
    if found.member_id != viewer.id and not hosts:
        raise CheckInNotYours
    checkins.undo(session, checkin_id=checkin_id, now=now, by=viewer.id)


@router.get("/steps/{step_id}/why")
def why(
    step_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    member: Annotated[str | None, Query(max_length=names.ID_MAX_LENGTH, description="for the organizer")] = None,
) -> schema.WhyOut:
    """Why one is, or is not, checked in to a step; the organizer may ask for whom she sees by name."""
    asked_for = viewer.id if member is None else member
    found = explain.explain(session, member_id=asked_for, step_id=step_id, now=now, presence=settings.presence, say=say)
    if asked_for != viewer.id:
        event_id = found.facts.asked.event_id
        rights.check_sees_name(session, member=viewer, event_id=event_id, of_id=asked_for, now=now)
    return schema.show_why(found)


def _read(session: Session, wanted: TextClause, of: dict[str, str], page: paging.Page) -> list[Row[Any]]:
    at, number = page.after(*_ORDER) or (None, None)
    rows = session.execute(wanted, {**of, "at": at, "id": number, "limit": page.rows}).all()
    return page.cut(rows, _ORDER[0], lambda row: (row.at, row.id))
