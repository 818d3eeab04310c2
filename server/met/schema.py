"""What having met takes and gives over HTTP."""

from pydantic import Field

from server.fields import Incoming, Moment, Outgoing
from server.met import words
from server.met.reading import Meeting
from server.met.trust import Word
from server.texts import Texts


class Switch(Incoming):
    """Whether people you met may learn it, and you of them."""

    willing: bool


class SwitchOut(Outgoing):
    """What you answered. willing: null while you were never asked, which is no."""

    willing: bool | None


class MeetingOut(Outgoing):
    """Somebody whom you met at a gathering; she reads the same of you."""

    member: str
    name: str
    event: str
    minutes: int = Field(description="for how long your badges were heard in the same zone")
    at: Moment = Field(description="when the gathering began")
    sentence: str = Field(description="what this is evidence of")


class WordOut(Outgoing):
    """Whether your word counts in a community, and why; nobody else reads it."""

    counts: bool
    sentence: str


def show(meeting: Meeting, say: Texts) -> MeetingOut:
    """A meeting as the API shows it."""
    return MeetingOut(
        member=meeting.member_id,
        name=say.name(meeting.name, meeting.simulated),
        event=meeting.event_id,
        minutes=meeting.minutes,
        at=meeting.at,
        sentence=words.of_meeting(meeting, say),
    )


def show_word(word: Word, say: Texts) -> WordOut:
    """Why one's own word counts, as the API shows it."""
    return WordOut(counts=word.counts, sentence=words.of_word(word, say))
