"""Tables of what members said about who may see them, and of their pauses."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Consent(Base):
    """What a member said about one kind of viewer, or about one viewer of it. Never changed, only ended.

    of_id: an event (organizer), a venue (venue, people) or a community; None: all of that kind. until: from then on it
    says nothing any more. ended_at: when she said something else. source: where she said it (page, api, counter).
    nonce: the SHA-256 of what came with her tap at the counter, so that a second tap of hers is as one.
    """

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("kind IN ('organizer', 'venue', 'community', 'people')", name="kind_is_known"),
        CheckConstraint("level IN ('hidden', 'counted', 'name')", name="level_is_known"),
        CheckConstraint("level <> 'name' OR until IS NOT NULL", name="a_name_has_an_end"),
        Index(
            "uq_consent_one_stands",
            "member_id",
            "kind",
            text("coalesce(of_id, '')"),
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("uq_consent_nonce", "nonce", unique=True),
        Index("ix_consent_kind_of_id", "kind", "of_id", postgresql_where=text("ended_at IS NULL AND level = 'name'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    of_id: Mapped[str | None] = mapped_column(Text)
    level: Mapped[str] = mapped_column(Text)
    since: Mapped[dt.datetime]
    until: Mapped[dt.datetime | None]
    source: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[dt.datetime | None]
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary)


class ConsentPause(Base):
    """A time in which nobody sees a member, whatever else she said. ended_at: None while it lasts."""

    __tablename__ = "consent_pause"
    __table_args__ = (
        Index("uq_consent_pause_one_lasts", "member_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    since: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
