"""Pulse over HTTP: the host asks and closes, who is in the room answers."""

import datetime as dt

from fastapi import APIRouter
from sqlalchemy.orm import Session

from server.checkins import rights
from server.events import service as events
from server.people import access
from server.people.model import Member
from server.pulse import schema
from server.pulse import service as pulse
from server.pulse.service import Results
from server.requests import Id, InTransaction, Now, Number

router = APIRouter(prefix="/api", tags=["pulse"])


@router.get("/events/{event_id}/pulses")
def list_pulses(event_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> list[schema.PulseOut]:
    """What the room was asked, the newest first; for hosts, and who came."""
    check_sees(session, viewer, event_id)
    return [_show(session, viewer, one, now) for one in pulse.of_event(session, event_id=event_id)]


@router.post("/events/{event_id}/pulses", status_code=201)
def ask_room(
    event_id: Id, wanted: schema.NewPulse, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.PulseOut:
    """Asks who is at your event, while it runs; one question at a time."""
    check_asks(session, viewer, event_id)
    asked = pulse.ask(
        session,
        event_id=event_id,
        question=wanted.question,
        choices=wanted.choices,
        by=viewer.id,
        nonce=wanted.nonce,
        now=now,
    )
    return _show(session, viewer, pulse.results_of(session, asked), now)


@router.post("/pulses/{pulse_id}/close")
def close_pulse(pulse_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.PulseOut:
    """Closes a question of your event; what was answered stays."""
    check_asks(session, viewer, pulse.get(session, pulse_id).event_id)
    closed = pulse.close(session, pulse_id=pulse_id, now=now)
    return _show(session, viewer, pulse.results_of(session, closed), now)


@router.put("/pulses/{pulse_id}/answer")
def answer_pulse(
    pulse_id: Number, wanted: schema.Answer, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.PulseOut:
    """Answers, while you are there; the last answer counts."""
    pulse.answer(session, pulse_id=pulse_id, member_id=viewer.id, choice=wanted.choice, now=now)
    return _show(session, viewer, pulse.results_of(session, pulse.get(session, pulse_id)), now)


def check_asks(session: Session, viewer: Member, event_id: str) -> None:
    """Raises EventUnknown, EventNotYours unless she hosts the event: operators ask nobody's guests."""
    if not rights.organizes(session, member=viewer, event_id=event_id):
        raise rights.EventNotYours


def check_sees(session: Session, viewer: Member, event_id: str) -> None:
    """Raises EventUnknown, NotInTheRoom unless she hosts the event or is there."""
    if not access.hosts(session, viewer, events.get(session, event_id)) and not pulse.is_in(
        session, event_id=event_id, member_id=viewer.id
    ):
        raise pulse.NotInTheRoom


def _show(session: Session, viewer: Member, results: Results, now: dt.datetime) -> schema.PulseOut:
    mine = pulse.answered(session, pulse_id=results.id, member_id=viewer.id)
    return schema.show(results, is_open=pulse.is_open(session, results, now=now), mine=mine)
