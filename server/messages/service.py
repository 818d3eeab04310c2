"""Writes to those of a gathering whom its hosts choose, and knows who wants to hear nothing."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import names, nonces, paging, texts, topics
from server.audit import service as audit
from server.errors import Conflict, Invalid, Refused
from server.events import service as events
from server.events.model import Event
from server.events.states import Phase, State
from server.inbox import service as inbox
from server.inbox import words
from server.messages.model import MutedOrganizer, OrganizerMessage
from server.people import service as people
from server.people.model import Member
from server.texts import later

To = Literal["going", "came", "absent", "waiting"]
GROUPS: tuple[To, ...] = ("going", "came", "absent", "waiting")
MOST = 2  # of one event: one before, one after; whoever gets more stops reading
LONGEST = 2000
KIND = "message"
WROTE = later("%(host)s, about %(event)s:\n\n%(text)s")


class TwoSent(Conflict):
    """Two messages went out already: that is all there are for one gathering."""

    code = "two_sent"


class NobodyThere(Conflict):
    """There is nobody to write to in this group."""

    code = "nobody_there"


class AfterTheEnd(Refused):
    """Who did not come is known once it is over."""

    code = "after_the_end"


class NotOut(Refused):
    """Announce it first: nobody knows of it yet."""

    code = "not_out"


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as it would go out. looks: by language of who gets it, the whole note as she would read it."""

    to: To
    count: int
    looks: dict[str, str]
    left: int


# Whoever withdrew, was declined or has erased herself is in none of them.
_GROUPS = {
    "going": text("SELECT member_id FROM going WHERE event_id = :event"),
    "waiting": text("SELECT member_id FROM sign_up WHERE event_id = :event AND state = 'waiting'"),
    "came": text("""
        SELECT DISTINCT checkin.member_id FROM checkin JOIN step ON step.id = checkin.step_id
        WHERE step.event_id = :event AND checkin.undone_at IS NULL AND checkin.member_id IS NOT NULL
    """),
    "absent": text("""
        SELECT member_id FROM going WHERE event_id = :event AND NOT EXISTS (
            SELECT FROM checkin JOIN step ON step.id = checkin.step_id
            WHERE step.event_id = :event AND checkin.member_id = going.member_id AND checkin.undone_at IS NULL)
    """),
}
_MUTED = text("SELECT member_id FROM muted_organizer WHERE muted_id = :organizer AND member_id = ANY(:members)")
_LANGUAGES = text("SELECT DISTINCT coalesce(language, 'en') FROM member WHERE id = ANY(:members)")


def counts(session: Session, *, event_id: str, by_id: str, now: dt.datetime) -> dict[To, int]:
    """How many there are in each group that can be written to now; without who writes."""
    event = events.get(session, event_id)
    missed = event.state == State.PUBLISHED and events.phase_of(session, event, now) is Phase.OVER
    groups = [one for one in GROUPS if one != "absent" or missed]
    return {one: len(_members(session, event_id, one, by_id)) for one in groups}


def preview(session: Session, *, event_id: str, to: To, text: str, by_id: str, now: dt.datetime) -> Preview:
    """What would go out, to how many, and how each of their languages shows it; the text stays as it was written.

    Raises EventUnknown, NotOut, AfterTheEnd, NobodyThere, TwoSent, Invalid.
    """
    event = events.get(session, event_id)
    written = _check_text(text)
    left = MOST - len(sent_of(session, event_id=event_id))
    if left <= 0:
        raise TwoSent
    found = _recipients(session, event, to, by_id, now)
    values = _values(session, event, by_id, written)
    languages = sorted(session.scalars(_LANGUAGES, {"members": found}))
    return Preview(to, len(found), {one: words.fill(WROTE, values, texts.of(one)) for one in languages}, left)


