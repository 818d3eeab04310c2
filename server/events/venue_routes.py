"""Venues as far as each viewer may know where they are: one's own, any one, their zones and plans, and changes."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from sqlalchemy.orm import Session

from geo import datums
from server import versions
from server.events import places
from server.people import access
from server.people.model import Member
from server.requests import Id, IfMatch, InPage, InTransaction, Now
from server.venues import plans, schema, zones
from server.venues import service as venues
from server.venues.model import Venue

Level = Annotated[int, Path(ge=venues.LEVELS[0], le=venues.LEVELS[1])]
router = APIRouter(prefix="/api/venues", tags=["venues"])


@router.get("")
def list_venues(viewer: access.Viewer, session: InTransaction, page: InPage, now: Now) -> list[schema.VenueOut]:
    """The venues that you run; for operators all but the homes of others."""
    found = (
        venues.list_all(session, page, keeper_id=viewer.id)
        if viewer.operator
        else venues.owned_by(session, member_id=viewer.id, page=page)
    )
    return [schema.show(venue, places.sees_address(session, venue=venue, member=viewer, now=now)) for venue in found]


@router.get("/{venue_id}")
def get_venue(
    venue_id: Id, viewer: access.Viewer, session: InTransaction, response: Response, now: Now
) -> schema.VenueWithZones:
    """A venue and its zones. Of a home everybody sees name and district; its guests the rest, around their event."""
    venue = venues.get(session, venue_id)
    versions.tell(response, venue)
    sees = places.sees_address(session, venue=venue, member=viewer, now=now)
    rows = plans.of_venue(session, venue_id)
    return schema.show_with_zones(venue, venues.zones_of(session, venue_id=venue_id), rows, sees)


@router.patch("/{venue_id}")
def change_venue(
    venue_id: Id,
    wanted: schema.VenueChange,
    viewer: access.Viewer,
    session: InTransaction,
    response: Response,
    now: Now,
    if_match: IfMatch = None,
) -> schema.VenueOut:
    """Changes what is said of a venue; for who keeps it and operators. Its owner and kind: for herself and operators.

    Without an owner and a contact no agent stands there and no event takes place.
    """
    venue = venues.get(session, venue_id)
    access.check_keeps(session, viewer, [venue])
    if wanted.owner is not None or wanted.kind is not None:
        access.check_owns(viewer, venue)
    changed = venues.change(
        session,
        id=venue_id,
        if_match=if_match,
        name=wanted.name,
        contact=wanted.contact,
        offer=wanted.offer,
        owner_id=wanted.owner,
        location=schema.pin(wanted.location, wanted.datum),
        kind=wanted.kind,
        district=wanted.district,
        address=wanted.address,
        category=wanted.category,
        opening_hours=wanted.opening_hours,
    )
    versions.tell(response, changed)
    return schema.show(changed, places.sees_address(session, venue=changed, member=viewer, now=now))


@router.post("/{venue_id}/zones", status_code=201)
def add_zone(
    venue_id: Id, wanted: schema.ZoneToAdd, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.ZoneOut:
    """Adds a zone to a venue, by its area or by corners on its level's plan; for who keeps the venue and operators."""
    venue = _kept(session, viewer, venue_id)
    area = _area(session, venue_id, wanted.level, wanted)
    zone = venues.NewZone(wanted.id or zones.new_id(session, venue_id, wanted.name), wanted.name, wanted.level, area)
    return schema.show_zone(
        zones.add(session, venue_id=venue_id, zone=zone),
        places.sees_address(session, venue=venue, member=viewer, now=now),
    )


@router.patch("/{venue_id}/zones/{zone_id}")
def change_zone(
    venue_id: Id, zone_id: Id, wanted: schema.ZoneChange, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.ZoneOut:
    """Renames or redraws a zone; for who keeps the venue and operators. What refers to the zone stays as it is."""
    venue = _kept(session, viewer, venue_id)
    level = wanted.level
    if level is None:
        level = venues.get_zone(session, venue_id=venue_id, zone_id=zone_id).level
    area = _area(session, venue_id, level, wanted)
    changed = zones.change(session, venue_id=venue_id, zone_id=zone_id, name=wanted.name, level=wanted.level, area=area)
    return schema.show_zone(changed, places.sees_address(session, venue=venue, member=viewer, now=now))


@router.delete("/{venue_id}/zones/{zone_id}", status_code=204)
def remove_zone(venue_id: Id, zone_id: Id, viewer: access.Viewer, session: InTransaction) -> None:
    """Removes a zone in which nothing ever happened and nothing stands; for who keeps the venue and operators."""
    _kept(session, viewer, venue_id)
    zones.remove(session, venue_id=venue_id, zone_id=zone_id)


@router.put("/{venue_id}/plans/{level}")
def lay_plan(
    venue_id: Id, level: Level, wanted: schema.NewPlan, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.PlanOut:
    """Lays a picture (`POST /api/pictures`) as the plan of a level; for who keeps the venue, and of a home nobody else.

    Zones stay where they are on earth, also when the picture changes.
    """
    venue = _kept(session, viewer, venue_id)
    if not places.sees_address(session, venue=venue, member=viewer, now=now):
        raise access.NotYourVenue  # what it says of the pin is not an operator's to read
    anchor = None if wanted.anchor is None else datums.to_wgs84(wanted.anchor, wanted.datum)
    row = plans.lay(
        session,
        venue_id=venue_id,
        level=level,
        picture_id=wanted.picture,
        a=wanted.a,
        b=wanted.b,
        metres=wanted.metres,
        bearing_deg=wanted.bearing_deg,
        anchor=anchor,
    )
    return schema.show_plan(row)


@router.delete("/{venue_id}/plans/{level}", status_code=204)
def remove_plan(venue_id: Id, level: Level, viewer: access.Viewer, session: InTransaction) -> None:
    """Takes the picture of a level away; its zones stay. For who keeps the venue and operators."""
    _kept(session, viewer, venue_id)
    plans.remove(session, venue_id=venue_id, level=level)


def _kept(session: Session, viewer: Member, venue_id: str) -> Venue:
    venue = venues.get(session, venue_id)
    access.check_keeps(session, viewer, [venue])
    return venue


def _area(
    session: Session, venue_id: str, level: int, wanted: schema.ZoneToAdd | schema.ZoneChange
) -> dict[str, Any] | None:
    if wanted.pixels is not None:
        return plans.draw(plans.get(session, venue_id=venue_id, level=level), wanted.pixels)
    return schema.drawn(wanted.area, wanted.datum)
