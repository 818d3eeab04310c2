"""Asks the room, takes answers of those who are in it, and counts them."""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import names, topics
from server.checkins import rights
from server.errors import Conflict, Invalid, NotFound, Refused
from server.events.model import Event
from server.events.states import State
from server.pulse.model import Pulse, PulseAnswer

LONGEST_QUESTION = 120  # two lines on a wall, read across a room
LONGEST_CHOICE = 40
FEWEST_CHOICES, MOST_CHOICES = 2, 5
MOST_PULSES = 50  # of one event: one in ten minutes of a long day
TOLD_FROM = 5  # answers: of fewer, everybody in the room would know whose they are


class PulseUnknown(NotFound):
    """There is no such question."""

    code = "pulse_unknown"


class PulseOpen(Conflict):
    """A question is open already: close it before you ask the next."""

    code = "pulse_open"


class PulsesMany(Conflict):
    """This gathering was asked enough."""

    code = "pulses_many"


class PulseClosed(Refused):
    """This question is closed."""

    code = "pulse_closed"


class NotInTheRoom(Refused):
    """Only who is there answers: come in first, by badge, code or the host."""

    code = "not_in_the_room"


class Results(NamedTuple):
    """A question with its answers. counts: by choice, None while there are fewer than TOLD_FROM answers."""

    id: int
    event_id: str
    question: str
    choices: tuple[str, ...]
    opened_at: dt.datetime
    ends_at: dt.datetime
    closed_at: dt.datetime | None
    answers: int
    counts: tuple[int, ...] | None


class AskedOf(NamedTuple):
    """A question that waits for somebody's answer, [from_at, to_at): while a step is open."""

    id: int
    event_id: str
    event_name: str
    simulated: bool
    question: str
    from_at: dt.datetime
    to_at: dt.datetime


# Who is in: a check-in that stands, and did not go out since, as far as a door knows.
_IN = text("""
    SELECT checkin.id FROM checkin JOIN step ON step.id = checkin.step_id
    WHERE step.event_id = :event AND checkin.member_id = :member AND checkin.undone_at IS NULL
      AND coalesce((SELECT passage.direction FROM passage WHERE passage.checkin_id = checkin.id
                    ORDER BY passage.at DESC, passage.id DESC LIMIT 1), 'in') = 'in'
    LIMIT 1
""")
# What is asked of somebody: every open question where she is in, with each time in which it is.
_ASKED_OF = text("""
    SELECT pulse.id, pulse.event_id, event.name AS event_name, event.simulated, pulse.question,
           open.opens_at AS from_at, least(open.ends_at, pulse.ends_at) AS to_at
    FROM pulse JOIN event ON event.id = pulse.event_id AND event.state = 'published'
    JOIN step AS open ON open.event_id = event.id AND open.opens_at < pulse.ends_at
    WHERE pulse.closed_at IS NULL AND NOT EXISTS (
            SELECT FROM pulse_answer WHERE pulse_answer.pulse_id = pulse.id AND pulse_answer.member_id = :member)
      AND EXISTS (
        SELECT FROM checkin JOIN step ON step.id = checkin.step_id
        WHERE step.event_id = pulse.event_id AND checkin.member_id = :member AND checkin.undone_at IS NULL
          AND coalesce((SELECT passage.direction FROM passage WHERE passage.checkin_id = checkin.id
                        ORDER BY passage.at DESC, passage.id DESC LIMIT 1), 'in') = 'in')
    ORDER BY pulse.id DESC, open.opens_at LIMIT 50
""")
# Answers of who was taken back do not count: it was somebody else, or nobody.
_COUNTS = text("""
    SELECT pulse_answer.pulse_id, pulse_answer.choice, count(*) FROM pulse_answer
    JOIN pulse ON pulse.id = pulse_answer.pulse_id
    WHERE pulse_answer.pulse_id = ANY(:pulses) AND (pulse_answer.member_id IS NULL OR EXISTS (
        SELECT FROM checkin JOIN step ON step.id = checkin.step_id
        WHERE step.event_id = pulse.event_id AND checkin.member_id = pulse_answer.member_id
          AND checkin.undone_at IS NULL))
    GROUP BY pulse_answer.pulse_id, pulse_answer.choice
""")
_ATTENDEES = text("""
    SELECT DISTINCT checkin.member_id FROM checkin JOIN step ON step.id = checkin.step_id
    WHERE step.event_id = :event AND checkin.member_id IS NOT NULL AND checkin.undone_at IS NULL
""")


