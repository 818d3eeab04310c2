"""Makes communities and says who belongs to them."""

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import constraints, names, paging
from server.communities.model import Community, CommunityMember
from server.errors import Conflict, NotFound
from server.people import service as people


class CommunityUnknown(NotFound):
    """There is no such community."""

    code = "community_unknown"


class CommunityExists(Conflict):
    """There is a community of this id already."""

    code = "community_exists"


class NotAMember(NotFound):
    """You are not a member of this community."""

    code = "not_a_member"


def create(session: Session, *, id: str, name: str) -> Community:
    """Makes a community without members; raises CommunityExists, Invalid."""
    community = Community(id=names.check_id(id, "community"), name=names.check_name(name, "community"))
    constraints.add_new(session, community, CommunityExists("There is a community %(id)s already.", id=id))
    return community


def get(session: Session, id: str, *, to_edit: bool = False) -> Community:
    """The community of this id, locked if it is read to be edited; raises CommunityUnknown."""
    community = session.get(Community, id, with_for_update=constraints.lock(to_edit)) if names.is_id(id) else None
    if community is None:
        raise CommunityUnknown("There is no community %(id)r.", id=id[: names.ID_MAX_LENGTH])
    return community


def rename(session: Session, community: Community, *, name: str) -> None:
    """Gives a community another name; raises Invalid."""
    community.name = names.check_name(name, "community")
    session.flush()


def list_all(session: Session, page: paging.Page = paging.EVERYTHING) -> list[Community]:
    """All communities by name."""
    return page.read(session, select(Community), paging.up(Community.name), paging.up(Community.id))


def join(session: Session, *, community_id: str, member_id: str) -> None:
    """Makes somebody a member; twice is as once. Raises CommunityUnknown, MemberUnknown."""
    get(session, community_id)
    people.get(session, member_id)
    session.execute(
        insert(CommunityMember)
        .values(community_id=community_id, member_id=member_id)
        .on_conflict_do_nothing(index_elements=[CommunityMember.community_id, CommunityMember.member_id])
    )


def leave(session: Session, *, community_id: str, member_id: str) -> None:
    """Takes somebody out; raises CommunityUnknown, NotAMember."""
    get(session, community_id)
    left = session.execute(
        delete(CommunityMember)
        .where(CommunityMember.community_id == community_id, CommunityMember.member_id == member_id)
        .returning(CommunityMember.member_id)
    ).scalar_one_or_none()
    if left is None:
        raise NotAMember


def members_of(session: Session, *, community_id: str) -> list[str]:
    """The ids of the members in the order in which they came; raises CommunityUnknown."""
    get(session, community_id)
    return list(
        session.scalars(
            select(CommunityMember.member_id)
            .where(CommunityMember.community_id == community_id)
            .order_by(CommunityMember.joined_at, CommunityMember.member_id)
        )
    )


def count_members(session: Session) -> dict[str, int]:
    """How many members each community has, by its id; one without is not named."""
    rows = session.execute(select(CommunityMember.community_id, func.count()).group_by(CommunityMember.community_id))
    return dict(rows.all())


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
