"""Reads gatherings as far as somebody may see them: whatever is shared of one is made from what stands here."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.communities.model import Community
from server.events import seeing
from server.events import service as events
from server.events.model import Event, Step
from server.events.states import State
from server.people.model import Member
from server.pictures import service as pictures
from server.sharing import place_words
from server.sharing.gathering import Gathering, Part, Standing, Veiled, weekday_of
from server.texts import IN_ENGLISH, Texts
from server.venues import service as venues
from server.venues.model import Venue


@dataclass(frozen=True, slots=True)
class Reader:
    """A member who signed up for what she reads, and when she reads it."""

    member_id: str
    now: dt.datetime


def see(session: Session, event_id: str, *, viewer: Member | None, say: Texts = IN_ENGLISH) -> Gathering | Veiled:
    """A gathering as it may be shown to this reader, and handed on by her: its places are those that everybody may see.

    Whoever it is not open to knows that it is there, and little else. Raises EventUnknown, for what is not published
    as well.
    """
    event = events.get(session, event_id)
    if not seeing.is_announced(event):
        raise events.EventUnknown("There is no event %(id)r.", id=event_id)
    steps = events.steps_of(session, event_id=event.id)
    if seeing.is_for_everybody(event) or (viewer is not None and seeing.is_for(session, event, viewer)):
        return _make(session, event, steps, len(steps), say)
    first = min(steps, key=lambda step: step.starts_at)
    zone = venues.get(session, first.venue_id).time_zone
    if event.list_only:
        name = say.gettext("a group on the spot")
    elif event.community_id is not None:
        name = _community_name(communities.get(session, event.community_id), say)
    else:
        name = say.gettext("a community that is gone")
    return Veiled(event.id, name, weekday_of(first.starts_at, zone))


def of_steps(
    session: Session, steps: Iterable[Step], say: Texts = IN_ENGLISH, *, reader: Reader | None = None
) -> list[Gathering]:
    """The gatherings of these steps, with no other steps, as everybody or one reader may see their places.

    Whether she may see the gatherings is not asked here. What is not published is left out. A few statements, however
    many steps.
    """
    by_event: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        by_event[step.event_id].append(step)
    found = {event.id: event for event in session.scalars(select(Event).where(Event.id.in_(by_event)))}
    # Read together, so that asking for each one finds it in the session; held here, since the session alone would not.
    ahead: list[object] = []
    of: tuple[tuple[type[Venue | Member | Community], set[str]], ...] = (
        (Venue, {step.venue_id for each in by_event.values() for step in each}),
        (Member, {event.organizer_id for event in found.values()}),
        (Community, {event.community_id for event in found.values() if event.community_id is not None}),
    )
    for table, ids in of:
        ahead += session.scalars(select(table).where(table.id.in_(ids)))
    counts = select(Step.event_id, func.count()).where(Step.event_id.in_(by_event)).group_by(Step.event_id)
    total = dict(session.execute(counts).all())
    made = [
        _make(session, found[event_id], sorted(each, key=lambda step: step.position), total[event_id], say, reader)
        for event_id, each in by_event.items()
        if seeing.is_announced(found[event_id])
    ]
    del ahead
    return made


def picture_of(session: Session, gathering: Gathering) -> bytes | None:
    """The picture behind the title, encoded; None where there is none, or none any more."""
    if gathering.picture_id is None:
        return None
    try:
        return pictures.get(session, gathering.picture_id).data
    except pictures.PictureUnknown:
        return None


def _make(
    session: Session, event: Event, steps: Iterable[Step], total: int, say: Texts, reader: Reader | None = None
) -> Gathering:
    host = session.get_one(Member, event.organizer_id)
    community = None if event.community_id is None else communities.get(session, event.community_id)
    standing: Standing = "cancelled" if event.state == State.CANCELLED else "published"
    return Gathering(
        id=event.id,
        name=say.name(event.name, event.simulated),
        host=say.name(host.name, host.simulated),
        parts=tuple(_part(session, event, step, say, reader) for step in steps),
        created_at=event.created_at,
        community="" if community is None else _community_name(community, say),
        community_id=event.community_id,
        about=say.name(event.about, event.simulated),
        price=say.name(event.price, event.simulated),
        picture_id=event.picture_id or (None if community is None else community.picture_id),
        standing=standing,
        reason=event.reason,
        for_all=seeing.is_for_everybody(event),
        several=total > 1,
        version=event.version,
    )


def _part(session: Session, event: Event, step: Step, say: Texts, reader: Reader | None) -> Part:
    if reader is None:
        place = place_words.place_for_everybody(session, step, say)
    else:
        place = place_words.place_for_member(session, step, member_id=reader.member_id, now=reader.now, say=say)
    return Part(
        id=step.id,
        name=say.name(step.name, event.simulated),
        starts_at=step.starts_at,
        ends_at=step.ends_at,
        time_zone=venues.get(session, step.venue_id).time_zone,
        place=place,
        capacity=step.capacity,
        version=step.version,
    )


def _community_name(community: Community, say: Texts) -> str:
    return say.name(community.name, bool(getattr(community, "simulated", False)))
