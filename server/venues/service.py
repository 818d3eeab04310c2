"""Makes venues with their zones and reads them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from geo import areas, postgis
from server import constraints, names, paging, topics, versions
from server.errors import Conflict, Invalid, NotFound, Refused
from server.people import roles
from server.people import service as people
from server.venues import categories, hours, local_time
from server.venues.model import Venue, Zone

Kind = Literal["place", "spot", "home"]
HOME: Kind = "home"  # somebody's: who may know where it is, server/events/places.py decides

EVERYWHERE = "everywhere"
# Visits are spans joined over this: up to a minute it would tear what one span holds, above a day nothing is a visit.
JOIN_GAP_S = (61, 86_400)
LEVELS = (-20, 200)  # the deepest cellar and the highest tower
MAX_ZONES = 500
CONTACT_MAX_LENGTH = 200  # an address in one line
OFFER_MAX_LENGTH = 120  # what a card at the counter has room for
DISTRICT_MAX_LENGTH = 80  # a part of a town
MAX_OWNED = 100  # of one member: whoever has more asks the operator to import them
PINS_SHOWN = 500  # on the map for a new one, to find one's way
RESERVED = ("new",)  # addresses of pages beside those of venues
_BY_NAME = (paging.up(Venue.name), paging.up(Venue.id))


class VenueUnknown(NotFound):
    """There is no such venue."""

    code = "venue_unknown"


class VenueNotReady(Refused):
    """A place goes live once it is said who owns it, and how they can be reached."""

    code = "venue_not_ready"


class TooManyVenues(Conflict):
    """You have as many places as one person may make; an operator can import more."""

    code = "too_many_venues"


class ZoneUnknown(NotFound):
    """There is no such zone in this venue."""

    code = "zone_unknown"


class VenueExists(Conflict):
    """There is a venue of this id already."""

    code = "venue_exists"


class ZoneExists(Conflict):
    """There is a zone of this id already."""

    code = "zone_exists"


@dataclass(frozen=True, slots=True)
class NewZone:
    """A zone to be made; area: a GeoJSON Polygon, None where no plan is known. source: where an import has it from."""

    id: str
    name: str
    level: int = 0
    area: dict[str, Any] | None = None
    source: str | None = None


def create(
    session: Session,
    *,
    id: str,
    name: str,
    time_zone: str | None = None,
    owner_id: str | None = None,
    location: tuple[float, float] | None = None,
    zones: Sequence[NewZone] = (),
    join_gap_s: int = 300,
    replayed: bool = False,
    simulated: bool = False,
    contact: str = "",
    offer: str = "",
    kind: Kind = "place",
    district: str = "",
    address: str = "",
    category: str = "",
    opening_hours: str = "",
    nonce: bytes | None = None,
) -> Venue:
    """Makes a venue; without zones it gets one named "everywhere", with the id `<venue>-everywhere`.

    location: degrees, longitude first; without a time zone it is the one there. join_gap_s: a constant of the venue,
    its visits derive from it. A home and a spot stand in no lists.
    nonce: of the request that makes it (`made_by_nonce`).
    Raises VenueExists, ZoneExists, MemberUnknown (the owner), HoursUnclear, Invalid.
    """
    names.check_id(id, "venue")
    if id in RESERVED:
        raise Invalid("The id %(id)s is an address of ours; please take another.", id=id)
    if not JOIN_GAP_S[0] <= join_gap_s <= JOIN_GAP_S[1]:
        raise Invalid(
            "join_gap_s lies between %(least)s and %(most)s seconds.", least=JOIN_GAP_S[0], most=JOIN_GAP_S[1]
        )
    if owner_id is not None:
        people.get(session, owner_id)
    place = _check_location(location)
    wanted = list(zones) or [NewZone(names.append(id, EVERYWHERE), EVERYWHERE)]
    made = [make_zone(id, zone, place) for zone in wanted]
    _refuse_twins(wanted)
    venue = Venue(
        id=id,
        name=names.check_name(name, "venue"),
        time_zone=local_time.check(time_zone, place),
        owner_id=owner_id,
        location=postgis.from_position(place),
        join_gap_s=join_gap_s,
        replayed=replayed,
        simulated=simulated,
        contact=_check_line(contact, CONTACT_MAX_LENGTH),
        offer=_check_line(offer, OFFER_MAX_LENGTH),
        kind=kind,
        listed=kind == "place",
        district=_check_line(district, DISTRICT_MAX_LENGTH),
        address=_check_line(address, CONTACT_MAX_LENGTH),
        category=categories.check(category),
        opening_hours=hours.check(opening_hours),
        nonce=nonce,
    )
    ids = ", ".join(zone.id for zone in wanted)
    taken = ZoneExists("A zone of another venue has one of these ids already: %(ids)s.", ids=ids)
    with session.begin_nested():
        constraints.add_new(session, venue, VenueExists("There is a venue %(id)s already.", id=id))
        constraints.refuse_taken(session, Zone.id, (zone.id for zone in wanted), taken)
        with constraints.explain(session, {"pk_zone": taken}):
            session.add_all(made)
    topics.bump(session, [topics.FACTS, f"venue/{id}"])
    return venue


def change(
    session: Session,
    *,
    id: str,
    if_match: str | None = None,
    name: str | None = None,
    contact: str | None = None,
    offer: str | None = None,
    owner_id: str | None = None,
    location: tuple[float, float] | None = None,
    kind: Kind | None = None,
    district: str | None = None,
    address: str | None = None,
    category: str | None = None,
    opening_hours: str | None = None,
) -> Venue:
    """Changes what is not None. A pin that is moved takes the time zone with it.

    Raises VenueUnknown, MemberUnknown (the owner), EditedMeanwhile, HoursUnclear, Invalid.
    """
    venue = get(session, id, to_edit=True)
    versions.edit(venue, if_match)
    if name is not None:
        venue.name = names.check_name(name, "venue")
    if contact is not None:
        venue.contact = _check_line(contact, CONTACT_MAX_LENGTH)
    if offer is not None:
        venue.offer = _check_line(offer, OFFER_MAX_LENGTH)
    if owner_id is not None:
        venue.owner_id = people.get(session, owner_id).id
    if location is not None and (place := _check_location(location)) != location_of(venue):
        venue.location = postgis.from_position(place)
        venue.time_zone = local_time.find(place) or venue.time_zone
    if kind is not None and kind != venue.kind:
        venue.kind, venue.listed = kind, kind == "place"
    if district is not None:
        venue.district = _check_line(district, DISTRICT_MAX_LENGTH)
    if address is not None:
        venue.address = _check_line(address, CONTACT_MAX_LENGTH)
    if category is not None:
        venue.category = categories.check(category)
    if opening_hours is not None:
        venue.opening_hours = hours.check(opening_hours)
    session.flush()
    topics.bump(session, [topics.FACTS, f"venue/{id}"])
    return venue


def made_by_nonce(session: Session, nonce: bytes | None) -> Venue | None:
    """The venue that this request made already, if it did; the same at the same moment waits for the first."""
    if nonce is None:
        return None
    constraints.take_turn(session, f"venue {nonce.hex()}")
    return session.scalar(select(Venue).where(Venue.nonce == nonce))


def is_ready(venue: Venue) -> bool:
    """Whether somebody answers for what is heard there and can be reached; a recording needs nobody."""
    return venue.replayed or (venue.owner_id is not None and venue.contact != "")


def check_ready(venue: Venue) -> None:
    """Raises VenueNotReady unless it may listen and have events."""
    if is_ready(venue):
        return
    where = f"/venues/{venue.id}/settings"
    if venue.owner_id is not None:
        raise VenueNotReady(
            "%(venue)s cannot go live yet: say at %(where)s how whoever is responsible can be reached.",
            venue=venue.name,
            where=where,
        )
    if venue.contact:
        raise VenueNotReady(
            "%(venue)s cannot go live yet: say at %(where)s who owns it.", venue=venue.name, where=where
        )
    raise VenueNotReady(
        "%(venue)s cannot go live yet: say at %(where)s who owns it, and how they can be reached.",
        venue=venue.name,
        where=where,
    )


def get(session: Session, id: str, *, to_edit: bool = False) -> Venue:
    """The venue of this id; raises VenueUnknown. to_edit: others who edit it wait, whoever refers to it does not."""
    venue = constraints.read(session, Venue, id, to_edit=to_edit) if names.is_id(id) else None
    if venue is None:
        raise VenueUnknown("There is no venue %(id)r.", id=id[: names.ID_MAX_LENGTH])
    return venue


def list_all(session: Session, page: paging.Page = paging.EVERYTHING, *, keeper_id: str | None = None) -> list[Venue]:
    """All listed venues by name; with them, for who keeps them (keeper_id), her homes. Spots are in no list."""
    shown: ColumnElement[bool] = Venue.listed.expression
    if keeper_id is not None:
        shown = or_(shown, and_(Venue.kind == HOME, _kept_by(session, keeper_id)))
    return page.read(session, select(Venue).where(shown), *_BY_NAME)


def free_of_pages(name: str) -> str:
    """A name whose id is no address of a page beside those of venues."""
    return f"{name} venue" if names.suggest_id(name, "venue") in RESERVED else name


def refuse_more(session: Session, *, owner_id: str) -> None:
    """Raises TooManyVenues when she owns as many as one member may make."""
    owned = session.scalar(select(func.count()).select_from(Venue).where(Venue.owner_id == owner_id)) or 0
    if owned >= MAX_OWNED:
        raise TooManyVenues


def owned_by(session: Session, *, member_id: str, page: paging.Page = paging.EVERYTHING) -> list[Venue]:
    """The venues that somebody owns or is staff of, by name."""
    return page.read(session, select(Venue).where(_kept_by(session, member_id)), *_BY_NAME)


def homes_of_others(session: Session, *, member_id: str, venue_ids: Iterable[str]) -> set[str]:
    """Which of these are homes that she does not keep."""
    asked = select(Venue.id).where(Venue.id.in_(set(venue_ids)), Venue.kind == HOME)
    return set(session.scalars(asked.where(~_kept_by(session, member_id))))


def listed_pins(session: Session) -> list[tuple[str, float, float]]:
    """The names of places that stand on maps, and where they are, degrees; the newest PINS_SHOWN."""
    newest = select(Venue).where(Venue.listed, Venue.kind == "place", Venue.location.is_not(None))
    found = session.scalars(newest.order_by(Venue.created_at.desc(), Venue.id).limit(PINS_SHOWN))
    return [(venue.name, *place) for venue in found if (place := location_of(venue)) is not None]


def zones_of(session: Session, *, venue_id: str) -> list[Zone]:
    """The zones of a venue, the lowest level first, then by name."""
    return list(session.scalars(select(Zone).where(Zone.venue_id == venue_id).order_by(Zone.level, Zone.name)))


def get_zone(session: Session, *, venue_id: str, zone_id: str) -> Zone:
    """A zone of this venue; raises VenueUnknown, ZoneUnknown."""
    zone = session.get(Zone, zone_id) if names.is_id(zone_id) else None
    if zone is None or zone.venue_id != venue_id:
        venue = get(session, venue_id)
        raise ZoneUnknown("%(venue)s has no zone %(zone)r.", venue=venue.name, zone=zone_id[: names.ID_MAX_LENGTH])
    return zone


def location_of(venue: Venue) -> areas.Position | None:
    """Where a venue is, in degrees, longitude first."""
    return postgis.to_position(venue.location)


def area_of(zone: Zone) -> dict[str, Any] | None:
    """The outline of a zone as GeoJSON Polygon, None where no plan is known."""
    return postgis.to_geojson(zone.area)


def _check_location(location: tuple[float, float] | None) -> areas.Position | None:
    try:
        return None if location is None else areas.check_position(location)
    except areas.PlaceError as error:
        raise Invalid("The venue's location: %(why)s", why=error) from None


def _kept_by(session: Session, member_id: str) -> ColumnElement[bool]:
    kept = roles.held_by(session, member_id=member_id, kind="venue")
    # Nobody's venue is not hers either: NULL would be neither.
    return or_(func.coalesce(Venue.owner_id, "") == member_id, Venue.id.in_(kept))


def _check_line(text: str, most: int) -> str:
    found = " ".join(text.split())
    if len(found) > most or not found.isprintable():
        raise Invalid("This is one line of at most %(most)s characters.", most=most)
    return found


def make_zone(venue_id: str, zone: NewZone, near: areas.Position | None) -> Zone:
    """The row of a zone, which is not added yet; near: the venue's pin. Raises Invalid."""
    name = names.check_name(zone.name, "zone")
    if not LEVELS[0] <= zone.level <= LEVELS[1]:
        raise Invalid(
            "The level of zone %(name)s lies between %(least)s and %(most)s.",
            name=name,
            least=LEVELS[0],
            most=LEVELS[1],
        )
    try:
        area = None if zone.area is None else areas.read_polygon(zone.area, near)
    except areas.PlaceError as error:
        raise Invalid("Zone %(name)s: %(why)s", name=name, why=error) from None
    return Zone(
        id=names.check_id(zone.id, "zone"),
        venue_id=venue_id,
        name=name,
        level=zone.level,
        area=postgis.from_polygon(area),
        source=zone.source,
    )


def _refuse_twins(zones: Sequence[NewZone]) -> None:
    if len(zones) > MAX_ZONES:
        raise Invalid("A venue has at most %(most)s zones.", most=MAX_ZONES)
    for values in ([zone.id for zone in zones], [zone.name.strip() for zone in zones]):
        value, count = Counter(values).most_common(1)[0]
        if count > 1:
            raise Invalid(
                "Two zones of a venue are told apart by id and name; %(value)s is there %(count)s times.",
                value=value,
                count=count,
            )
