"""Who may know where a venue is. This is the one place that decides it: every way out asks here.

A place and a spot are everybody's. A home is told to who keeps it and to the hosts of what takes place there, always;
to guests who are going, from a day before the first step of their event to the end of its last; to nobody else,
operators included. Told or withheld together: address, contact, pin, the areas of zones, plans, where agents stand.
"""

import datetime as dt

from sqlalchemy import ColumnElement, column, exists, func, or_, select, table
from sqlalchemy.orm import Session, aliased

from server.events.model import Event, Step
from server.events.states import State
from server.people import access, roles
from server.people.model import Member
from server.venues import service as venues
from server.venues.model import Venue

# Who is going to which step: the view of those who were let in, and chose it or chose none.
_GOING_TO = table("going_to", column("step_id"), column("member_id"))
BEFORE = dt.timedelta(hours=24)  # before the first step: time to find the way, and no list of addresses for ever


def sees_address(session: Session, *, venue: Venue, member: Member | None, now: dt.datetime) -> bool:
    """Whether somebody may know where a venue is; member: None for a stranger."""
    if venue.kind != venues.HOME:
        return True
    if member is None:
        return False
    return (
        access.keeps(session, member, venue)
        or _hosts_there(session, venue.id, member.id)
        or _goes_there(session, venue.id, member.id, now)
    )


def _hosts_there(session: Session, venue_id: str, member_id: str) -> bool:
    mine = or_(Event.organizer_id == member_id, Event.id.in_(roles.held_by(session, member_id=member_id, kind="event")))
    return bool(session.scalar(select(_there(venue_id, mine))))


def _goes_there(session: Session, venue_id: str, member_id: str, now: dt.datetime) -> bool:
    step = aliased(Step)
    times = select(func.min(step.starts_at) - BEFORE, func.max(step.ends_at)).where(step.event_id == Event.id)
    first, last = (times.with_only_columns(one).scalar_subquery() for one in times.selected_columns)
    going = exists().where(_GOING_TO.c.step_id == Step.id, _GOING_TO.c.member_id == member_id)
    on = Event.state == State.PUBLISHED
    return bool(session.scalar(select(_there(venue_id, going, on, first <= now, now < last))))


def _there(venue_id: str, *which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether one of these events has a step there."""
    return exists().where(Step.venue_id == venue_id, Step.event_id == Event.id, *which)
