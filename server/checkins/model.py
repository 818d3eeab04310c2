"""Tables of check-ins, their undoing, and refusals."""

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class CheckIn(Base):
    """A member's arrival at a step of an event, or at a venue on a day of it (which turns at 05:00 local time).

    `at` is when it happened, `recorded_at` when the server knew. member_id: None of somebody who was erased; she still
    counts. signed_up: she was judged as one who had signed up; withdrawing later changes nothing. Whether it is beyond
    the step's capacity is derived where it is read (server.checkins.capacity).
    """

    __tablename__ = "checkin"
    __table_args__ = (
        Index(
            "uq_checkin_one_per_member_and_step",
            "step_id",
            "member_id",
            unique=True,
            postgresql_where=text("undone_at IS NULL"),
        ),
        Index(
            "uq_checkin_one_per_member_venue_and_day",
            "venue_id",
            "day",
            "member_id",
            unique=True,
            postgresql_where=text("undone_at IS NULL"),
        ),
        CheckConstraint(
            "num_nonnulls(step_id, venue_id) = 1 AND (venue_id IS NULL) = (day IS NULL)", name="of_a_step_or_of_a_day"
        ),
        # Of a step's member with those taken back, and of a member alone.
        Index("ix_checkin_member_id_step_id", "member_id", "step_id"),
        # What is new since somebody looked: webhooks.
        Index("ix_checkin_recorded_at", "recorded_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    step_id: Mapped[str | None] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"))
    venue_id: Mapped[str | None] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    day: Mapped[dt.date | None]
    member_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"))
    # Of somebody who was erased: a random number, the same for all her check-ins to one event and for nothing else, so
    # that she still counts once.
    stranger: Mapped[int | None]
    badge_id: Mapped[int | None] = mapped_column(ForeignKey("badge.id", ondelete="SET NULL"))
    at: Mapped[dt.datetime]
    recorded_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    evidence: Mapped[str] = mapped_column(Text)
    signed_up: Mapped[bool]
    undone_at: Mapped[dt.datetime | None]


class RememberedVenue(Base):
    """A member wants her visits to a venue remembered, until `ended_at`: each day of them is one check-in."""

    __tablename__ = "remembered_venue"
    __table_args__ = (
        CheckConstraint("since <= ended_at", name="since_then_ended"),
        Index(
            "uq_remembered_venue_one_standing",
            "member_id",
            "venue_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), index=True)
    since: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]


class Undoing(Base):
    """A check-in was taken back: evidence from before `at` never checks in again."""

    __tablename__ = "undoing"

    id: Mapped[int] = mapped_column(primary_key=True)
    checkin_id: Mapped[int] = mapped_column(ForeignKey("checkin.id", ondelete="CASCADE"), index=True)
    at: Mapped[dt.datetime]
    # None: who took it back was erased since, or had no account.
    by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"))


class Refusal(Base):
    """Why somebody was not checked in: one row per member, step and code, with a sentence she can act on."""

    __tablename__ = "refusal"

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    # By a code, a hand or a position; the others follow from what was heard of her badges, and are taken back with it.
    at_door: Mapped[bool] = mapped_column(primary_key=True, server_default="false")
    first_at: Mapped[dt.datetime]
    last_at: Mapped[dt.datetime]
    # At a door: the sentence in English, `%(name)s` where the values go; said in the reader's language when shown.
    sentence: Mapped[str] = mapped_column(Text)
    values: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
