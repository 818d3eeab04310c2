"""Communities: making, joining and leaving them."""

from fastapi import APIRouter, Response

from server import names, versions
from server.audit import schema as audit_schema
from server.audit import service as audit
from server.communities import schema
from server.communities import service as communities
from server.communities.model import Community
from server.people import access, roles
from server.people import schema as people_schema
from server.requests import Id, IfMatch, InPage, InTransaction, Now

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
def create_community(
    wanted: schema.NewCommunity, viewer: access.Account, session: InTransaction, now: Now
) -> schema.CommunityOut:
    """Makes a community, with you as its first member and host; not for guests."""
    community_id = wanted.id or names.free_id(session, Community.id, wanted.name, "community")
    community = communities.create(session, id=community_id, name=wanted.name)
    communities.join(session, community_id=community_id, member_id=viewer.id)
    roles.give(session, member_id=viewer.id, kind="community", of_id=community_id, called="", by=viewer.id, now=now)
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
    if_match: IfMatch = None,
) -> schema.CommunityOut:
    """Gives a community another name; for its hosts and operators. With `If-Match`, unless it was changed meanwhile."""
    community = communities.get(session, community_id, to_edit=True)
    members = communities.members_of(session, community_id=community_id)
    access.check_hosts_community(session, viewer, community.id)
    versions.edit(community, if_match)
    communities.rename(session, community, name=community.name if wanted.name is None else wanted.name)
    versions.tell(response, community)
    return schema.show(community, len(members), viewer.id in members)


@router.put("/{community_id}/membership", status_code=204)
def join_community(community_id: Id, viewer: access.Viewer, session: InTransaction) -> None:
    """Joins a community; twice is as once."""
    communities.join(session, community_id=community_id, member_id=viewer.id)


@router.delete("/{community_id}/membership", status_code=204)
def leave_community(community_id: Id, viewer: access.Viewer, session: InTransaction) -> None:
    """Leaves a community."""
    communities.leave(session, community_id=community_id, member_id=viewer.id)


@router.get("/{community_id}/hosts", tags=["roles"])
def list_community_hosts(
    community_id: Id, viewer: access.Viewer, session: InTransaction
) -> list[people_schema.HelperOut]:
    """Who helps to run this community; for those who do, and operators."""
    access.check_hosts_community(session, viewer, communities.get(session, community_id).id)
    return [people_schema.show_helper(role) for role in roles.helpers_of(session, kind="community", of_id=community_id)]


@router.put("/{community_id}/hosts/{member_id}", tags=["roles"])
def give_community_host(
    community_id: Id,
    member_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    wanted: people_schema.NewHelper | None = None,
) -> people_schema.HelperOut:
    """Lets a member help to run this community; twice is as once. For its hosts and operators."""
    access.check_hosts_community(session, viewer, communities.get(session, community_id).id)
    called = wanted.called if wanted is not None else ""
    role = roles.give(
        session, member_id=member_id, kind="community", of_id=community_id, called=called, by=viewer.id, now=now
    )
    return people_schema.show_helper(role)


@router.delete("/{community_id}/hosts/{member_id}", status_code=204, tags=["roles"])
def take_back_community_host(
    community_id: Id, member_id: Id, viewer: access.Viewer, session: InTransaction, now: Now
) -> None:
    """Ends somebody's part in this community; everybody may lay down their own. For its hosts and operators."""
    community = communities.get(session, community_id)
    if member_id != viewer.id:
        access.check_hosts_community(session, viewer, community.id)
    roles.take_back(session, member_id=member_id, kind="community", of_id=community_id, by=viewer.id, now=now)


@router.get("/{community_id}/audit", tags=["roles"])
def list_community_notes(
    community_id: Id, viewer: access.Viewer, session: InTransaction, page: InPage
) -> list[audit_schema.NoteOut]:
    """What was granted, taken back, undone and exported here, the newest first. For its hosts and operators."""
    access.check_hosts_community(session, viewer, communities.get(session, community_id).id)
    return [audit_schema.show(note) for note in audit.read(session, page=page, of=f"community/{community_id}")]
