"""What the inbox takes and gives over HTTP."""

from pydantic import Field

from server.fields import Incoming, Moment, Outgoing
from server.inbox import words
from server.inbox.model import Notification
from server.texts import Texts


class NotificationOut(Outgoing):
    """Something you should know."""

    id: int
    kind: str = Field(description="what sort of note, for programs", examples=["sign_up_promoted"])
    subject: str = Field(description="what it is about", examples=["event/chess-night"])
    sentence: str = Field(description="in your language")
    link: str | None = Field(description="the path of the page where you can act")
    at: Moment
    read: bool


class ReadUpTo(Incoming):
    """How far you have read."""

    up_to: int = Field(ge=1, le=2**63 - 1, description="the id of the newest note that you have seen")


class Letters(Incoming):
    """Whether notes go out by e-mail as well."""

    letters: bool


def show(note: Notification, say: Texts) -> NotificationOut:
    """A note in a language."""
    return NotificationOut(
        id=note.id,
        kind=note.kind,
        subject=note.subject,
        sentence=words.fill(note.sentence, note.values, say),
        link=note.link,
        at=note.at,
        read=note.read_at is not None,
    )
