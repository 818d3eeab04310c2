"""Tables of check-ins, their undoing, and refusals."""

import datetime as dt

from sqlalchemy import ForeignKey, Index, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class CheckIn(Base):
    """A member's arrival at a step of an event. `at` is when it happened, `recorded_at` when the server knew.

    signed_up: she was judged as one who had signed up; withdrawing later changes nothing. Whether it is beyond the
    step's capacity is derived where it is read (server.checkins.capacity).
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
        # Of a step's member with those taken back, and of a member alone.
        Index("ix_checkin_member_id_step_id", "member_id", "step_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"))
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    badge_id: Mapped[int | None] = mapped_column(ForeignKey("badge.id", ondelete="SET NULL"))
    at: Mapped[dt.datetime]
    recorded_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    evidence: Mapped[str] = mapped_column(Text)
    signed_up: Mapped[bool]
    undone_at: Mapped[dt.datetime | None]


class Undoing(Base):
    """A check-in was taken back: evidence from before `at` never checks in again."""

    __tablename__ = "undoing"

    id: Mapped[int] = mapped_column(primary_key=True)
    checkin_id: Mapped[int] = mapped_column(ForeignKey("checkin.id", ondelete="CASCADE"), index=True)
    at: Mapped[dt.datetime]
    by: Mapped[str] = mapped_column(ForeignKey("member.id"))


class Refusal(Base):
    """Why somebody was not checked in: one row per member, step and code, with a sentence she can act on."""

    __tablename__ = "refusal"

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    first_at: Mapped[dt.datetime]
    last_at: Mapped[dt.datetime]
    sentence: Mapped[str] = mapped_column(Text)
