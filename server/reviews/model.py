"""Tables of reviews, and of who reported one to the operators."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Review(Base):
    """What a member says of a venue or a gathering, once of each. answer: of who keeps or hosts it, once.

    hidden_at: since when an operator hides it, and why. Whether she was there is read from the evidence when it is
    shown (server/reviews/marks.py), so that a check-in that is taken back takes the mark along.
    """

    __tablename__ = "review"
    __table_args__ = (
        CheckConstraint("num_nonnulls(venue_id, event_id) = 1", name="of_a_venue_or_an_event"),
        CheckConstraint("stars BETWEEN 1 AND 5", name="one_to_five"),
        UniqueConstraint("member_id", "venue_id", name="uq_review_of_venue"),
        UniqueConstraint("member_id", "event_id", name="uq_review_of_event"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    venue_id: Mapped[str | None] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), index=True)
    event_id: Mapped[str | None] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    stars: Mapped[int]
    words: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime]
    edited_at: Mapped[dt.datetime | None]
    answer: Mapped[str] = mapped_column(Text, server_default="")
    answered_at: Mapped[dt.datetime | None]
    answered_by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    hidden_at: Mapped[dt.datetime | None]
    hidden_by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    hidden_why: Mapped[str] = mapped_column(Text, server_default="")


class ReviewReport(Base):
    """Somebody thinks that operators should look at a review."""

    __tablename__ = "review_report"

    review_id: Mapped[int] = mapped_column(ForeignKey("review.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime]
