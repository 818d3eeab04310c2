"""What the API says of venues and zones."""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from geo import areas, datums
from geo.plans import METRES
from server import nonces
from server.fields import Datum, Incoming, Moment, Name, NewId, OfId, Outgoing, Polygon, Position
from server.people.model import Member
from server.venues import categories, hours, plans, welcome
from server.venues import service as venues
from server.venues.model import PlanRow, Venue, Welcome, Zone

MOST_METRES = METRES[1]
Level = Annotated[int, Field(ge=venues.LEVELS[0], le=venues.LEVELS[1])]


Contact = Annotated[
    str,
    Field(max_length=1000, description="how to reach who is responsible: an address, a telephone number, an e-mail"),
]
Offer = Annotated[str, Field(max_length=1000, description="what those get who let themselves be greeted")]


District = Annotated[str, Field(max_length=1000, description="as far as everybody may know where a home is")]
Address = Annotated[str, Field(max_length=1000, description="a street and a number")]
Category = Annotated[
    str,
    Field(
        max_length=40,
        description="nothing, or one of a small list",
        json_schema_extra={"enum": ["", *categories.CATEGORIES]},
    ),
]
Hours = Annotated[
    str,
    Field(
        max_length=2 * hours.MOST_SIGNS,
        description="the syntax of OpenStreetMap, such as Mo-Fr 09:00-18:00; lines are joined",
    ),
]
# Spots are made with the step of an event that meets there.
Kind = Annotated[
    Literal["place", "home"],
    Field(
        description="home: somebody's; its address and pin are told to guests, from a day before an event to its end"
    ),
]


Nonce = Annotated[
    str | None,
    Field(
        min_length=nonces.SIGNS[0],
        max_length=nonces.SIGNS[1],
        description="of this request: brought again, it is answered as the first time",
    ),
]


class NewZone(Incoming):
    """A zone to be made; without an area no plan of it is known."""

    id: NewId
    name: Name
    level: Level = 0
    area: Polygon | None = None


class NewVenue(Incoming):
    """A venue to be made: a name and a pin suffice; without zones it has one, "everywhere".

    owner: you, where none is named. time_zone: an IANA name; the one at the pin where none is said. datum: of the pin
    and of the areas.
    """

    id: NewId
    name: Name
    time_zone: Annotated[str, Field(max_length=64, description="an IANA name")] | None = None
    owner: OfId | None = None
    location: Position | None = None
    datum: Datum = "wgs84"
    kind: Kind = "place"
    district: District = ""
    address: Address = ""
    category: Category = ""
    opening_hours: Hours = ""
    zones: Annotated[tuple[NewZone, ...], Field(max_length=venues.MAX_ZONES)] = ()
    join_gap_s: Annotated[int, Field(ge=venues.JOIN_GAP_S[0], le=venues.JOIN_GAP_S[1])] = 300
    contact: Contact = ""
    offer: Offer = ""
    nonce: Nonce = None


class VenueChange(Incoming):
    """What is to be changed of a venue; what is not named stays. owner, kind: for its owner and operators.

    A pin that is moved takes the time zone with it.
    """

    name: Name | None = None
    contact: Contact | None = None
    offer: Offer | None = None
    owner: OfId | None = None
    location: Position | None = None
    datum: Datum = "wgs84"
    kind: Kind | None = None
    district: District | None = None
    address: Address | None = None
    category: Category | None = None
    opening_hours: Hours | None = None


Corner = Annotated[
    tuple[float, float],
    WithJsonSchema(
        {
            "type": "array",
            "description": "x to the right and y down, in pixels of the picture",
            "items": {"type": "number", "minimum": -1e6, "maximum": 1e6},
            "minItems": 2,
            "maxItems": 2,
            "example": [10, 20],
        }
    ),
]
Pixels = Annotated[
    list[Corner],
    Field(
        min_length=3, max_length=areas.MAX_POINTS, description="corners on the plan of its level, instead of an area"
    ),
]


class ZoneToAdd(NewZone):
    """A zone to be added to a venue. datum: of its area."""

    datum: Datum = "wgs84"
    pixels: Pixels | None = None


class ZoneChange(Incoming):
    """What is to be changed of a zone; what is not named stays. datum: of its area."""

    name: Name | None = None
    level: Level | None = None
    area: Polygon | None = None
    datum: Datum = "wgs84"
    pixels: Pixels | None = None


class NewPlan(Incoming):
    """A picture as the plan of a level. a, b: two of its pixels, `metres` apart; bearing_deg: where its top looks to.

    0 is north, 90 east. anchor: where `a` is; the venue's pin where none is said.
    """

    picture: Annotated[str, Field(max_length=64)]
    a: Corner
    b: Corner
    metres: Annotated[float, Field(gt=0, le=MOST_METRES)]
    bearing_deg: Annotated[float, Field(ge=-360, le=360)] = 0.0
    anchor: Position | None = None
    datum: Datum = "wgs84"


