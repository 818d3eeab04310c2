"""Tables of events, their steps and sign-ups."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Event(Base):
    """A gathering, of a community or open to all."""

    __tablename__ = "event"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    community_id: Mapped[str | None] = mapped_column(ForeignKey("community.id", ondelete="SET NULL"), index=True)
    organizer_id: Mapped[str] = mapped_column(ForeignKey("member.id"), index=True)
    # Whoever did not sign up is let in by the host alone.
    approval: Mapped[bool] = mapped_column(server_default="false")
    simulated: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(server_default="1")


class Step(Base):
    """One part of an event with its own place, time window and check-in rule."""

    __tablename__ = "step"
    __table_args__ = (
        UniqueConstraint("event_id", "position"),
        ForeignKeyConstraint(["zone_id", "venue_id"], ["zone.id", "zone.venue_id"]),
        CheckConstraint("opens_at <= starts_at AND starts_at < ends_at", name="opens_then_starts_then_ends"),
        CheckConstraint("dwell_signed_up_s >= 0 AND dwell_walk_in_s >= 0", name="dwell_is_not_negative"),
        Index("ix_step_venue_id_opens_at_ends_at", "venue_id", "opens_at", "ends_at"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[str] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(Text)
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id"))
    zone_id: Mapped[str | None] = mapped_column(Text)
    opens_at: Mapped[dt.datetime]
    starts_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime]
    dwell_signed_up_s: Mapped[float]
    dwell_walk_in_s: Mapped[float]
    capacity: Mapped[int | None]
    version: Mapped[int] = mapped_column(server_default="1")


class SignUp(Base):
    """A member means to come."""

    __tablename__ = "sign_up"

    event_id: Mapped[str] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
