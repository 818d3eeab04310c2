"""Tables of where members are, and of what that may be used for."""

import datetime as dt

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Position(Base):
    """The newest that one source said of where a member is: a cell, never the fix itself.

    source: service.Source. device: which of her phones. cell: of H3, with the resolution in it; area: the coarse one
    in which its middle lies, by which members near a place are found. accuracy_m: how far off she may be from the
    middle of the cell. at: of the fix. until: from then on it says nothing, and is deleted; a whole quarter of an hour,
    so that the next fix leaves the index alone.
    """

    __tablename__ = "position"
    __table_args__ = (
        CheckConstraint("source IN ('browser', 'phone', 'visit', 'home')", name="source_is_known"),
        CheckConstraint("accuracy_m >= 0 AND at < until", name="position_makes_sense"),
        Index("ix_position_area", "area"),
        Index("ix_position_until", "until"),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    device: Mapped[str] = mapped_column(Text, primary_key=True, server_default="")
    cell: Mapped[int]
    area: Mapped[int]
    accuracy_m: Mapped[float] = mapped_column(Float)
    at: Mapped[dt.datetime]
    until: Mapped[dt.datetime]


class PositionUse(Base):
    """What a member lets her positions be used for, beside what she asks for herself. No row: nothing.

    told: to be told of what takes place near her. fences: her phone's positions say that she came to a place (check-in
    by phone, reminders, "you are near"). company: she and somebody of her communities who wants it as well learn that
    they are near each other. pop_ups: she is asked "gather here?" with others. shops: shops near her may invite
    her. radius_m: how far away is near, to her.
    """

    __tablename__ = "position_use"
    __table_args__ = (
        CheckConstraint("radius_m BETWEEN 500 AND 100000", name="radius_makes_sense"),
        # Who wants to be asked is looked for each minute.
        Index("ix_position_use_pop_ups", "member_id", postgresql_where="pop_ups"),
    )

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    told: Mapped[bool] = mapped_column(server_default="false")
    fences: Mapped[bool] = mapped_column(server_default="false")
    company: Mapped[bool] = mapped_column(server_default="false")
    pop_ups: Mapped[bool] = mapped_column(server_default="false")
    shops: Mapped[bool] = mapped_column(server_default="false")
    radius_m: Mapped[int] = mapped_column(server_default="5000")
    changed_at: Mapped[dt.datetime]
