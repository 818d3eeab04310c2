"""Makes events of steps, changes and reads them, and says which steps are open."""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import NoReturn

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from config import settings
from server import constraints, names, paging, topics
from server.communities import service as communities
from server.errors import Conflict, Invalid, NotFound, Refused
from server.events import details, making, seeing, states
from server.events.details import Details
from server.events.model import Event, EventInterest, Step
from server.events.states import EventOver, State
from server.interests import service as interests
from server.interests.model import Interest
from server.people import roles
from server.people import service as people
from server.people.model import Member

# How a step is described, and its bounds.
NewStep = making.NewStep
StepExists = making.StepExists
MAX_STEPS = making.MAX_STEPS
MAX_DWELL_S = making.MAX_DWELL_S
MAX_LENGTH = making.MAX_LENGTH
MAX_CAPACITY = making.MAX_CAPACITY
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


class ListOnly(Refused):
    """This is for those on its list alone, and ends with them: announce a gathering of its own for others."""

    code = "list_only"


class MembersOnly(Refused):
    """This event is for the members of its community."""

    code = "members_only"


class StepUnknown(NotFound):
    """There is no such step in this event."""

    code = "step_unknown"


def create(
    session: Session,
    *,
    id: str,
    name: str,
    organizer_id: str,
    steps: Sequence[NewStep],
    community_id: str | None = None,
    about: Details | None = None,
    state: State = State.PUBLISHED,
    nonce: str | None = None,
    simulated: bool = False,
    rule: settings.Checkin | None = None,
) -> Event:
    """Makes an event with its steps, in their order.

    about: what else is said of it. nonce: of the request that makes it (`made_by_nonce`).
    rule: what a step that says nothing takes; None: the defaults of config/defaults.toml.
    Raises EventExists, StepExists, MemberUnknown, CommunityUnknown, VenueUnknown, ZoneUnknown, Invalid.
    """
    names.check_id(id, "event")
    people.get(session, organizer_id)
    if community_id is not None:
        communities.get(session, community_id)
    if not 1 <= len(steps) <= MAX_STEPS:
        raise Invalid("An event has between one and %(most)s steps.", most=MAX_STEPS)
    made = [
        making.make_step(session, id, position, step, rule or making.default_rule())
        for position, step in enumerate(steps)
    ]
    if len({step.id for step in made}) < len(made):
        raise Invalid("Each step of an event has an id of its own.")
    event = Event(
        id=id,
        name=names.check_name(name, "event"),
        community_id=community_id,
        organizer_id=organizer_id,
        state=state,
        nonce=nonce,
        simulated=simulated,
        **details.check(about or Details(), len(made)),
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
    step = constraints.read(session, Step, step_id, to_edit=to_edit) if names.is_id(step_id) else None
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
    """Says that a step takes place at another time or place; its name, its rule and its capacity stay.

    Whom it checks in is another capability's matter (server.corrections). Raises StepUnknown, VenueUnknown,
    ZoneUnknown, Invalid.
    """
    step = get_step(session, event_id=event_id, step_id=step_id)
    making.check_place(session, venue_id, zone_id)
    making.check_times(step.name, opens_at, starts_at, ends_at)
    step.venue_id, step.zone_id = venue_id, zone_id
    step.opens_at, step.starts_at, step.ends_at = opens_at, starts_at, ends_at
    session.flush()
    topics.bump(session, [topics.EXPECTED, f"event/{event_id}"])
    return step


def set_capacity(session: Session, *, event_id: str, step_id: str, capacity: int | None) -> bool:
    """Says how many a step takes (None: no bound), and returns whether that is new; raises StepUnknown, Invalid.

    Nobody is sent away who is going already.
    """
    step = get_step(session, event_id=event_id, step_id=step_id, to_edit=True)
    making.check_capacity(step.name, capacity)
    if step.capacity == capacity:
        return False
    step.capacity = capacity
    step.version += 1
    session.flush()
    return True


def get(session: Session, id: str, *, to_edit: bool = False) -> Event:
    """The event of this id, locked if it is read to be edited; raises EventUnknown."""
    event = constraints.read(session, Event, id, to_edit=to_edit) if names.is_id(id) else None
    if event is None:
        raise EventUnknown("There is no event %(id)r.", id=id[: names.ID_MAX_LENGTH])
    return event


def edit(session: Session, event: Event, *, name: str, community_id: str | None, about: Details | None = None) -> None:
    """Says otherwise what an event is, community None for one that is open to all; who signed up stays so.

    about: None for what was said before. Raises CommunityUnknown, Invalid; ListOnly of what is to stay for its list.
    """
    if event.list_only and (community_id is not None or (about is not None and about.open_to_all)):
        raise ListOnly
    if community_id is not None:
        communities.get(session, community_id)
    event.name, event.community_id = names.check_name(name, "event"), community_id
    event.community_gone = event.community_gone and community_id is None
    for column, said in details.check(about or details_of(event), len(steps_of(session, event_id=event.id))).items():
        setattr(event, column, said)
    session.flush()
    topics.bump(session, [f"event/{event.id}"])


def check_edits(session: Session, event: Event, now: dt.datetime) -> None:
    """Raises what the table of gatherings refuses where something is to be said otherwise of an event."""
    states.gathering(State(event.state), states.Verb.EDIT, phase_of(session, event, now), event=event.name)


def choose_interests(session: Session, event: Event, ids: Iterable[str]) -> None:
    """Says what an event is about; raises InterestUnknown, InterestsMany."""
    interests.choose(session, EventInterest, {"event_id": event.id}, ids)


def interests_of(session: Session, *, event_id: str) -> list[Interest]:
    """What an event is about."""
    return interests.of_thing(session, EventInterest, {"event_id": event_id})


def interests_of_all(session: Session, event_ids: Collection[str]) -> dict[str, list[str]]:
    """The ids of what each of these events is about, by one statement."""
    wanted = select(EventInterest).where(EventInterest.event_id.in_(event_ids)).order_by(EventInterest.interest_id)
    found: dict[str, list[str]] = {event_id: [] for event_id in event_ids}
    for row in session.scalars(wanted):
        found[row.event_id].append(row.interest_id)
    return found


def details_of(event: Event) -> Details:
    """What is said of an event."""
    return Details(**{name: getattr(event, name) for name in Details.__slots__})


def made_by_nonce(session: Session, *, organizer_id: str, nonce: str | None) -> Event | None:
    """The event that this request made already, if it did; the same at the same moment waits for the first."""
    if nonce is None:
        return None
    constraints.take_turn(session, f"event of {organizer_id} {nonce}")
    return session.scalar(select(Event).where(Event.organizer_id == organizer_id, Event.nonce == nonce))


def phase_of(session: Session, event: Event, now: dt.datetime) -> states.Phase:
    """Where an event stands, by the clock."""
    return phase_at(steps_of(session, event_id=event.id), now)


def phase_at(steps: Iterable[Step], now: dt.datetime) -> states.Phase:
    """The same, of an event of these steps."""
    return states.phase([(step.opens_at, step.starts_at, step.ends_at) for step in steps], now)


def get_seen(session: Session, id: str, member: Member) -> Event:
    """The event of this id, as far as she may know of it; raises EventUnknown, of others' drafts too, MembersOnly."""
    event = get(session, id)
    if not seeing.is_seen(session, event, member):
        if seeing.is_announced(event):
            refuse_outsider(session, event)
        raise EventUnknown("There is no event %(id)r.", id=id[: names.ID_MAX_LENGTH])
    return event


def refuse_outsider(session: Session, event: Event) -> NoReturn:
    """Raises MembersOnly for whom an event is not: it names the community, as its invitation does, and no more."""
    if event.community_id is None:
        raise MembersOnly
    community = communities.get(session, event.community_id)
    raise MembersOnly("This is for the members of %(community)s: join it first.", community=community.name)


def list_seen(session: Session, member: Member, page: paging.Page = paging.EVERYTHING) -> list[Event]:
    """The events that a member may know of, those that end last first."""
    return page.read(session, select(Event).where(seeing.by(member)), *_LAST_FIRST)


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


def steps_of_all(session: Session, event_ids: Collection[str]) -> dict[str, list[Step]]:
    """The steps of each of these events in their order, by one statement."""
    found: dict[str, list[Step]] = {event_id: [] for event_id in event_ids}
    for step in session.scalars(
        select(Step).where(Step.event_id.in_(event_ids)).order_by(Step.event_id, Step.position)
    ):
        found[step.event_id].append(step)
    return found


def steps_open_at(session: Session, *, at: dt.datetime, venue_id: str | None = None) -> list[Step]:
    """The steps that take check-ins at a time, of all venues or of one, by their ids."""
    announced = select(Event.id).where(Event.state == State.PUBLISHED)
    wanted = select(Step).where(Step.opens_at <= at, at < Step.ends_at, Step.event_id.in_(announced)).order_by(Step.id)
    return list(session.scalars(wanted if venue_id is None else wanted.where(Step.venue_id == venue_id)))


def is_running(session: Session, *, event_id: str, at: dt.datetime) -> bool:
    """Whether an event is on: from when its first step opens until its last one ends, unless it is called off."""
    opens, ends = session.execute(
        select(func.min(Step.opens_at), func.max(Step.ends_at))
        .join(Event, Event.id == Step.event_id)
        .where(Step.event_id == event_id, Event.state == State.PUBLISHED)
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
            Event.state == State.PUBLISHED,
            Step.venue_id == venue_id,
            Step.opens_at <= at,
            at < Step.ends_at,
        )
        .distinct()
        .order_by(Event.id)
    )
    return list(found)


def refuse_over(session: Session, *, event_id: str, now: dt.datetime) -> None:
    """Raises EventUnknown, EventOver once its last step has ended."""
    _refuse_over(session, get(session, event_id), now)


def _refuse_over(session: Session, event: Event, now: dt.datetime) -> None:
    ends = session.scalars(select(func.max(Step.ends_at)).where(Step.event_id == event.id)).one()
    if ends is not None and ends <= now:
        raise EventOver("%(event)s is over.", event=event.name)
