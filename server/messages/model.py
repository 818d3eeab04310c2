"""Tables of organizers' messages, and of who wants none of whom."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class OrganizerMessage(Base):
    """A message of a gathering's hosts, the first or the second. recipients: how many it was meant for."""

    __tablename__ = "organizer_message"
    __table_args__ = (
        UniqueConstraint("event_id", "number", name="uq_organizer_message_number"),
        Index("uq_organizer_message_nonce", "nonce", unique=True),
        CheckConstraint("number BETWEEN 1 AND 2", name="two_at_most"),
        CheckConstraint("recipients > 0", name="for_somebody"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    number: Mapped[int]
    to: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    recipients: Mapped[int]
    by_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    at: Mapped[dt.datetime]
    nonce: Mapped[bytes] = mapped_column(LargeBinary)


class MutedOrganizer(Base):
    """A member wants no messages of this organizer's gatherings. Nobody is told."""

    __tablename__ = "muted_organizer"

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    muted_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[dt.datetime]