def send(
    session: Session, *, event_id: str, to: To, text: str, by_id: str, nonce: str, now: dt.datetime
) -> OrganizerMessage:
    """Sends a message, once for each nonce. Whoever muted the organizer does not get it, and nobody can tell.

    Raises EventUnknown, NotOut, AfterTheEnd, NobodyThere, TwoSent, Invalid.
    """
    # Hers, and of this gathering: another's number is another message.
    hashed = nonces.read(nonce, event_id, by_id)
    # Whoever writes at the same moment waits here: of three, two go out.
    event = events.get(session, event_id, to_edit=True)
    sent = sent_of(session, event_id=event_id)
    again = next((one for one in sent if one.nonce == hashed), None)
    if again is not None:
        return again
    written = _check_text(text)
    if len(sent) >= MOST:
        raise TwoSent
    found = _recipients(session, event, to, by_id, now)
    message = OrganizerMessage(
        event_id=event_id,
        number=len(sent) + 1,
        to=to,
        text=written,
        recipients=len(found),
        by_id=by_id,
        at=now,
        nonce=hashed,
    )
    session.add(message)
    session.flush()
    muted = set(session.scalars(_MUTED, {"organizer": event.organizer_id, "members": found}))
    heard = [one for one in found if one not in muted]
    inbox.tell(
        session,
        heard,
        kind=KIND,
        of=f"event/{event_id}",
        sentence=WROTE,
        values=_values(session, event, by_id, written),
        link=f"/events/{event_id}",
        nonce=str(message.number),
        now=now,
    )
    audit.note(session, "message.sent", of=f"event/{event_id}", by=by_id, now=now, to=to, count=len(found))
    topics.bump(session, [f"member/{one}" for one in heard])
    return message


def sent_of(session: Session, *, event_id: str) -> Sequence[OrganizerMessage]:
    """What was sent of an event, in order; MOST at most."""
    wanted = select(OrganizerMessage).where(OrganizerMessage.event_id == event_id)
    return session.scalars(wanted.order_by(OrganizerMessage.number)).all()


def mute(session: Session, *, member_id: str, organizer_id: str, now: dt.datetime) -> None:
    """Keeps that somebody wants no messages of this organizer's gatherings; twice is as once. Raises MemberUnknown."""
    people.get(session, organizer_id)
    row = {"member_id": member_id, "muted_id": organizer_id, "at": now}
    session.execute(insert(MutedOrganizer).values(**row).on_conflict_do_nothing())


def unmute(session: Session, *, member_id: str, organizer_id: str) -> None:
    """She wants to hear of this organizer again; twice is as once."""
    session.execute(
        delete(MutedOrganizer).where(MutedOrganizer.member_id == member_id, MutedOrganizer.muted_id == organizer_id)
    )


def muted_by(session: Session, *, member_id: str, page: paging.Page = paging.EVERYTHING) -> list[MutedOrganizer]:
    """Whom she muted, in the order of their ids."""
    wanted = select(MutedOrganizer).where(MutedOrganizer.member_id == member_id)
    return page.read(session, wanted, paging.up(MutedOrganizer.muted_id))


def _recipients(session: Session, event: Event, to: To, by_id: str, now: dt.datetime) -> list[str]:
    if event.state == State.DRAFT:
        raise NotOut
    if to == "absent" and event.state != State.PUBLISHED:
        raise NobodyThere  # to what does not take place nobody is missing
    if to == "absent" and events.phase_of(session, event, now) is not Phase.OVER:
        raise AfterTheEnd
    found = _members(session, event.id, to, by_id)
    if not found:
        raise NobodyThere
    return found


def _members(session: Session, event_id: str, to: To, by_id: str) -> list[str]:
    if to not in _GROUPS:
        raise Invalid("Write to one of these: %(groups)s.", groups=", ".join(GROUPS))
    return sorted(set(session.scalars(_GROUPS[to], {"event": event_id})) - {by_id})


def _values(session: Session, event: Event, by_id: str, written: str) -> dict[str, object]:
    by: Member = people.get(session, by_id)
    return {
        "host": words.person(by.id, by.name, by.simulated),
        "event": words.named(event.name, event.simulated),
        "text": written,
    }


def _check_text(typed: str) -> str:
    written = names.check_text(typed, "message", LONGEST)
    if not written:
        raise Invalid("Write something first.")
    return written
