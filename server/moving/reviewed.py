"""What was said of a community's gatherings, at both ends: the reviews of who comes along; others stay behind."""

from collections.abc import Callable, Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.events.model import Event
from server.moving.archive import Archive
from server.moving.rows import ReviewRow, Row
from server.moving.things import Things
from server.reviews.model import Review


def leave(session: Session, event_ids: Collection[str], ref_of: Callable[[str | None], str | None]) -> list[Row]:
    """The rows of what stands to be read. ref_of: who somebody is in the file."""
    wanted = select(Review).where(Review.event_id.in_(event_ids), Review.hidden_at.is_(None)).order_by(Review.id)
    same = ("id", "stars", "words", "at", "edited_at", "answer", "answered_at")
    return [
        ReviewRow(
            **{name: getattr(review, name) for name in same},
            event=review.event_id or "",
            person=ref,
            answered_by=ref_of(review.answered_by),
        )
        for review in session.scalars(wanted)
        if (ref := ref_of(review.member_id)) is not None
    ]


def arrive(session: Session, archive: Archive, things: Things, came: Mapping[str, str | None]) -> None:
    """Keeps the reviews; what she says of it here already stands, and what she took back here stays away."""
    for row in archive.rows(ReviewRow):
        event_id, member_id = things.find("event", row.event), came.get(row.person)
        if event_id is None or member_id is None or session.get(Event, event_id) is None:
            continue
        answered_by = came.get(row.answered_by or "")
        known = things.find("review", row.id)
        if known is not None:
            _say_again(session.get(Review, int(known)), row, answered_by)
            continue
        own = select(Review.id).where(Review.event_id == event_id, Review.member_id == member_id)
        if session.scalar(own) is not None:
            continue
        said = row.model_dump(exclude={"id", "event", "person", "answered_by"})
        review = Review(event_id=event_id, member_id=member_id, answered_by=answered_by, **said)
        session.add(review)
        session.flush()
        things.keep("review", row.id, review.id)


def _say_again(review: Review | None, row: ReviewRow, answered_by: str | None) -> None:
    """A newer file says it as it is there now, unless it was changed here since; an answer stays as it was first."""
    if review is None:
        return
    if (row.edited_at or row.at) > (review.edited_at or review.at):
        review.stars, review.words, review.edited_at = row.stars, row.words, row.edited_at
    if review.answered_at is None:
        review.answer, review.answered_at, review.answered_by = row.answer, row.answered_at, answered_by
