"""Guests: let in without an account, remembered until a while after their last event, unless they leave an address."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

from server.audit import service as audit
from server.people import merging
from server.people import service as people
from server.people.codes import Proved
from server.people.model import Member

NAMELESS = {"en": "Somebody new", "zh": "新朋友"}  # until she says how she wants to be called; never her address


@dataclass(frozen=True, slots=True)
class Entered:
    """Who came in. new: whoever has just become known; she has not said her name yet."""

    member_id: str
    new: bool


def enter(session: Session, proved: Proved, *, now: dt.datetime) -> Entered:
    """Who has proved an address: its member, a new one, or the guest or member who wanted it to be hers.

    Of a guest whose address is a member's already, all becomes that member's. A guest who has the address only because
    a list said so is whoever proves it. Raises AddressTaken when a member wants an address that is somebody else's.
    """
    owner = people.by_address(session, proved.address)
    if proved.for_id is None:
        if owner is not None and owner.guest:
            _claim(session, owner, proved.address, now)
        if owner is not None:
            return Entered(owner.id, False)
        name = NAMELESS[proved.language if proved.language in NAMELESS else "en"]
        made = people.create_by_address(session, address=proved.address, name=name, language=None)
        return Entered(made.id, True)
    asker = people.get(session, proved.for_id)
    if owner is not None and owner.id != asker.id:
        if owner.guest:
            merging.merge(session, guest_id=owner.id, into_id=asker.id, now=now)
        elif not asker.guest:
            raise people.AddressTaken
        else:
            merging.merge(session, guest_id=asker.id, into_id=owner.id, now=now)
            return Entered(owner.id, False)
    _claim(session, asker, proved.address, now)
    return Entered(asker.id, False)


def _claim(session: Session, member: Member, address: str, now: dt.datetime) -> None:
    was_guest = member.guest
    people.set_address(session, member, address)
    audit.note(session, "address.proved", of=f"member/{member.id}", by=member.id, now=now, guest=was_guest)


def is_placeholder(member: Member) -> bool:
    """Whether she has not said her name yet."""
    return member.name in NAMELESS.values()
