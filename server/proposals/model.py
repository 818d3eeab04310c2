"""Tables of proposals, their options, and who can when."""

import datetime as dt
from typing import Any

from geoalchemy2 import Geography
from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Proposal(Base):
    """A gathering that happens if enough commit in time. most: how many there is room for; why: it lapsed."""

    __tablename__ = "proposal"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'settled', 'lapsed', 'withdrawn')", name="state_is_known"),
        CheckConstraint("quorum BETWEEN 2 AND 500 AND (most IS NULL OR most >= quorum)", name="quorum_fits"),
        Index("uq_proposal_nonce", "nonce", unique=True),
        Index("uq_proposal_event_id", "event_id", unique=True),
        Index("ix_proposal_open", "decide_by", postgresql_where="state = 'open'"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    # None: open to all.
    community_id: Mapped[str | None] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"), index=True)
    by_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    title: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text, server_default="")
    kind: Mapped[str] = mapped_column(Text, server_default="other")
    quorum: Mapped[int]
    most: Mapped[int | None]
    decide_by: Mapped[dt.datetime]
    state: Mapped[str] = mapped_column(Text, server_default="open")
    why: Mapped[str | None] = mapped_column(Text)
    event_id: Mapped[str | None] = mapped_column(ForeignKey("event.id", ondelete="SET NULL"))
    opened_at: Mapped[dt.datetime]
    decided_at: Mapped[dt.datetime | None]
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary)


class ProposalOption(Base):
    """One place and time of a proposal: a venue, or any place by its name and perhaps a pin."""

    __tablename__ = "proposal_option"
    __table_args__ = (
        UniqueConstraint("proposal_id", "position"),
        CheckConstraint("starts_at < ends_at", name="starts_then_ends"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[str] = mapped_column(ForeignKey("proposal.id", ondelete="CASCADE"))
    position: Mapped[int]
    starts_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime]
    venue_id: Mapped[str | None] = mapped_column(ForeignKey("venue.id", ondelete="SET NULL"), index=True)
    zone_id: Mapped[str | None] = mapped_column(ForeignKey("zone.id", ondelete="SET NULL"), index=True)
    # Of a place that is no venue here: otherwise empty.
    place: Mapped[str] = mapped_column(Text, server_default="")
    location: Mapped[Any | None] = mapped_column(Geography("POINT", srid=4326, spatial_index=False))
    time_zone: Mapped[str] = mapped_column(Text)


class Commitment(Base):
    """Somebody can at an option and commits to it. number: the order in which they did.

    counted: it came from what she said elsewhere, until she says something here.
    """

    __tablename__ = "commitment"

    option_id: Mapped[int] = mapped_column(ForeignKey("proposal_option.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    number: Mapped[int] = mapped_column(Identity(always=True))
    at: Mapped[dt.datetime]
    counted: Mapped[bool] = mapped_column(server_default="false")
