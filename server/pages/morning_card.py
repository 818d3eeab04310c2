"""The card of the morning after, as the pages that show it take it: her page of that morning, and her receipt."""

import datetime as dt

from sqlalchemy.orm import Session

from server.events.model import Event
from server.mornings import opening
from server.mornings import service as mornings
from server.pages.facts import Fact
from server.people.model import Member
from server.turnout import service as turnout


def card(session: Session, event: Event, member: Member, now: dt.datetime) -> Fact | None:
    """The card as a template shows it, None where there is none: {"event_id", "answer", "line"}."""
    if not mornings.is_open(session, event, now):
        return None
    if not turnout.came(session, event_ids=[event.id], member_id=member.id):
        return None
    found = mornings.card_of(session, event_id=event.id, member_id=member.id)
    return {
        "event_id": event.id,
        "answer": None if found is None else found.answer,
        "line": "" if found is None else found.line,
        "longest": mornings.LONGEST_LINE,
        "yeses": None if opening.is_of_house(session, event) else opening.YESES,
    }
