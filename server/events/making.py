"""The steps of a gathering: what makes one, and what it may be."""

import datetime as dt
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from config import settings
from server import constraints, names
from server.errors import Conflict, Invalid
from server.events.model import Event, Step
from server.venues import service as venues

# Check-ins stand above events: whether anybody came is asked of the database alone.
_USED = text("SELECT EXISTS (SELECT FROM checkin WHERE step_id = :step)")
MAX_STEPS = 50  # a festival's day; more are several events
MAX_DWELL_S = 6 * 3600  # longer than most events: somebody mistook the unit
MAX_LENGTH = dt.timedelta(days=31)  # of a step: what lasts longer is a place, not an event
MAX_CAPACITY = 1_000_000


class LastStep(Conflict):
    """A gathering has at least one step: call it off instead."""

    code = "last_step"


class StepUsed(Conflict):
    """Somebody has come to this step already: it stays."""

    code = "step_used"


class StepExists(Conflict):
    """There is a step of this id already."""

    code = "step_exists"


@dataclass(frozen=True, slots=True)
class NewStep:
    """A step to be made. What is None takes the default: an id of the event's, the check-in rule of the settings."""

    name: str
    venue_id: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    zone_id: str | None = None
    opens_at: dt.datetime | None = None
    dwell_signed_up_s: float | None = None
    dwell_walk_in_s: float | None = None
    capacity: int | None = None
    id: str | None = None


def settle(step: NewStep, rule: settings.Checkin | None = None) -> NewStep:
    """The step with the rule's numbers where it says nothing: when it opens, and how long somebody has to be heard."""
    rule = rule or default_rule()
    signed_up_s, walk_in_s = step.dwell_signed_up_s, step.dwell_walk_in_s
    return replace(
        step,
        opens_at=step.opens_at or step.starts_at - dt.timedelta(seconds=rule.opens_before_s),
        dwell_signed_up_s=rule.dwell_signed_up_s if signed_up_s is None else signed_up_s,
        dwell_walk_in_s=rule.dwell_walk_in_s if walk_in_s is None else walk_in_s,
    )


def make_step(session: Session, event_id: str, position: int, step: NewStep, rule: settings.Checkin) -> Step:
    name = names.check_name(step.name, "step")
    check_place(session, step.venue_id, step.zone_id)
    step = settle(step, rule)
    opens_at, dwell_s = step.opens_at, (step.dwell_signed_up_s, step.dwell_walk_in_s)
    assert opens_at is not None
    check_times(name, opens_at, step.starts_at, step.ends_at)
    dwell_signed_up_s, dwell_walk_in_s = check_dwell(name, *dwell_s)
    check_capacity(name, step.capacity)
    return Step(
        id=names.append(event_id, str(position + 1)) if step.id is None else names.check_id(step.id, "step"),
        event_id=event_id,
        position=position,
        name=name,
        venue_id=step.venue_id,
        zone_id=step.zone_id,
        opens_at=opens_at,
        starts_at=step.starts_at,
        ends_at=step.ends_at,
        dwell_signed_up_s=dwell_signed_up_s,
        dwell_walk_in_s=dwell_walk_in_s,
        capacity=step.capacity,
    )


def check_dwell(name: str, *dwell_s: float | None) -> list[float]:
    told = [one for one in dwell_s if one is not None and 0 <= one <= MAX_DWELL_S]
    if len(told) < len(dwell_s):
        raise Invalid(
            "The time that somebody has to be heard at %(name)s lies between 0 and %(most)s seconds.",
            name=name,
            most=MAX_DWELL_S,
        )
    return told


def check_capacity(name: str, capacity: int | None) -> None:
    if capacity is not None and not 1 <= capacity <= MAX_CAPACITY:
        raise Invalid("The capacity of %(name)s lies between 1 and %(most)s.", name=name, most=MAX_CAPACITY)


def check_place(session: Session, venue_id: str, zone_id: str | None) -> None:
    venue = venues.get(session, venue_id)
    if zone_id is not None:
        venues.get_zone(session, venue_id=venue_id, zone_id=zone_id)
    venues.check_ready(venue)


def check_times(name: str, opens_at: dt.datetime, starts_at: dt.datetime, ends_at: dt.datetime) -> None:
    if not opens_at <= starts_at < ends_at:
        raise Invalid("%(name)s opens, then starts, then ends; its times stand in another order.", name=name)
    if ends_at - opens_at > MAX_LENGTH:
        raise Invalid("%(name)s is longer than %(days)s days.", name=name, days=MAX_LENGTH.days)


@lru_cache(maxsize=1)
def default_rule() -> settings.Checkin:
    return settings.load(environment={}).checkin


def add(session: Session, event: Event, step: NewStep, *, rule: settings.Checkin | None = None) -> Step:
    """Adds a step behind the others; whoever signed up for all of them means this one too.

    Raises StepExists, VenueUnknown, ZoneUnknown, Invalid. The event has to be read to be edited.
    """
    there = session.execute(select(func.count(), func.max(Step.position)).where(Step.event_id == event.id)).one()
    if there[0] >= MAX_STEPS:
        raise Invalid("An event has between one and %(most)s steps.", most=MAX_STEPS)
    made = make_step(session, event.id, there[1] + 1, step, rule or default_rule())
    taken = StepExists("A step of another event has one of these ids: %(ids)s.", ids=made.id)
    constraints.refuse_taken(session, Step.id, [made.id], taken)
    with constraints.explain(session, {"pk_step": taken}):
        session.add(made)
    return made


def say(step: Step, wanted: NewStep) -> bool:
    """Says what a step is called and how long somebody has to be heard there; returns whether the latter is new.

    The step has to be read to be edited, and what it is to be settled. Raises Invalid.
    """
    step.name = names.check_name(wanted.name, "step")
    before = [step.dwell_signed_up_s, step.dwell_walk_in_s]
    step.dwell_signed_up_s, step.dwell_walk_in_s = check_dwell(
        step.name, wanted.dwell_signed_up_s, wanted.dwell_walk_in_s
    )
    return before != [step.dwell_signed_up_s, step.dwell_walk_in_s]


def remove(session: Session, event: Event, step: Step) -> None:
    """Takes a step out; raises LastStep, StepUsed. What makes the event complete is at most all that is left.

    The event has to be read to be edited.
    """
    left = session.scalars(select(Step.id).where(Step.event_id == event.id, Step.id != step.id)).all()
    if not left:
        raise LastStep
    if session.scalar(_USED, {"step": step.id}):
        raise StepUsed("Somebody has come to %(step)s already: it stays.", step=step.name)
    if event.needs is not None:
        event.needs = min(event.needs, len(left))
    session.delete(step)
    session.flush()
