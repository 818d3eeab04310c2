"""Tables of communities, what they are about, who belongs to them, and who may not come back yet."""

import datetime as dt
from typing import Any

from geoalchemy2 import Geography
from sqlalchemy import CheckConstraint, ForeignKey, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Community(Base):
    """People with a common goal: a circle, which nobody owns, or a house, whose source decides.

    home: the middle of where it is at home, home_radius_km around it. parent_id: the house under which a circle formed.
    Whether it is lively or asleep follows from its gatherings (server.governance.life); kept_at: when a member asked to
    keep it, warned_at: when its members were told that it is about to dissolve. orphaned_at: when those who follow a
    house were told that nobody is left to decide in it.
    """

    __tablename__ = "community"
    __table_args__ = (
        CheckConstraint("shape IN ('circle', 'house')", name="shape_is_known"),
        CheckConstraint(
            "num_nonnulls(source_member_id, source_venue_id) <= CASE shape WHEN 'house' THEN 1 ELSE 0 END",
            name="a_house_has_one_source",
        ),
        CheckConstraint("parent_id IS NULL OR shape = 'circle'", name="circles_form_under_houses"),
        CheckConstraint("language IN ('en', 'zh')", name="language_is_spoken_here"),
        CheckConstraint(
            "num_nonnulls(home, home_radius_km) <> 1 AND (home IS NULL OR home_name <> '')", name="home_is_whole"
        ),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    shape: Mapped[str] = mapped_column(Text, server_default="circle")
    goal: Mapped[str] = mapped_column(Text, server_default="")
    charter: Mapped[str] = mapped_column(Text, server_default="")
    language: Mapped[str | None] = mapped_column(Text)
    home_name: Mapped[str] = mapped_column(Text, server_default="")
    home: Mapped[Any | None] = mapped_column(Geography("POINT", srid=4326, spatial_index=True))
    home_radius_km: Mapped[float | None]
    picture_id: Mapped[str | None] = mapped_column(ForeignKey("picture.id"), index=True)
    source_member_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    source_venue_id: Mapped[str | None] = mapped_column(ForeignKey("venue.id", ondelete="SET NULL"), index=True)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("community.id", ondelete="SET NULL"), index=True)
    kept_at: Mapped[dt.datetime | None]
    warned_at: Mapped[dt.datetime | None]
    orphaned_at: Mapped[dt.datetime | None]
    dissolved_at: Mapped[dt.datetime | None]
    simulated: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(server_default="1")


class CommunityMember(Base):
    """One member of one community."""

    __tablename__ = "community_member"

    community_id: Mapped[str] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    joined_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class CommunityInterest(Base):
    """A community is about an interest."""

    __tablename__ = "community_interest"

    community_id: Mapped[str] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"), primary_key=True)
    interest_id: Mapped[str] = mapped_column(
        ForeignKey("interest.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class CommunityRemoval(Base):
    """Somebody was removed, and comes back only by a vote, which takes this row away, or from `until` on."""

    __tablename__ = "community_removal"
    __table_args__ = (CheckConstraint("at < until", name="at_then_until"),)

    community_id: Mapped[str] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[dt.datetime]
    until: Mapped[dt.datetime]
