"""Adds steps to a gathering, changes them and takes them out; whoever was heard there is judged, who signed up told."""

import datetime as dt
from functools import partial

from sqlalchemy.orm import Session

from config import settings
from config.settings import Presence
from server import topics
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


def change(
    session: Session,
    *,
    event_id: str,
    step_id: str,
    wanted: events.NewStep,
    if_match: str | None = None,
    rule: settings.Checkin | None = None,
    presence: Presence,
    now: dt.datetime,
) -> Step:
    """Says otherwise what a step is, where, when, how many it takes and by which rule; the other steps stay.

    Check-ins by beacon become as if it had always been so; who waits gets the places that are new. What `wanted`
    leaves out is the rule's, its id is not read. Raises what corrections.move_step and making.say raise.
    """
    wanted = making.settle(wanted, rule)
    assert wanted.opens_at is not None
    with topics.together(session):
        step = corrections.move_step(
            session,
            event_id=event_id,
            step_id=step_id,
            venue_id=wanted.venue_id,
            zone_id=wanted.zone_id,
            opens_at=wanted.opens_at,
            starts_at=wanted.starts_at,
            ends_at=wanted.ends_at,
            if_match=if_match,
            presence=presence,
            now=now,
        )
        if making.say(step, wanted):
            session.flush()
            corrections.judge_steps(session, [step_id], presence, now)
        if step.capacity != wanted.capacity:
            signups.set_entry(session, event_id=event_id, capacities={step_id: wanted.capacity}, now=now)
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
    states.gathering(State(event.state), Verb.CHANGE, events.phase_of(session, event, now), event=event.name)
    event.version += 1
    return event


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
