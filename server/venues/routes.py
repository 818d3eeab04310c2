"""Venues: one's own, any one with its zones, and new ones."""

from fastapi import APIRouter, Response

from server import names, versions
from server.audit import schema as audit_schema
from server.audit import service as audit
from server.people import access, roles
from server.people import schema as people_schema
from server.requests import Id, IfMatch, InPage, InTransaction, Now
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
    if_match: IfMatch = None,
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


@router.get("/{venue_id}/staff", tags=["roles"])
def list_venue_staff(venue_id: Id, viewer: access.Viewer, session: InTransaction) -> list[people_schema.HelperOut]:
    """Who helps to run this venue; for those who do, and operators."""
    access.check_keeps(session, viewer, [venues.get(session, venue_id)])
    return [people_schema.show_helper(role) for role in roles.helpers_of(session, kind="venue", of_id=venue_id)]


@router.put("/{venue_id}/staff/{member_id}", tags=["roles"])
def give_venue_staff(
    venue_id: Id,
    member_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    wanted: people_schema.NewHelper | None = None,
) -> people_schema.HelperOut:
    """Lets a member help to run this venue; twice is as once. For its owner and operators."""
    access.check_owns(viewer, venues.get(session, venue_id))
    called = wanted.called if wanted is not None else ""
    role = roles.give(session, member_id=member_id, kind="venue", of_id=venue_id, called=called, by=viewer.id, now=now)
    return people_schema.show_helper(role)


@router.delete("/{venue_id}/staff/{member_id}", status_code=204, tags=["roles"])
def take_back_venue_staff(venue_id: Id, member_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Ends somebody's part in this venue; everybody may lay down their own. For its owner and operators."""
    venue = venues.get(session, venue_id)
    if member_id != viewer.id:
        access.check_owns(viewer, venue)
    roles.take_back(session, member_id=member_id, kind="venue", of_id=venue_id, by=viewer.id, now=now)


@router.get("/{venue_id}/audit", tags=["roles"])
def list_venue_notes(
    venue_id: Id, viewer: access.Viewer, session: InTransaction, page: InPage
) -> list[audit_schema.NoteOut]:
    """What was granted, taken back, undone and exported here, the newest first. For its owner and operators."""
    access.check_owns(viewer, venues.get(session, venue_id))
    return [audit_schema.show(note) for note in audit.read(session, page=page, of=f"venue/{venue_id}")]
