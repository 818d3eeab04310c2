"""What the API takes and says of organizers' messages."""

from typing import Annotated

from pydantic import Field

from server import nonces
from server.fields import Incoming, Moment, Outgoing
from server.messages import service as messages
from server.messages.model import OrganizerMessage

Written = Annotated[str, Field(min_length=1, max_length=messages.LONGEST)]


class MessageIn(Incoming):
    """A message. to: who is going, came, did not come (once it is over), or waits. The text goes out as it is."""

    to: messages.To
    text: Written


class NewMessage(MessageIn):
    """A message to send. nonce: made anew for each, so that a retry sends no second one."""

    nonce: Annotated[str, Field(min_length=nonces.SIGNS[0], max_length=nonces.SIGNS[1])]


class PreviewOut(Outgoing):
    """A message as it would go out. looks: by language of who gets it; left: how many may still be sent."""

    to: messages.To
    count: int
    looks: dict[str, str]
    left: int


class MessageOut(Outgoing):
    """A message that was sent. count: how many it was meant for."""

    number: int
    to: messages.To
    text: str
    count: int
    at: Moment


class MutedOut(Outgoing):
    """An organizer of whose gatherings you get no messages."""

    organizer: str
    name: str
    at: Moment


def show(message: OrganizerMessage) -> MessageOut:
    """A message as the API shows it."""
    return MessageOut.model_validate(
        {
            "number": message.number,
            "to": message.to,
            "text": message.text,
            "count": message.recipients,
            "at": message.at,
        }
    )
