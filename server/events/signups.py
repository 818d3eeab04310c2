"""Takes sign-ups: for the whole of a gathering or by steps, with guests, as far as there is room; the rest waits.

All that changes who is going holds the event's row, so that two at once never overbook, and gives the places that it
freed to who waits, in the same transaction. Each function returns the members whose state changed: what was heard of
them is judged anew by whoever calls it (server.corrections); of who got a place it is judged by a task in any case.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from server import paging, topics
from server.communities import service as communities
from server.errors import Conflict, Invalid, Refused
from server.events import seeing, slots, states, telling, waiting
from server.events import service as events
from server.events.model import Event, SignUp, SignUpStep, Step
from server.events.slots import Mine, Slot
from server.events.states import Act, NotSignedUp, Phase, SignUpState, Verb
from server.jobs import service as jobs
from server.people import service as people

Changed = frozenset[str]
NOBODY: Changed = frozenset()
JUDGE = "corrections.judge_promoted"  # corrections stand above: the task is theirs


class TooManyGuests(Invalid):
    """That is more than everybody may bring."""

    code = "too_many_guests"


class PartyTooLarge(Refused):
    """There are fewer places than you are."""

    code = "party_too_large"


class NoRoomForGuests(Conflict):
    """There is no room for more guests: your own place is safe."""

    code = "no_room_for_guests"


class ChooseSteps(Invalid):
    """One signs up for this event as a whole."""

    code = "whole_only"


def sign_up(
    session: Session,
    *,
    event_id: str,
    member_id: str,
    guests: int | None = None,
    step_ids: Collection[str] | None = None,
    now: dt.datetime,
) -> Changed:
    """Says that somebody means to come; twice is as once.

    guests: whom she brings, None: as before, or nobody. step_ids: of an event that one signs up for by steps, those
    that she wants, the others go; None: what she chose before, or all.
    Raises EventUnknown, MemberUnknown, MembersOnly, StepUnknown, SaidNo, TooManyGuests, PartyTooLarge, NoRoomForGuests,
    ChooseSteps, and what the table of gatherings refuses.
    """
    event = events.get(session, event_id, to_edit=True)
    people.get(session, member_id)
    _gather(session, event, now)
    _check_member(session, event, member_id)
    steps = events.steps_of(session, event_id=event_id)
    before = slots.mine(session, event_id=event_id, member_id=member_id)
    brings = _check_guests(event, guests, before)
    wanted = _wanted(event, steps, step_ids, before)
    free = slots.free(session, event_id, without=member_id)
    all_free = slots.free(session, event_id)
    queue = [party for party in slots.queue(session, event, steps) if party.member_id != member_id]
    found: list[Slot] = []
    turn = slots.next_turn(session, event_id)
    for step_id, of in slots.kinds(event, steps):
        known = _slot(before, step_id)
        if step_id is not None and step_id not in wanted:
            if known is not None:
                left = known.state not in states.LIVE
                found.append(known if left else known._replace(state=SignUpState.WITHDRAWN))
            continue
        # Once it has begun nobody is promoted: places that those in front of her could have are not hers.
        in_front = [party for party in queue if known is None or _waits_before(party, known)]
        room = waiting.fits(1 + brings, of, waiting.without(free, waiting.next_in(in_front, all_free)))
        state = states.sign_up(None if known is None else known.state, Act.SIGN_UP, approval=event.approval, room=room)
        stays = known is not None and known.state in states.LIVE
        if not room and not (stays and before is not None and brings <= before.guests):
            _refuse_large([step for step in steps if step.id in of], brings, free, state)
        found.append(Slot(step_id, state, known.turn if known is not None and stays else turn))
    at = now if before is None or _ended(before) else before.at
    slots.save(session, event, member_id, found, guests=brings, at=at)
    return _changed(session, event, {member_id}, now)


def withdraw(session: Session, *, event_id: str, member_id: str, now: dt.datetime) -> Changed:
    """Takes a sign-up back, for all steps; raises EventUnknown, NotSignedUp, and what the table refuses."""
    event = events.get(session, event_id, to_edit=True)
    _gather(session, event, now)
    return _act(session, event, member_id, Act.WITHDRAW, now)


def withdraw_everywhere(session: Session, *, member_id: str, now: dt.datetime) -> None:
    """Takes all of somebody's sign-ups back that still matter, so that who waits gets her places."""
    live = select(SignUp.event_id).where(SignUp.member_id == member_id, SignUp.state.in_(states.LIVE))
    for event_id in session.scalars(live.order_by(SignUp.event_id)).all():
        with contextlib.suppress(Refused, Conflict):  # it is over, or was called off
            withdraw(session, event_id=event_id, member_id=member_id, now=now)


