"""Asking the host whether to let somebody in, and her answer: given once, whoever gives it."""

import datetime as dt
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from server import topics
from server.audit import service as audit
from server.checkins import entry
from server.checkins.entry import At
from server.doors import places
from server.doors.rules import Flag
from server.errors import Conflict, NotFound, Refused
from server.presence.schema import local_time


class NoSuchAsk(NotFound):
    """Nobody asks that, or not any more."""

    code = "no_such_ask"


class AnsweredAlready(Conflict):
    """%(who)s answered at %(time)s already."""

    code = "answered_already"


class AskOver(Refused):
    """It ended at %(time)s, before anybody answered. You can still let them in by hand."""

    code = "ask_over"


class Asked(NamedTuple):
    """An ask that is open."""

    id: int
    asked_at: dt.datetime


class AskRow(NamedTuple):
    """An ask with what it is about. state: waiting, yes, no, in (she came in otherwise) or over (it ended before)."""

    id: int
    member_id: str
    name: str
    guest: bool
    event_id: str
    event_name: str
    step_id: str
    step_name: str
    time_zone: str
    host_name: str
    reason: str
    evidence: str
    asked_at: dt.datetime
    answered_at: dt.datetime | None
    ends_at: dt.datetime
    checkin_id: int | None
    state: str


# Two who ask at the same instant with one name on one phone are one: the first row stays.
_OPEN = text("""
    INSERT INTO ask (step_id, member_id, reason, evidence, door_id, asked_at, nonce, made_guest)
    VALUES (:step, :member, :reason, :evidence, :door, :now, :nonce, :made_guest)
    ON CONFLICT (step_id, member_id) WHERE answer IS NULL DO UPDATE SET reason = excluded.reason
    RETURNING id, asked_at
""")
_ANSWER = text("""
    UPDATE ask SET answer = :answer, answered_at = :now, answered_by = :by
    WHERE id = :id AND answer IS NULL RETURNING id
""")
_ROWS = """
    SELECT ask.id, ask.member_id, member.name, member.guest,
           step.event_id, event.name AS event_name, step.id AS step_id,
           step.name AS step_name, step.ends_at, venue.time_zone, organizer.name AS host_name, ask.reason, ask.evidence,
           ask.asked_at, ask.answer, ask.answered_at, ask.answered_by, answerer.name AS answerer_name, ask.door_id,
           checkin.id AS checkin_id,
           EXISTS (SELECT FROM going_to WHERE going_to.step_id = step.id AND going_to.member_id = ask.member_id)
               AS signed_up
    FROM ask JOIN member ON member.id = ask.member_id JOIN step ON step.id = ask.step_id
    JOIN event ON event.id = step.event_id JOIN venue ON venue.id = step.venue_id
    JOIN member AS organizer ON organizer.id = event.organizer_id
    LEFT JOIN member AS answerer ON answerer.id = ask.answered_by
    LEFT JOIN checkin ON checkin.step_id = ask.step_id AND checkin.member_id = ask.member_id
         AND checkin.undone_at IS NULL
"""
_ONE = text(_ROWS + " WHERE ask.id = :id")
_OF_EVENT = text(_ROWS + " WHERE step.event_id = :event ORDER BY ask.asked_at, ask.id")
_OF_MEMBER = text(_ROWS + " WHERE ask.member_id = :member ORDER BY ask.asked_at DESC, ask.id DESC LIMIT 20")

_PASSED = text("""
    INSERT INTO passage (checkin_id, member_id, direction, at, recorded_at, evidence, door_id, "by", flags)
    VALUES (:checkin, :member, 'in', :now, :now, :evidence, :door, :by, :flags)
""")


def open_ask(
    session: Session,
    *,
    step_id: str,
    member_id: str,
    reason: str,
    evidence: str,
    door_id: int | None,
    nonce: bytes,
    made_guest: bool,
    now: dt.datetime,
) -> Asked:
    """Asks the host; who asks already asks once."""
    row = session.execute(
        _OPEN,
        {
            "step": step_id,
            "member": member_id,
            "reason": reason,
            "evidence": evidence,
            "door": door_id,
            "nonce": nonce,
            "made_guest": made_guest,
            "now": now,
        },
    ).one()
    return Asked(row.id, row.asked_at)


