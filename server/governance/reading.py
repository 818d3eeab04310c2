"""What is read of communities besides their own row: when they last gathered, what comes next, how they live."""

import datetime as dt
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Integer, Select, and_, case, exists, func, literal, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from config.settings import Life
from geo import postgis
from server import paging, times
from server.communities.model import Community, CommunityMember
from server.consent import reading as consent
from server.consent import rules as consent_rules
from server.consent.rules import Level
from server.events import seeing
from server.events.model import Event, Step
from server.events.states import State
from server.governance import life as lives
from server.people.model import Member, Role
from server.venues.model import Venue

MOST_COMING = 20  # gatherings of a page: a season
_LAST_END = (
    select(func.max(Step.ends_at))
    .join(Event, Event.id == Step.event_id)
    .where(Event.community_id == Community.id, Event.state == State.PUBLISHED)
    .correlate(Community)
    .scalar_subquery()
)
# Never before it was founded: a recording that is replayed tells of gatherings long ago.
GATHERED_AT = func.greatest(Community.created_at, _LAST_END)


# A house in which nobody is left to decide: its source is gone or follows it no more, and it has no hosts.
ORPHANED = and_(
    Community.shape == "house",
    Community.dissolved_at.is_(None),
    Community.source_venue_id.is_(None),
    ~exists().where(
        CommunityMember.community_id == Community.id, CommunityMember.member_id == Community.source_member_id
    ),
    ~exists().where(Role.kind == "community", Role.of_id == Community.id),
)


class Living(NamedTuple):
    """A community as a list shows it."""

    community: Community
    state: lives.State
    members: int
    mine: bool


def signs_of(session: Session, community: Community) -> lives.Signs:
    """What its life is told from."""
    gathered_at = session.scalars(select(GATHERED_AT).where(Community.id == community.id)).one()
    return lives.Signs(
        gathered_at, community.kept_at, community.warned_at, community.dissolved_at, community.orphaned_at
    )


def state_of(session: Session, community: Community, life: Life, now: dt.datetime) -> lives.State:
    """How it lives now."""
    return lives.state_of(signs_of(session, community), life, now)


def list_living(
    session: Session,
    *,
    viewer: Member,
    life: Life,
    now: dt.datetime,
    page: paging.Page = paging.EVERYTHING,
    mine: bool | None = None,
    near: tuple[float, float] | None = None,
    under: str | None = None,
) -> list[Living]:
    """Communities by name, those asleep at the end, dissolved ones not at all.

    mine: only those she belongs to, or only the others. near: only those at home there (longitude, latitude). under:
    only the circles of this house.
    """
    hers = (
        select(CommunityMember.member_id)
        .where(CommunityMember.community_id == Community.id, CommunityMember.member_id == viewer.id)
        .correlate(Community)
        .exists()
    )
    wanted: Select[Community] = select(Community).where(Community.dissolved_at.is_(None))
    if mine is not None:
        wanted = wanted.where(hers if mine else ~hers)
    if near is not None:
        here = postgis.from_position(near)
        wanted = wanted.where(func.ST_DWithin(Community.home, here, Community.home_radius_km * 1000))
    if under is not None:
        wanted = wanted.where(Community.parent_id == under)
    asleep_since = now - dt.timedelta(days=life.asleep_days)
    sunk = case((asleep_since >= GATHERED_AT, literal(1, Integer)), else_=literal(0, Integer))
    found = page.read(session, wanted, paging.up(sunk), paging.up(Community.name), paging.up(Community.id))
    ids = [community.id for community in found]
    gathered: dict[str, dt.datetime] = dict(
        session.execute(select(Community.id, GATHERED_AT).where(Community.id.in_(ids))).all()
    )
    counts, belonging = count_members(session, ids), _belonging(session, viewer.id, ids)
    return [
        Living(
            one,
            lives.state_of(lives.Signs(gathered[one.id], one.kept_at, one.warned_at, one.dissolved_at), life, now),
            counts.get(one.id, 0),
            one.id in belonging,
        )
        for one in found
    ]


def dissolved_of(session: Session, member_id: str) -> list[Community]:
    """What she belonged to that has dissolved and whose names are still kept, the latest first."""
    rows = (
        select(Community)
        .join(CommunityMember, CommunityMember.community_id == Community.id)
        .where(CommunityMember.member_id == member_id, Community.dissolved_at.is_not(None))
    )
    return list(session.scalars(rows.order_by(Community.dissolved_at.desc(), Community.id)))


