"""What company gives over HTTP."""

from pydantic import Field

from server.company import words
from server.company.service import Somebody
from server.fields import Moment, Outgoing
from server.texts import Texts


class NearOut(Outgoing):
    """Somebody near you who wants to know as well, and reads the same of you."""

    member: str | None = Field(description="null unless she shows her name to the community")
    name: str | None
    community: str = Field(description="which you share")
    sentence: str
    since: Moment


class CompanyOut(Outgoing):
    """Whether you want to know of company, and who is near now; nobody learns where, or how far."""

    on: bool
    near: list[NearOut]


def show(on: bool, near: list[Somebody], say: Texts) -> CompanyOut:
    """Who is near now, as the API shows it."""
    return CompanyOut(
        on=on,
        near=[
            NearOut(
                member=one.member_id,
                name=None if one.name is None else say.name(one.name, one.simulated),
                community=one.community_id,
                sentence=words.of(one, say),
                since=one.since,
            )
            for one in near
        ],
    )
