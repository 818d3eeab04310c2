"""The rows of an archive, one model for each of its files: what is not said here never travels.

Whom a row names it names by `ref`: a digest that means nothing anywhere else. Ids of things are those of the server
that the community leaves; where it arrives they get others if they are taken.
"""

import datetime as dt
from collections.abc import Collection
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from geo import areas
from server import names
from server.communities.schema import Shape
from server.events.details import MOST_GUESTS, PRICE_MAX_LENGTH, Kind
from server.fields import Moment, Position
from server.governance.edits import CHARTER_MAX_LENGTH, FIELDS, GOAL_MAX_LENGTH
from server.interests.service import MOST_TAGS
from server.mail import addresses
from server.reviews.service import ANSWER_MAX_LENGTH, WORDS_MAX_LENGTH
from server.stamps.cards import FEWEST, MOST
from server.turnout.evidence import STRENGTHS
from server.venues import local_time

FORMAT = "muster-community"
VERSION = 1
Ref = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Id = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


def _known(of: Collection[str], what: str) -> AfterValidator:
    def check(text: str) -> str:
        if text not in of:
            raise ValueError(f"there is no {what} {text[:40]!r}")
        return text

    return AfterValidator(check)


def _text(most: int) -> AfterValidator:
    return AfterValidator(lambda text: names.check_text(text, "thing", most))


def _address(text: str) -> str:
    if addresses.normalise(text) != text:
        raise ValueError("an address is written in lower case")
    return text


def _place(place: tuple[float, float]) -> tuple[float, float]:
    try:
        return areas.check_position(place)
    except areas.PlaceError as error:
        raise ValueError(str(error)) from None


Name = Annotated[str, Field(max_length=1000), AfterValidator(lambda text: names.check_name(text, "thing"))]
Line = Annotated[str, _text(200)]
Text = Annotated[str, _text(names.TEXT_MAX_LENGTH)]
Goal = Annotated[str, _text(GOAL_MAX_LENGTH)]
Charter = Annotated[str, _text(CHARTER_MAX_LENGTH)]
Language = Literal["en", "zh"]
Address = Annotated[str, Field(max_length=addresses.MOST), AfterValidator(_address)]
Place = Annotated[Position, AfterValidator(_place)]
Interests = Annotated[list[Id], Field(max_length=MOST_TAGS)]
Evidence = Annotated[str, _known(STRENGTHS, "evidence")]


class Row(BaseModel):
    """A line of a file; a field that is not known is refused, since it would be lost."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class HomeRow(Row):
    """Where a community is at home."""

    name: Name
    location: Place | None
    radius_km: Annotated[float, Field(gt=0, le=1000)] | None


class CommunityRow(Row):
    """The community itself. members: how many belonged to it, those who do not come along too."""

    id: Id
    name: Name
    shape: Shape
    goal: Goal
    charter: Charter
    language: Language | None
    home: HomeRow | None
    picture: Digest | None
    interests: Interests
    source: Ref | None
    created_at: Moment
    members: Count


class PersonRow(Row):
    """Somebody who comes along."""

    ref: Ref
    name: Name
    email: Address
    language: Language | None
    joined_at: Moment
    host: bool


class ChangeRow(Row):
    """What of the community was changed; a picture by its digest."""

    id: Number
    field: Annotated[str, _known(FIELDS, "field")]
    was: Any
    became: Any
    by: Ref | None
    at: Moment
    put_back_of: Number | None

    @model_validator(mode="after")
    def _says_what_can_be_said(self) -> Self:
        for value in (self.was, self.became):
            _CHANGED[self.field].validate_python(value)
        return self


_CHANGED: dict[str, TypeAdapter[Any]] = {
    "name": TypeAdapter(Name),
    "goal": TypeAdapter(Goal),
    "picture": TypeAdapter(Digest | None),
    "interests": TypeAdapter(Interests),
    "home": TypeAdapter(HomeRow | None),
    "language": TypeAdapter(Language | None),
    "charter": TypeAdapter(Charter),
}


class VoteRow(Row):
    """How a vote went; whom it was about, and what was said in it, stays behind."""

    id: Number
    kind: Literal["dissolve", "remove", "readmit", "restore", "move"]
    opened_at: Moment
    ends_at: Moment
    decided_at: Moment
    outcome: Literal["passed", "too_few", "not_more", "moot"]
    voters: Count
    quorum: Count
    yes: Count
    no: Count

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if not (self.opened_at < self.ends_at and 0 < self.quorum <= self.voters and self.yes + self.no <= self.voters):
            raise ValueError("no vote can go so")
        return self


class VenueRow(Row):
    """Where they met; somebody's home by its district alone."""

    ref: Ref
    name: Name
    kind: Literal["place", "spot", "home"]
    time_zone: Annotated[str, Field(max_length=80), AfterValidator(lambda zone: local_time.check(zone, None))]
    location: Place | None
    district: Line
    category: Annotated[str, Field(max_length=40)]

    @model_validator(mode="after")
    def _keeps_homes(self) -> Self:
        if self.kind == "home" and self.location is not None:
            raise ValueError("a home says its district, never its place")
        return self


