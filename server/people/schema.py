"""What the API says of members."""

from server.fields import Incoming, Moment, Name, NewId, OfId, Outgoing, Text
from server.people.model import Member


class SignIn(Incoming):
    """Whom a visitor of the demonstration chooses to be."""

    member: OfId


class NewMember(Incoming):
    """Somebody to be made known."""

    id: NewId
    name: Name
    about: Text = ""
    operator: bool = False


class MemberOut(Outgoing):
    """A member, to herself and to operators."""

    id: str
    name: str
    about: str
    operator: bool
    simulated: bool


class LinkOut(Outgoing):
    """A link that signs in once."""

    url: str
    expires_at: Moment


def show(member: Member) -> MemberOut:
    """A member as the API shows her."""
    return MemberOut(
        id=member.id,
        name=member.name,
        about=member.about,
        operator=member.operator,
        simulated=member.simulated,
    )
