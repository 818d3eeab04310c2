"""Tables of the morning after a gathering, and of the card that each who came gets."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Morning(Base):
    """A gathering whose morning came. proposal_id: what its yeses opened, at opened_at, once."""

    __tablename__ = "morning"

    event_id: Mapped[str] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), primary_key=True)
    proposal_id: Mapped[str | None] = mapped_column(ForeignKey("proposal.id", ondelete="SET NULL"), index=True)
    opened_at: Mapped[dt.datetime | None]


class MorningCard(Base):
    """The card of one who came, given to her at `at`; what she said on it, if she did."""

    __tablename__ = "morning_card"
    __table_args__ = (
        CheckConstraint("answer IN ('yes', 'no', 'differently')", name="answer_is_known"),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered_is_answered"),
        Index("ix_morning_card_answered", "event_id", "answered_at", postgresql_where=text("answer IS NOT NULL")),
    )

    event_id: Mapped[str] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[dt.datetime]
    answer: Mapped[str | None] = mapped_column(Text)
    line: Mapped[str] = mapped_column(Text, server_default="")
    answered_at: Mapped[dt.datetime | None]
