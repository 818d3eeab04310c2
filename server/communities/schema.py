"""What the API says of communities: never who their members are."""

from typing import Literal

from server.communities.model import Community
from server.fields import Incoming, Moment, Name, NewId, OfId, Outgoing

Shape = Literal["circle", "house"]
State = Literal["lively", "quiet", "asleep", "dissolved"]


class NewCommunity(Incoming):
    """A community to be made. A circle has no owner; a house has a source: you, or a `venue` that you keep.

    under: the house that you follow, under which a circle forms.
    """

    id: NewId
    name: Name
    shape: Shape = "circle"
    venue: OfId | None = None
    under: OfId | None = None


class CommunityOut(Outgoing):
    """A community; member: whether you belong to it. picture: its id, see `GET /api/pictures/{picture_id}`."""

    id: str
    name: str
    shape: Shape
    goal: str
    picture: str | None
    language: str | None
    home: str
    under: str | None
    state: State
    dissolved_at: Moment | None
    members: int
    member: bool


def show(community: Community, members: int, member: bool, state: State) -> CommunityOut:
    """A community as the API shows it."""
    return CommunityOut(
        id=community.id,
        name=community.name,
        shape="house" if community.shape == "house" else "circle",
        goal=community.goal,
        picture=community.picture_id,
        language=community.language,
        home=community.home_name,
        under=community.parent_id,
        state=state,
        dissolved_at=community.dissolved_at,
        members=members,
        member=member,
    )