def ask(
    session: Session, *, event_id: str, question: str, choices: Sequence[str], by: str, nonce: str, now: dt.datetime
) -> Pulse:
    """Asks the room, once for each nonce; raises EventNotRunning, PulseOpen, PulsesMany, Invalid, EventUnknown."""
    asked = session.scalar(select(Pulse).where(Pulse.event_id == event_id, Pulse.nonce == nonce))
    if asked is not None:
        return asked
    ends_at = rights.running_until(session, event_id=event_id, now=now)
    if ends_at is None:
        raise rights.EventNotRunning
    _close_ended(session, event_id, now=now)
    if len(session.scalars(select(Pulse.id).where(Pulse.event_id == event_id)).all()) >= MOST_PULSES:
        raise PulsesMany
    row = insert(Pulse).values(
        event_id=event_id,
        question=_line(question, LONGEST_QUESTION),
        choices=_choices(choices),
        opened_at=now,
        ends_at=ends_at,
        by=by,
        nonce=nonce,
    )
    made = session.scalar(row.on_conflict_do_nothing().returning(Pulse.id))
    if made is None:
        again = session.scalar(select(Pulse).where(Pulse.event_id == event_id, Pulse.nonce == nonce))
        if again is None:
            raise PulseOpen
        return again
    _tell(session, event_id)
    return session.get_one(Pulse, made)


def close(session: Session, *, pulse_id: int, now: dt.datetime) -> Pulse:
    """Closes a question; twice is as once. Who answers at this moment is waited for. Raises PulseUnknown."""
    pulse = get(session, pulse_id, lock="UPDATE")
    if pulse.closed_at is None:
        pulse.closed_at = now
        session.flush()
        _tell(session, pulse.event_id)
    return pulse


def answer(session: Session, *, pulse_id: int, member_id: str, choice: int, now: dt.datetime) -> None:
    """Keeps what somebody in the room answers; the last answer counts.

    Raises PulseUnknown, NotInTheRoom, PulseClosed, Invalid.
    """
    pulse = get(session, pulse_id, lock="SHARE")
    if session.scalar(_IN, {"event": pulse.event_id, "member": member_id}) is None:
        raise NotInTheRoom
    if not is_open(session, pulse, now=now):
        raise PulseClosed
    if not 0 <= choice < len(pulse.choices):
        raise Invalid("Choose one of the %(count)s answers.", count=len(pulse.choices))
    kept = insert(PulseAnswer).values(pulse_id=pulse_id, member_id=member_id, choice=choice, at=now)
    session.execute(
        kept.on_conflict_do_update(constraint="uq_pulse_answer_one_each", set_={"choice": choice, "at": now})
    )
    topics.bump(session, [f"event/{pulse.event_id}", f"member/{member_id}"])


def get(session: Session, pulse_id: int, *, lock: str | None = None) -> Pulse:
    """The question of this id; raises PulseUnknown. lock: SHARE of who answers, UPDATE of who closes."""
    wanted = select(Pulse).where(Pulse.id == pulse_id)
    if lock is not None:
        wanted = wanted.with_for_update(read=lock == "SHARE")
    pulse = session.scalar(wanted.execution_options(populate_existing=True))
    if pulse is None:
        raise PulseUnknown
    return pulse


def of_event(session: Session, *, event_id: str) -> list[Results]:
    """The questions of an event with their answers, the newest first; MOST_PULSES at most."""
    wanted = select(Pulse).where(Pulse.event_id == event_id).order_by(Pulse.id.desc())
    return _results(session, session.scalars(wanted).all())


