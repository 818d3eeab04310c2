"""Tables of fences that venues set for themselves, and of what is known of phones at them."""

import datetime as dt

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class VenueFence(Base):
    """How near to a venue one is there, where its keeper says so; without a row it is as the settings say."""

    __tablename__ = "venue_fence"
    __table_args__ = (
        CheckConstraint("enter_m > 0 AND enter_m < exit_m", name="left_further_out_than_entered"),
        CheckConstraint("dwell_s >= 0", name="dwell_is_not_negative"),
    )

    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True)
    enter_m: Mapped[float] = mapped_column(Float)
    exit_m: Mapped[float] = mapped_column(Float)
    dwell_s: Mapped[float] = mapped_column(Float)
    changed_at: Mapped[dt.datetime]


class FenceState(Base):
    """What is known of one phone of a member at one venue: what geo.fences.State says, and never the fix.

    There is a row only where she was near. outside_m, off_m: how far outside the fence the newest fix was, and how far
    off it may have been, in whole tens of metres, so that several rows do not tell where she was. until: from then on
    it says nothing, and is deleted.
    """

    __tablename__ = "fence_state"
    __table_args__ = (
        Index("ix_fence_state_venue_id", "venue_id"),
        Index("ix_fence_state_until", "until"),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True)
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    device: Mapped[str] = mapped_column(Text, primary_key=True, server_default="")
    inside: Mapped[bool | None]
    since: Mapped[dt.datetime | None]
    sure_at: Mapped[dt.datetime | None]
    run_since: Mapped[dt.datetime | None]
    last_at: Mapped[dt.datetime]
    dwelt: Mapped[bool] = mapped_column(server_default="false")
    near: Mapped[bool] = mapped_column(server_default="false")
    outside_m: Mapped[int]
    off_m: Mapped[int]
    until: Mapped[dt.datetime]
