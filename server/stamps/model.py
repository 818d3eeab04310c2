"""Tables of stamp cards, who took one, the codes that are shown at the counter, and what was redeemed.

A stamp is no row: it follows from a check-in that stands (server/stamps/stamps.py).
"""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class StampCard(Base):
    """A card of a venue, a house or a gathering: so many stamps, and what they are good for.

    needs: None of a gathering, whose steps say it (event.needs). renews: begins anew once it was redeemed.
    until: stamps and rewards until then. ended_at: nothing is stamped from then on; what is full is still redeemed.
    """

    __tablename__ = "stamp_card"
    __table_args__ = (
        CheckConstraint("num_nonnulls(venue_id, community_id, event_id) = 1", name="of_one_thing"),
        CheckConstraint("(needs IS NULL) = (event_id IS NOT NULL)", name="a_gathering_says_itself"),
        CheckConstraint("needs >= 2", name="needs_some"),
        Index("uq_stamp_card_venue", "venue_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("uq_stamp_card_community", "community_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("uq_stamp_card_event", "event_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    venue_id: Mapped[str | None] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    community_id: Mapped[str | None] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"))
    event_id: Mapped[str | None] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    needs: Mapped[int | None]
    reward: Mapped[str] = mapped_column(Text)
    until: Mapped[dt.datetime | None]
    renews: Mapped[bool]
    made_by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    made_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]


class StampCardTaken(Base):
    """A member has a card of a venue or a house; that of a gathering comes with signing up."""

    __tablename__ = "stamp_card_taken"

    card_id: Mapped[int] = mapped_column(ForeignKey("stamp_card.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[dt.datetime]


class StampRedemption(Base):
    """A full card was redeemed. stamps: which stamps it took, that they are never taken again.

    member_id: None of somebody who was erased. by: who confirmed it.
    """

    __tablename__ = "stamp_redemption"

    id: Mapped[int] = mapped_column(primary_key=True)
    card_id: Mapped[int] = mapped_column(ForeignKey("stamp_card.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    stamps: Mapped[list[str]] = mapped_column(ARRAY(Text))
    by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    at: Mapped[dt.datetime]


class StampCode(Base):
    """What a member shows at the counter for some minutes. redemption_id: what came of it."""

    __tablename__ = "stamp_code"
    __table_args__ = (Index("ix_stamp_code_member_id_card_id", "member_id", "card_id"),)

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    card_id: Mapped[int] = mapped_column(ForeignKey("stamp_card.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    until: Mapped[dt.datetime]
    redemption_id: Mapped[int | None] = mapped_column(ForeignKey("stamp_redemption.id", ondelete="CASCADE"), index=True)
