"""What the API says of how communities are changed and decided about: names only of who shows them to its members."""

from typing import Annotated, Any, Literal

from pydantic import Field

from server.communities import schema as communities_schema
from server.communities.schema import State
from server.fields import Incoming, Moment, Name, OfId, Outgoing, Position
from server.governance import edits, model, votes
from server.governance.rules import Kind
from server.interests.service import MOST_TAGS

Words = Annotated[str, Field(max_length=2 * votes.WORDS_MAX_LENGTH)]


class Home(Incoming):
    """Where a community is at home: a name, and a place with how far it reaches, in kilometres."""

    name: Name
    location: Position | None = None
    radius_km: Annotated[float, Field(ge=edits.RADIUS_KM[0], le=edits.RADIUS_KM[1])] | None = None


class CommunityChange(Incoming):
    """What of a community is to be otherwise; what is left out stays. picture, home, language: null for none."""

    name: Name | None = None
    goal: Annotated[str, Field(max_length=2 * edits.GOAL_MAX_LENGTH)] | None = None
    picture: OfId | None = None
    interests: Annotated[list[OfId], Field(max_length=10 * MOST_TAGS)] | None = None
    home: Home | None = None
    language: Literal["en", "zh"] | None = None
    charter: Annotated[str, Field(max_length=2 * edits.CHARTER_MAX_LENGTH)] | None = None

    def wanted(self) -> dict[str, Any]:
        """The fields that were named."""
        emptied = {field for field in ("picture", "home", "language") if field in self.model_fields_set}
        given = self.model_dump(include=self.model_fields_set)
        return {field: value for field, value in given.items() if value is not None or field in emptied}


class PutBack(Incoming):
    """over: this was changed again since then, and that is to be taken back as well."""

    over: bool = False


class NewVote(Incoming):
    """A vote to be opened. member, called: whom it is about and what she is called there, to remove or readmit."""

    kind: Kind
    member: OfId | None = None
    called: Name = ""
    about: OfId = ""
    reason: Words = ""


class BallotIn(Incoming):
    """How you vote; until the end you may say it anew."""

    yes: bool


class WordsIn(Incoming):
    """What you say to those who vote about you."""

    words: Words


class HomeOut(Outgoing):
    """Where a community is at home."""

    name: str
    location: Position | None
    radius_km: float | None


class CommunityWhole(communities_schema.CommunityOut):
    """A community with all it says of itself. dissolves_at: when it dissolves unless somebody gathers or keeps it.

    may_edit, has_word: whether you may change it, and whether your word counts in its votes.
    """

    charter: str
    interests: list[str]
    home_area: HomeOut | None
    source_venue: str | None
    dissolves_at: Moment | None
    may_edit: bool
    has_word: bool


class ChangeOut(Outgoing):
    """What of a community was changed; by: a name that is shown to you, null for none; yours: whether you did."""

    id: int
    field: str
    was: Any
    became: Any
    at: Moment
    by: str | None
    yours: bool
    put_back_of: int | None


class VoteOut(Outgoing):
    """A vote: how many may vote, have to, and have. yes, no: told when it is over. you: how you vote, null: not yet."""

    id: int
    kind: Kind
    about: str
    called: str
    about_you: bool
    reason: str
    words: str
    opened_at: Moment
    ends_at: Moment
    voters: int
    quorum: int
    cast: int
    may_vote: bool
    you: bool | None
    outcome: Literal["passed", "too_few", "not_more", "moot"] | None
    yes: int | None
    no: int | None
    sentence: str


def show_change(change: model.CommunityChange, viewer_id: str, names: dict[str, str]) -> ChangeOut:
    """A change as the API shows it."""
    return ChangeOut(
        id=change.id,
        field=change.field,
        was=change.was,
        became=change.became,
        at=change.at,
        by=names.get(change.by or ""),
        yours=change.by == viewer_id,
        put_back_of=change.put_back_of,
    )


def state_word(state: str) -> State:
    """How it lives, as the API says it."""
    words: dict[str, State] = {"lively": "lively", "quiet": "quiet", "asleep": "asleep", "dissolved": "dissolved"}
    return words[state]


def show_vote(vote: model.Vote, seen: votes.Seen, viewer_id: str, sentence: str) -> VoteOut:
    """A vote as the API shows it to somebody."""
    return VoteOut.model_validate(
        {
            "id": vote.id,
            "kind": vote.kind,
            "about": vote.about,
            "called": vote.called,
            "about_you": vote.member_id == viewer_id,
            "reason": vote.reason,
            "words": vote.words,
            "opened_at": vote.opened_at,
            "ends_at": vote.ends_at,
            "voters": vote.voters,
            "quorum": vote.quorum,
            "cast": seen.cast,
            "may_vote": seen.may_vote,
            "you": seen.yes,
            "outcome": vote.outcome,
            "yes": vote.yes,
            "no": vote.no,
            "sentence": sentence,
        }
    )
