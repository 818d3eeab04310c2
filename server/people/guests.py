"""Guests: let in without an account, remembered until a while after their last event, unless they leave an address."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.audit import service as audit
from server.people import merging
from server.people import service as people
from server.people.codes import Proved
from server.people.model import Member

LIFETIME = dt.timedelta(days=30)  # the default of people.guest_days
NAMELESS = {"en": "Somebody new", "zh": "新朋友"}  # until she says how she wants to be called; never her address

# The last time that has to do with her: when she was let in, the ends of what she signed up for and came to.
_FORGETTABLE = text("""
    SELECT member.id FROM member WHERE member.guest AND greatest(
        member.created_at,
        (SELECT max(step.ends_at) FROM sign_up JOIN step ON step.event_id = sign_up.event_id
         WHERE sign_up.member_id = member.id),
        (SELECT max(coalesce(step.ends_at, checkin.at)) FROM checkin LEFT JOIN step ON step.id = checkin.step_id
         WHERE checkin.member_id = member.id)
    ) <= :before ORDER BY member.id
""")


@dataclass(frozen=True, slots=True)
class Entered:
    """Who came in. new: whoever has just become known; she has not said her name yet."""

    member_id: str
    new: bool


def enter(session: Session, proved: Proved, *, now: dt.datetime) -> Entered:
    """Who has proved an address: its member, a new one, or the guest or member who wanted it to be hers.

    Of a guest whose address is a member's already, all becomes that member's. Raises AddressTaken when a member wants
    an address that is somebody else's.
    """
    owner = people.by_address(session, proved.address)
    if proved.for_id is None:
        if owner is not None:
            return Entered(owner.id, False)
        name = NAMELESS[proved.language if proved.language in NAMELESS else "en"]
        made = people.create_by_address(session, address=proved.address, name=name, language=None)
        return Entered(made.id, True)
    asker = people.get(session, proved.for_id)
    if owner is not None and owner.id != asker.id:
        if not asker.guest:
            raise people.AddressTaken
        merging.merge(session, guest_id=asker.id, into_id=owner.id, now=now)
        return Entered(owner.id, False)
    was_guest = asker.guest
    people.set_address(session, asker, proved.address)
    audit.note(session, "address.proved", of=f"member/{asker.id}", by=asker.id, now=now, guest=was_guest)
    return Entered(asker.id, False)


def to_forget(session: Session, *, now: dt.datetime, after: dt.timedelta = LIFETIME) -> list[str]:
    """The ids of the guests whose last event is over for long enough."""
    return list(session.scalars(_FORGETTABLE, {"before": now - after}))


def is_placeholder(member: Member) -> bool:
    """Whether she has not said her name yet."""
    return member.name in NAMELESS.values()
