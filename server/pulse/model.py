"""Tables of questions to a room, and of the answers."""

import datetime as dt

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Pulse(Base):
    """A question to who is at an event; one at a time is open.

    ends_at: when it closes by itself, with the last of the steps that were open when it was asked.
    """

    __tablename__ = "pulse"
    __table_args__ = (
        Index("uq_pulse_one_open", "event_id", unique=True, postgresql_where=text("closed_at IS NULL")),
        UniqueConstraint("event_id", "nonce", name="uq_pulse_nonce"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    question: Mapped[str] = mapped_column(Text)
    choices: Mapped[list[str]] = mapped_column(ARRAY(Text))
    opened_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime]
    closed_at: Mapped[dt.datetime | None]
    by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    nonce: Mapped[str] = mapped_column(Text)


class PulseAnswer(Base):
    """An answer, by its place among the choices. member_id: None of somebody who was erased; it still counts."""

    __tablename__ = "pulse_answer"
    __table_args__ = (UniqueConstraint("pulse_id", "member_id", name="uq_pulse_answer_one_each"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    pulse_id: Mapped[int] = mapped_column(ForeignKey("pulse.id", ondelete="CASCADE"))
    member_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    choice: Mapped[int]
    at: Mapped[dt.datetime]
