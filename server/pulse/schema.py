"""What pulse takes and gives over HTTP."""

from typing import Annotated

from pydantic import Field

from server.fields import Incoming, Moment, Name, Outgoing
from server.pulse.service import MOST_CHOICES, Results


class NewPulse(Incoming):
    """A question to the room. nonce: your own, the same for a retry."""

    question: Name
    choices: Annotated[list[Name], Field(max_length=4 * MOST_CHOICES)]
    nonce: Annotated[str, Field(min_length=1, max_length=64)]


class Answer(Incoming):
    """An answer, by its place among the choices, from 0."""

    choice: Annotated[int, Field(ge=0, lt=MOST_CHOICES)]


class PulseOut(Outgoing):
    """A question. counts: by choice, none while there are fewer than 5 answers; mine: what you answered."""

    id: int
    question: str
    choices: list[str]
    open: bool
    answers: int
    counts: list[int] | None
    mine: int | None
    opened_at: Moment
    closed_at: Moment | None


def show(results: Results, *, is_open: bool, mine: int | None) -> PulseOut:
    """A question as the API shows it."""
    return PulseOut(
        id=results.id,
        question=results.question,
        choices=list(results.choices),
        open=is_open,
        answers=results.answers,
        counts=None if results.counts is None else list(results.counts),
        mine=mine,
        opened_at=results.opened_at,
        closed_at=results.closed_at,
    )
