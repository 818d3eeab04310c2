"""Communities: founding, joining and leaving them, and who hosts them."""

from fastapi import APIRouter

from server.audit import schema as audit_schema
from server.audit import service as audit
from server.communities import founding, schema
from server.communities import rights as community_rights
from server.communities import service as communities
from server.people import access, roles
from server.people import schema as people_schema
from server.requests import Id, InPage, InTransaction, Now

router = APIRouter(prefix="/api/communities", tags=["communities"])


@router.post("", status_code=201)
def create_community(
    wanted: schema.NewCommunity, viewer: access.Account, session: InTransaction, now: Now
) -> schema.CommunityOut:
    """Makes a community, with you as its first member, and its source if it is a house; not for guests."""
    community = founding.found(
        session,
        name=wanted.name,
        by=viewer,
        now=now,
        id=wanted.id,
        shape=wanted.shape,
        venue_id=wanted.venue,
        parent_id=wanted.under,
    )
    return schema.show(community, 1, True, "lively")


@router.put("/{community_id}/membership", status_code=204)
def join_community(community_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Joins a circle, or follows a house; twice is as once."""
    communities.join(session, community_id=community_id, member_id=viewer.id, now=now)


@router.delete("/{community_id}/membership", status_code=204)
def leave_community(community_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Leaves a community, and one's part in running it."""
    communities.leave(session, community_id=community_id, member_id=viewer.id, now=now)


@router.get("/{community_id}/hosts", tags=["roles"])
def list_community_hosts(
    community_id: Id, viewer: access.Viewer, session: InTransaction
) -> list[people_schema.HelperOut]:
    """Who helps to run this community; for those who do, and operators."""
    community_rights.check_decides(session, viewer, communities.get(session, community_id))
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
    """Lets a member help to run this house; twice is as once. For its source, its hosts and operators."""
    community = communities.get(session, community_id)
    community_rights.check_decides(session, viewer, community)
    community_rights.check_has_hosts(community)
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
        community_rights.check_decides(session, viewer, community)
    roles.take_back(session, member_id=member_id, kind="community", of_id=community_id, by=viewer.id, now=now)


@router.get("/{community_id}/audit", tags=["roles"])
def list_community_notes(
    community_id: Id, viewer: access.Viewer, session: InTransaction, page: InPage
) -> list[audit_schema.NoteOut]:
    """What was granted, taken back, undone and exported here, the newest first. For its hosts and operators."""
    community_rights.check_decides(session, viewer, communities.get(session, community_id))
    return [audit_schema.show(note) for note in audit.read(session, page=page, of=f"community/{community_id}")]
