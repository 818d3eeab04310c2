"""Tables of notes to members, and of who wants none by e-mail."""

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Notification(Base):
    """Something a member should know. It is told once for each kind, subject and nonce.

    kind: what sort of note, `sign_up_promoted`. subject: what it is about, `event/chess-night`. sentence: in English, a
    text of the catalogue with `values` to fill it, see `service.tell`. link: a path of ours to act at. letter_at: when
    it was looked at for the post.
    """

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("member_id", "kind", "subject", "nonce", name="uq_notification_once"),
        Index("ix_notification_unread", "member_id", postgresql_where=text("read_at IS NULL")),
        Index("ix_notification_unposted", "id", postgresql_where=text("letter_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    nonce: Mapped[str] = mapped_column(Text, server_default="")
    sentence: Mapped[str] = mapped_column(Text)
    values: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    link: Mapped[str | None] = mapped_column(Text)
    at: Mapped[dt.datetime]
    read_at: Mapped[dt.datetime | None]
    letter_at: Mapped[dt.datetime | None]


class WithoutLetters(Base):
    """A member who wants her notes on the page alone."""

    __tablename__ = "without_letters"

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
