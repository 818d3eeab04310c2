"""Venues: one's own, any one with its zones, and new ones."""

from fastapi import APIRouter, Response

from server import names, versions
from server.people import access
from server.requests import Id, InPage, InTransaction
from server.venues import schema
from server.venues import service as venues
from server.venues.model import Venue

router = APIRouter(prefix="/api/venues", tags=["venues"])


@router.get("")
def list_venues(viewer: access.Viewer, session: InTransaction, page: InPage) -> list[schema.VenueOut]:
    """The venues that you run; for operators all."""
    if viewer.operator:
        return [schema.show(venue) for venue in venues.list_all(session, page)]
    return [schema.show(venue) for venue in venues.owned_by(session, member_id=viewer.id, page=page)]


@router.post("", status_code=201)
def create_venue(wanted: schema.NewVenue, _operator: access.Operator, session: InTransaction) -> schema.VenueWithZones:
    """Makes a venue with its zones; for operators. Areas are GeoJSON Polygons, longitude first."""
    venue_id = wanted.id or names.free_id(session, Venue.id, wanted.name, "venue")
    zones: list[venues.NewZone] = []
    for zone in wanted.zones:
        zone_id = zone.id or names.append(venue_id, names.suggest_id(zone.name, "zone"))
        zones.append(venues.NewZone(zone_id, zone.name, zone.level, zone.area))
    venue = venues.create(
        session,
        id=venue_id,
        name=wanted.name,
        time_zone=wanted.time_zone,
        owner_id=wanted.owner,
        location=wanted.location,
        zones=zones,
        join_gap_s=wanted.join_gap_s,
        contact=wanted.contact,
        offer=wanted.offer,
    )
    return schema.show_with_zones(venue, venues.zones_of(session, venue_id=venue_id))


@router.get("/{venue_id}")
def get_venue(
    venue_id: Id, _viewer: access.Viewer, session: InTransaction, response: Response
) -> schema.VenueWithZones:
    """A venue and its zones."""
    venue = venues.get(session, venue_id)
    versions.tell(response, venue)
    return schema.show_with_zones(venue, venues.zones_of(session, venue_id=venue_id))


@router.patch("/{venue_id}")
def change_venue(
    venue_id: Id,
    wanted: schema.VenueChange,
    viewer: access.Viewer,
    session: InTransaction,
    response: Response,
    if_match: versions.IfMatch = None,
) -> schema.VenueOut:
    """Changes a venue's name, contact and offer; for who keeps it and operators. Its owner: for herself and operators.

    Without an owner and a contact no agent stands there and no event takes place.
    """
    venue = venues.get(session, venue_id)
    access.check_keeps(session, viewer, [venue])
    if wanted.owner is not None and not (viewer.operator or venue.owner_id == viewer.id):
        raise access.NotYourVenue
    changed = venues.change(
        session,
        id=venue_id,
        if_match=if_match,
        name=wanted.name,
        contact=wanted.contact,
        offer=wanted.offer,
        owner_id=wanted.owner,
    )
    versions.tell(response, changed)
    return schema.show(changed)
