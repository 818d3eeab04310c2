"""Tables of venues and their zones."""

import datetime as dt
from typing import Any

from geoalchemy2 import Geography, Geometry
from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Venue(Base):
    """A place. `join_gap_s` is a constant of the venue: visits derive from it."""

    __tablename__ = "venue"
    __table_args__ = (CheckConstraint("join_gap_s > 60", name="join_gap_is_longer_than_heard_gap"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    time_zone: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"))
    # How to reach who is responsible for what is heard here: an address, a telephone number, an e-mail address.
    contact: Mapped[str] = mapped_column(Text, server_default="")
    # What the shop gives to those who let themselves be greeted: "10th visit on the house".
    offer: Mapped[str] = mapped_column(Text, server_default="")
    location: Mapped[Any | None] = mapped_column(Geography("POINT", srid=4326, spatial_index=True))
    join_gap_s: Mapped[int] = mapped_column(server_default="300")
    # Made by a replay: its "now" is the newest window that was reported from it.
    replayed: Mapped[bool] = mapped_column(server_default="false")
    simulated: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(server_default="1")


class Zone(Base):
    """A named area of a level; without a plan a venue has one zone, "everywhere", and no area is known."""

    __tablename__ = "zone"
    __table_args__ = (UniqueConstraint("venue_id", "name"), UniqueConstraint("id", "venue_id"))

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    level: Mapped[int] = mapped_column(server_default="0")
    area: Mapped[Any | None] = mapped_column(Geometry("POLYGON", srid=4326, spatial_index=True))
