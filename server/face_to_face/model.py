"""Tables of who gathers face to face, and of circles founded so that may be let go."""

import datetime as dt
from typing import Any

from geoalchemy2 import Geography
from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Gather(Base):
    """Four digits at a place, for ten minutes. founds: a circle comes of it; else they join one that is there.

    Once it is over, digits and place are forgotten at once, and the row an hour later.
    """

    __tablename__ = "gather"
    __table_args__ = (
        CheckConstraint("made_at <= ends_at", name="runs_forward"),
        Index("ix_gather_digits", "digits"),
        Index("ix_gather_ends_at", "ends_at"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    digits: Mapped[str | None] = mapped_column(Text)
    founder_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    community_id: Mapped[str | None] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"), index=True)
    founds: Mapped[bool]
    name: Mapped[str] = mapped_column(Text)
    venue_id: Mapped[str | None] = mapped_column(ForeignKey("venue.id", ondelete="SET NULL"), index=True)
    location: Mapped[Any | None] = mapped_column(Geography("POINT", srid=4326, spatial_index=True))
    made_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime]
    closed_at: Mapped[dt.datetime | None]


class GatherIn(Base):
    """Somebody who is in. evidence: beacon, screen, poster, phone; joined: she belongs to the circle by this alone."""

    __tablename__ = "gather_in"
    __table_args__ = (Index("uq_gather_in_nonce", "nonce", unique=True),)

    gather_id: Mapped[str] = mapped_column(ForeignKey("gather.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[dt.datetime]
    evidence: Mapped[str] = mapped_column(Text)
    joined: Mapped[bool]
    made_guest: Mapped[bool]
    removed_at: Mapped[dt.datetime | None]
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary)


class Founding(Base):
    """That a circle was founded face to face, when its members were asked whether to keep it, and what came of it."""

    __tablename__ = "founding"

    community_id: Mapped[str] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"), primary_key=True)
    founded_at: Mapped[dt.datetime]
    asked_at: Mapped[dt.datetime | None]
    kept_at: Mapped[dt.datetime | None]


class Keeping(Base):
    """A member's answer: keep it, or let it go."""

    __tablename__ = "keeping"

    community_id: Mapped[str] = mapped_column(ForeignKey("founding.community_id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    keep: Mapped[bool]
    at: Mapped[dt.datetime]
