"""Tables of what members near were told of, and of what they are not to be."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Call(Base):
    """A reason to tell members near: a new event, a place that is free, a proposal short of its quorum.

    next_at: when it is looked at next, None: not before something happens. looked_at: when it
    was first, and there was something to tell. told: how many were, ever. told_at: when
    the last of them were.
    """

    __tablename__ = "call"
    __table_args__ = (
        CheckConstraint("reason IN ('new_event', 'free_place', 'proposal_short')", name="reason_is_known"),
        CheckConstraint("num_nonnulls(event_id, proposal_id) = 1 AND told >= 0", name="call_makes_sense"),
        UniqueConstraint("event_id", "reason"),
        UniqueConstraint("proposal_id"),
        Index("ix_call_looked_at", "looked_at"),
        Index("ix_call_next_at", "next_at", postgresql_where=text("next_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    event_id: Mapped[str | None] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    proposal_id: Mapped[str | None] = mapped_column(ForeignKey("proposal.id", ondelete="CASCADE"))
    opened_at: Mapped[dt.datetime]
    next_at: Mapped[dt.datetime | None]
    looked_at: Mapped[dt.datetime | None]
    told: Mapped[int] = mapped_column(server_default="0")
    told_at: Mapped[dt.datetime | None]


class Called(Base):
    """A member was told by a call, once; she is not told of the same event or proposal for another reason either."""

    __tablename__ = "called"

    call_id: Mapped[int] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[dt.datetime]


class CallOff(Base):
    """An event of which its host wants nobody near to be told."""

    __tablename__ = "call_off"

    event_id: Mapped[str] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[dt.datetime]


class PlaceFreed(Base):
    """A place came free where there was none: written by a trigger of listing, taken by the next look.

    A row of its own for each time, so that whoever withdraws waits for nobody.
    """

    __tablename__ = "place_freed"

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
