"""Deals the cards of the morning after, keeps what is said on them, and tells it in numbers."""

import datetime as dt
import random
from collections.abc import Collection
from typing import Literal, NamedTuple

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import constraints, names, topics
from server.errors import Invalid, NotFound, Refused
from server.events import service as events
from server.events.model import Event
from server.events.states import State
from server.inbox import service as inbox
from server.inbox import words
from server.mornings import clock, opening
from server.mornings.model import Morning, MorningCard
from server.texts import later
from server.turnout import service as turnout
from server.venues import service as venues

Answer = Literal["yes", "no", "differently"]
ANSWERS: tuple[Answer, ...] = ("yes", "no", "differently")
LONGEST_LINE = 200
NUMBERS_FROM = 5  # answers: of fewer everybody who was there would know whose they are
LINES_FROM = 3  # lines: of fewer the host would
KIND = "morning"
ASKED = later("You were at %(event)s. Again?")
# An event may be told of for as long as its cards are open, from eight o'clock of the day after its end: a night ends
# up to five hours into that day, and zones differ by a day and a bit.
_LOOK_BACK = clock.OPEN_FOR + dt.timedelta(days=2, hours=3)
_order = random.SystemRandom()


class NoMorning(NotFound):
    """This did not take place, so there is nothing to say about it."""

    code = "no_morning"


class MorningNotYet(Refused):
    """We ask you in the morning: from eight o'clock on the day after."""

    code = "morning_not_yet"


class MorningOver(Refused):
    """A week has passed: what was said has been said."""

    code = "morning_over"


class NotThere(Refused):
    """This is for who came."""

    code = "not_there"


class Said(NamedTuple):
    """What was said. counts: by answer, None of fewer than NUMBERS_FROM; lines: none of fewer than LINES_FROM.

    A line comes with the answer where numbers are told.
    """

    answers: int
    counts: dict[Answer, int] | None
    lines: tuple[tuple[Answer | None, str], ...]


# Whose cards are still to be dealt, of events that ended of late.
_WITHOUT_CARD = text("""
    SELECT DISTINCT step.event_id FROM checkin JOIN step ON step.id = checkin.step_id
    JOIN event ON event.id = step.event_id AND event.state = 'published'
    WHERE checkin.undone_at IS NULL AND checkin.member_id IS NOT NULL
      AND step.event_id IN (SELECT event_id FROM step WHERE ends_at < :now
                            AND ends_at > CAST(:now AS timestamptz) - CAST(:back AS interval))
      AND NOT EXISTS (SELECT FROM morning_card WHERE morning_card.event_id = step.event_id
                      AND morning_card.member_id = checkin.member_id)
    ORDER BY step.event_id
""")
_HERS = text("""
    SELECT DISTINCT step.event_id FROM checkin JOIN step ON step.id = checkin.step_id
    JOIN event ON event.id = step.event_id AND event.state = 'published'
    WHERE checkin.member_id = :member AND checkin.undone_at IS NULL
      AND step.event_id IN (SELECT event_id FROM step WHERE ends_at < :now
                            AND ends_at > CAST(:now AS timestamptz) - CAST(:back AS interval))
      AND NOT EXISTS (SELECT FROM morning_card WHERE morning_card.event_id = step.event_id
                      AND morning_card.member_id = :member)
    ORDER BY step.event_id
""")
_CAME = text("""
    SELECT DISTINCT checkin.member_id FROM checkin JOIN step ON step.id = checkin.step_id
    WHERE step.event_id = :event AND checkin.undone_at IS NULL AND checkin.member_id IS NOT NULL
    ORDER BY checkin.member_id
""")
# Of whom it turned out that she was not there, nothing counts.
_SAID = text("""
    SELECT answer, line FROM morning_card
    WHERE event_id = :event AND answer IS NOT NULL AND EXISTS (
        SELECT FROM checkin JOIN step ON step.id = checkin.step_id
        WHERE step.event_id = :event AND checkin.member_id = morning_card.member_id AND checkin.undone_at IS NULL)
""")


def due(session: Session, now: dt.datetime) -> list[str]:
    """The ids of events whose morning has come, and who came to them has no card yet."""
    found = session.scalars(_WITHOUT_CARD, {"now": now, "back": _LOOK_BACK}).all()
    return [event_id for event_id in found if clock.is_open(begins_at(session, event_id), now)]


def deal(session: Session, *, event_id: str, now: dt.datetime) -> int:
    """Gives each who came her card and tells her, once; how many got one. Nothing where it is no morning.

    Who is known to have come only later gets hers then.
    """
    event = events.get(session, event_id)
    if event.state != State.PUBLISHED or not clock.is_open(begins_at(session, event_id), now):
        return 0
    return _give(session, event, session.scalars(_CAME, {"event": event_id}).all(), now)


def deal_to(session: Session, *, member_id: str, now: dt.datetime) -> None:
    """Gives somebody who looks the cards that wait for her, should the clock's task be late."""
    with topics.together(session):
        for event_id in session.scalars(_HERS, {"member": member_id, "now": now, "back": _LOOK_BACK}).all():
            if clock.is_open(begins_at(session, event_id), now):
                _give(session, events.get(session, event_id), [member_id], now)