def answer(session: Session, *, event_id: str, member_id: str, yes: bool, now: dt.datetime) -> Changed:
    """The host's yes or no to somebody, who is told; twice is as once.

    Raises EventUnknown, NobodyAsked, and what the table of gatherings refuses.
    """
    event = events.get(session, event_id, to_edit=True)
    _gather(session, event, now)
    before = slots.mine(session, event_id=event_id, member_id=member_id)
    changed = _act(session, event, member_id, Act.ACCEPT if yes else Act.DECLINE, now)
    after = slots.mine(session, event_id=event_id, member_id=member_id)
    if before is not None and after is not None and before.state is not after.state:
        said = {SignUpState.GOING: telling.ACCEPTED, SignUpState.WAITING: telling.ACCEPTED_WAITING}
        telling.tell(
            session,
            [member_id],
            event=event,
            kind="event.answered",
            sentence=said.get(after.state, telling.DECLINED),
            nonce=f"{after.state}-{now.isoformat()}",
            now=now,
        )
    return changed


def bring(session: Session, *, event_id: str, member_ids: Sequence[str], now: dt.datetime) -> Changed:
    """Puts people on the list who were told elsewhere that they may come, whatever room there is.

    Raises EventUnknown, and what the table of gatherings refuses.
    """
    event = events.get(session, event_id, to_edit=True)
    _gather(session, event, now)
    turn = slots.next_turn(session, event_id)
    steps = events.steps_of(session, event_id=event_id)
    for number, member_id in enumerate(member_ids):
        found = [Slot(step_id, SignUpState.GOING, turn + number) for step_id, _ in slots.kinds(event, steps)]
        slots.save(session, event, member_id, found, guests=0, at=now)
    _tell_topics(session, event, member_ids)
    return frozenset(member_ids)


def set_entry(
    session: Session,
    *,
    event_id: str,
    approval: bool | None = None,
    capacities: Mapping[str, int | None] | None = None,
    now: dt.datetime,
) -> Event:
    """Says whether the host is asked about everybody, and how many each of these steps takes (None: no bound).

    What is not said stays, and so does whoever is going. Raises EventUnknown, StepUnknown, Invalid.
    """
    with topics.together(session):
        event = events.get(session, event_id, to_edit=True)
        if approval is not None and approval != event.approval:
            event.approval = approval
            event.version += 1
        for step_id, capacity in sorted((capacities or {}).items()):
            events.set_capacity(session, event_id=event_id, step_id=step_id, capacity=capacity)
        session.flush()
        _changed(session, event, (), now)
    return event


def promote(session: Session, event: Event, now: dt.datetime) -> Changed:
    """Gives places that are free to who waits, in turn, and tells them; once it has begun nobody is promoted.

    What was heard of them already is judged soon after, whoever freed the places. The caller holds the event's row.
    """
    phase = events.phase_of(session, event, now)
    if event.state != states.State.PUBLISHED or phase not in (Phase.BEFORE, Phase.OPEN):
        return NOBODY
    steps = events.steps_of(session, event_id=event.id)
    queue = slots.queue(session, event, steps)
    found = waiting.next_in(queue, slots.free(session, event.id)) if queue else []
    for party in found:
        hers = slots.mine(session, event_id=event.id, member_id=party.member_id)
        assert hers is not None
        changed = [
            slot._replace(state=states.sign_up(slot.state, Act.PROMOTE, approval=False, room=True))
            if slot.step_id == party.step_id
            else slot
            for slot in hers.slots
        ]
        slots.save(session, event, party.member_id, changed, guests=hers.guests, at=hers.at)
        telling.tell(
            session,
            [party.member_id],
            event=event,
            kind="event.promoted",
            sentence=telling.PROMOTED,
            nonce=f"{party.step_id or ''}-{party.turn}",
            now=now,
        )
    promoted = frozenset(party.member_id for party in found)
    if promoted:
        jobs.defer(session, JUDGE, event_id=event.id, member_ids=sorted(promoted))
    return promoted


