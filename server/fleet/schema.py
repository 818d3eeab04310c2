"""What the API says of agents and where they stand."""

from collections.abc import Container
from typing import Annotated, Any

from pydantic import Field

from beacon_agent import wire
from server.fields import Datum, Incoming, Moment, OfId, Outgoing, Position
from server.fleet import service as fleet
from server.fleet.model import Agent, Placement

Dbm = Annotated[int, Field(ge=fleet.RSSI_FLOOR_DBM[0], le=fleet.RSSI_FLOOR_DBM[1])]


class NewPlacement(Incoming):
    """Where an agent stands from now on; rssi_floor: dBm, what is heard fainter makes no visit."""

    venue: OfId
    zone: OfId
    location: Position | None = None
    datum: Datum = "wgs84"
    rssi_floor: Dbm = wire.RSSI_DBM[0]


class NewAgent(Incoming):
    """An agent to be enrolled, with or without a place."""

    id: OfId
    placement: NewPlacement | None = None


class Enrolled(Outgoing):
    """What goes onto the Pi. The key is shown this once: it signs reports and yields the login at the broker."""

    id: str
    key: str


class PlacementOut(Outgoing):
    """Where an agent stood or stands; until: null while it stands there."""

    venue: str
    zone: str
    location: Position | None
    rssi_floor: int
    since: Moment
    until: Moment | None


class AgentOut(Outgoing):
    """An agent; status: what it said of itself last, status_at: when that arrived."""

    id: str
    enrolled_at: Moment
    config_rev: int
    status: dict[str, Any] | None
    status_at: Moment | None
    placements: list[PlacementOut]


def show_placement(placement: Placement, hidden: Container[str] = ()) -> PlacementOut:
    """A placement as the API shows it; hidden: the venues of which she may not know where they are."""
    since = placement.valid.lower
    assert since is not None
    return PlacementOut(
        venue=placement.venue_id,
        zone=placement.zone_id,
        location=None if placement.venue_id in hidden else fleet.location_of(placement),
        rssi_floor=placement.rssi_floor,
        since=since,
        until=placement.valid.upper,
    )


def show(agent: Agent, placements: list[Placement], hidden: Container[str]) -> AgentOut:
    """An agent as the API shows it: never its key. hidden: the venues of which she may not know where they are."""
    return AgentOut(
        id=agent.id,
        enrolled_at=agent.enrolled_at,
        config_rev=agent.config_rev,
        status=agent.status,
        status_at=agent.status_at,
        placements=[show_placement(placement, hidden) for placement in placements],
    )