def get(session: Session, ask_id: int, now: dt.datetime) -> AskRow:
    """An ask; raises NoSuchAsk."""
    row = session.execute(_ONE, {"id": ask_id}).one_or_none()
    if row is None:
        raise NoSuchAsk
    return _row(row, now)


def of_event(session: Session, *, event_id: str, now: dt.datetime) -> list[AskRow]:
    """Who waits for an answer, the longest first."""
    rows = [_row(row, now) for row in session.execute(_OF_EVENT, {"event": event_id})]
    return [row for row in rows if row.state == "waiting"]


def of_member(session: Session, *, member_id: str, now: dt.datetime) -> list[AskRow]:
    """What a member asked, the latest first."""
    return [_row(row, now) for row in session.execute(_OF_MEMBER, {"member": member_id})]


def answer(session: Session, *, ask_id: int, yes: bool, now: dt.datetime, by: str) -> AskRow:
    """The host says yes or no. The same answer twice is as once; of a yes and a no at one moment the first counts.

    Raises NoSuchAsk, AnsweredAlready, AskOver.
    """
    row = session.execute(_ONE, {"id": ask_id}).one_or_none()
    if row is None:
        raise NoSuchAsk
    wanted = "yes" if yes else "no"
    if row.answer is None and now >= row.ends_at:
        raise AskOver(time=local_time(row.ends_at, row.time_zone))
    if yes:
        # No other door takes the last place meanwhile, and whether it is over the places is known.
        places.take_turns(session, row.step_id)
    given = {"id": ask_id, "answer": wanted, "now": now, "by": by}
    if session.execute(_ANSWER, given).one_or_none() is None:
        row = session.execute(_ONE, {"id": ask_id}).one_or_none()
        if row is None:
            raise NoSuchAsk
        if row.answer != wanted:
            who = row.answerer_name or row.host_name
            raise AnsweredAlready(who=who, time=local_time(row.answered_at, row.time_zone))
        return _row(row, now)
    if yes and row.checkin_id is None:
        _let_in(session, row, now, by)
    audit.note(session, f"ask.{wanted}", of=f"member/{row.member_id}", now=now, by=by, step=row.step_id)
    topics.bump(session, [f"event/{row.event_id}", f"member/{row.member_id}"])
    return _row(session.execute(_ONE, {"id": ask_id}).one(), now)


def _let_in(session: Session, row: Row[Any], now: dt.datetime, by: str) -> None:
    room = next(each for each in places.behind(session, row.event_id).rooms if each.step_id == row.step_id)
    full = room.capacity is not None and places.inside(session, row.event_id).get(row.step_id, 0) >= room.capacity
    standing, made = entry.enter(
        session,
        member_id=row.member_id,
        at=At(row.step_id),
        when=now,
        evidence=row.evidence,
        signed_up=row.signed_up,
        now=now,
    )
    if made:
        session.execute(
            _PASSED,
            {
                "checkin": standing.id,
                "member": row.member_id,
                "now": now,
                "evidence": row.evidence,
                "door": row.door_id,
                "by": by,
                "flags": [str(Flag.OVER_CAPACITY)] if full else [],
            },
        )


def _row(row: Row[Any], now: dt.datetime) -> AskRow:
    if row.checkin_id is not None:
        state = "in"
    elif row.answer is not None:
        state = row.answer
    else:
        state = "over" if now >= row.ends_at else "waiting"
    return AskRow(
        row.id,
        row.member_id,
        row.name,
        row.guest,
        row.event_id,
        row.event_name,
        row.step_id,
        row.step_name,
        row.time_zone,
        row.host_name,
        row.reason,
        row.evidence,
        row.asked_at,
        row.answered_at,
        row.ends_at,
        row.checkin_id,
        state,
    )