def latest(session: Session, *, event_id: str) -> Results | None:
    """The newest question of an event with its answers; none of one called off."""
    published = Event.state == State.PUBLISHED
    wanted = select(Pulse).join(Event, Event.id == Pulse.event_id).where(Pulse.event_id == event_id, published)
    wanted = wanted.order_by(Pulse.id.desc()).limit(1)
    return next(iter(_results(session, session.scalars(wanted).all())), None)


def results_of(session: Session, pulse: Pulse) -> Results:
    """A question with its answers."""
    (found,) = _results(session, [pulse])
    return found


def answered(session: Session, *, pulse_id: int, member_id: str) -> int | None:
    """What she answered, by its place among the choices."""
    wanted = select(PulseAnswer.choice).where(PulseAnswer.pulse_id == pulse_id, PulseAnswer.member_id == member_id)
    return session.scalar(wanted)


def is_in(session: Session, *, event_id: str, member_id: str) -> bool:
    """Whether she is in the room, as far as is known: checked in, and not gone out by a door."""
    return session.scalar(_IN, {"event": event_id, "member": member_id}) is not None


def asked_of(session: Session, *, member_id: str) -> tuple[AskedOf, ...]:
    """What she is asked and has not answered where she is, with each time in which it can be."""
    return tuple(AskedOf._make(row) for row in session.execute(_ASKED_OF, {"member": member_id}))


def is_open(session: Session, pulse: Pulse | Results, *, now: dt.datetime) -> bool:
    """Whether it is answered now: not closed, and a step that was open when it was asked still is."""
    if pulse.closed_at is not None or not rights.is_running(session, event_id=pulse.event_id, now=now):
        return False
    return rights.own_now(session, event_id=pulse.event_id, now=now) < pulse.ends_at


def _close_ended(session: Session, event_id: str, *, now: dt.datetime) -> None:
    """Closes what nobody closed and what ended by itself, so that the next can be asked."""
    open_one = select(Pulse).where(Pulse.event_id == event_id, Pulse.closed_at.is_(None)).with_for_update()
    for pulse in session.scalars(open_one.execution_options(populate_existing=True)):
        if not is_open(session, pulse, now=now):
            pulse.closed_at = pulse.ends_at
    session.flush()


def _results(session: Session, pulses: Sequence[Pulse]) -> list[Results]:
    counts = {pulse.id: [0] * len(pulse.choices) for pulse in pulses}
    for pulse_id, choice, count in session.execute(_COUNTS, {"pulses": list(counts)}):
        counts[pulse_id][choice] = count
    shown = []
    for pulse in pulses:
        answers = sum(counts[pulse.id])
        shown.append(
            Results(
                pulse.id,
                pulse.event_id,
                pulse.question,
                tuple(pulse.choices),
                pulse.opened_at,
                pulse.ends_at,
                pulse.closed_at,
                answers,
                tuple(counts[pulse.id]) if answers >= TOLD_FROM else None,
            )
        )
    return shown


def _tell(session: Session, event_id: str) -> None:
    """Raises the topics of the event, and of who may answer: their pages show the question."""
    attendees = session.scalars(_ATTENDEES, {"event": event_id})
    topics.bump(session, [f"event/{event_id}", *(f"member/{one}" for one in attendees)])


def _choices(choices: Sequence[str]) -> list[str]:
    kept = list(dict.fromkeys(_line(choice, LONGEST_CHOICE) for choice in choices if choice.strip()))
    if not FEWEST_CHOICES <= len(kept) <= MOST_CHOICES:
        raise Invalid(
            "Give %(fewest)s to %(most)s different answers to choose from.", fewest=FEWEST_CHOICES, most=MOST_CHOICES
        )
    return kept


def _line(typed: str, longest: int) -> str:
    line = names.check_name(typed, "question")
    if names.count_seen(line) > longest:
        raise Invalid("At most %(most)s characters, so that it is read across a room.", most=longest)
    return line
