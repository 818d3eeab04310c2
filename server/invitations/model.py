"""Tables of shops' invitations, of whom they went to while that matters, and of who wants none."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class ShopInvitation(Base):
    """What a shop wrote to members near it. invited, came: what its keepers are told, rounded; None: too few, or none.

    nonce: of the request that sent it. counted_at: since when it is known how many came; by then nobody knows any more
    who was invited. hidden_at: since when an operator hides it, and why.
    """

    __tablename__ = "shop_invitation"
    __table_args__ = (
        CheckConstraint("at < until", name="ends_after_it_begins"),
        CheckConstraint("invited >= 5 AND came >= 5", name="few_are_not_told"),
        Index("ix_shop_invitation_venue_id_at", "venue_id", "at"),
        Index("ix_shop_invitation_uncounted", "until", postgresql_where=text("counted_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    by_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    until: Mapped[dt.datetime]
    nonce: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    invited: Mapped[int | None]
    came: Mapped[int | None]
    counted_at: Mapped[dt.datetime | None]
    hidden_at: Mapped[dt.datetime | None]
    hidden_by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    hidden_why: Mapped[str] = mapped_column(Text, server_default="")


class ShopInvited(Base):
    """Whom an invitation went to, until it is counted who came. away_m: about how far off she was, to 100 m."""

    __tablename__ = "shop_invited"

    invitation_id: Mapped[int] = mapped_column(ForeignKey("shop_invitation.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    away_m: Mapped[int]


class ShopInvitedLately(Base):
    """When a shop invited a member last, for a week: until then it does not again."""

    __tablename__ = "shop_invited_lately"

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)


class ShopRefusal(Base):
    """A member wants no invitation of this shop any more."""

    __tablename__ = "shop_refusal"

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[dt.datetime]


class ShopInvitationReport(Base):
    """Somebody who was invited thinks that operators should look at it."""

    __tablename__ = "shop_invitation_report"

    invitation_id: Mapped[int] = mapped_column(ForeignKey("shop_invitation.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime]


class ShopAudience(Base):
    """How many were in a part of town when the first shop there looked in a quarter of an hour; never who.

    region: a cell of H3. simulated: of the demonstration's people. at: the beginning of the quarter. nearby, willing:
    exact, and told to nobody as they are.
    """

    __tablename__ = "shop_audience"

    region: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    simulated: Mapped[bool] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    nearby: Mapped[int]
    willing: Mapped[int]
