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
