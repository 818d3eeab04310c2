"""What moving takes and gives over HTTP."""

from typing import Annotated, Literal

from pydantic import Field

from server.fields import Incoming, Moment, Outgoing
from server.moving import asking
from server.moving.arriving import Taken


class AskMove(Incoming):
    """Asks the people of a house whether they come along. days: as long as they may say so."""

    days: Annotated[int, Field(ge=asking.DAYS[0], le=asking.DAYS[1])] = asking.ANSWERS.days


class MyAnswer(Incoming):
    """Whether you come along.

    With you travel your name, e-mail address and language, what you wrote, and what you came to.
    """

    come: bool


class MoveOut(Outgoing):
    """A move as you see it. coming: how many have said so; you: your answer, null while you gave none."""

    asked_at: Moment
    until: Moment
    members: int
    coming: int
    you: bool | None


class Arrival(Outgoing):
    """What an import did, or would do."""

    preview: bool
    community: str
    name: str
    state: Literal["made", "updated", "unchanged"]
    people: int
    new_people: int
    gatherings: int
    posts: int


def show(asked: asking.Asked) -> MoveOut:
    """A move as the API shows it."""
    return MoveOut(
        asked_at=asked.asked_at, until=asked.until, members=asked.members, coming=asked.coming, you=asked.mine
    )


def show_taken(taken: Taken, preview: bool) -> Arrival:
    """What an import did, as the API shows it."""
    states: dict[str, Literal["made", "updated", "unchanged"]] = {
        "made": "made",
        "updated": "updated",
        "unchanged": "unchanged",
    }
    return Arrival(
        preview=preview,
        community=taken.community_id,
        name=taken.name,
        state=states[taken.state],
        people=taken.people,
        new_people=taken.new_people,
        gatherings=taken.gatherings,
        posts=taken.posts,
    )
