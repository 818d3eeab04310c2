"""Adds steps to a gathering, changes them and takes them out; whoever was heard there is judged, who signed up told."""

import datetime as dt
from collections.abc import Collection
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from config import settings
from config.settings import Presence
from server import names, topics, versions
from server.corrections import service as corrections
from server.errors import Refused
from server.events import making, signups, states, telling
from server.events import service as events
from server.events.model import Event, Step
from server.events.states import State, Verb
from server.fleet import fence


class StepBegun(Refused):
    """%(step)s has begun: it stays."""

    code = "step_begun"


def add(
    session: Session,
    *,
    event_id: str,
    step: events.NewStep,
    rule: settings.Checkin | None = None,
    presence: Presence,
    now: dt.datetime,
) -> Step:
    """Adds a step; raises what making.add and the table of gatherings raise."""
    with topics.together(session):
        fence.touch_venues(session, {step.venue_id})
        event = _edited(session, event_id, now)
        made = making.add(session, event, step, rule=rule)
        _tell(session, event, signups.members_of(session, event_id=event_id), f"{made.id} added", now)
        corrections.judge_steps(session, [made.id], presence, now)
    return made


def hold(session: Session, *, event_id: str, step_id: str, venue_ids: Collection[str]) -> tuple[Event, Step]:
    """Passes the fence of these venues and of the step's own, then reads the event and the step to be edited.

    Raises EventUnknown, StepUnknown.
    """
    events.get_step(session, event_id=event_id, step_id=step_id)
    passed: set[str] = set()
    # Who moved it while this waited may have taken it to another venue; once that is passed too, nobody moves it.
    while (at := {*venue_ids, *session.scalars(select(Step.venue_id).where(Step.id == step_id))}) - passed:
        fence.touch_venues(session, at - passed)
        passed |= at
    event = events.get(session, event_id, to_edit=True)
    return event, events.get_step(session, event_id=event_id, step_id=step_id, to_edit=True)


def change(
    session: Session,
    event: Event,
    step: Step,
    wanted: events.NewStep,
    *,
    if_match: str | None = None,
    rule: settings.Checkin | None = None,
    presence: Presence,
    now: dt.datetime,
) -> Step:
    """Says otherwise what a step is, where, when, how many it takes and by which rule; the other steps stay.

    Check-ins by beacon become as if it had always been so; who waits gets the places that are new. What `wanted`
    leaves out is the rule's, its id is not read; where all is so already no version goes up. The event and the step
    are held (`hold`). Raises what corrections.move_step and making.say raise.
    """
    wanted = making.settle(wanted, rule)
    assert wanted.opens_at is not None
    with topics.together(session):
        if _is_so(step, wanted):
            _check_changes(session, event, now)
            versions.check(step, if_match)
            return step
        corrections.move_step(
            session,
            event_id=event.id,
            step_id=step.id,
            venue_id=wanted.venue_id,
            zone_id=wanted.zone_id,
            opens_at=wanted.opens_at,
            starts_at=wanted.starts_at,
            ends_at=wanted.ends_at,
            if_match=if_match,
            presence=presence,
            now=now,
        )
        event.version += 1  # a form of the whole event that was shown before would take back what changes here
        if making.say(step, wanted):
            session.flush()
            corrections.judge_steps(session, [step.id], presence, now)
        if step.capacity != wanted.capacity:
            signups.set_entry(session, event_id=event.id, capacities={step.id: wanted.capacity}, now=now)
    return step


def remove(session: Session, *, event_id: str, step_id: str, now: dt.datetime) -> None:
    """Takes out a step that has not begun; who waited for a place that it held gets one.

    Raises StepUnknown, StepBegun, LastStep, StepUsed.
    """
    with topics.together(session):
        event = _edited(session, event_id, now)
        step = events.get_step(session, event_id=event_id, step_id=step_id, to_edit=True)
        if step.opens_at <= now:
            raise StepBegun("%(step)s has begun: it stays.", step=step.name)
        told = signups.members_of(session, event_id=event_id)
        signups.drop_step(session, event, step_id, partial(making.remove, session, event, step), now)
        _tell(session, event, told, f"{step_id} removed", now)


def _edited(session: Session, event_id: str, now: dt.datetime) -> Event:
    event = events.get(session, event_id, to_edit=True)
    _check_changes(session, event, now)
    event.version += 1
    return event


def _check_changes(session: Session, event: Event, now: dt.datetime) -> None:
    states.gathering(State(event.state), Verb.CHANGE, events.phase_of(session, event, now), event=event.name)


def _is_so(step: Step, wanted: events.NewStep) -> bool:
    said = ("venue_id", "zone_id", "opens_at", "starts_at", "ends_at", "dwell_signed_up_s", "dwell_walk_in_s")
    same = all(getattr(step, name) == getattr(wanted, name) for name in (*said, "capacity"))
    return same and step.name == names.check_name(wanted.name, "step")


def _tell(session: Session, event: Event, member_ids: list[str], nonce: str, now: dt.datetime) -> None:
    topics.bump(session, [topics.EXPECTED, f"event/{event.id}"])
    if event.state == State.PUBLISHED:
        telling.tell(
            session,
            member_ids,
            event=event,
            kind="event.moved",
            sentence=telling.MOVED,
            nonce=nonce,
            now=now,
        )
