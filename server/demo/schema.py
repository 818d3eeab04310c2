"""What the demonstration's controls read and write."""

from typing import Any

from server import fields
from server.demo.service import World
from server.texts import IN_ENGLISH, Texts


class YouOut(fields.Outgoing):
    """Your simulated person and her badge, in degrees. left: she forgot it on a table in the café."""

    member: str
    badge: int
    lon: float
    lat: float
    left: bool


class PiOut(fields.Outgoing):
    """A simulated Pi; running: false when somebody pulled its plug."""

    id: str
    venue: str
    running: bool


class VenueOut(fields.Outgoing):
    """A simulated venue; online: false when somebody cut its Internet."""

    id: str
    online: bool


class WorldOut(fields.Outgoing):
    """The simulated neighbourhood; bounds are west, south, east, north in degrees.

    crowd: whether one is here that was called. may_switch: whether you may kill and revive its Pis, cut its Internet
    and call a crowd.
    """

    you: YouOut | None
    agents: list[PiOut]
    venues: list[VenueOut]
    crowd: bool
    bounds: tuple[float, float, float, float]
    streets: dict[str, Any]
    people_simulated: int
    may_switch: bool


class Place(fields.Incoming):
    """Where to put yourself, in degrees."""

    lon: fields.Longitude
    lat: fields.Latitude


class Left(fields.Incoming):
    """Whether you forget your badge in the café, or have it again."""

    left: bool


class Online(fields.Incoming):
    """Whether a simulated venue has its Internet."""

    online: bool


class Switch(fields.Incoming):
    """Whether a simulated Pi is to run."""

    running: bool


def show(world: World, *, may_switch: bool, say: Texts = IN_ENGLISH) -> WorldOut:
    """The world as the API says it; the names on its streets in the reader's language."""
    you = world.you
    return WorldOut(
        you=None
        if you is None
        else YouOut(member=you.member_id, badge=you.badge_id, lon=you.lon, lat=you.lat, left=you.left),
        agents=[PiOut(id=pi.agent_id, venue=pi.venue_id, running=pi.running) for pi in world.pis],
        venues=[VenueOut(id=venue_id, online=online) for venue_id, online in world.online.items()],
        crowd=world.crowd,
        bounds=world.bounds,
        streets=_named(world.streets, say),
        people_simulated=world.people_simulated,
        may_switch=may_switch,
    )


def _named(streets: dict[str, Any], say: Texts) -> dict[str, Any]:
    features = [
        {**one, "properties": {**one["properties"], "name": say.name(one["properties"]["name"], True)}}
        for one in streets["features"]
    ]
    return {**streets, "features": features}
