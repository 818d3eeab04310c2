"""Tables of agents, their placements, the shards of the report topics, and what was refused."""

import datetime as dt
from typing import Any

from geoalchemy2 import Geography
from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Agent(Base):
    """The program on a Pi. `key` (32 bytes) signs its reports and yields its login at the broker."""

    __tablename__ = "agent"
    __table_args__ = (CheckConstraint("octet_length(key) = 32", name="key_has_32_bytes"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary)
    enrolled_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    config_rev: Mapped[int] = mapped_column(server_default="0")
    # The last status it sent, and when that arrived by the server's clock.
    status: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    status_at: Mapped[dt.datetime | None]


class Placement(Base):
    """Where an agent stands, for a time: judged by event time, so a change for the past can be told."""

    __tablename__ = "placement"
    __table_args__ = (
        ForeignKeyConstraint(["zone_id", "venue_id"], ["zone.id", "zone.venue_id"]),
        ExcludeConstraint(("agent_id", "="), ("valid", "&&"), name="placement_of_an_agent_never_overlaps"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    agent_id: Mapped[str] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    venue_id: Mapped[str] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"), index=True)
    zone_id: Mapped[str] = mapped_column(Text)
    location: Mapped[Any | None] = mapped_column(Geography("POINT", srid=4326, spatial_index=False))
    rssi_floor: Mapped[int] = mapped_column(server_default="-128")
    valid: Mapped[Range[dt.datetime]] = mapped_column(TSTZRANGE)


class Shard(Base):
    """The fence: which gateway owns a shard, since which epoch, and how often somebody else worked on its rows."""

    __tablename__ = "shard"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gateway: Mapped[str | None] = mapped_column(Text)
    epoch: Mapped[int] = mapped_column(server_default="0")
    touched: Mapped[int] = mapped_column(server_default="0")


class RefusedReport(Base):
    """An authentic report that never will be taken: set aside for the operator, and settled for the agent."""

    __tablename__ = "refused_report"

    agent_id: Mapped[str] = mapped_column(Text, primary_key=True)
    boot: Mapped[str] = mapped_column(Text, primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class GatewayHealth(Base):
    """What a gateway counts; /metrics and the doctor read it here, wherever the gateway runs."""

    __tablename__ = "gateway_health"

    gateway: Mapped[str] = mapped_column(Text, primary_key=True)
    counters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[dt.datetime]