def list_of(session: Session, *, event_id: str, page: paging.Page = paging.EVERYTHING) -> list[SignUp]:
    """Who signed up, asked or waits, in turn; who withdrew or was declined is left out."""
    rows = select(SignUp).where(SignUp.event_id == event_id, SignUp.state.in_(states.LIVE))
    return page.read(session, rows, paging.up(SignUp.turn), paging.up(SignUp.member_id))


def find(session: Session, *, event_id: str, number: int) -> str:
    """The id of who has this number (turn) in the event's list; raises NobodyAsked."""
    found = session.scalar(select(SignUp.member_id).where(SignUp.event_id == event_id, SignUp.turn == number))
    if found is None:
        raise states.NobodyAsked
    return found


def has_signed_up(session: Session, *, event_id: str, member_id: str) -> bool:
    """Whether somebody is going."""
    row = session.get(SignUp, (event_id, member_id))
    return row is not None and row.state == SignUpState.GOING


def signed_up_for(session: Session, *, member_id: str) -> list[str]:
    """The ids of the events that a member is going to."""
    hers = select(SignUp.event_id).where(SignUp.member_id == member_id, SignUp.state == SignUpState.GOING)
    return list(session.scalars(hers.order_by(SignUp.at)))


def states_of(session: Session, *, member_id: str) -> dict[str, SignUpState]:
    """What a member is at each event that she ever signed up for."""
    rows = session.execute(select(SignUp.event_id, SignUp.state).where(SignUp.member_id == member_id))
    return {event_id: SignUpState(state) for event_id, state in rows}


def members_of(session: Session, *, event_id: str, among: Collection[SignUpState] = states.LIVE) -> list[str]:
    """The ids of who is one of these, in turn."""
    rows = select(SignUp.member_id).where(SignUp.event_id == event_id, SignUp.state.in_(among))
    return list(session.scalars(rows.order_by(SignUp.turn, SignUp.member_id)))


def count_sign_ups(session: Session, *, event_id: str) -> int:
    """How many members are going, without their guests."""
    rows = select(func.count()).where(SignUp.event_id == event_id, SignUp.state == SignUpState.GOING)
    return session.scalars(rows).one()


def count_heads(session: Session, *, event_id: str) -> int:
    """How many are going, with their guests."""
    rows = select(func.coalesce(func.sum(1 + SignUp.guests), 0)).where(
        SignUp.event_id == event_id, SignUp.state == SignUpState.GOING
    )
    return int(session.scalars(rows).one())


def _gather(session: Session, event: Event, now: dt.datetime) -> None:
    states.gathering(states.State(event.state), Verb.GATHER, events.phase_of(session, event, now), event=event.name)


def _check_member(session: Session, event: Event, member_id: str) -> None:
    of = event.community_id
    if seeing.is_for_everybody(event) or (
        of is not None and communities.belongs(session, community_id=of, member_id=member_id)
    ):
        return
    events.refuse_outsider(session, event)


def _check_guests(event: Event, guests: int | None, before: Mine | None) -> int:
    kept = 0 if before is None or _ended(before) else before.guests
    if guests is None:
        return kept
    # Whoever came with more before fewer were allowed may keep them.
    if not 0 <= guests <= max(event.guests_max, kept):
        raise TooManyGuests("Everybody may bring %(most)s at most.", most=event.guests_max)
    return guests


def _wanted(
    event: Event, steps: Sequence[Step], step_ids: Collection[str] | None, before: Mine | None
) -> frozenset[str]:
    known = frozenset(step.id for step in steps)
    if not event.by_step:
        if step_ids is not None and set(step_ids) != known:
            raise ChooseSteps
        return known
    if step_ids is None:
        chosen = () if before is None else before.slots
        return frozenset(slot.step_id for slot in chosen if slot.step_id and slot.state in states.LIVE) or known
    if not set(step_ids) <= known or not step_ids:
        raise events.StepUnknown("Choose at least one of its steps.")
    return frozenset(step_ids)


