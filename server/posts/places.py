"""Where posts stand, and who may read, write and hide there."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import Session

from config.settings import Posts as Rules
from server.communities import rights
from server.communities import service as communities
from server.communities.model import CommunityMember
from server.communities.rights import JoinFirst
from server.errors import Refused
from server.events import service as events
from server.events import signups
from server.events.model import Event
from server.met import reading as met
from server.met.trust import CAME_WITHIN
from server.people import access, roles
from server.people.model import Member
from server.posts.model import Post, Topic
from server.turnout import service as turnout


class SignUpFirst(Refused):
    """What is said at a gathering is for who goes there: sign up first."""

    code = "sign_up_first"


class ComeFirst(Refused):
    """You are a guest here. Come to a gathering, or leave an e-mail address, then you can write."""

    code = "come_first"


class Where(NamedTuple):
    """Where a post stands. community_id: None at a gathering that is open to all. event_id: of the gathering."""

    community_id: str | None
    event_id: str | None

    @property
    def holds(self) -> ColumnElement[bool]:
        """That a post stands within this scope, joined to its topic and its gathering, whichever it has."""
        community_id, event_id = self.scope
        if community_id is None:
            return Event.id == event_id
        return or_(Topic.community_id == community_id, Event.community_id == community_id)

    @property
    def scope(self) -> tuple[str | None, str | None]:
        """Within what posts are compared: the whole community, else the gathering alone."""
        return (self.community_id, None if self.community_id is not None else self.event_id)


def in_community(session: Session, community_id: str) -> Where:
    """A community; raises CommunityUnknown."""
    return Where(communities.get(session, community_id).id, None)


def at_gathering(session: Session, event_id: str, viewer: Member) -> Where:
    """A gathering that she may know of; raises EventUnknown."""
    event = events.get_seen(session, event_id, viewer)
    return Where(event.community_id, event.id)


def of_post(session: Session, post: Post) -> Where:
    """Where a post stands."""
    if post.event_id is not None:
        return Where(events.get(session, post.event_id).community_id, post.event_id)
    topic = session.get(Topic, post.topic_id)
    assert topic is not None
    return Where(topic.community_id, None)


def hosts(session: Session, viewer: Member, where: Where, now: dt.datetime) -> bool:
    """Whether she hosts the community or the gathering, or is an operator."""
    return hosts_community(session, viewer, where, now) or _hosts_gathering(session, viewer, where)


def hosts_community(session: Session, viewer: Member, where: Where, now: dt.datetime) -> bool:
    """Whether she hosts the community, or is an operator; hosting one gathering of it alone is no host's right over it.

    Of a house who decides; a circle has no owner: there whoever belongs to it and gathered others of late.
    """
    if viewer.operator:
        return True
    if where.community_id is None:
        return False
    community = communities.get(session, where.community_id)
    if community.shape == "house":
        return rights.decides(session, viewer, community)
    return viewer.id in _gatherers(session, community.id, now)


def hosts_of(session: Session, where: Where, now: dt.datetime) -> set[str]:
    """Who hosts the community and the gathering."""
    return _community_hosts(session, where, now) | _gathering_hosts(session, where)


def sees_names(session: Session, viewer: Member, where: Where) -> bool:
    """Whether she reads there as one of those it was written for; an operator alone reads no names."""
    if _goes(session, viewer, where) or _hosts_gathering(session, viewer, where):
        return True
    of = where.community_id  # who gathers a circle belongs to it
    return of is not None and rights.decides(session, viewer, communities.get(session, of))


def check_reads(session: Session, viewer: Member, where: Where) -> None:
    """Raises JoinFirst, SignUpFirst unless what is written there is for her."""
    if not viewer.operator:
        _check_belongs(session, viewer, where)


def check_writes(session: Session, viewer: Member, where: Where, now: dt.datetime) -> bool:
    """Whether she is a newcomer who writes there; raises CommunityDissolved, JoinFirst, SignUpFirst, ComeFirst."""
    _check_belongs(session, viewer, where)
    if where.community_id is not None:
        communities.get_living(session, where.community_id)
    newcomer = is_newcomer(session, viewer.id, where, now)
    if viewer.guest and newcomer:
        raise ComeFirst
    return newcomer


def is_newcomer(session: Session, member_id: str, where: Where, now: dt.datetime) -> bool:
    """Whether she has come to nothing there yet but what she organizes alone, and does not host there."""
    community_id, event_id = where.scope
    if turnout.ever_came(session, [member_id], community_id=community_id, event_id=event_id):
        return False
    here = _gathering_hosts(session, where) if community_id is None else _community_hosts(session, where, now)
    return member_id not in here


def has_word(session: Session, member_id: str, where: Where, *, rules: Rules, now: dt.datetime) -> bool:
    """Whether her word counts there: she came to something of it, or has belonged for a day.

    Who came by a poster's code or a phone's position alone has to have met somebody there (server/met/trust.py).
    """
    community_id, event_id = where.scope
    of = None if event_id is None else [event_id]
    if met.word_of(session, member_id=member_id, community_id=community_id, event_ids=of, now=now).counts:
        return True
    if community_id is None:
        return False
    belongs = session.get(CommunityMember, (community_id, member_id))
    return belongs is not None and belongs.joined_at <= now - dt.timedelta(hours=rules.word_after_h)


def _goes(session: Session, viewer: Member, where: Where) -> bool:
    community_id, event_id = where.community_id, where.event_id
    if community_id is not None and communities.belongs(session, community_id=community_id, member_id=viewer.id):
        return True
    if event_id is not None and signups.has_signed_up(session, event_id=event_id, member_id=viewer.id):
        return True
    return bool(turnout.ever_came(session, [viewer.id], community_id=community_id, event_id=event_id))


def _hosts_gathering(session: Session, viewer: Member, where: Where) -> bool:
    event = None if where.event_id is None else session.get(Event, where.event_id)
    return event is not None and access.hosts(session, viewer, event)


def _gathering_hosts(session: Session, where: Where) -> set[str]:
    if where.event_id is None:
        return set()
    helpers = roles.helpers_of(session, kind="event", of_id=where.event_id)
    return {events.get(session, where.event_id).organizer_id, *(role.member_id for role in helpers)}


def _community_hosts(session: Session, where: Where, now: dt.datetime) -> set[str]:
    if where.community_id is None:
        return set()
    community = communities.get(session, where.community_id)
    if community.shape == "circle":
        return _gatherers(session, community.id, now)
    found = {role.member_id for role in roles.helpers_of(session, kind="community", of_id=community.id)}
    source_id = community.source_member_id
    if source_id is not None and communities.belongs(session, community_id=community.id, member_id=source_id):
        found.add(source_id)
    return found


def _gatherers(session: Session, community_id: str, now: dt.datetime) -> set[str]:
    return turnout.gatherers(session, community_id=community_id, since=now - CAME_WITHIN, until=now)


def _check_belongs(session: Session, viewer: Member, where: Where) -> None:
    if sees_names(session, viewer, where):
        return
    if where.community_id is None:
        event = events.get(session, where.event_id or "")
        raise SignUpFirst("What is said at %(event)s is for who goes there: sign up first.", event=event.name)
    community = communities.get(session, where.community_id)
    raise JoinFirst("What is said in %(community)s is for its members: join it first.", community=community.name)