def begins_at(session: Session, event_id: str) -> dt.datetime:
    """When the morning after an event is."""
    steps = events.steps_of(session, event_id=event_id)
    return clock.begins((step.ends_at, venues.get(session, step.venue_id).time_zone) for step in steps)


def is_open(session: Session, event: Event, now: dt.datetime) -> bool:
    """Whether its cards can be answered."""
    return event.state == State.PUBLISHED and clock.is_open(begins_at(session, event.id), now)


def check_came(session: Session, *, event_id: str, member_id: str) -> None:
    """Raises NotThere unless she came to it."""
    if not turnout.came(session, event_ids=[event_id], member_id=member_id):
        raise NotThere


def answer(
    session: Session, *, event_id: str, member_id: str, answer: Answer, line: str = "", now: dt.datetime
) -> MorningCard:
    """Keeps what somebody who came says; the last word counts. Enough yeses open a proposal, in a circle.

    Raises EventUnknown, NoMorning, MorningNotYet, MorningOver, NotThere, Invalid.
    """
    check_came(session, event_id=event_id, member_id=member_id)
    event = _check_open(session, event_id, now)
    if answer not in ANSWERS:
        raise Invalid("Say yes, no or differently.")
    said = _line(line)
    with topics.together(session):
        # All who answer take turns here, so that the third yes is one of them.
        morning = _lock(session, event_id)
        _give(session, event, [member_id], now)
        card = session.get_one(MorningCard, (event_id, member_id), populate_existing=True)
        card.answer, card.line, card.answered_at = answer, said, now
        session.flush()
        topics.bump(session, [f"event/{event_id}"])
        if morning.opened_at is None:
            opening.by_itself(session, event, morning, now)
        else:
            opening.follow(session, morning, member_id=member_id, yes=answer == "yes", now=now)
    return card


def open_again(session: Session, *, event_id: str, by_id: str, now: dt.datetime) -> Morning:
    """The host proposes it again with the yeses that there are; twice is as once.

    Raises EventUnknown, NoMorning, MorningNotYet, MorningOver, and what proposals refuse.
    """
    event = _check_open(session, event_id, now)
    with topics.together(session):
        morning = _lock(session, event_id)
        if morning.opened_at is None:
            opening.by_host(session, event, morning, by_id=by_id, now=now)
    return morning


def proposed(session: Session, *, event_id: str) -> str | None:
    """The id of what was proposed of it, None if nothing was, or it is gone."""
    found = session.get(Morning, event_id)
    return None if found is None else found.proposal_id


def _lock(session: Session, event_id: str) -> Morning:
    """The morning after an event, made if it is not there yet, and locked."""
    session.execute(insert(Morning).values(event_id=event_id).on_conflict_do_nothing())
    found = constraints.read(session, Morning, event_id, to_edit=True)
    assert found is not None
    return found


def card_of(session: Session, *, event_id: str, member_id: str) -> MorningCard | None:
    """Her card, None if she has none."""
    return session.get(MorningCard, (event_id, member_id))


def said_of(session: Session, *, event_id: str) -> Said:
    """What was said of an event, without names; lines in an order that is another at each look."""
    rows = session.execute(_SAID, {"event": event_id}).all()
    told = len(rows) >= NUMBERS_FROM
    counts = {one: sum(row.answer == one for row in rows) for one in ANSWERS} if told else None
    lines: list[tuple[Answer | None, str]] = [(row.answer if told else None, row.line) for row in rows if row.line]
    _order.shuffle(lines)
    return Said(len(rows), counts, tuple(lines) if len(lines) >= LINES_FROM else ())


def _check_open(session: Session, event_id: str, now: dt.datetime) -> Event:
    event = events.get(session, event_id)
    if event.state != State.PUBLISHED:
        raise NoMorning
    begins = begins_at(session, event_id)
    if now < begins:
        raise MorningNotYet
    if not clock.is_open(begins, now):
        raise MorningOver
    return event


def _give(session: Session, event: Event, member_ids: Collection[str], now: dt.datetime) -> int:
    """Within one transaction a card is given and told of, or neither; who has one gets no other."""
    if not member_ids:
        return 0
    rows = [{"event_id": event.id, "member_id": one, "at": now} for one in sorted(member_ids)]
    given = insert(MorningCard).values(rows).on_conflict_do_nothing().returning(MorningCard.member_id)
    new = session.scalars(given).all()
    inbox.tell(
        session,
        new,
        kind=KIND,
        of=f"event/{event.id}",
        sentence=ASKED,
        values={"event": words.named(event.name, event.simulated)},
        link=f"/mornings/{event.id}",
        now=now,
    )
    topics.bump(session, [f"member/{one}" for one in new])
    return len(new)


def _line(typed: str) -> str:
    line = " ".join(typed.split())
    if names.count_seen(line) > LONGEST_LINE:
        raise Invalid("One line: at most %(most)s characters.", most=LONGEST_LINE)
    return names.check_text(line, "gathering")
