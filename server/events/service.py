"""Makes events of steps, takes sign-ups, and says which steps are open."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config import settings
from server import constraints, names, paging, topics
from server.communities import service as communities
from server.errors import Conflict, Invalid, NotFound, Refused
from server.events.model import Event, SignUp, Step
from server.people import roles
from server.people import service as people
from server.venues import service as venues

MAX_STEPS = 50  # a festival's day; more are several events
MAX_DWELL_S = 6 * 3600  # longer than most events: somebody mistook the unit
MAX_LENGTH = dt.timedelta(days=31)  # of a step: what lasts longer is a place, not an event
MAX_CAPACITY = 1_000_000
_LAST_FIRST = (
    paging.down(select(func.max(Step.ends_at)).where(Step.event_id == Event.id).scalar_subquery()),
    paging.up(Event.id),
)


class EventUnknown(NotFound):
    """There is no such event."""

    code = "event_unknown"


class EventExists(Conflict):
    """There is an event of this id already."""

    code = "event_exists"


class StepExists(Conflict):
    """There is a step of this id already."""

    code = "step_exists"


class StepUnknown(NotFound):
    """There is no such step in this event."""

    code = "step_unknown"


class EventOver(Refused):
    """This event is over."""

    code = "event_over"


class MembersOnly(Refused):
    """This event is for the members of its community."""

    code = "members_only"


class NotSignedUp(NotFound):
    """You have not signed up for this event."""

    code = "not_signed_up"


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


def create(
    session: Session,
    *,
    id: str,
    name: str,
    organizer_id: str,
    steps: Sequence[NewStep],
    community_id: str | None = None,
    approval: bool = False,
    simulated: bool = False,
    rule: settings.Checkin | None = None,
) -> Event:
    """Makes an event with its steps, in their order.

    approval: who did not sign up is let in by the host alone.
    rule: what a step that says nothing takes; None: the defaults of config/defaults.toml.
    Raises EventExists, StepExists, MemberUnknown, CommunityUnknown, VenueUnknown, ZoneUnknown, Invalid.
    """
    names.check_id(id, "event")
    people.get(session, organizer_id)
    if community_id is not None:
        communities.get(session, community_id)
    if not 1 <= len(steps) <= MAX_STEPS:
        raise Invalid("An event has between one and %(most)s steps.", most=MAX_STEPS)
    made = [_make_step(session, id, position, step, rule or _default_rule()) for position, step in enumerate(steps)]
    if len({step.id for step in made}) < len(made):
        raise Invalid("Each step of an event has an id of its own.")
    event = Event(
        id=id,
        name=names.check_name(name, "event"),
        community_id=community_id,
        organizer_id=organizer_id,
        approval=approval,
        simulated=simulated,
    )
    taken = StepExists(
        "A step of another event has one of these ids: %(ids)s.", ids=", ".join(step.id for step in made)
    )
    with session.begin_nested():
        constraints.add_new(session, event, EventExists("There is an event %(id)s already.", id=id))
        constraints.refuse_taken(session, Step.id, (step.id for step in made), taken)
        with constraints.explain(session, {"pk_step": taken}):
            session.add_all(made)
    topics.bump(session, [topics.EXPECTED, f"event/{id}"])
    return event


def get_step(session: Session, *, event_id: str, step_id: str, to_edit: bool = False) -> Step:
    """A step of this event, locked if it is read to be edited; raises StepUnknown."""
    step = session.get(Step, step_id, with_for_update=constraints.lock(to_edit)) if names.is_id(step_id) else None
    if step is None or step.event_id != event_id:
        raise StepUnknown("There is no step %(step)r in this event.", step=step_id[: names.ID_MAX_LENGTH])
    return step


def move_step(
    session: Session,
    *,
    event_id: str,
    step_id: str,
    venue_id: str,
    zone_id: str | None,
    opens_at: dt.datetime,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
) -> Step:
    """Says that a step takes place at another time or place; its rule and its capacity stay.

    Whom it checks in is another capability's matter (server.corrections). Raises StepUnknown, VenueUnknown,
    ZoneUnknown, Invalid.
    """
    step = get_step(session, event_id=event_id, step_id=step_id)
    _check_place(session, venue_id, zone_id)
    _check_times(step.name, opens_at, starts_at, ends_at)
    step.venue_id, step.zone_id = venue_id, zone_id
    step.opens_at, step.starts_at, step.ends_at = opens_at, starts_at, ends_at
    session.flush()
    topics.bump(session, [topics.EXPECTED, f"event/{event_id}"])
    return step


def set_entry(
    session: Session, *, event_id: str, approval: bool | None = None, capacities: Mapping[str, int | None] | None = None
) -> Event:
    """Says whether the host lets in who did not sign up, and how many each of these steps takes (None: no bound).

    What is not said stays. Raises EventUnknown, StepUnknown, Invalid.
    """
    event = get(session, event_id, to_edit=True)
    if approval is not None and approval != event.approval:
        event.approval = approval
        event.version += 1
    for step_id, capacity in (capacities or {}).items():
        step = get_step(session, event_id=event_id, step_id=step_id)
        _check_capacity(step.name, capacity)
        if step.capacity != capacity:
            step.capacity = capacity
            step.version += 1
    session.flush()
    topics.bump(session, [f"event/{event_id}"])
    return event


def get(session: Session, id: str, *, to_edit: bool = False) -> Event:
    """The event of this id, locked if it is read to be edited; raises EventUnknown."""
    event = session.get(Event, id, with_for_update=constraints.lock(to_edit)) if names.is_id(id) else None
    if event is None:
        raise EventUnknown("There is no event %(id)r.", id=id[: names.ID_MAX_LENGTH])
    return event


def edit(session: Session, event: Event, *, name: str, community_id: str | None) -> None:
    """Gives an event another name or community, None for one that is open to all; who signed up stays so.

    Raises CommunityUnknown, Invalid.
    """
    if community_id is not None:
        communities.get(session, community_id)
    event.name, event.community_id = names.check_name(name, "event"), community_id
    session.flush()
    topics.bump(session, [f"event/{event.id}"])


def list_all(session: Session, page: paging.Page = paging.EVERYTHING) -> list[Event]:
    """All events, those that end last first."""
    return page.read(session, select(Event), *_LAST_FIRST)


def organized_by(session: Session, *, member_id: str) -> list[Event]:
    """The events that somebody organizes or hosts, those that end last first."""
    hosted = roles.held_by(session, member_id=member_id, kind="event")
    rows = select(Event).where(or_(Event.organizer_id == member_id, Event.id.in_(hosted)))
    return paging.EVERYTHING.read(session, rows, *_LAST_FIRST)


def hand_over(session: Session, *, event_id: str, to_id: str) -> Event:
    """Makes another member the organizer of an event; raises EventUnknown, MemberUnknown."""
    event = get(session, event_id)
    event.organizer_id = people.get(session, to_id).id
    session.flush()
    topics.bump(session, [topics.CONSENTS, f"event/{event_id}"])
    return event


def steps_of(session: Session, *, event_id: str) -> list[Step]:
    """The steps of an event in their order."""
    return list(session.scalars(select(Step).where(Step.event_id == event_id).order_by(Step.position)))


def steps_open_at(session: Session, *, at: dt.datetime, venue_id: str | None = None) -> list[Step]:
    """The steps that take check-ins at a time, of all venues or of one, by their ids."""
    wanted = select(Step).where(Step.opens_at <= at, at < Step.ends_at).order_by(Step.id)
    return list(session.scalars(wanted if venue_id is None else wanted.where(Step.venue_id == venue_id)))


def is_running(session: Session, *, event_id: str, at: dt.datetime) -> bool:
    """Whether an event is on: from when its first step opens until its last one ends."""
    opens, ends = session.execute(
        select(func.min(Step.opens_at), func.max(Step.ends_at)).where(Step.event_id == event_id)
    ).one()
    return opens is not None and opens <= at < ends


def running_there(session: Session, *, organizer_id: str, venue_id: str, at: dt.datetime) -> list[str]:
    """The ids of the events that she organizes or hosts with a step in the venue that is open at a time."""
    hosted = roles.held_by(session, member_id=organizer_id, kind="event")
    found = session.scalars(
        select(Event.id)
        .join(Step, Step.event_id == Event.id)
        .where(
            or_(Event.organizer_id == organizer_id, Event.id.in_(hosted)),
            Step.venue_id == venue_id,
            Step.opens_at <= at,
            at < Step.ends_at,
        )
        .distinct()
        .order_by(Event.id)
    )
    return list(found)


def sign_up(session: Session, *, event_id: str, member_id: str, now: dt.datetime) -> None:
    """Says that somebody means to come; twice is as once.

    Raises EventUnknown, MemberUnknown, EventOver, MembersOnly.
    """
    event = get(session, event_id)
    people.get(session, member_id)
    _refuse_over(session, event, now)
    if event.community_id is not None and not communities.belongs(
        session, community_id=event.community_id, member_id=member_id
    ):
        community = communities.get(session, event.community_id)
        raise MembersOnly(
            "%(event)s is for the members of %(community)s: join it first.", event=event.name, community=community.name
        )
    session.execute(
        insert(SignUp)
        .values(event_id=event_id, member_id=member_id, at=now)
        .on_conflict_do_nothing(index_elements=[SignUp.event_id, SignUp.member_id])
    )
    topics.bump(session, [topics.EXPECTED, f"event/{event_id}", f"member/{member_id}"])


def refuse_over(session: Session, *, event_id: str, now: dt.datetime) -> None:
    """Raises EventUnknown, EventOver once its last step has ended."""
    _refuse_over(session, get(session, event_id), now)


def withdraw(session: Session, *, event_id: str, member_id: str, now: dt.datetime) -> None:
    """Takes a sign-up back; raises EventUnknown, EventOver, NotSignedUp."""
    _refuse_over(session, get(session, event_id), now)
    withdrawn = session.execute(
        delete(SignUp).where(SignUp.event_id == event_id, SignUp.member_id == member_id).returning(SignUp.member_id)
    ).scalar_one_or_none()
    if withdrawn is None:
        raise NotSignedUp
    topics.bump(session, [topics.EXPECTED, f"event/{event_id}", f"member/{member_id}"])


def has_signed_up(session: Session, *, event_id: str, member_id: str) -> bool:
    """Whether somebody means to come."""
    return session.get(SignUp, (event_id, member_id)) is not None


def signed_up_for(session: Session, *, member_id: str) -> list[str]:
    """The ids of the events that a member signed up for."""
    return list(session.scalars(select(SignUp.event_id).where(SignUp.member_id == member_id).order_by(SignUp.at)))


def count_sign_ups(session: Session, *, event_id: str) -> int:
    """How many mean to come."""
    return session.scalars(select(func.count()).select_from(SignUp).where(SignUp.event_id == event_id)).one()


def _make_step(session: Session, event_id: str, position: int, step: NewStep, rule: settings.Checkin) -> Step:
    name = names.check_name(step.name, "step")
    _check_place(session, step.venue_id, step.zone_id)
    opens_at = step.opens_at or step.starts_at - dt.timedelta(seconds=rule.opens_before_s)
    _check_times(name, opens_at, step.starts_at, step.ends_at)
    dwell_signed_up_s = rule.dwell_signed_up_s if step.dwell_signed_up_s is None else step.dwell_signed_up_s
    dwell_walk_in_s = rule.dwell_walk_in_s if step.dwell_walk_in_s is None else step.dwell_walk_in_s
    if not all(0 <= dwell_s <= MAX_DWELL_S for dwell_s in (dwell_signed_up_s, dwell_walk_in_s)):
        raise Invalid(
            "The time that somebody has to be heard at %(name)s lies between 0 and %(most)s seconds.",
            name=name,
            most=MAX_DWELL_S,
        )
    _check_capacity(name, step.capacity)
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


def _check_capacity(name: str, capacity: int | None) -> None:
    if capacity is not None and not 1 <= capacity <= MAX_CAPACITY:
        raise Invalid("The capacity of %(name)s lies between 1 and %(most)s.", name=name, most=MAX_CAPACITY)


def _check_place(session: Session, venue_id: str, zone_id: str | None) -> None:
    venue = venues.get(session, venue_id)
    if zone_id is not None:
        venues.get_zone(session, venue_id=venue_id, zone_id=zone_id)
    venues.check_ready(venue)


def _check_times(name: str, opens_at: dt.datetime, starts_at: dt.datetime, ends_at: dt.datetime) -> None:
    if not opens_at <= starts_at < ends_at:
        raise Invalid("%(name)s opens, then starts, then ends; its times stand in another order.", name=name)
    if ends_at - opens_at > MAX_LENGTH:
        raise Invalid("%(name)s is longer than %(days)s days.", name=name, days=MAX_LENGTH.days)


def _refuse_over(session: Session, event: Event, now: dt.datetime) -> None:
    ends = session.scalars(select(func.max(Step.ends_at)).where(Step.event_id == event.id)).one()
    if ends is not None and ends <= now:
        raise EventOver("%(event)s is over.", event=event.name)


@lru_cache(maxsize=1)
def _default_rule() -> settings.Checkin:
    return settings.load(environment={}).checkin
