"""Tables of events, their series, steps and sign-ups.

Whoever asks who means to come reads the views `going` (event_id, member_id, at, guests) and `going_to` (a row for each
step; of whoever chose steps, those alone). They leave out who asked, waits, was declined or withdrew.
"""

import datetime as dt

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    exists,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, object_session

from server.database import Base
from server.venues.model import Venue


class Series(Base):
    """Gatherings that come again by a rule (RFC 5545), each made as most of them are.

    starts_at: the first date as the clock on the wall shows it at time_zone; so are exdates and ends_before.
    """

    __tablename__ = "series"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    rule: Mapped[str] = mapped_column(Text)
    time_zone: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[dt.datetime] = mapped_column(DateTime())
    exdates: Mapped[list[dt.datetime]] = mapped_column(ARRAY(DateTime()), server_default="{}")
    ends_before: Mapped[dt.datetime | None] = mapped_column(DateTime())
    next_id: Mapped[str | None] = mapped_column(ForeignKey("series.id", ondelete="SET NULL"))  # the part it goes on in
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class Event(Base):
    """A gathering, of a community or open to all."""

    __tablename__ = "event"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'published', 'cancelled')", name="state_is_known"),
        CheckConstraint("guests_max >= 0", name="guests_are_not_negative"),
        CheckConstraint("needs >= 1", name="needs_something"),
        UniqueConstraint("series_id", "recurrence_at"),
        Index("ix_event_announced", "state_at", postgresql_where=text("state = 'published'")),
        Index("uq_event_made_once", "organizer_id", "nonce", unique=True, postgresql_where=text("nonce IS NOT NULL")),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    community_id: Mapped[str | None] = mapped_column(ForeignKey("community.id", ondelete="SET NULL"), index=True)
    community_gone: Mapped[bool] = mapped_column(server_default="false")  # it was of one that is removed
    list_only: Mapped[bool] = mapped_column(server_default="false")  # for who is on its list, and nobody else ever
    organizer_id: Mapped[str] = mapped_column(ForeignKey("member.id"), index=True)
    # draft, published or cancelled (states.State), since when, and why it was called off.
    state: Mapped[str] = mapped_column(Text, server_default="published")
    state_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    reason: Mapped[str] = mapped_column(Text, server_default="")
    dropped: Mapped[bool] = mapped_column(server_default="false")  # called off as a draft: its hosts' alone
    kind: Mapped[str] = mapped_column(Text, server_default="other")
    about: Mapped[str] = mapped_column(Text, server_default="")
    price: Mapped[str] = mapped_column(Text, server_default="")  # what it costs, in words: nobody pays here
    guests_max: Mapped[int] = mapped_column(server_default="0")  # how many one may bring
    open_to_all: Mapped[bool] = mapped_column(server_default="false")  # a community's, for others too
    needs: Mapped[int | None]  # how many steps make it complete; None: all
    by_step: Mapped[bool] = mapped_column(server_default="false")  # one signs up for steps, each with its own places
    # Whoever signs up has asked, and whoever did not is let in by the host alone.
    approval: Mapped[bool] = mapped_column(server_default="false")
    series_id: Mapped[str | None] = mapped_column(ForeignKey("series.id", ondelete="SET NULL"))
    recurrence_at: Mapped[dt.datetime | None] = mapped_column(DateTime())  # its date in the series, wherever it moved
    picture_id: Mapped[str | None] = mapped_column(ForeignKey("picture.id", ondelete="SET NULL"))
    nonce: Mapped[str | None] = mapped_column(Text)  # of the request that made it, which may come again
    simulated: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(server_default="1")

    @property
    def at_home(self) -> bool:
        """Whether a step of it is at a home that somebody owns, asked anew each time; the event is of a session."""
        session = object_session(self)
        assert session is not None
        homes = select(Venue.id).where(Venue.kind == "home", Venue.owner_id.is_not(None))
        return bool(session.scalar(select(exists().where(Step.event_id == self.id, Step.venue_id.in_(homes)))))


class EventInterest(Base):
    """What a gathering is about, by a word of the vocabulary."""

    __tablename__ = "event_interest"

    event_id: Mapped[str] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), primary_key=True)
    interest_id: Mapped[str] = mapped_column(
        ForeignKey("interest.id", ondelete="CASCADE"), primary_key=True, index=True
    )


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
    """A member means to come, or did. state: states.SignUpState; where she chose steps, what stands for all of them.

    turn: counts up within the event as people sign up, no two have the same; who waits gets a place in this order,
    whatever clocks say.
    """

    __tablename__ = "sign_up"
    __table_args__ = (
        CheckConstraint("state IN ('asked', 'going', 'waiting', 'declined', 'withdrawn')", name="state_is_known"),
        CheckConstraint("guests >= 0", name="guests_are_not_negative"),
    )

    event_id: Mapped[str] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    state: Mapped[str] = mapped_column(Text, server_default="going")
    guests: Mapped[int] = mapped_column(server_default="0")  # whom she brings
    turn: Mapped[int] = mapped_column(server_default="0")
    at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class SignUpStep(Base):
    """A step that somebody chose, of an event that one signs up for by steps."""

    __tablename__ = "sign_up_step"
    __table_args__ = (
        CheckConstraint("state IN ('asked', 'going', 'waiting', 'declined', 'withdrawn')", name="state_is_known"),
        ForeignKeyConstraint(
            ["event_id", "member_id"], ["sign_up.event_id", "sign_up.member_id"], ondelete="CASCADE", onupdate="CASCADE"
        ),
        Index("ix_sign_up_step_event_id_member_id", "event_id", "member_id"),
    )

    step_id: Mapped[str] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    event_id: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    turn: Mapped[int]
