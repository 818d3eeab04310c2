"""The morning after over HTTP: answering, what was said, and proposing it again."""

import datetime as dt
from typing import cast

from fastapi import APIRouter
from sqlalchemy.orm import Session

from server.events import service as events
from server.mornings import clock, schema
from server.mornings import service as mornings
from server.people import access
from server.people.model import Member
from server.recaps.routes import check_was_there
from server.requests import Id, InTransaction, Now

router = APIRouter(prefix="/api", tags=["mornings"])


@router.get("/events/{event_id}/morning")
def get_morning(event_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.MorningOut:
    """What you said, and what was said in numbers; for who came, and the hosts."""
    check_was_there(session, viewer, event_id)
    return _show(session, viewer, event_id, now)


@router.put("/events/{event_id}/morning")
def answer_morning(
    event_id: Id, wanted: schema.AnswerIn, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.MorningOut:
    """Says whether you want it again: from eight o'clock of the day after, for a week; the last word counts."""
    check_was_there(session, viewer, event_id)
    mornings.answer(session, event_id=event_id, member_id=viewer.id, answer=wanted.answer, line=wanted.line, now=now)
    return _show(session, viewer, event_id, now)


@router.post("/events/{event_id}/morning/again")
def propose_again(event_id: Id, viewer: access.Account, session: InTransaction, now: Now) -> schema.MorningOut:
    """Proposes it again with the yeses that there are; for its hosts."""
    check_opens(session, viewer, event_id)
    mornings.open_again(session, event_id=event_id, by_id=viewer.id, now=now)
    return _show(session, viewer, event_id, now)


def check_opens(session: Session, viewer: Member, event_id: str) -> None:
    """Raises EventUnknown, NotYourEvent unless she hosts it: operators propose nothing in others' names."""
    if not access.hosts(session, viewer, events.get_seen(session, event_id, viewer)):
        raise access.NotYourEvent


def _show(session: Session, viewer: Member, event_id: str, now: dt.datetime) -> schema.MorningOut:
    event = events.get(session, event_id)
    hosts = access.hosts(session, viewer, event)
    said = mornings.said_of(session, event_id=event_id)
    card = mornings.card_of(session, event_id=event_id, member_id=viewer.id)
    begins = mornings.begins_at(session, event_id)
    return schema.MorningOut(
        event=event_id,
        begins_at=begins,
        ends_at=begins + clock.OPEN_FOR,
        open=mornings.is_open(session, event, now),
        answer=None if card is None else cast("schema.Word | None", card.answer),
        line="" if card is None else card.line,
        answers=said.answers if hosts or said.counts is not None else None,
        counts=said.counts,
        lines=[schema.LineOut(answer=answer, line=line) for answer, line in said.lines] if hosts else [],
        proposal=mornings.proposed(session, event_id=event_id),
    )
