"""A dinner of Cleo's at the cafe tomorrow evening, with few places, and whoever wants to come."""

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from server.events import service as events
from server.events import signups, slots
from server.events.details import Details
from server.events.model import Event
from server.events.states import SignUpState
from server.inbox import service as inbox
from server.people import service as people
from server.people.model import Member
from tests.server.places import HOUR, NOW, make_cafe, make_members, make_welcome

TOMORROW = NOW + 24 * HOUR
GUESTS = ("eva", "finn", "gus", "hana")


def make_dinner(session: Session, *capacities: int | None, **said: Any) -> Event:
    """The event `dinner` with a step for each capacity, one after the other from TOMORROW on."""
    if session.get(Member, "ana") is None:
        make_members(session)
        make_cafe(session)
    make_welcome(session)
    for member_id in GUESTS:
        people.create(session, id=member_id, name=member_id.capitalize())
    return make_event(session, "dinner", TOMORROW, *capacities, **said)


def make_event(session: Session, id: str, at: dt.datetime, *capacities: int | None, **said: Any) -> Event:
    steps = [
        events.NewStep(f"Part {number + 1}", "cafe", at + number * HOUR, at + (number + 1) * HOUR, capacity=capacity)
        for number, capacity in enumerate(capacities)
    ]
    more = {key: said.pop(key) for key in ("community_id", "state", "nonce") if key in said}
    return events.create(session, id=id, name="Dinner", organizer_id="cleo", steps=steps, about=Details(**said), **more)


def come(session: Session, *member_ids: str, now: dt.datetime = NOW, **how: Any) -> None:
    """They sign up, in this order."""
    for member_id in member_ids:
        signups.sign_up(session, event_id="dinner", member_id=member_id, now=now, **how)


def leave(session: Session, member_id: str, now: dt.datetime = NOW) -> None:
    signups.withdraw(session, event_id="dinner", member_id=member_id, now=now)


def seen(session: Session) -> dict[str, str]:
    """Everybody who ever signed up, in turn: what they are, with how many guests and how many before them."""
    found = {}
    for member_id in signups.members_of(session, event_id="dinner", among=list(SignUpState)):
        mine = slots.mine(session, event_id="dinner", member_id=member_id)
        assert mine is not None
        guests = f"+{mine.guests}" if mine.guests else ""
        found[member_id] = f"{mine.state}{guests}" + ("" if mine.before is None else f" after {mine.before}")
    return found


def by_step(session: Session, member_id: str) -> list[str]:
    """What somebody is at each step that she chose."""
    mine = slots.mine(session, event_id="dinner", member_id=member_id)
    assert mine is not None
    return [slot.state for slot in mine.slots]


def told(session: Session, member_id: str) -> list[str]:
    """The kinds of what she was told, the newest first."""
    return [note.kind for note in inbox.list_of(session, member_id=member_id)]
