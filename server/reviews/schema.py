"""What reviews take and give over HTTP."""

from typing import Annotated

from pydantic import Field

from server.fields import Incoming, Moment, Outgoing, Text
from server.reviews import words
from server.reviews.service import Seen, Why
from server.reviews.weighing import Rating
from server.texts import Texts


class ReviewIn(Incoming):
    """How it was: 1 to 5, and up to 1,000 characters."""

    stars: Annotated[int, Field(ge=1, le=5)]
    words: Text = ""


class AnswerIn(Incoming):
    """The answer of who keeps the venue or hosts the gathering, up to 500 characters; it stays."""

    words: Text


class Reason(Incoming):
    """Why an operator should look at a review, or hides it."""

    why: Why


class RatingOut(Outgoing):
    """What those who were there say together. mean: weighed, null of fewer than 5 who were there."""

    mean: float | None
    there: int
    others: int = Field(description="reviews of people who were not there, as far as we know; they count in no mean")


class ReviewOut(Outgoing):
    """A review. author: her name where she shows it to you, else that somebody was there."""

    id: int
    stars: int
    words: str
    author: str
    own: bool
    there: bool
    mark: str = Field(
        description="whether she was there and what proves it", examples=["was there: badge heard 1 h 20 min"]
    )
    at: Moment
    edited_at: Moment | None
    answer: str | None
    answered_at: Moment | None
    hidden: bool = Field(description="only operators and its author read it")


def show(seen: Seen, say: Texts, *, simulated: bool) -> ReviewOut:
    """A review as the API shows it."""
    review = seen.review
    return ReviewOut(
        id=review.id,
        stars=review.stars,
        words=review.words,
        author=words.of_author(seen, say, simulated=simulated),
        own=seen.own,
        there=seen.mark.there,
        mark=words.of_mark(seen.mark, say),
        at=review.at,
        edited_at=review.edited_at,
        answer=review.answer or None,
        answered_at=review.answered_at,
        hidden=review.hidden_at is not None,
    )


def show_rating(rating: Rating) -> RatingOut:
    """A rating as the API shows it."""
    return RatingOut(mean=rating.mean, there=rating.there, others=rating.others)
