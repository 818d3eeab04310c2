"""What the API takes and says of pop-up gatherings."""

from typing import Literal

from pydantic import Field

from server.fields import Incoming, Moment, Outgoing
from server.popups import words
from server.popups.service import Asked
from server.texts import Texts


class PopUpAnswerIn(Incoming):
    """Whether you gather."""

    yes: bool


class PopUpOut(Outgoing):
    """A question to you, or a gathering that came of one. Nobody learns who was asked, or who said no."""

    id: str
    state: Literal["offered", "on"]
    why: str
    stands: str
    interest: str | None
    venue: str
    at_venue: bool = Field(description="all of you were heard there; false: you are near it")
    least: int = Field(description="so many of you like it, at least, you among them")
    needs: int = Field(description="so many yes make it a gathering")
    answer_by: Moment
    answer: bool | None
    yes: int | None = Field(description="how many said yes; null unless you did")
    event: str | None = Field(description="the gathering, for who said yes")


class PopUpsOut(Outgoing):
    """Whether you are asked at all, and what you are asked now."""

    on: bool
    pop_ups: list[PopUpOut]


def show(one: Asked, say: Texts) -> PopUpOut:
    """A question as the API tells it."""
    pop_up = one.pop_up
    return PopUpOut(
        id=pop_up.id,
        state="on" if pop_up.state == "on" else "offered",
        why=words.why(one, say),
        stands=words.stands(one, say),
        interest=pop_up.interest_id,
        venue=one.venue.id,
        at_venue=pop_up.at_venue,
        least=pop_up.least,
        needs=pop_up.needs,
        answer_by=pop_up.answer_by,
        answer=one.answer,
        yes=one.yes,
        event=pop_up.event_id if one.answer else None,
    )
