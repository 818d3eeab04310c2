"""What the API says of communities: never who their members are."""

from server.communities.model import Community
from server.fields import Incoming, Name, NewId, Outgoing


class NewCommunity(Incoming):
    """A community to be made."""

    id: NewId
    name: Name


class CommunityChange(Incoming):
    """What of a community is to be otherwise; what is left out stays."""

    name: Name | None = None


class CommunityOut(Outgoing):
    """A community; member: whether you belong to it."""

    id: str
    name: str
    members: int
    member: bool


def show(community: Community, members: int, member: bool) -> CommunityOut:
    """A community as the API shows it."""
    return CommunityOut(id=community.id, name=community.name, members=members, member=member)
