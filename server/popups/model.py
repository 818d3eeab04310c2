"""Tables of pop-up gatherings, and of who is asked whether to gather."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class PopUp(Base):
    """A gathering on the spot: offered to some, then on, then over; or lapsed, since too few said yes in time.

    least: how many like the interest there, at least, when it was offered. needs: how many yes make it a gathering.
    answer_by: until then the offer stands. on_at: since when it is an event. thin_at: since when fewer than two are
    known to be there. ended_at: when it lapsed or was over.
    """

    __tablename__ = "pop_up"
    __table_args__ = (
        CheckConstraint("state IN ('offered', 'on', 'over', 'lapsed')", name="state_is_known"),
        CheckConstraint("least >= 3 AND needs >= 2 AND needs <= least", name="numbers_fit"),
        Index("ix_pop_up_lasts", "state", postgresql_where="state IN ('offered', 'on')"),
        Index("ix_pop_up_ended_at", "ended_at"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    interest_id: Mapped[str | None] = mapped_column(ForeignKey("interest.id", ondelete="SET NULL"), index=True)
    venue_id: Mapped[str | None] = mapped_column(ForeignKey("venue.id", ondelete="SET NULL"), index=True)
    event_id: Mapped[str | None] = mapped_column(ForeignKey("event.id", ondelete="SET NULL"), index=True)
    state: Mapped[str] = mapped_column(Text, server_default="offered")
    at_venue: Mapped[bool]  # all of them were heard there; otherwise they are near it
    least: Mapped[int]
    needs: Mapped[int]
    simulated: Mapped[bool] = mapped_column(server_default="false")
    offered_at: Mapped[dt.datetime]
    answer_by: Mapped[dt.datetime]
    on_at: Mapped[dt.datetime | None]
    thin_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]


class PopUpAsked(Base):
    """Somebody is asked; nobody else learns it. answer: None until she says something, and what she said last."""

    __tablename__ = "pop_up_asked"
    __table_args__ = (Index("ix_pop_up_asked_member_id_asked_at", "member_id", "asked_at"),)

    pop_up_id: Mapped[str] = mapped_column(ForeignKey("pop_up.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    asked_at: Mapped[dt.datetime]
    answer: Mapped[bool | None]
    answered_at: Mapped[dt.datetime | None]
