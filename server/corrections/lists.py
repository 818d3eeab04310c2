"""Who signed up for an event, as its hosts may see it."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy.orm import Session

from server import paging
from server.consent import reading
from server.events import signups, slots
from server.events.slots import Mine
from server.people import service as people


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
    found = []
    for row in rows:
        mine = slots.mine(session, event_id=event_id, member_id=row.member_id)
        assert mine is not None
        name = people.get(session, row.member_id).name if row.member_id in named else None
        found.append(Listed(row.turn, name, mine))
    return found
