"""Communities: making, joining and leaving them."""

from fastapi import APIRouter, Response

from server import names, versions
from server.communities import schema
from server.communities import service as communities
from server.communities.model import Community
from server.people import access
from server.requests import Id, InPage, InTransaction

router = APIRouter(prefix="/api/communities", tags=["communities"])


@router.get("")
def list_communities(viewer: access.Viewer, session: InTransaction, page: InPage) -> list[schema.CommunityOut]:
    """All communities, with how many belong to them."""
    counts = communities.count_members(session)
    mine = {community.id for community in communities.communities_of(session, member_id=viewer.id)}
    return [
        schema.show(community, counts.get(community.id, 0), community.id in mine)
        for community in communities.list_all(session, page)
    ]


@router.post("", status_code=201)
def create_community(wanted: schema.NewCommunity, viewer: access.Viewer, session: InTransaction) -> schema.CommunityOut:
    """Makes a community, with you as its first member."""
    community_id = wanted.id or names.free_id(session, Community.id, wanted.name, "community")
    community = communities.create(session, id=community_id, name=wanted.name)
    communities.join(session, community_id=community_id, member_id=viewer.id)
    return schema.show(community, 1, True)


@router.get("/{community_id}")
def get_community(
    community_id: Id, viewer: access.Viewer, session: InTransaction, response: Response
) -> schema.CommunityOut:
    """A community, with how many belong to it."""
    community = communities.get(session, community_id)
    versions.tell(response, community)
    members = communities.members_of(session, community_id=community_id)
    return schema.show(community, len(members), viewer.id in members)


@router.patch("/{community_id}")
def change_community(
    community_id: Id,
    wanted: schema.CommunityChange,
    viewer: access.Viewer,
    session: InTransaction,
    response: Response,
    if_match: versions.IfMatch = None,
) -> schema.CommunityOut:
    """Gives a community another name; for its members. With `If-Match`, unless somebody changed it meanwhile."""
    community = communities.get(session, community_id, to_edit=True)
    members = communities.members_of(session, community_id=community_id)
    if viewer.id not in members:
        raise communities.NotYourCommunity
    versions.edit(community, if_match)
    communities.rename(session, community, name=community.name if wanted.name is None else wanted.name)
    versions.tell(response, community)
    return schema.show(community, len(members), True)


@router.put("/{community_id}/membership", status_code=204)
def join_community(community_id: Id, viewer: access.Viewer, session: InTransaction) -> None:
    """Joins a community; twice is as once."""
    communities.join(session, community_id=community_id, member_id=viewer.id)


@router.delete("/{community_id}/membership", status_code=204)
def leave_community(community_id: Id, viewer: access.Viewer, session: InTransaction) -> None:
    """Leaves a community."""
    communities.leave(session, community_id=community_id, member_id=viewer.id)
