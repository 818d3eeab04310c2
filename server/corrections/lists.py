"""Who signed up for an event, as its hosts may see it."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import paging
from server.consent import reading
from server.events import service as events
from server.events import signups, slots
from server.events.slots import Mine
from server.people.model import Member


class Listed(NamedTuple):
    """Somebody of an event's list. number: her turn. name: None where she does not let it be seen."""

    number: int
    name: str | None
    mine: Mine


def read(
    session: Session, *, event_id: str, names: bool, page: paging.Page = paging.EVERYTHING, now: dt.datetime
) -> list[Listed]:
    """Who is going, asks or waits, in turn. names: whether the viewer hosts it."""
    rows = signups.list_of(session, event_id=event_id, page=page)
    members = {row.member_id for row in rows}
    named = reading.named_to_host(session, event_id=event_id, member_ids=members, now=now) if names else frozenset()
    called = dict(session.execute(select(Member.id, Member.name).where(Member.id.in_(list(named)))).all())
    event = events.get(session, event_id)
    parties = slots.queue(session, event, events.steps_of(session, event_id=event_id))
    found = []
    for row in rows:
        mine = slots.mine(session, event_id=event_id, member_id=row.member_id, parties=parties)
        assert mine is not None
        found.append(Listed(row.turn, called.get(row.member_id), mine))
    return found
