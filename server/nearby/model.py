"""Tables of what there is to find near a place, and of what was learnt from who came."""

import datetime as dt
from typing import Any

from geoalchemy2 import Geography
from sqlalchemy import CheckConstraint, Computed, Float, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Listing(Base):
    """One thing that may be found near a place: a step of an announced gathering, or a venue (step_id: None).

    It follows from the rows of events, steps, venues and sign-ups, by triggers of the database: whoever writes those,
    it is right with the same commit. What is over is taken out by the clock. location: of a home only about, so that no
    distance tells where it is (vague). several: its event has other steps as well. for_all: everybody may know of
    it, not its community alone. going: people, with whom they bring. came: how many people came within the last half
    year to what it is of, as of last night (of what is new: of the last hour).
    """

    __tablename__ = "listing"
    __table_args__ = (
        UniqueConstraint("step_id"),
        CheckConstraint(
            "num_nonnulls(event_id, step_id, starts_at, ends_at, organizer_id) IN (0, 5)", name="of_a_step_or_a_venue"
        ),
        Index("uq_listing_venue", "venue_id", unique=True, postgresql_where=text("step_id IS NULL")),
        # What is upcoming, and what is always there, each by its place.
        Index("ix_listing_upcoming", "location", postgresql_using="gist", postgresql_where=text("step_id IS NOT NULL")),
        Index("ix_listing_places", "location", postgresql_using="gist", postgresql_where=text("step_id IS NULL")),
        Index("ix_listing_event_id", "event_id", postgresql_where=text("event_id IS NOT NULL")),
        Index("ix_listing_step_venue", "venue_id", postgresql_where=text("step_id IS NOT NULL")),
        Index("ix_listing_limited", "starts_at", postgresql_where=text("capacity IS NOT NULL")),
        Index("ix_listing_community_id", "community_id", "starts_at", postgresql_where=text("step_id IS NOT NULL")),
        Index("ix_listing_ends_at", "ends_at", postgresql_where=text("step_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str | None] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    step_id: Mapped[str | None] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"))
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    location: Mapped[Any] = mapped_column(Geography("POINT", srid=4326, spatial_index=False))
    lon: Mapped[float] = mapped_column(Float, Computed("ST_X(location::geometry)", persisted=True))
    lat: Mapped[float] = mapped_column(Float, Computed("ST_Y(location::geometry)", persisted=True))
    vague: Mapped[bool] = mapped_column(server_default="false")
    several: Mapped[bool] = mapped_column(server_default="false")
    starts_at: Mapped[dt.datetime | None]
    ends_at: Mapped[dt.datetime | None]
    for_all: Mapped[bool]
    community_id: Mapped[str | None] = mapped_column(Text)
    organizer_id: Mapped[str | None] = mapped_column(Text)
    series_id: Mapped[str | None] = mapped_column(Text)
    interests: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    capacity: Mapped[int | None]
    going: Mapped[int] = mapped_column(server_default="0")
    came: Mapped[float] = mapped_column(Float, server_default="0")


class Likeness(Base):
    """People who go to one thing go to another as well: learnt at night from who really came.

    of, other: `venue/<id>`, `community/<id>`, `series/<id>`, `organizer/<id>`. share: of those who came to `of`, who
    came to `other`, shrunk towards nothing where few came. people: how many came to both; never fewer than 5.
    """

    __tablename__ = "likeness"
    __table_args__ = (CheckConstraint("people >= 5 AND share > 0 AND share <= 1", name="likeness_makes_sense"),)

    of: Mapped[str] = mapped_column(Text, primary_key=True)
    other: Mapped[str] = mapped_column(Text, primary_key=True)
    share: Mapped[float] = mapped_column(Float)
    people: Mapped[int]


class LearntWeight(Base):
    """How much a factor weighs, learnt from who came where, of so many choices; without a row it weighs as shipped."""

    __tablename__ = "learnt_weight"

    factor: Mapped[str] = mapped_column(Text, primary_key=True)
    weight: Mapped[float] = mapped_column(Float)
    learnt_at: Mapped[dt.datetime]
    choices: Mapped[int] = mapped_column(server_default="0")


class VenueMoment(Base):
    """How lively a venue is: mood is quiet, normal or lively, of the quarter of an hour before `at`.

    people: at least so many, a multiple of 5; None below 10. No row, or an old one, says nothing at all: where nobody
    listens, nothing is quiet.
    """

    __tablename__ = "venue_moment"
    __table_args__ = (
        CheckConstraint("mood IN ('quiet', 'normal', 'lively')", name="mood_is_known"),
        CheckConstraint("people >= 10", name="few_are_nobody"),
    )

    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[dt.datetime]
    mood: Mapped[str] = mapped_column(Text)
    people: Mapped[int | None]


class VenueUsual(Base):
    """How many people are at a venue in an hour of the week, on the average of the last weeks.

    hour: of the week on the venue's clock, from 0 (Monday 00:00) to 167.
    """

    __tablename__ = "venue_usual"
    __table_args__ = (CheckConstraint("hour BETWEEN 0 AND 167 AND people >= 0", name="usual_makes_sense"),)

    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True)
    people: Mapped[float] = mapped_column(Float)