def count_members(session: Session, ids: Collection[str]) -> dict[str, int]:
    """How many belong to each of these; one without members is not named."""
    rows = select(CommunityMember.community_id, func.count()).where(CommunityMember.community_id.in_(ids))
    return dict(session.execute(rows.group_by(CommunityMember.community_id)).all())


def is_alone(session: Session, *, community_id: str, member_id: str) -> bool:
    """Whether she belongs to a community and nobody else does."""
    rows = select(CommunityMember.member_id).where(CommunityMember.community_id == community_id).limit(2)
    return list(session.scalars(rows)) == [member_id]


def _belonging(session: Session, member_id: str, ids: Collection[str]) -> set[str]:
    rows = select(CommunityMember.community_id).where(
        CommunityMember.community_id.in_(ids), CommunityMember.member_id == member_id
    )
    return set(session.scalars(rows))


def is_orphaned(session: Session, community: Community) -> bool:
    """Whether nobody is left to decide in this house."""
    if community.shape == "circle":
        return False
    return session.scalar(select(Community.id).where(Community.id == community.id, ORPHANED)) is not None


def coming_of(
    session: Session, community_id: str, now: dt.datetime, most: int = MOST_COMING, *, viewer: Member | None = None
) -> list[Event]:
    """Its gatherings that are not over, the next one first; as far as the viewer may know of them, None: all."""
    ends, starts = func.max(Step.ends_at), func.min(Step.starts_at)
    of = select(Step.event_id).join(Event, Event.id == Step.event_id)
    of = of.where(Event.community_id == community_id, Event.state == State.PUBLISHED)
    of = of if viewer is None else of.where(seeing.by(viewer))
    ids = list(
        session.scalars(of.group_by(Step.event_id).having(ends > now).order_by(starts, Step.event_id).limit(most))
    )
    found = {event.id: event for event in session.scalars(select(Event).where(Event.id.in_(ids)))}
    return [found[event_id] for event_id in ids]


def next_of(session: Session, community_ids: Collection[str], now: dt.datetime, *, viewer: Member) -> dict[str, Event]:
    """The next gathering of each of these communities, as `coming_of` has it; one that plans nothing is not named."""
    first = select(func.min(Step.starts_at)).where(Step.event_id == Event.id).correlate(Event).scalar_subquery()
    wanted = (
        select(Event)
        .join(Step, Step.event_id == Event.id)
        .where(Event.community_id.in_(community_ids), Event.state == State.PUBLISHED, Step.ends_at > now)
        .where(seeing.by(viewer))
        .ext(distinct_on(Event.community_id))
        .order_by(Event.community_id, first, Event.id)
    )
    return {event.community_id: event for event in session.scalars(wanted) if event.community_id is not None}


def steps_next(session: Session, event_ids: Collection[str], now: dt.datetime) -> dict[str, tuple[Step, Venue]]:
    """Of each of these gatherings the step that is not over yet, in their order, else the last, and where it is."""
    over = Step.ends_at <= now
    wanted = (
        select(Step, Venue)
        .join(Venue, Venue.id == Step.venue_id)
        .where(Step.event_id.in_(event_ids))
        .ext(distinct_on(Step.event_id))
        .order_by(Step.event_id, over, case((over, -Step.position), else_=Step.position))
    )
    return {step.event_id: (step, venue) for step, venue in session.execute(wanted)}


def names_shown(
    session: Session, community_id: str, member_ids: Collection[str], *, viewer_id: str, now: dt.datetime
) -> dict[str, str]:
    """The names of those of these who show them to the members of a community, by their ids; none to others."""
    if session.get(CommunityMember, (community_id, viewer_id)) is None:
        return {}
    ids = sorted(set(member_ids))
    viewer = consent_rules.Viewer(consent_rules.Kind.COMMUNITY, community_id)
    at_ms = times.to_ms(now)
    seen = [
        member_id
        for member_id, said in consent.said_by(session, ids).items()
        if consent_rules.level(said.grants, said.paused, viewer, at_ms) is Level.NAME
    ]
    return dict(session.execute(select(Member.id, Member.name).where(Member.id.in_(seen))).all())
