"""Tables of what was heard: spans, visits, stays, the recent trace behind the stays, coverage, and fixed beacons.

Times are milliseconds since the epoch by event time; every row is a union of intervals or a maximum, so that a reading
that comes twice, late or in another order changes nothing.
"""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, func, literal_column
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


def _interval() -> Any:
    return func.int8range(literal_column("from_ms"), literal_column("to_ms"), literal_column("'[]'"))


class Span(Base):
    """Readings of one badge at one placement of an agent, over its floor, joined over gaps of at most heard_gap_s."""

    __tablename__ = "span"
    __table_args__ = (CheckConstraint("from_ms <= to_ms", name="runs_forward"),)

    badge_id: Mapped[int] = mapped_column(ForeignKey("badge.id", ondelete="CASCADE"), primary_key=True)
    placement_id: Mapped[int] = mapped_column(
        ForeignKey("placement.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    from_ms: Mapped[int] = mapped_column(primary_key=True)
    to_ms: Mapped[int]


class Visit(Base):
    """A badge's time at a venue: its spans joined over the venue's join_gap_s."""

    __tablename__ = "visit"
    __table_args__ = (
        CheckConstraint("from_ms <= to_ms", name="runs_forward"),
        ExcludeConstraint(
            ("badge_id", "="), ("venue_id", "="), (_interval(), "&&"), name="visits_of_a_badge_never_overlap"
        ),
        Index("ix_visit_venue_id_to_ms", "venue_id", "to_ms"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    badge_id: Mapped[int] = mapped_column(ForeignKey("badge.id", ondelete="CASCADE"))
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    from_ms: Mapped[int]
    to_ms: Mapped[int]


class Stay(Base):
    """A badge's time in one zone: the zone of the agent that hears it best, with hysteresis."""

    __tablename__ = "stay"
    __table_args__ = (CheckConstraint("from_ms <= to_ms", name="runs_forward"),)

    badge_id: Mapped[int] = mapped_column(ForeignKey("badge.id", ondelete="CASCADE"), primary_key=True)
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), primary_key=True)
    from_ms: Mapped[int] = mapped_column(primary_key=True)
    to_ms: Mapped[int]
    zone_id: Mapped[str] = mapped_column(ForeignKey("zone.id", ondelete="CASCADE"))


class Trace(Base):
    """How loud a placement heard a badge in each slot of five minutes: one signed byte a slot, -128 for silence."""

    __tablename__ = "trace"

    badge_id: Mapped[int] = mapped_column(ForeignKey("badge.id", ondelete="CASCADE"), primary_key=True)
    block_ms: Mapped[int] = mapped_column(primary_key=True)
    placement_id: Mapped[int] = mapped_column(
        ForeignKey("placement.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    peaks: Mapped[bytes] = mapped_column(LargeBinary)


class Coverage(Base):
    """Time in which an agent's radio really listened, joined where windows touch."""

    __tablename__ = "coverage"
    __table_args__ = (
        CheckConstraint("from_ms < to_ms", name="runs_forward"),
        Index("ix_coverage_agent_id_to_ms", "agent_id", "to_ms"),
    )

    agent_id: Mapped[str] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True)
    from_ms: Mapped[int] = mapped_column(primary_key=True)
    to_ms: Mapped[int]


class BeaconSpan(Base):
    """When an agent's placement heard the fixed beacon of an agent (its own or a neighbour's), joined as spans are."""

    __tablename__ = "beacon_span"
    __table_args__ = (CheckConstraint("from_ms <= to_ms", name="runs_forward"),)

    beacon_agent_id: Mapped[str] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True)
    placement_id: Mapped[int] = mapped_column(
        ForeignKey("placement.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    from_ms: Mapped[int] = mapped_column(primary_key=True)
    to_ms: Mapped[int]