def _refuse_large(steps: Sequence[Step], guests: int, free: Mapping[str, int | None], state: SignUpState) -> None:
    """For who does not fit: raises where waiting would be in vain, or cost her the place that she has."""
    if state is SignUpState.GOING:
        left = min(found for step in steps if (found := free[step.id]) is not None) - 1
        raise NoRoomForGuests(
            "There is room for %(left)s of your %(guests)s guests. Your own place is safe.",
            left=max(0, left),
            guests=guests,
        )
    places, party = min(step.capacity for step in steps if step.capacity is not None), 1 + guests
    if party > places:
        raise PartyTooLarge("There are %(places)s places, and you would be %(people)s.", places=places, people=party)


def _act(session: Session, event: Event, member_id: str, act: Act, now: dt.datetime) -> Changed:
    """One act on all of somebody's slots that it concerns."""
    before = slots.mine(session, event_id=event.id, member_id=member_id)
    if before is None:
        refused = states.SIGN_UPS[None][act]
        raise refused if isinstance(refused, type) else NotSignedUp
    states.sign_up(before.state, act, approval=False, room=True)  # raises where nothing of hers can be so
    steps = events.steps_of(session, event_id=event.id)
    free = slots.free(session, event.id, without=member_id)
    of = dict(slots.kinds(event, steps))
    found = []
    for slot in before.slots:
        if (slot.state in states.LIVE) or (act is Act.ACCEPT and slot.state is SignUpState.DECLINED):
            room = waiting.fits(1 + before.guests, of[slot.step_id], free)
            found.append(slot._replace(state=states.sign_up(slot.state, act, approval=False, room=room)))
        else:
            found.append(slot)
    slots.save(session, event, member_id, found, guests=before.guests, at=before.at)
    return _changed(session, event, {member_id}, now)


def _changed(session: Session, event: Event, member_ids: Collection[str], now: dt.datetime) -> Changed:
    changed = promote(session, event, now) | frozenset(member_ids)
    _tell_topics(session, event, changed)
    return changed


def _tell_topics(session: Session, event: Event, member_ids: Iterable[str]) -> None:
    topics.bump(session, [topics.EXPECTED, f"event/{event.id}", *(f"member/{member_id}" for member_id in member_ids)])


def _waits_before(party: waiting.Party, slot: Slot) -> bool:
    return slot.state is not SignUpState.WAITING or party.turn < slot.turn


def _ended(before: Mine) -> bool:
    return before.state not in states.LIVE


def _slot(before: Mine | None, step_id: str | None) -> Slot | None:
    return None if before is None else next((slot for slot in before.slots if slot.step_id == step_id), None)


def drop_step(session: Session, event: Event, step_id: str, remove: Callable[[], None], now: dt.datetime) -> Changed:
    """Takes a step out of all sign-ups while `remove` removes it; who waits for what it held gets that now.

    Whoever chose this step alone would otherwise seem to mean all that are left. The caller holds the event's row.
    Raises what `remove` raises, and what withdrawing does.
    """
    changed: set[str] = set()
    for member_id in of_step_alone(session, event_id=event.id, step_id=step_id):
        changed |= withdraw(session, event_id=event.id, member_id=member_id, now=now)
    chose = select(SignUpStep.member_id).where(SignUpStep.step_id == step_id, SignUpStep.event_id == event.id)
    others = session.scalars(chose.order_by(SignUpStep.member_id)).all()
    remove()
    for member_id in others:
        hers = slots.mine(session, event_id=event.id, member_id=member_id)
        if hers is not None and hers.slots[0].step_id is not None:
            slots.save(session, event, member_id, hers.slots, guests=hers.guests, at=hers.at)
    return _changed(session, event, {*changed, *others}, now)


def of_step_alone(session: Session, *, event_id: str, step_id: str) -> list[str]:
    """Who signed up for this step of an event and for no other one."""
    other = aliased(SignUpStep)
    others = exists().where(
        other.event_id == event_id,
        other.member_id == SignUpStep.member_id,
        other.step_id != step_id,
        other.state.in_(states.LIVE),
    )
    wanted = select(SignUpStep.member_id).where(
        SignUpStep.event_id == event_id, SignUpStep.step_id == step_id, SignUpStep.state.in_(states.LIVE), ~others
    )
    return list(session.scalars(wanted.order_by(SignUpStep.member_id)))
