"""Tables of webhooks, what they have told, and what was sent."""

import datetime as dt
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base

WAITING = "waiting"
DELIVERED = "delivered"
GIVEN_UP = "given_up"


class Webhook(Base):
    """An address that is told of an event, a venue or a community.

    since: what was known before is not told. read_at: up to when it was looked for news. failing_since, attempts,
    next_at: of the delivery that fails at the moment. secret: signs plain ones; the old one signs too until it ends.
    """

    __tablename__ = "webhook"
    __table_args__ = (
        CheckConstraint("num_nonnulls(event_id, venue_id, community_id) = 1", name="of_one_thing"),
        CheckConstraint("kind IN ('plain', 'wecom', 'slack', 'matrix')", name="kind_is_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str | None] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
    venue_id: Mapped[str | None] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), index=True)
    community_id: Mapped[str | None] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"), index=True)
    made_by: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    made_at: Mapped[dt.datetime]
    kind: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    happenings: Mapped[list[str]] = mapped_column(ARRAY(Text))
    names: Mapped[bool]
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    old_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    old_secret_until: Mapped[dt.datetime | None]
    since: Mapped[dt.datetime]
    read_at: Mapped[dt.datetime]
    failing_since: Mapped[dt.datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_at: Mapped[dt.datetime | None]
    paused_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]
    why: Mapped[str | None] = mapped_column(Text)


class Delivery(Base):
    """One message of a webhook. content: ids and numbers, never names, which are looked up at each sending."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        CheckConstraint("status IN ('waiting', 'delivered', 'given_up')", name="status_is_known"),
        Index("ix_webhook_delivery_webhook_id_id", "webhook_id", "id"),
        Index("ix_webhook_delivery_waiting", "webhook_id", "id", postgresql_where=text("status = 'waiting'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    message_id: Mapped[str] = mapped_column(Text, unique=True)
    happening: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    made_at: Mapped[dt.datetime]
    status: Mapped[str] = mapped_column(Text, server_default=WAITING)
    attempts: Mapped[int] = mapped_column(server_default="0")
    sent_at: Mapped[dt.datetime | None]
    took_ms: Mapped[int | None]
    answer_status: Mapped[int | None]
    answer: Mapped[str | None] = mapped_column(Text)
    why: Mapped[str | None] = mapped_column(Text)


class Told(Base):
    """A webhook was given this happening to tell: the row that makes it once."""

    __tablename__ = "webhook_told"

    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[dt.datetime]
