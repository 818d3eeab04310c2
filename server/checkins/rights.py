"""Who may see who came to an event, and of whom a name: its organizer, as far as consent goes."""

import datetime as dt

from sqlalchemy.orm import Session

from server.consent import reading
from server.consent.rules import Level
from server.errors import Refused
from server.events import service as events
from server.events.states import State
from server.people import access
from server.people.model import Member
from server.presence import service as presence
from server.venues import service as venues


class EventNotYours(Refused):
    """Only its organizer sees who came to an event."""

    code = "event_not_yours"


class EventNotRunning(Refused):
    """Its organizer sees who is there while the event runs."""

    code = "event_not_running"


class NameNotShown(Refused):
    """Only the organizer sees names: of those who let her, until a day after the event if they said nothing."""

    code = "name_not_shown"


def check_sees(session: Session, *, member: Member, event_id: str) -> bool:
    """Whether she organizes it; raises EventUnknown, EventNotYours when she neither does nor is an operator."""
    if organizes(session, member=member, event_id=event_id):
        return True
    if not member.operator:
        raise EventNotYours
    return False


def organizes(session: Session, *, member: Member, event_id: str) -> bool:
    """Whether she organizes or hosts an event; raises EventUnknown."""
    return access.hosts(session, member, events.get(session, event_id))


def is_running(session: Session, *, event_id: str, now: dt.datetime) -> bool:
    """Whether a step of the event is open, each by the time of its venue; of one called off, none is."""
    return running_until(session, event_id=event_id, now=now) is not None


def running_until(session: Session, *, event_id: str, now: dt.datetime) -> dt.datetime | None:
    """When the last of the steps that are open now ends, each by the time of its venue; None where none is open."""
    if events.get(session, event_id).state != State.PUBLISHED:
        return None
    open_now = (
        step.ends_at
        for step in events.steps_of(session, event_id=event_id)
        if step.opens_at <= presence.now_of(session, venue=venues.get(session, step.venue_id), now=now) < step.ends_at
    )
    return max(open_now, default=None)


def check_sees_name(session: Session, *, member: Member, event_id: str, of_id: str, now: dt.datetime) -> None:
    """Raises NameNotShown, EventUnknown unless the member may know that somebody (of_id) came to the event, or not."""
    if not organizes(session, member=member, event_id=event_id):
        raise NameNotShown
    at = own_now(session, event_id=event_id, now=now)
    if reading.organizer_sees(session, event_id=event_id, member_id=of_id, now=at) is not Level.NAME:
        raise NameNotShown


def own_now(session: Session, *, event_id: str, now: dt.datetime) -> dt.datetime:
    """The time that an event goes by: `now`, at a replayed venue that venue's own."""
    steps = events.steps_of(session, event_id=event_id)
    at = [venues.get(session, step.venue_id) for step in steps]
    return max((presence.now_of(session, venue=venue, now=now) for venue in at if venue.replayed), default=now)
