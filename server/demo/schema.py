"""What the demonstration's controls read and write."""

from typing import Any

from server import fields
from server.demo.service import World


class YouOut(fields.Outgoing):
    """Your simulated person and her badge, in degrees."""

    member: str
    badge: int
    lon: float
    lat: float


class PiOut(fields.Outgoing):
    """A simulated Pi; running: false when somebody pulled its plug."""

    id: str
    venue: str
    running: bool


class WorldOut(fields.Outgoing):
    """The simulated neighbourhood; bounds are west, south, east, north in degrees.

    may_switch: whether you may kill and revive its Pis.
    """

    you: YouOut | None
    agents: list[PiOut]
    bounds: tuple[float, float, float, float]
    streets: dict[str, Any]
    people_simulated: int
    may_switch: bool


class Place(fields.Incoming):
    """Where to put yourself, in degrees."""

    lon: fields.Longitude
    lat: fields.Latitude


class Switch(fields.Incoming):
    """Whether a simulated Pi is to run."""

    running: bool


def show(world: World, *, may_switch: bool) -> WorldOut:
    """The world as the API says it."""
    you = world.you
    return WorldOut(
        you=None if you is None else YouOut(member=you.member_id, badge=you.badge_id, lon=you.lon, lat=you.lat),
        agents=[PiOut(id=pi.agent_id, venue=pi.venue_id, running=pi.running) for pi in world.pis],
        bounds=world.bounds,
        streets=world.streets,
        people_simulated=world.people_simulated,
        may_switch=may_switch,
    )
