"""Announces events and calls them off; the hosts decide, the table says what may be."""

import datetime as dt

from sqlalchemy.orm import Session

from server import topics
from server.errors import Invalid
from server.events import service as events
from server.events import signups, states, telling
from server.events.model import Event
from server.events.states import State, Verb

REASON_MAX_LENGTH = 200  # one line of a letter


def publish(session: Session, *, event_id: str, now: dt.datetime) -> Event:
    """Announces a draft; twice is as once. Raises EventUnknown, and what the table refuses."""
    event = events.get(session, event_id, to_edit=True)
    _become(session, event, Verb.PUBLISH, now)
    return event


def cancel(session: Session, *, event_id: str, reason: str = "", now: dt.datetime) -> Event:
    """Calls an event off and tells everybody who signed up; twice is as once. Who is checked in already stays so.

    Raises EventUnknown, Invalid, and what the table refuses.
    """
    event = events.get(session, event_id, to_edit=True)
    said = " ".join(reason.split())
    if len(said) > REASON_MAX_LENGTH or not said.isprintable():
        raise Invalid("A reason is one line of at most %(most)s characters.", most=REASON_MAX_LENGTH)
    with topics.together(session):
        if not _become(session, event, Verb.CANCEL, now):
            return event
        event.reason = said
        session.flush()
        telling.tell(
            session,
            signups.members_of(session, event_id=event_id),
            event=event,
            kind="event.called_off",
            sentence=telling.CALLED_OFF_BECAUSE if said else telling.CALLED_OFF,
            nonce="called-off",
            now=now,
            **({"reason": said} if said else {}),
        )
    return event


def _become(session: Session, event: Event, verb: Verb, now: dt.datetime) -> bool:
    phase = events.phase_of(session, event, now)
    target = states.gathering(State(event.state), verb, phase, event=event.name)
    if target == event.state:
        return False
    event.dropped = event.state == State.DRAFT and target is State.CANCELLED
    event.state, event.state_at = target, now
    event.version += 1
    session.flush()
    topics.bump(session, [topics.EXPECTED, topics.CONSENTS, f"event/{event.id}"])
    return True
