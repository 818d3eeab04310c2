"""What the API says and hears of consents."""

from typing import Literal

from pydantic import Field

from server.consent.model import Consent, ConsentPause
from server.consent.rules import Kind
from server.fields import Incoming, Moment, OfId, Outgoing

LevelWord = Literal["hidden", "counted", "name"]


class ConsentIn(Incoming):
    """What you say. of: an event (organizer), a venue (venue, people) or a community; null: all of that kind."""

    kind: Kind
    of: OfId | None = None
    level: LevelWord
    until: Moment | None = Field(default=None, description="needed for `name`; a year from now at most")


class ConsentOut(Outgoing):
    """What you said, and since when."""

    kind: Kind
    of: str | None
    level: LevelWord
    since: Moment
    until: Moment | None
    source: str


class ConsentsOut(Outgoing):
    """All that stands. paused: since when nobody sees you, whatever else you said."""

    paused: Moment | None
    consents: list[ConsentOut]


class PauseOut(Outgoing):
    """Since when nobody sees you; null: what you said holds."""

    paused: Moment | None


def show(said: Consent) -> ConsentOut:
    """A consent as the API shows it."""
    return ConsentOut.model_validate(
        {
            "kind": said.kind,
            "of": said.of_id,
            "level": said.level,
            "since": said.since,
            "until": said.until,
            "source": said.source,
        }
    )


def show_pause(lasting: ConsentPause | None) -> PauseOut:
    """A pause as the API shows it."""
    return PauseOut(paused=None if lasting is None else lasting.since)
