"""Tables of notes to members, of how each wants to be told, of her browsers, and of what was sent."""

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Notification(Base):
    """Something a member should know. It is told once for each kind, subject and nonce.

    kind: what sort of note, `event.promoted`. subject: what it is about, `event/chess-night`. sentence: in English, a
    text of the catalogue with `values` to fill it, see `service.tell`. link: a path of ours to act at. due_by: after
    that it is worth no message. letter_at: when it was decided where it is sent.
    """

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("member_id", "kind", "subject", "nonce", name="uq_notification_once"),
        Index("ix_notification_unread", "member_id", postgresql_where=text("read_at IS NULL")),
        Index("ix_notification_unposted", "id", postgresql_where=text("letter_at IS NULL")),
        Index("ix_notification_newest", "member_id", "at"),
        Index("ix_notification_shop_invitation", "subject", postgresql_where=text("kind = 'shop_invitation'")),
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
    due_by: Mapped[dt.datetime | None]
    read_at: Mapped[dt.datetime | None]
    letter_at: Mapped[dt.datetime | None]


class TellingWish(Base):
    """How a member wants to be told of a group of notes (groups.Wish); without a row as `groups.DEFAULTS` says."""

    __tablename__ = "telling_wish"
    __table_args__ = (
        CheckConstraint("letters IN ('at_once', 'daily', 'weekly', 'never')", name="letters_are_known"),
        CheckConstraint("per_day >= 0 AND per_week >= 0", name="caps_are_counts"),
    )

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    about: Mapped[str] = mapped_column(Text, primary_key=True)
    letters: Mapped[str] = mapped_column(Text)
    push: Mapped[bool]
    per_day: Mapped[int | None]
    per_week: Mapped[int | None]


class TellingHours(Base):
    """A member's quiet hours and the hour of her digest, as her clock shows them (hours.Hours)."""

    __tablename__ = "telling_hours"

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    quiet_from: Mapped[dt.time]
    quiet_to: Mapped[dt.time]
    digest_at: Mapped[dt.time]


class ToldBrowser(Base):
    """A browser that is told by Web Push, until it is taken back, signed out, or its push service says it is gone.

    endpoint: where its push service takes messages; whoever knows it and the keys may write. public_key, secret: its
    keys (RFC 8291), 65 and 16 bytes. called: a few words on it. language: of who has chosen none. failing_since,
    next_at: while it takes nothing.
    """

    __tablename__ = "told_browser"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    session_number: Mapped[int | None] = mapped_column(ForeignKey("session.number", ondelete="CASCADE"), index=True)
    endpoint: Mapped[str] = mapped_column(Text, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    called: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    made_at: Mapped[dt.datetime]
    told_at: Mapped[dt.datetime | None]
    failing_since: Mapped[dt.datetime | None]
    next_at: Mapped[dt.datetime | None]


class Delivery(Base):
    """A note on one way to a member: once for each note, channel and target. Deleted with the note.

    channel: letter, digest, push. target: the browser, `browser/12`; empty for letters. state: see `deciding.State`.
    due_at: not before that. why: a text of the catalogue, filled by `values`. letter_id: the letter that carries it.
    """

    __tablename__ = "notification_delivery"
    __table_args__ = (
        UniqueConstraint("notification_id", "channel", "target", name="uq_notification_delivery_once"),
        Index(
            "ix_notification_delivery_due",
            "channel",
            "due_at",
            postgresql_where=text("state IN ('waiting', 'trying')"),
        ),
        Index("ix_notification_delivery_with_mail", "letter_id", postgresql_where=text("state = 'handed'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    notification_id: Mapped[int] = mapped_column(ForeignKey("notification.id", ondelete="CASCADE"))
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    channel: Mapped[str] = mapped_column(Text)
    target: Mapped[str] = mapped_column(Text, server_default="")
    state: Mapped[str] = mapped_column(Text)
    why: Mapped[str | None] = mapped_column(Text)
    values: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    queued_at: Mapped[dt.datetime]
    due_at: Mapped[dt.datetime]
    tried_at: Mapped[dt.datetime | None]
    tries: Mapped[int] = mapped_column(server_default="0")
    done_at: Mapped[dt.datetime | None]
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("letter.id", ondelete="SET NULL"))


class Digest(Base):
    """That a member got her digest of a day, as her clock counts days: there is one."""

    __tablename__ = "digest"

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    made_at: Mapped[dt.datetime]


class TellingKey(Base):
    """A key of this server, made once: `push` signs what goes to push services, `stop` the links that end letters."""

    __tablename__ = "telling_key"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[dt.datetime]
