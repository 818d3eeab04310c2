"""Makes venues with their zones and reads them."""

import zoneinfo
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from geo import areas, postgis
from server import constraints, names, paging, topics, versions
from server.errors import Conflict, Invalid, NotFound, Refused
from server.people import roles
from server.people import service as people
from server.venues.model import Venue, Zone

EVERYWHERE = "everywhere"
# Visits are spans joined over this: up to a minute it would tear what one span holds, above a day nothing is a visit.
JOIN_GAP_S = (61, 86_400)
LEVELS = (-20, 200)  # the deepest cellar and the highest tower
MAX_ZONES = 500
CONTACT_MAX_LENGTH = 200  # an address in one line
OFFER_MAX_LENGTH = 120  # what a card at the counter has room for
_BY_NAME = (paging.up(Venue.name), paging.up(Venue.id))


class VenueUnknown(NotFound):
    """There is no such venue."""

    code = "venue_unknown"


class VenueNotReady(Refused):
    """A place goes live once it is said who owns it, and how they can be reached."""

    code = "venue_not_ready"


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
    """A zone to be made; area: a GeoJSON Polygon, None where no plan is known."""

    id: str
    name: str
    level: int = 0
    area: dict[str, Any] | None = None


def create(
    session: Session,
    *,
    id: str,
    name: str,
    time_zone: str,
    owner_id: str | None = None,
    location: tuple[float, float] | None = None,
    zones: Sequence[NewZone] = (),
    join_gap_s: int = 300,
    replayed: bool = False,
    simulated: bool = False,
    contact: str = "",
    offer: str = "",
) -> Venue:
    """Makes a venue; without zones it gets one named "everywhere", with the id `<venue>-everywhere`.

    location: degrees, longitude first. join_gap_s: a constant of the venue, its visits derive from it.
    Raises VenueExists, ZoneExists, MemberUnknown (the owner), Invalid.
    """
    names.check_id(id, "venue")
    if time_zone not in _time_zones():
        raise Invalid(
            "The time zone is an IANA name such as Europe/Berlin; %(time_zone)r is not known.", time_zone=time_zone[:80]
        )
    if not JOIN_GAP_S[0] <= join_gap_s <= JOIN_GAP_S[1]:
        raise Invalid(
            "join_gap_s lies between %(least)s and %(most)s seconds.", least=JOIN_GAP_S[0], most=JOIN_GAP_S[1]
        )
    if owner_id is not None:
        people.get(session, owner_id)
    try:
        place = None if location is None else areas.check_position(location)
    except areas.PlaceError as error:
        raise Invalid("The venue's location: %(why)s", why=error) from None
    wanted = list(zones) or [NewZone(names.append(id, EVERYWHERE), EVERYWHERE)]
    made = [_make_zone(id, zone, place) for zone in wanted]
    _refuse_twins(wanted)
    venue = Venue(
        id=id,
        name=names.check_name(name, "venue"),
        time_zone=time_zone,
        owner_id=owner_id,
        location=postgis.from_position(place),
        join_gap_s=join_gap_s,
        replayed=replayed,
        simulated=simulated,
        contact=_check_line(contact, CONTACT_MAX_LENGTH),
        offer=_check_line(offer, OFFER_MAX_LENGTH),
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
) -> Venue:
    """Changes what is not None; raises VenueUnknown, MemberUnknown (the owner), EditedMeanwhile, Invalid."""
    venue = session.get(Venue, id, with_for_update={"key_share": True}) if names.is_id(id) else None
    if venue is None:
        raise VenueUnknown("There is no venue %(venue)r.", venue=id[: names.ID_MAX_LENGTH])
    versions.edit(venue, if_match)
    if name is not None:
        venue.name = names.check_name(name, "venue")
    if contact is not None:
        venue.contact = _check_line(contact, CONTACT_MAX_LENGTH)
    if offer is not None:
        venue.offer = _check_line(offer, OFFER_MAX_LENGTH)
    if owner_id is not None:
        venue.owner_id = people.get(session, owner_id).id
    session.flush()
    topics.bump(session, [topics.FACTS, f"venue/{id}"])
    return venue


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


def get(session: Session, id: str) -> Venue:
    """The venue of this id; raises VenueUnknown."""
    venue = session.get(Venue, id) if names.is_id(id) else None
    if venue is None:
        raise VenueUnknown("There is no venue %(id)r.", id=id[: names.ID_MAX_LENGTH])
    return venue


def list_all(session: Session, page: paging.Page = paging.EVERYTHING) -> list[Venue]:
    """All venues by name."""
    return page.read(session, select(Venue), *_BY_NAME)


def owned_by(session: Session, *, member_id: str, page: paging.Page = paging.EVERYTHING) -> list[Venue]:
    """The venues that somebody owns or is staff of, by name."""
    kept = roles.held_by(session, member_id=member_id, kind="venue")
    return page.read(session, select(Venue).where(or_(Venue.owner_id == member_id, Venue.id.in_(kept))), *_BY_NAME)


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


def _check_line(text: str, most: int) -> str:
    found = " ".join(text.split())
    if len(found) > most or not found.isprintable():
        raise Invalid("This is one line of at most %(most)s characters.", most=most)
    return found


def _make_zone(venue_id: str, zone: NewZone, near: areas.Position | None) -> Zone:
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


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
