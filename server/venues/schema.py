"""What the API says of venues and zones."""

from typing import Annotated

from pydantic import Field

from server.fields import Incoming, Name, NewId, OfId, Outgoing, Polygon, Position
from server.venues import service as venues
from server.venues.model import Venue, Zone

Level = Annotated[int, Field(ge=venues.LEVELS[0], le=venues.LEVELS[1])]


Contact = Annotated[
    str,
    Field(max_length=1000, description="how to reach who is responsible: an address, a telephone number, an e-mail"),
]
Offer = Annotated[str, Field(max_length=1000, description="what those get who let themselves be greeted")]


class NewZone(Incoming):
    """A zone to be made; without an area no plan of it is known."""

    id: NewId
    name: Name
    level: Level = 0
    area: Polygon | None = None


class NewVenue(Incoming):
    """A venue to be made; without zones it has one, "everywhere"."""

    id: NewId
    name: Name
    time_zone: Annotated[str, Field(max_length=64, description="an IANA name")]
    owner: OfId | None = None
    location: Position | None = None
    zones: Annotated[tuple[NewZone, ...], Field(max_length=venues.MAX_ZONES)] = ()
    join_gap_s: Annotated[int, Field(ge=venues.JOIN_GAP_S[0], le=venues.JOIN_GAP_S[1])] = 300
    contact: Contact = ""
    offer: Offer = ""


class VenueChange(Incoming):
    """What is to be changed of a venue; what is not named stays. owner: for its owner and operators."""

    name: Name | None = None
    contact: Contact | None = None
    offer: Offer | None = None
    owner: OfId | None = None


class ZoneOut(Outgoing):
    """A zone."""

    id: str
    name: str
    level: int
    area: Polygon | None


class VenueOut(Outgoing):
    """A venue."""

    id: str
    name: str
    time_zone: str
    owner: str | None
    contact: str
    offer: str
    location: Position | None
    join_gap_s: int
    replayed: bool
    simulated: bool


class VenueWithZones(VenueOut):
    """A venue and its zones."""

    zones: list[ZoneOut]


def show(venue: Venue) -> VenueOut:
    """A venue as the API shows it."""
    return VenueOut(
        id=venue.id,
        name=venue.name,
        time_zone=venue.time_zone,
        owner=venue.owner_id,
        contact=venue.contact,
        offer=venue.offer,
        location=venues.location_of(venue),
        join_gap_s=venue.join_gap_s,
        replayed=venue.replayed,
        simulated=venue.simulated,
    )


def show_with_zones(venue: Venue, zones: list[Zone]) -> VenueWithZones:
    """A venue as the API shows it, with its zones."""
    return VenueWithZones(
        **show(venue).model_dump(),
        zones=[ZoneOut(id=zone.id, name=zone.name, level=zone.level, area=venues.area_of(zone)) for zone in zones],
    )
