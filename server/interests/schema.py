"""What interests take and give over HTTP."""

from pydantic import Field

from server import names
from server.fields import Incoming, Name, NewId, OfId, Outgoing
from server.interests.model import Interest
from server.interests.service import MOST_TAGS, name_of
from server.texts import Texts


class InterestOut(Outgoing):
    """A word of the vocabulary; name: in your language. retired: offered no more."""

    id: str
    name: str
    name_en: str
    name_zh: str
    retired: bool


class NewInterest(Incoming):
    """A word for the vocabulary."""

    id: NewId
    name_en: Name
    name_zh: Name


class InterestChange(Incoming):
    """What of an interest is to be otherwise; what is left out stays."""

    name_en: Name | None = None
    name_zh: Name | None = None
    retired: bool | None = None


class Chosen(Incoming):
    """The interests of something."""

    interests: list[OfId] = Field(max_length=10 * MOST_TAGS, description="ids of the vocabulary", examples=[["chess"]])


def show(interest: Interest, say: Texts) -> InterestOut:
    """An interest in a language."""
    return InterestOut(
        id=interest.id,
        name=name_of(interest, say),
        name_en=interest.name_en,
        name_zh=interest.name_zh,
        retired=interest.retired_at is not None,
    )


def id_for(wanted: NewInterest) -> str:
    """The id of a new interest: as given, else made of its English name."""
    return wanted.id or names.suggest_id(wanted.name_en, "interest")