class EventRow(Row):
    """A gathering that was announced, with whose it was."""

    id: Id
    name: Name
    organizer: Ref | None
    state: Literal["published", "cancelled"]
    state_at: Moment
    reason: Text
    kind: Kind
    about: Text
    price: Annotated[str, _text(PRICE_MAX_LENGTH)]
    guests_max: Annotated[int, Field(ge=0, le=MOST_GUESTS)]
    open_to_all: bool
    needs: Annotated[int, Field(ge=1, le=50)] | None
    by_step: bool
    approval: bool
    picture: Digest | None
    interests: Interests
    created_at: Moment


class StepRow(Row):
    """A step of a gathering."""

    id: Id
    event: Id
    position: Annotated[int, Field(ge=0, le=49)]
    name: Name
    venue: Ref
    opens_at: Moment
    starts_at: Moment
    ends_at: Moment
    dwell_signed_up_s: Seconds
    dwell_walk_in_s: Seconds
    capacity: Annotated[int, Field(ge=1, le=1_000_000)] | None

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if not self.opens_at <= self.starts_at < self.ends_at or self.ends_at - self.opens_at > dt.timedelta(days=31):
            raise ValueError("a step opens, then starts, then ends")
        return self


class ComingRow(Row):
    """Somebody who comes along was there, and by what evidence."""

    step: Id
    person: Ref
    at: Moment
    evidence: Evidence
    signed_up: bool


class TurnoutRow(Row):
    """How many others were there, by what evidence."""

    step: Id
    evidence: Evidence
    signed_up: bool
    came: Annotated[int, Field(ge=1, le=100_000)]


class CardRow(Row):
    """A stamp card of a gathering, or of the house itself (event: None)."""

    id: Number
    event: Id | None
    needs: Annotated[int, Field(ge=FEWEST, le=MOST)] | None
    reward: Name
    until: Moment | None
    renews: bool
    by: Ref | None
    made_at: Moment
    ended_at: Moment | None

    @model_validator(mode="after")
    def _says_how_many(self) -> Self:
        if (self.needs is None) == (self.event is None):
            raise ValueError("a card says how many stamps it takes, that of a gathering has its steps")
        return self


class HolderRow(Row):
    """Somebody who comes along took a card of the house."""

    card: Number
    person: Ref
    at: Moment


class RedeemedRow(Row):
    """A full card of somebody who comes along was redeemed. stamps: the gatherings or steps that it took."""

    id: Number
    card: Number
    person: Ref
    stamps: Annotated[list[Id], Field(max_length=50)]
    by: Ref | None
    at: Moment


class ReviewRow(Row):
    """What somebody who comes along said of a gathering, and the answer of who hosted it."""

    id: Number
    event: Id
    person: Ref
    stars: Annotated[int, Field(ge=1, le=5)]
    words: Annotated[str, _text(WORDS_MAX_LENGTH)]
    at: Moment
    edited_at: Moment | None
    answer: Annotated[str, _text(ANSWER_MAX_LENGTH)]
    answered_at: Moment | None
    answered_by: Ref | None

    @model_validator(mode="after")
    def _answers_once(self) -> Self:
        if (self.answered_at is None) != (self.answer == "") or (self.answered_by is not None and not self.answer):
            raise ValueError("an answer has words and a time")
        return self


class TopicRow(Row):
    """What posts are about."""

    id: Number
    title: Name
    by: Ref | None
    made_at: Moment


class PostRow(Row):
    """A post in a topic or at a gathering; by: nothing of somebody who does not come along."""

    id: Number
    topic: Number | None
    event: Id | None
    by: Ref | None
    text: Text
    picture: Digest | None
    leads_to: Id | None
    answer_to: Number | None
    newcomer: bool
    at: Moment
    edited_at: Moment | None

    @model_validator(mode="after")
    def _stands_somewhere(self) -> Self:
        if (self.topic is None) == (self.event is None):
            raise ValueError("a post stands in a topic or at a gathering")
        return self


class PictureRow(Row):
    """A picture, in a file of its own that is called by its digest."""

    sha256: Digest


# The files of an archive, in the order in which they are read: whatever a row refers to stands before it.
TABLES: dict[str, type[Row]] = {
    "community": CommunityRow,
    "people": PersonRow,
    "pictures": PictureRow,
    "changes": ChangeRow,
    "votes": VoteRow,
    "venues": VenueRow,
    "events": EventRow,
    "steps": StepRow,
    "comings": ComingRow,
    "turnout": TurnoutRow,
    "cards": CardRow,
    "holders": HolderRow,
    "redeemed": RedeemedRow,
    "reviews": ReviewRow,
    "topics": TopicRow,
    "posts": PostRow,
}


class FileFacts(Row):
    """What the manifest says of one file. rows: None of a picture."""

    sha256: Digest
    bytes: Annotated[int, Field(ge=0, le=2**40)]
    rows: Count | None


class Origin(Row):
    """Where the community left: the server's address, and what the community is called there."""

    url: Annotated[str, Field(max_length=300, pattern=r"^https?://[^\s<>\"]+$")]
    id: Id
    name: Name


class Manifest(Row):
    """What an archive is, and what it holds. export: its own id, another for each file that is made."""

    format: Literal["muster-community"]
    version: int
    export: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    made_at: Moment
    origin: Origin
    files: dict[str, FileFacts]
