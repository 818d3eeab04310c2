"""Copies an event to another date: the same steps, by the clock on the wall, for exactly as long."""

import datetime as dt
from collections.abc import Iterator, Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from server import names
from server.communities import rights as community_rights
from server.communities import service as communities
from server.errors import Conflict
from server.events import recurrence, seeing, spots, states, telling
from server.events import service as events
from server.events.model import Event, Step
from server.inbox import words
from server.people import roles
from server.people import service as people
from server.venues import service as venues
from server.venues import welcome
from server.venues.model import Venue

WEEK = dt.timedelta(days=7)
WEEKS_AHEAD = 104  # whoever has no free evening of that kind in two years has to say when


class NoFreeDate(Conflict):
    """You have something else at that time in every week of the next two years."""

    code = "no_free_date"


def zone_of(session: Session, steps: Sequence[Step]) -> str:
    """By whose clock an event is told: its first step's place's."""
    return venues.get(session, steps[0].venue_id).time_zone


def starts_at(steps: Sequence[Step], time_zone: str) -> dt.datetime:
    """When the first step starts, as the clock on the wall shows it there."""
    return recurrence.wall(steps[0].starts_at, time_zone)


def move_to(
    steps: Sequence[Step], time_zone: str, wall: dt.datetime, *, venue: Venue | None = None
) -> list[events.NewStep]:
    """The steps as they would be if the first one started at this wall time: each as far behind it, and as long.

    venue: where all of them are then, by its clock; None: each stays where it is.
    """
    first = starts_at(steps, time_zone)
    to = time_zone if venue is None else venue.time_zone
    moved = []
    for step in steps:
        stays = venue is None or venue.id == step.venue_id
        starts = recurrence.at(wall + (recurrence.wall(step.starts_at, time_zone) - first), to)
        moved.append(
            events.NewStep(
                name=step.name,
                venue_id=step.venue_id if venue is None else venue.id,
                zone_id=step.zone_id if stays else None,
                starts_at=starts,
                ends_at=starts + (step.ends_at - step.starts_at),
                opens_at=starts - (step.starts_at - step.opens_at),
                dwell_signed_up_s=step.dwell_signed_up_s,
                dwell_walk_in_s=step.dwell_walk_in_s,
                capacity=step.capacity,
            )
        )
    return moved


def copy(
    session: Session,
    event: Event,
    *,
    wall: dt.datetime,
    state: states.State,
    organizer_id: str | None = None,
    nonce: str | None = None,
) -> Event:
    """Makes an event like this one whose first step starts at this wall time; nobody has signed up yet.

    organizer_id: None for the same. Raises what events.create raises: its places may have changed.
    """
    steps = events.steps_of(session, event_id=event.id)
    copied = events.create(
        session,
        id=names.free_id(session, Event.id, f"{event.name} {wall:%Y-%m-%d}", "event"),
        name=event.name,
        organizer_id=organizer_id or event.organizer_id,
        community_id=event.community_id,
        about=events.details_of(event),
        steps=move_to(steps, zone_of(session, steps), wall),
        state=state,
        nonce=nonce,
        simulated=event.simulated,
    )
    events.choose_interests(session, copied, [one.id for one in events.interests_of(session, event_id=event.id)])
    return copied


def again(session: Session, *, event_id: str, by: str, nonce: str | None = None, now: dt.datetime) -> Event:
    """Copies an event to the same weekday and time of the next week in which `by`, whose it becomes, has nothing else.

    The same request again is answered with the event that it made. Raises EventUnknown, NotYourVenue, NoFreeDate, what
    says that she may not gather in its community, and what events.create raises.
    """
    made = events.made_by_nonce(session, organizer_id=by, nonce=nonce)
    if made is not None:
        return made
    event = events.get(session, event_id, to_edit=True)
    check_may_gather(session, event, by)
    check_welcome(session, event, by)
    wall = next_free(session, event, member_id=by, now=now)
    state = states.State.PUBLISHED if seeing.is_announced(event) else states.State.DRAFT
    copied = copy(session, event, wall=wall, state=state, organizer_id=by, nonce=nonce)
    tell_keepers(session, copied, now)
    return copied


def check_may_gather(session: Session, event: Event, member_id: str) -> None:
    """Raises what community_rights.check_may_gather does, and CommunityDissolved of what has none any more."""
    if event.list_only:
        raise events.ListOnly
    if event.community_gone:
        raise communities.CommunityDissolved
    if event.community_id is not None:
        community_rights.check_may_gather(session, people.get(session, member_id), event.community_id)


def check_welcome(session: Session, event: Event, member_id: str) -> None:
    """Raises NotYourVenue unless a member may gather at all the event's places; a spot needs nobody's yes."""
    member = people.get(session, member_id)
    for venue_id in sorted({step.venue_id for step in events.steps_of(session, event_id=event.id)}):
        venue = venues.get(session, venue_id)
        if venue.kind != spots.SPOT:
            welcome.check_welcome(session, member, venue)


def tell_keepers(session: Session, event: Event, now: dt.datetime) -> None:
    """Tells those at whose places it is that somebody else hosts it there again: they may call it off.

    Of a draft nobody is told.
    """
    if not seeing.is_announced(event):
        return
    host = people.get(session, event.organizer_id)
    at = {step.venue_id for step in events.steps_of(session, event_id=event.id)}
    owners = {venues.get(session, venue_id).owner_id for venue_id in at} - {None, event.organizer_id}
    telling.tell(
        session,
        sorted(filter(None, owners)),
        event=event,
        kind="event.repeated",
        sentence=telling.REPEATED,
        nonce="repeated",
        now=now,
        host=words.person(host.id, host.name, host.simulated),
    )


def next_free(session: Session, event: Event, *, member_id: str, now: dt.datetime) -> dt.datetime:
    """The wall time of the next same weekday and hour at which she has nothing else; raises NoFreeDate."""
    steps = events.steps_of(session, event_id=event.id)
    time_zone = zone_of(session, steps)
    for wall in _weeks(starts_at(steps, time_zone), recurrence.wall(now, time_zone)):
        moved = move_to(steps, time_zone, wall)
        begins, ends = min(step.starts_at for step in moved), max(step.ends_at for step in moved)
        if begins > now and not _is_taken(session, member_id, begins, ends):
            return wall
    raise NoFreeDate


def _weeks(start: dt.datetime, now: dt.datetime) -> Iterator[dt.datetime]:
    first = max(1, (now - start) // WEEK)
    return (start + number * WEEK for number in range(first, first + WEEKS_AHEAD))


def _is_taken(session: Session, member_id: str, begins: dt.datetime, ends: dt.datetime) -> bool:
    """Whether an event that she organizes or hosts, and that was not called off, touches this time."""
    hosted = roles.held_by(session, member_id=member_id, kind="event")
    touching = (
        select(Event.id)
        .join(Step, Step.event_id == Event.id)
        .where(or_(Event.organizer_id == member_id, Event.id.in_(hosted)), Event.state != states.State.CANCELLED)
        .group_by(Event.id)
        .having(func.min(Step.starts_at) < ends, func.max(Step.ends_at) > begins)
    )
    return session.scalar(touching.limit(1)) is not None