class Imported(Outgoing):
    """What an import did, or with `preview` would do.

    left_out: features that are no places. kept: zones that are gone from the file and stay, since they are in use.
    """

    preview: bool
    made: int
    updated: int
    unchanged: int
    left_out: int
    kept: int


class ZoneOut(Outgoing):
    """A zone."""

    id: str
    name: str
    level: int
    area: Polygon | None


class VenueOut(Outgoing):
    """A venue. withheld: it is a home, and you are not told its contact, address, pin and areas (at the moment)."""

    id: str
    name: str
    kind: Literal["place", "spot", "home"]
    listed: bool
    time_zone: str
    owner: str | None
    contact: str
    offer: str
    category: str
    opening_hours: str
    district: str
    address: str
    location: Position | None
    withheld: bool
    join_gap_s: int
    replayed: bool
    simulated: bool


class PlanOut(Outgoing):
    """Where a picture lies as the plan of a level; corners: from its top left on, clockwise."""

    level: int
    picture: str
    a: Corner
    b: Corner
    metres: float
    bearing_deg: float
    anchor: Position
    corners: list[Position]


class VenueWithZones(VenueOut):
    """A venue, its zones, and the plans of its levels."""

    zones: list[ZoneOut]
    plans: list[PlanOut]


def show(venue: Venue, sees: bool) -> VenueOut:
    """A venue as the API shows it; sees: whether she may know where it is (server/events/places.py)."""
    return VenueOut(
        id=venue.id,
        name=venue.name,
        kind=venue.kind,  # type: ignore[arg-type]  # the table holds no other
        listed=venue.listed,
        time_zone=venue.time_zone,
        owner=venue.owner_id,
        contact=venue.contact if sees else "",
        offer=venue.offer,
        category=venue.category,
        opening_hours=venue.opening_hours,
        district=venue.district,
        address=venue.address if sees else "",
        location=venues.location_of(venue) if sees else None,
        withheld=not sees,
        join_gap_s=venue.join_gap_s,
        replayed=venue.replayed,
        simulated=venue.simulated,
    )


def show_with_zones(venue: Venue, zones: list[Zone], laid: list[PlanRow], sees: bool) -> VenueWithZones:
    """A venue as the API shows it, with its zones and plans."""
    return VenueWithZones(
        **show(venue, sees).model_dump(),
        zones=[show_zone(zone, sees) for zone in zones],
        plans=[show_plan(row) for row in laid] if sees else [],
    )


def show_plan(row: PlanRow) -> PlanOut:
    """A plan as the API shows it, to who may know where the venue is."""
    return PlanOut(
        level=row.level,
        picture=row.picture_id,
        a=(row.ax, row.ay),
        b=(row.bx, row.by),
        metres=row.metres,
        bearing_deg=row.bearing_deg,
        anchor=(row.lon, row.lat),
        corners=list(plans.laid(row).corners),
    )


def show_zone(zone: Zone, sees: bool = True) -> ZoneOut:
    """A zone as the API shows it."""
    return ZoneOut(id=zone.id, name=zone.name, level=zone.level, area=venues.area_of(zone) if sees else None)


def pin(location: areas.Position | None, datum: datums.Datum) -> areas.Position | None:
    """A position of a request as WGS 84."""
    return None if location is None else datums.to_wgs84(location, datum)


def drawn(area: dict[str, Any] | None, datum: datums.Datum) -> dict[str, Any] | None:
    """An area of a request as WGS 84."""
    return None if area is None else datums.area_to_wgs84(area, datum)


class Asks(Incoming):
    """What you want to hold there, in a sentence for who keeps the place."""

    reason: Annotated[str, Field(max_length=welcome.REASON_MAX_LENGTH)] = ""


class Answers(Incoming):
    """Whether they may gather here."""

    welcome: bool


class WelcomeOut(Outgoing):
    """Somebody's ask to hold gatherings at a venue. welcome: null until it is answered."""

    member: str
    name: str
    reason: str
    asked_at: Moment
    welcome: bool | None
    answered_at: Moment | None


def show_welcome(asked: Welcome, member: Member) -> WelcomeOut:
    """An ask as who keeps the place sees it, and who asked."""
    return WelcomeOut(
        member=asked.member_id,
        name=member.name,
        reason=asked.reason,
        asked_at=asked.asked_at,
        welcome=asked.welcome,
        answered_at=asked.answered_at,
    )
