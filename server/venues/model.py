"""Tables of venues and their zones."""

import datetime as dt
from typing import Any

from geoalchemy2 import Geography, Geometry
from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Venue(Base):
    """A place. `join_gap_s` is a constant of the venue: visits derive from it."""

    __tablename__ = "venue"
    __table_args__ = (
        CheckConstraint("join_gap_s > 60", name="join_gap_is_longer_than_heard_gap"),
        CheckConstraint("kind IN ('place', 'spot', 'home')", name="kind_is_known"),
        Index("uq_venue_nonce", "nonce", unique=True),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    time_zone: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    # How to reach who is responsible for what is heard here: an address, a telephone number, an e-mail address.
    contact: Mapped[str] = mapped_column(Text, server_default="")
    # What the shop gives to those who let themselves be greeted: "10th visit on the house".
    offer: Mapped[str] = mapped_column(Text, server_default="")
    location: Mapped[Any | None] = mapped_column(Geography("POINT", srid=4326, spatial_index=True))
    # place: everybody's; spot: any point where a step of an event meets; home: somebody's, whose address is told to
    # who is let in alone (server/events/places.py).
    kind: Mapped[str] = mapped_column(Text, server_default="place")
    # Whether it stands in lists and on maps.
    listed: Mapped[bool] = mapped_column(server_default="true")
    district: Mapped[str] = mapped_column(Text, server_default="")  # as far as everybody may know where a home is
    address: Mapped[str] = mapped_column(Text, server_default="")
    category: Mapped[str] = mapped_column(Text, server_default="")
    opening_hours: Mapped[str] = mapped_column(Text, server_default="")  # of OpenStreetMap: "Mo-Fr 09:00-18:00"
    # Where an import has it from ("osm/way/23715051"), and what it said then: the same again changes nothing.
    source: Mapped[str | None] = mapped_column(Text, unique=True)
    source_digest: Mapped[str | None] = mapped_column(Text)
    join_gap_s: Mapped[int] = mapped_column(server_default="300")
    # Made by a replay: its "now" is the newest window that was reported from it.
    replayed: Mapped[bool] = mapped_column(server_default="false")
    simulated: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    # Of the request that made it, which may come again: the SHA-256 of who made it and what her form chose.
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary)
    version: Mapped[int] = mapped_column(server_default="1")


class Zone(Base):
    """A named area of a level; without a plan a venue has one zone, "everywhere", and no area is known."""

    __tablename__ = "zone"
    __table_args__ = (
        UniqueConstraint("venue_id", "name"),
        UniqueConstraint("id", "venue_id"),
        UniqueConstraint("venue_id", "source"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    level: Mapped[int] = mapped_column(server_default="0")
    area: Mapped[Any | None] = mapped_column(Geometry("POLYGON", srid=4326, spatial_index=True))
    source: Mapped[str | None] = mapped_column(Text)  # where an import has it from


class PlanRow(Base):
    """A picture as the plan of a level, and where it lies: `geo.plans.Plan` says what the numbers mean."""

    __tablename__ = "plan"
    __table_args__ = (CheckConstraint("width > 0 AND height > 0 AND metres > 0", name="plan_has_a_size"),)

    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True)
    picture_id: Mapped[str] = mapped_column(ForeignKey("picture.id"), index=True)
    width: Mapped[int]
    height: Mapped[int]
    ax: Mapped[float]
    ay: Mapped[float]
    bx: Mapped[float]
    by: Mapped[float]
    metres: Mapped[float]
    bearing_deg: Mapped[float]
    lon: Mapped[float]
    lat: Mapped[float]


class Welcome(Base):
    """Somebody asked to hold gatherings at a venue that she does not keep. welcome: None until it is answered."""

    __tablename__ = "venue_welcome"

    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    asked_at: Mapped[dt.datetime]
    welcome: Mapped[bool | None]
    answered_at: Mapped[dt.datetime | None]
    answered_by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
