"""Tables of what was heard: spans, visits, stays, the recent trace behind the stays, coverage, and fixed beacons.

Times are milliseconds since the epoch by event time; every row is a union of intervals or a maximum, so that a reading
that comes twice, late or in another order changes nothing.
"""

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, func, literal_column
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base

# A present badge's rows grow again and again: room on the page for the next version saves an entry in every index. Less
# than half is filled, since those of a venue lie together and all grow in one transaction.
_ROOM_TO_GROW = {"postgresql_with": {"fillfactor": 45}}


def _reach() -> Any:
    return func.int8range(literal_column("from_ms"), literal_column("reach_ms"), literal_column("'[]'"))


def reach_of(to_ms: int, join_gap_ms: int) -> int:
    """Up to when a visit that was heard last at to_ms excludes others of its badge: at most join_gap_ms later."""
    return to_ms - to_ms % join_gap_ms + join_gap_ms


class Span(Base):
    """Readings of one badge at one placement of an agent, over its floor, joined over gaps of at most heard_gap_s."""

    __tablename__ = "span"
    __table_args__ = (CheckConstraint("from_ms <= to_ms", name="runs_forward"), _ROOM_TO_GROW)

    badge_id: Mapped[int] = mapped_column(ForeignKey("badge.id", ondelete="CASCADE"), primary_key=True)
    placement_id: Mapped[int] = mapped_column(
        ForeignKey("placement.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    from_ms: Mapped[int] = mapped_column(primary_key=True)
    to_ms: Mapped[int]


class Visit(Base):
    """A badge's time at a venue: its spans joined over the venue's join_gap_s.

    reach_ms is to_ms rounded up to a multiple of the join gap: nothing else of this badge can begin by then. The
    indexes hold it instead of to_ms, so that a visit that grows costs none of them an entry, but once in a join gap.
    """

    __tablename__ = "visit"
    __table_args__ = (
        CheckConstraint("from_ms <= to_ms AND to_ms <= reach_ms", name="runs_forward"),
        ExcludeConstraint(
            ("badge_id", "="), ("venue_id", "="), (_reach(), "&&"), name="visits_of_a_badge_never_overlap"
        ),
        Index("ix_visit_venue_id_reach_ms", "venue_id", "reach_ms"),
        _ROOM_TO_GROW,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    badge_id: Mapped[int] = mapped_column(ForeignKey("badge.id", ondelete="CASCADE"))
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    from_ms: Mapped[int]
    to_ms: Mapped[int]
    reach_ms: Mapped[int]


class Stay(Base):
    """A badge's time in one zone, from from_ms until the visit's next stay begins or the visit ends."""

    __tablename__ = "stay"

    badge_id: Mapped[int] = mapped_column(ForeignKey("badge.id", ondelete="CASCADE"), primary_key=True)
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True)
    from_ms: Mapped[int] = mapped_column(primary_key=True)
    zone_id: Mapped[str] = mapped_column(ForeignKey("zone.id", ondelete="CASCADE"))


class Trace(Base):
    """How loud a placement heard each badge in each slot of a minute (server/presence/trace.py).

    arrived_at: when the last of it arrived, by the server's clock; what is late for hours finds it gone.
    """

    __tablename__ = "trace"
    __table_args__ = (_ROOM_TO_GROW,)

    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id", ondelete="CASCADE"), primary_key=True)
    block_ms: Mapped[int] = mapped_column(primary_key=True)
    peaks: Mapped[bytes] = mapped_column(LargeBinary)
    arrived_at: Mapped[dt.datetime]


class TraceForgotten(Base):
    """A time (event time; to_ms is the first moment after it) of a venue whose trace was deleted: stays are settled.

    Those of a venue touch nowhere: the long past is one row, and each run of the last days is one.
    """

    __tablename__ = "trace_forgotten"
    __table_args__ = (CheckConstraint("from_ms < to_ms", name="runs_forward"),)

    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True)
    from_ms: Mapped[int] = mapped_column(primary_key=True)
    to_ms: Mapped[int]


class Coverage(Base):
    """Time in which an agent's radio really listened at a placement, joined where windows touch."""

    __tablename__ = "coverage"
    __table_args__ = (
        CheckConstraint("from_ms < to_ms", name="runs_forward"),
        Index("ix_coverage_agent_id_from_ms", "agent_id", "from_ms"),
        _ROOM_TO_GROW,
    )

    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id", ondelete="CASCADE"), primary_key=True)
    from_ms: Mapped[int] = mapped_column(primary_key=True)
    to_ms: Mapped[int]
    agent_id: Mapped[str] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))


class BeaconSpan(Base):
    """When an agent's placement heard the fixed beacon of an agent (its own or a neighbour's), joined as spans are."""

    __tablename__ = "beacon_span"
    __table_args__ = (CheckConstraint("from_ms <= to_ms", name="runs_forward"), _ROOM_TO_GROW)

    beacon_agent_id: Mapped[str] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True)
    placement_id: Mapped[int] = mapped_column(
        ForeignKey("placement.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    from_ms: Mapped[int] = mapped_column(primary_key=True)
    to_ms: Mapped[int]
