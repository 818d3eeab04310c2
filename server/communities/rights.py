"""Who decides about a community, and who may call a gathering of it."""

from sqlalchemy.orm import Session

from server.communities import service as communities
from server.communities.model import Community
from server.errors import Conflict, Refused
from server.people import access, roles
from server.people.model import Member
from server.venues import service as venues


class JoinFirst(Refused):
    """This is for its members: join it first."""

    code = "join_first"


class CircleHasNoHosts(Conflict):
    """A circle has no owner: whoever gathers hosts that gathering, and nobody is appointed."""

    code = "circle_has_no_hosts"


def decides(session: Session, member: Member, community: Community) -> bool:
    """Whether she is a host of a house, its source and follows it, or keeps the venue that is. In a circle nobody."""
    if community.shape == "circle":
        return False
    if community.source_member_id == member.id and communities.belongs(
        session, community_id=community.id, member_id=member.id
    ):
        return True
    if roles.holds(session, member_id=member.id, kind="community", of_id=community.id):
        return True
    of = community.source_venue_id
    return of is not None and access.keeps(session, member, venues.get(session, of))


def check_decides(session: Session, viewer: Member, community: Community) -> None:
    """Raises NotYourCommunity unless the viewer decides about it or is an operator."""
    if not viewer.operator and not decides(session, viewer, community):
        raise access.NotYourCommunity


def check_has_hosts(community: Community) -> None:
    """Raises CircleHasNoHosts."""
    if community.shape == "circle":
        raise CircleHasNoHosts


def check_may_gather(session: Session, viewer: Member, community_id: str) -> None:
    """Raises unless she may call a gathering of it: of a circle whoever belongs to it, of a house who decides.

    Else somebody could have strangers come to something of it, whose word would count then. Raises CommunityUnknown,
    CommunityDissolved, JoinFirst, NotYourCommunity.
    """
    community = communities.get_living(session, community_id)
    if community.shape == "house":
        check_decides(session, viewer, community)
    elif not viewer.operator and not communities.belongs(session, community_id=community_id, member_id=viewer.id):
        raise JoinFirst("Join %(community)s first: whoever belongs to it may gather in it.", community=community.name)
