"""Who may know of a gathering. This is the one place that decides it: every way out asks here.

A draft, and what was called off as one, is its hosts' and operators'. What is announced is everybody's, unless it is
for the members of a community: that one is for who belongs to it or decides about it, for who signed up or came, and
for its hosts; who keeps a place of it and operators see it as well. What is for its list alone is so as well, and of no
community. All others know what its invitation says to them (server.sharing), also when its community is gone.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, and_, column, exists, or_, select, table, true
from sqlalchemy.orm import Session, aliased

from server.communities.model import Community, CommunityMember
from server.events.model import Event, SignUp, Step
from server.events.states import LIVE, State
from server.people.model import Member, Role
from server.venues.model import Venue

# Named otherwise than in whatever question asks for gatherings, so that neither is taken for the other.
_step, _sign_up, _role, _venue = aliased(Step), aliased(SignUp), aliased(Role), aliased(Venue)
_community, _belonging = aliased(Community), aliased(CommunityMember)
# Check-ins stand above events: who came is asked of the database alone.
_CHECKIN = table("checkin", column("step_id"), column("member_id"), column("undone_at"))


def is_announced(event: Event) -> bool:
    """Whether others than its hosts may know of it yet; what was called off as a draft never was."""
    return event.state != State.DRAFT and not event.dropped


def announced() -> ColumnElement[bool]:
    """The same, asked of the database."""
    return and_(Event.state != State.DRAFT, Event.dropped.is_(False))


def is_for_everybody(event: Event) -> bool:
    """Whether its invitation is for whoever gets it: it has no community, or that one asks others as well."""
    of_none = event.community_id is None and not event.community_gone
    return not event.list_only and (event.open_to_all or of_none)


def for_everybody() -> ColumnElement[bool]:
    """The same, asked of the database."""
    of_none = and_(Event.community_id.is_(None), Event.community_gone.is_(False))
    return and_(Event.list_only.is_(False), or_(Event.open_to_all, of_none))


def is_for(session: Session, event: Event, member: Member) -> bool:
    """Whether what is announced is for somebody: all of it, to be handed on."""
    return is_for_everybody(event) or _holds(session, event, or_(_hosts(member.id), _among(member.id)))


def is_seen(session: Session, event: Event, member: Member) -> bool:
    """Whether a member may know of an event."""
    if member.operator or (is_announced(event) and is_for_everybody(event)):
        return True
    return _holds(session, event, by(member))


def among(session: Session, event_ids: Collection[str], member: Member) -> set[str]:
    """Those of these events that a member may know of, by one statement."""
    return set(session.scalars(select(Event.id).where(Event.id.in_(event_ids), by(member))))


def by(member: Member) -> ColumnElement[bool]:
    """The same, asked of the database."""
    if member.operator:
        return true()
    return or_(_hosts(member.id), and_(announced(), or_(for_everybody(), _among(member.id), _at_her_place(member.id))))


def _holds(session: Session, event: Event, which: ColumnElement[bool]) -> bool:
    return bool(session.scalar(select(exists().where(Event.id == event.id, which))))


def _hosts(member_id: str) -> ColumnElement[bool]:
    return or_(Event.organizer_id == member_id, Event.id.in_(_helps(member_id, "event")))


def _among(member_id: str) -> ColumnElement[bool]:
    """Whether she is of its community, signed up, or came."""
    belongs = select(_belonging.community_id).where(_belonging.member_id == member_id)
    source = or_(_community.source_member_id == member_id, _community.source_venue_id.in_(_kept(member_id)))
    signed_up = exists().where(
        _sign_up.event_id == Event.id, _sign_up.member_id == member_id, _sign_up.state.in_(sorted(LIVE))
    )
    came = exists().where(
        _step.event_id == Event.id,
        _CHECKIN.c.step_id == _step.id,
        _CHECKIN.c.member_id == member_id,
        _CHECKIN.c.undone_at.is_(None),
    )
    return or_(
        Event.community_id.in_(belongs),
        Event.community_id.in_(_helps(member_id, "community")),
        Event.community_id.in_(select(_community.id).where(source)),
        signed_up,
        came,
    )


def _at_her_place(member_id: str) -> ColumnElement[bool]:
    return exists().where(_step.event_id == Event.id, _step.venue_id.in_(_kept(member_id)))


def _kept(member_id: str) -> Select[str]:
    return select(_venue.id).where(or_(_venue.owner_id == member_id, _venue.id.in_(_helps(member_id, "venue"))))


def _helps(member_id: str, kind: str) -> Select[str]:
    return select(_role.of_id).where(_role.member_id == member_id, _role.kind == kind)
