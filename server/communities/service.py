"""Makes communities and says who belongs to them."""

import datetime as dt
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import constraints, names, paging
from server.communities.model import Community, CommunityMember, CommunityRemoval
from server.errors import Conflict, NotFound, Refused
from server.people import roles
from server.people import service as people

Shape = Literal["circle", "house"]


class CommunityUnknown(NotFound):
    """There is no such community."""

    code = "community_unknown"


class CommunityExists(Conflict):
    """There is a community of this id already."""

    code = "community_exists"


class NotAMember(NotFound):
    """You are not a member of this community."""

    code = "not_a_member"


class CommunityDissolved(Conflict):
    """This community has dissolved."""

    code = "community_dissolved"


class WasRemoved(Refused):
    """The members of this community have voted you out."""

    code = "was_removed"


def create(
    session: Session,
    *,
    id: str,
    name: str,
    shape: Shape = "circle",
    source_member_id: str | None = None,
    source_venue_id: str | None = None,
    parent_id: str | None = None,
) -> Community:
    """Makes a community without members; raises CommunityExists, Invalid."""
    community = Community(
        id=names.check_id(id, "community"),
        name=names.check_name(name, "community"),
        shape=shape,
        source_member_id=source_member_id,
        source_venue_id=source_venue_id,
        parent_id=parent_id,
    )
    constraints.add_new(session, community, CommunityExists("There is a community %(id)s already.", id=id))
    session.refresh(community)
    return community


def get(session: Session, id: str, *, to_edit: bool = False) -> Community:
    """The community of this id, locked if it is read to be edited; raises CommunityUnknown."""
    community = constraints.read(session, Community, id, to_edit=to_edit) if names.is_id(id) else None
    if community is None:
        raise CommunityUnknown("There is no community %(id)r.", id=id[: names.ID_MAX_LENGTH])
    return community


def get_living(session: Session, id: str, *, to_edit: bool = False) -> Community:
    """The same of one that has not dissolved; raises CommunityUnknown, CommunityDissolved."""
    community = get(session, id, to_edit=to_edit)
    if community.dissolved_at is not None:
        raise CommunityDissolved("%(community)s has dissolved.", community=community.name)
    return community


def list_all(session: Session, page: paging.Page = paging.EVERYTHING) -> list[Community]:
    """All communities by name."""
    return page.read(session, select(Community), paging.up(Community.name), paging.up(Community.id))


def join(session: Session, *, community_id: str, member_id: str, now: dt.datetime | None = None) -> None:
    """Makes somebody a member; twice is as once. now: without it who was removed stays out, however long ago that was.

    Raises CommunityUnknown, CommunityDissolved, MemberUnknown, WasRemoved.
    """
    community = get_living(session, community_id, to_edit=True)  # nobody slips in while she is voted out
    people.get(session, member_id)
    barred = removal_of(session, community_id=community_id, member_id=member_id)
    if barred is not None and (now is None or now < barred.until):
        raise WasRemoved(
            "The members of %(community)s have voted you out. From %(day)s on you may join again, or sooner if they"
            " vote so.",
            community=community.name,
            day=barred.until.date(),
        )
    values = {"community_id": community_id, "member_id": member_id}
    session.execute(
        insert(CommunityMember)
        .values(values if now is None else values | {"joined_at": now})
        .on_conflict_do_nothing(index_elements=[CommunityMember.community_id, CommunityMember.member_id])
    )


def leave(session: Session, *, community_id: str, member_id: str, now: dt.datetime) -> None:
    """Takes somebody out, and ends her part in running it; raises CommunityUnknown, NotAMember."""
    get(session, community_id)
    left = session.execute(
        delete(CommunityMember)
        .where(CommunityMember.community_id == community_id, CommunityMember.member_id == member_id)
        .returning(CommunityMember.member_id)
    ).scalar_one_or_none()
    if left is None:
        raise NotAMember
    session.expire_all()
    if roles.holds(session, member_id=member_id, kind="community", of_id=community_id):
        roles.take_back(session, member_id=member_id, kind="community", of_id=community_id, by=member_id, now=now)


def members_of(session: Session, *, community_id: str, most: int | None = None) -> list[str]:
    """The ids of the members in the order in which they came, or of the first `most`; raises CommunityUnknown."""
    get(session, community_id)
    return list(
        session.scalars(
            select(CommunityMember.member_id)
            .where(CommunityMember.community_id == community_id)
            .order_by(CommunityMember.joined_at, CommunityMember.member_id)
            .limit(most)
        )
    )


def communities_of(session: Session, *, member_id: str) -> list[Community]:
    """The communities of a member by name."""
    return list(
        session.scalars(
            select(Community)
            .join(CommunityMember, CommunityMember.community_id == Community.id)
            .where(CommunityMember.member_id == member_id)
            .order_by(Community.name, Community.id)
        )
    )


def belongs(session: Session, *, community_id: str, member_id: str) -> bool:
    """Whether somebody is a member of a community."""
    return session.get(CommunityMember, (community_id, member_id)) is not None


def removal_of(session: Session, *, community_id: str, member_id: str) -> CommunityRemoval | None:
    """Why somebody may not come back yet, or could not until of late."""
    return session.get(CommunityRemoval, (community_id, member_id), populate_existing=True)


def is_barred(session: Session, *, community_id: str, member_id: str, now: dt.datetime) -> bool:
    """Whether somebody was removed and may not come back yet."""
    barred = removal_of(session, community_id=community_id, member_id=member_id)
    return barred is not None and now < barred.until


def remove(session: Session, *, community_id: str, member_id: str, now: dt.datetime, until: dt.datetime) -> None:
    """Takes somebody out who may not come back before `until`, and ends her part in running it."""
    belonging = (CommunityMember.community_id == community_id, CommunityMember.member_id == member_id)
    session.execute(delete(CommunityMember).where(*belonging))
    row = {"community_id": community_id, "member_id": member_id, "at": now, "until": until}
    session.execute(
        insert(CommunityRemoval)
        .values(row)
        .on_conflict_do_update(
            index_elements=[CommunityRemoval.community_id, CommunityRemoval.member_id], set_={"at": now, "until": until}
        )
    )
    if roles.holds(session, member_id=member_id, kind="community", of_id=community_id):
        roles.take_back(session, member_id=member_id, kind="community", of_id=community_id, by=None, now=now)
    session.expire_all()


def removals_of(
    session: Session, *, community_id: str, now: dt.datetime, page: paging.Page = paging.EVERYTHING
) -> list[CommunityRemoval]:
    """Who was removed and may not come back yet, the latest first."""
    rows = select(CommunityRemoval).where(CommunityRemoval.community_id == community_id, CommunityRemoval.until > now)
    return page.read(session, rows, paging.down(CommunityRemoval.at), paging.up(CommunityRemoval.member_id))


def readmit(session: Session, *, community_id: str, member_id: str) -> None:
    """Lets somebody come back who was removed; she joins herself, as everybody does."""
    barred = removal_of(session, community_id=community_id, member_id=member_id)
    if barred is not None:
        session.delete(barred)
        session.flush()
