"""What somebody signed up for: a slot for each step that she chose, or one for the whole; and how it is kept."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from server.events import service as events
from server.events import states, waiting
from server.events.model import Event, SignUp, SignUpStep, Step
from server.events.states import SignUpState
from server.events.waiting import Party


class Slot(NamedTuple):
    """A sign-up for one step, or for the whole event (step_id None). before: parties that wait in front of her."""

    step_id: str | None
    state: SignUpState
    turn: int
    before: int = 0


class Mine(NamedTuple):
    """Somebody's sign-up, and what it is for."""

    state: SignUpState
    guests: int
    at: dt.datetime
    slots: tuple[Slot, ...]

    @property
    def before(self) -> int | None:
        """How many wait in front of her, where she waits for the whole or for all she chose."""
        ahead = [slot.before for slot in self.slots if slot.state is SignUpState.WAITING]
        return max(ahead) if self.state is SignUpState.WAITING else None


_FREE = text("""
    SELECT step.id, step.capacity - coalesce(sum(1 + going_to.guests), 0)::bigint
    FROM step LEFT JOIN going_to ON going_to.step_id = step.id AND going_to.member_id IS DISTINCT FROM :without
    WHERE step.event_id = :event GROUP BY step.id, step.capacity
""")


def mine(session: Session, *, event_id: str, member_id: str, parties: Sequence[Party] | None = None) -> Mine | None:
    """Somebody's sign-up, with how many wait before her; None: there never was one.

    parties: the event's queue, of whom a caller asks for many; None: it is read.
    """
    row = session.get(SignUp, (event_id, member_id), populate_existing=True)
    if row is None:
        return None
    chosen = session.scalars(
        select(SignUpStep)
        .join(Step, Step.id == SignUpStep.step_id)
        .where(SignUpStep.event_id == event_id, SignUpStep.member_id == member_id)
        .order_by(Step.position)
        .execution_options(populate_existing=True)
    ).all()
    slots = [Slot(one.step_id, SignUpState(one.state), one.turn) for one in chosen]
    slots = slots or [Slot(None, SignUpState(row.state), row.turn)]
    if any(slot.state is SignUpState.WAITING for slot in slots):
        if parties is None:
            parties = queue(session, events.get(session, event_id), events.steps_of(session, event_id=event_id))
        slots = [
            slot._replace(before=waiting.before((one for one in parties if one.step_id == slot.step_id), slot.turn))
            if slot.state is SignUpState.WAITING
            else slot
            for slot in slots
        ]
    return Mine(SignUpState(row.state), row.guests, row.at, tuple(slots))


def free(session: Session, event_id: str, without: str | None = None) -> dict[str, int | None]:
    """How many more each step takes, guests counted; None: no bound; below 0 where places were taken away.

    without: a member who is not counted.
    """
    return dict(session.execute(_FREE, {"event": event_id, "without": without}).all())


def kinds(event: Event, steps: Sequence[Step]) -> list[tuple[str | None, tuple[str, ...]]]:
    """What one signs up for, each with the steps whose places it takes."""
    if event.by_step:
        return [(step.id, (step.id,)) for step in steps]
    return [(None, tuple(step.id for step in steps))]


def queue(session: Session, event: Event, steps: Sequence[Step]) -> list[Party]:
    """The parties that wait, in no order."""
    of = dict(kinds(event, steps))
    if not event.by_step:
        rows = select(SignUp).where(SignUp.event_id == event.id, SignUp.state == SignUpState.WAITING)
        return [Party(row.turn, row.member_id, None, 1 + row.guests, of[None]) for row in session.scalars(rows)]
    found = session.execute(
        select(SignUpStep, SignUp.guests)
        .join(SignUp, (SignUp.event_id == SignUpStep.event_id) & (SignUp.member_id == SignUpStep.member_id))
        .where(SignUpStep.event_id == event.id, SignUpStep.state == SignUpState.WAITING)
    )
    return [Party(row.turn, row.member_id, row.step_id, 1 + guests, of[row.step_id]) for row, guests in found]


def next_turn(session: Session, event_id: str) -> int:
    """The number of who signs up now; the caller holds the event's row."""
    whole = select(func.max(SignUp.turn)).where(SignUp.event_id == event_id)
    of_steps = select(func.max(SignUpStep.turn)).where(SignUpStep.event_id == event_id)
    return 1 + max(session.scalar(whole) or 0, session.scalar(of_steps) or 0)


def save(
    session: Session, event: Event, member_id: str, slots: Sequence[Slot], *, guests: int, at: dt.datetime
) -> None:
    """Keeps somebody's sign-up, what stands for all her steps as well."""
    state = states.together(slot.state for slot in slots)
    row = session.get(SignUp, (event.id, member_id)) or SignUp(event_id=event.id, member_id=member_id)
    row.state, row.guests, row.at = state, guests if state in states.LIVE else 0, at
    row.turn = min(slot.turn for slot in slots if slot.state is state)
    session.add(row)
    for slot in slots:
        if slot.step_id is not None:
            chosen = session.get(SignUpStep, (slot.step_id, member_id))
            chosen = chosen or SignUpStep(step_id=slot.step_id, member_id=member_id, event_id=event.id)
            chosen.state, chosen.turn = slot.state, slot.turn
            session.add(chosen)
    session.flush()


def members_of(session: Session, event_ids: Collection[str]) -> set[str]:
    """The ids of who signed up for any of these events and did not withdraw, by one statement."""
    rows = select(SignUp.member_id).where(SignUp.event_id.in_(event_ids), SignUp.state.in_(states.LIVE))
    return set(session.scalars(rows))
