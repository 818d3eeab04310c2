"""Founding a community: a name is enough; a house has a source, and circles form under houses."""

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import constraints, names
from server.communities import service as communities
from server.communities.model import Community, CommunityMember
from server.errors import Invalid, Refused
from server.people import access, roles
from server.people.model import Member
from server.venues import service as venues

_TWO_TAPS = dt.timedelta(seconds=30)


class FollowFirst(Refused):
    """Circles form under a house among those who follow it: follow it first."""

    code = "follow_first"


class NoHouse(Invalid):
    """Circles form under houses, and a house has a source: you, or a venue that you keep."""

    code = "no_house"


def found(
    session: Session,
    *,
    name: str,
    by: Member,
    now: dt.datetime,
    id: str | None = None,
    shape: communities.Shape = "circle",
    venue_id: str | None = None,
    parent_id: str | None = None,
) -> Community:
    """Makes a community with who founds it as its first member, and of a house its host: a circle is nobody's.

    venue_id: the venue that is the source of a house, which she has to keep; without one she is its source herself.
    parent_id: the house under which a circle forms. Raises CommunityExists, CommunityUnknown, CommunityDissolved,
    FollowFirst, NoHouse, NotYourVenue, VenueUnknown, Conflict, Invalid.
    """
    if venue_id is not None:
        if shape != "house":
            raise NoHouse
        access.check_keeps(session, by, [venues.get(session, venue_id)])
    if parent_id is not None:
        parent = communities.get_living(session, parent_id)
        if shape != "circle" or parent.shape != "house":
            raise NoHouse
        if not communities.belongs(session, community_id=parent_id, member_id=by.id):
            raise FollowFirst("Follow %(house)s first: circles form under it among those who do.", house=parent.name)
    community = communities.create(
        session,
        id=id or names.free_id(session, Community.id, name, "community"),
        name=name,
        shape=shape,
        source_member_id=by.id if shape == "house" and venue_id is None else None,
        source_venue_id=venue_id,
        parent_id=parent_id,
    )
    community.created_at = now
    communities.join(session, community_id=community.id, member_id=by.id, now=now)
    if shape == "house":
        roles.give(session, member_id=by.id, kind="community", of_id=community.id, called="", by=by.id, now=now)
    return community


def just_founded(session: Session, *, name: str, by: Member, now: dt.datetime) -> Community | None:
    """What she founded by this name a moment ago: a form that was sent twice, even at once. Raises Invalid."""
    constraints.take_turn(session, f"founder {by.id}")
    rows = (
        select(Community)
        .join(CommunityMember, CommunityMember.community_id == Community.id)
        .where(CommunityMember.member_id == by.id, Community.name == names.check_name(name, "community"))
        .where(Community.created_at > now - _TWO_TAPS, Community.created_at == CommunityMember.joined_at)
    )
    return session.scalars(rows.order_by(Community.id).limit(1)).one_or_none()
