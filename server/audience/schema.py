"""What a host reads and says of whom muster tells."""

from pydantic import Field

from server.fields import Incoming, Outgoing
from server.texts import Texts


class CallingOut(Outgoing):
    """Whether members near are told of your gathering; nobody learns who, where, or how many."""

    on: bool
    says: str = Field(examples=["People near who would like it are told of it."])


class CallingIn(Incoming):
    """Whether members near are to be told."""

    on: bool


def show(on: bool, say: Texts) -> CallingOut:
    """As it goes out."""
    return CallingOut(on=on, says=says(on, say))


def says(on: bool, say: Texts) -> str:
    """The sentence for its host."""
    if on:
        return say.gettext("People near who would like it are told of it.")
    return say.gettext("Nobody near is told of it.")
