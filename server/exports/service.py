"""Puts who signed up elsewhere on an event's list."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import constraints
from server.audit import service as audit
from server.events import service as events
from server.events import signups
from server.exports import sign_up_list
from server.exports.model import ListedGuest
from server.exports.sign_up_list import Listed
from server.people import service as people
from server.people.model import Member


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a list brings. new, already: who is not, and who is, on the event's list; in the order of the lines."""

    read: sign_up_list.Read
    new: tuple[Listed, ...]
    already: int


def look(session: Session, *, event_id: str, data: bytes) -> Outcome:
    """What taking this list would bring; raises EventUnknown, ListUnreadable."""
    events.get(session, event_id)
    read = sign_up_list.read(data)
    keys = [person.key for person in read.people]
    known = set(
        session.scalars(select(ListedGuest.key).where(ListedGuest.event_id == event_id, ListedGuest.key.in_(keys)))
    )
    new = tuple(person for person in read.people if person.key not in known)
    return Outcome(read, new, len(read.people) - len(new))


def take(session: Session, *, event_id: str, data: bytes, now: dt.datetime, by: str) -> Outcome:
    """Makes a guest who means to come for everybody new on the list: all of them, or nobody; twice is as once.

    A list says nothing about members: whoever has an account signs up by an act of her own, or an organizer could learn
    of anybody whose address she knows whether and when she comes. An address that nobody has goes to the guest, who
    claims her place with it. Raises EventUnknown, EventOver, ListUnreadable.
    """
    constraints.take_turn(session, f"list of {event_id}")
    found = look(session, event_id=event_id, data=data)
    events.refuse_over(session, event_id=event_id, now=now)
    emails = {person.email for person in found.new if person.email is not None}
    taken = set(session.scalars(select(func.lower(Member.email)).where(func.lower(Member.email).in_(emails))))
    guests: list[tuple[Listed, Member]] = []
    for person in found.new:
        guest = people.create_guest(session, name=person.name)
        if person.email is not None and person.email not in taken:
            guest.email = person.email
            taken.add(person.email)
        guests.append((person, guest))
    session.flush()
    if guests:
        signups.bring(session, event_id=event_id, member_ids=[guest.id for _, guest in guests], now=now)
        session.execute(
            insert(ListedGuest),
            [{"event_id": event_id, "key": person.key, "member_id": guest.id} for person, guest in guests],
        )
    audit.note(session, "list.taken", of=f"event/{event_id}", by=by, now=now, new=len(guests), already=found.already)
    return found
