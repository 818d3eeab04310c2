"""What a host reads and says of whom muster tells."""

from pydantic import Field

from server.audience.service import Told
from server.fields import Incoming, Outgoing
from server.texts import Texts


class AudienceOut(Outgoing):
    """Whether members near are told of your gathering, and about how many were; nobody learns who, or where they are.

    told: in steps of five; null: fewer than five, or nobody.
    """

    on: bool
    told: int | None = Field(examples=[40])
    says: str = Field(examples=["About 40 people near were told."])


class AudienceIn(Incoming):
    """Whether members near are to be told."""

    on: bool


def show(found: Told, say: Texts) -> AudienceOut:
    """As it goes out."""
    return AudienceOut(on=found.on, told=found.told, says=says(found, say))


def says(found: Told, say: Texts) -> str:
    """The sentence for its host."""
    if found.told is not None:
        return say.gettext("About %(count)s people near were told.", count=found.told)
    if not found.on:
        return say.gettext("Nobody near is told of it.")
    return say.gettext("A few people near at most were told so far.")
