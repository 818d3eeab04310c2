"""A small world for tests of the server: members, a venue with two rooms, an agent, a badge."""

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from server.badges import service as badges
from server.fleet import service as fleet
from server.people import service as people
from server.venues import service as venues
from server.venues.model import Welcome

NOW = dt.datetime(2026, 3, 13, 19, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
CAFE = (13.4050, 52.5200)  # degrees, longitude first
IDENTITY = bytes.fromhex("daf246cef20111e4b116123b93f75cba000e0001")


def square(lon: float, lat: float, side_degrees: float = 0.0002) -> dict[str, Any]:
    """A GeoJSON square with its south-west corner there."""
    east, north = lon + side_degrees, lat + side_degrees
    return {"type": "Polygon", "coordinates": [[[lon, lat], [east, lat], [east, north], [lon, north], [lon, lat]]]}


def make_members(session: Session) -> None:
    """Ana (operator), Ben (shop owner), Cleo (organizer) and Dora, who has no part."""
    people.create(session, id="ana", name="Ana Moreno", operator=True)
    people.create(session, id="ben", name="Ben Okafor")
    people.create(session, id="cleo", name="Cléo Martin")
    people.create(session, id="dora", name="Dora Lindqvist")


def make_cafe(session: Session) -> None:
    """The venue `cafe` of Ben with the zones `cafe-front` and `cafe-back`."""
    venues.create(
        session,
        id="cafe",
        name="Café Lumen",
        time_zone="Europe/Berlin",
        owner_id="ben",
        contact="hello@lumen.example",
        location=CAFE,
        zones=[
            venues.NewZone("cafe-front", "front", area=square(*CAFE)),
            venues.NewZone("cafe-back", "back", area=square(CAFE[0] + 0.0002, CAFE[1])),
        ],
    )


def make_welcome(session: Session, member_id: str = "cleo", venue_id: str = "cafe") -> None:
    """Who keeps the venue said yes: she may gather there."""
    session.add(Welcome(venue_id=venue_id, member_id=member_id, asked_at=NOW, welcome=True, answered_at=NOW))
    session.flush()


def make_agent(session: Session, agent_id: str = "cafe-door") -> bytes:
    """An agent in the front of the cafe since an hour before NOW; returns its key."""
    key = fleet.enrol(session, agent_id=agent_id)
    fleet.place(session, agent_id=agent_id, venue_id="cafe", zone_id="cafe-front", since=NOW - HOUR)
    return key


def make_badge(session: Session) -> int:
    """A badge registered an hour before NOW, of nobody; returns its id."""
    return badges.register(session, identity=IDENTITY, label="14", since=NOW - HOUR)
