"""Who reads what of a community: its history everybody, once it has dissolved its members; its votes its members."""

from sqlalchemy.orm import Session

from server.communities import service as communities
from server.communities.model import Community
from server.errors import Refused
from server.people.model import Member


class ForMembers(Refused):
    """This is for the members of the community: join it first."""

    code = "for_members"


def check_member(session: Session, *, viewer: Member, community: Community) -> None:
    """Raises ForMembers unless she belongs to it."""
    if not communities.belongs(session, community_id=community.id, member_id=viewer.id):
        raise ForMembers("This is for the members of %(community)s.", community=community.name)


def check_history(session: Session, *, viewer: Member, community: Community) -> None:
    """Raises ForMembers where it has dissolved and she did not belong to it."""
    if community.dissolved_at is not None:
        check_member(session, viewer=viewer, community=community)
