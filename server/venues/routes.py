"""Venues: new ones, one by one and from files, and who helps. All that says where one is: events/venue_routes.py."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.orm import Session

from geo import datums
from server import names, nonces
from server.audit import schema as audit_schema
from server.audit import service as audit
from server.people import access, roles
from server.people import schema as people_schema
from server.people import service as people
from server.requests import Id, InPage, InTransaction, Now
from server.venues import imports, schema, welcome
from server.venues import service as venues
from server.venues.model import Venue

_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}, "example": example}
            for kind, example in (
                ("application/geo+json", '{"type": "FeatureCollection", "features": []}'),
                ("application/zip", ""),
                ("application/octet-stream", ""),
            )
        },
    }
}


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]
router = APIRouter(prefix="/api/venues", tags=["venues"])


@router.post("", status_code=201)
def create_venue(wanted: schema.NewVenue, viewer: access.Account, session: InTransaction) -> schema.VenueWithZones:
    """Makes a venue; a name and a pin suffice, and it is yours. Operators may say whose it is, or nobody's (null).

    Areas are GeoJSON Polygons, longitude first. It goes live once it says how whoever is responsible can be reached.
    The nonce of an earlier request of yours makes no second one: it is answered with what that made.
    """
    nonce = nonces.read(wanted.nonce or None, viewer.id)
    made_already = venues.made_by_nonce(session, nonce)
    if made_already is not None:
        # What was hers to see may have become somebody else's home meanwhile.
        sees = made_already.kind != venues.HOME or access.keeps(session, viewer, made_already)
        return _whole(session, made_already, sees=sees)
    owner_id = wanted.owner
    if not viewer.operator:
        if owner_id not in (None, viewer.id):
            raise access.OperatorsOnly
        venues.refuse_more(session, owner_id=viewer.id)
        owner_id = viewer.id
    elif "owner" not in wanted.model_fields_set:
        owner_id = viewer.id
    venue_id = wanted.id or names.free_id(session, Venue.id, venues.free_of_pages(wanted.name), "venue")
    made: list[venues.NewZone] = []
    for zone in wanted.zones:
        zone_id = zone.id or names.append(venue_id, names.suggest_id(zone.name, "zone"))
        made.append(venues.NewZone(zone_id, zone.name, zone.level, schema.drawn(zone.area, wanted.datum)))
    venue = venues.create(
        session,
        id=venue_id,
        name=wanted.name,
        time_zone=wanted.time_zone,
        owner_id=owner_id,
        location=schema.pin(wanted.location, wanted.datum),
        zones=made,
        join_gap_s=wanted.join_gap_s,
        contact=wanted.contact,
        offer=wanted.offer,
        kind=wanted.kind,
        district=wanted.district,
        address=wanted.address,
        category=wanted.category,
        opening_hours=wanted.opening_hours,
        nonce=nonce,
    )
    return _whole(session, venue, sees=True)  # whoever made it has just said where it is


def _whole(session: Session, venue: Venue, *, sees: bool) -> schema.VenueWithZones:
    return schema.show_with_zones(venue, venues.zones_of(session, venue_id=venue.id), [], sees=sees)


@router.post("/import", openapi_extra=_FILE)
def import_venues(
    _operator: access.Operator,
    session: InTransaction,
    data: Body,
    form: Annotated[imports.Format | None, Query(alias="format", description="by its first bytes otherwise")] = None,
    datum: Annotated[datums.Datum, Query(description="of a GeoJSON file")] = "wgs84",
    lon: Annotated[float | None, Query(ge=-180, le=180, description="with lat: where the places should be")] = None,
    lat: Annotated[float | None, Query(ge=-90, le=90)] = None,
    source: Annotated[str | None, Query(max_length=80, description="whose ids they are; GeoJSON")] = None,
    owner: Annotated[str | None, Query(max_length=64, description="whose the new ones are")] = None,
    preview: Annotated[bool, Query(description="say what it would bring, and change nothing")] = False,
) -> schema.Imported:
    """Takes the places of a file: OpenStreetMap (pbf, osm), GeoJSON, or an IMDF archive; for operators.

    All of it or nothing: `faults` names each feature that cannot be used. The same file again changes nothing.
    Larger ones than a request may be: `muster venue import`.
    """
    near = None if lon is None or lat is None else (lon, lat)
    found = imports.read(data, form, datum=datum, near=near, source=source)
    inside = session.begin_nested()
    taken = imports.take(session, found, owner_id=owner)
    if preview:
        inside.rollback()
    return schema.Imported(preview=preview, **taken._asdict())


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


@router.put("/{venue_id}/welcome", status_code=201)
def ask_to_gather(
    venue_id: Id, wanted: schema.Asks, viewer: access.Account, session: InTransaction, now: Now
) -> schema.WelcomeOut:
    """Asks who keeps this venue whether you may hold gatherings there; they read your name and your reason."""
    asked = welcome.ask(session, venue_id=venue_id, member=viewer, reason=wanted.reason, now=now)
    return schema.show_welcome(asked, viewer)


@router.get("/{venue_id}/welcomes")
def list_welcomes(venue_id: Id, viewer: access.Viewer, session: InTransaction, page: InPage) -> list[schema.WelcomeOut]:
    """Who asked to hold gatherings at this venue, and what was answered; for who keeps it, and operators."""
    access.check_keeps(session, viewer, [venues.get(session, venue_id)])
    asked = welcome.of_venue(session, venue_id=venue_id, page=page)
    return [schema.show_welcome(one, people.get(session, one.member_id)) for one in asked]


@router.put("/{venue_id}/welcomes/{member_id}")
def answer_welcome(
    venue_id: Id, member_id: Id, wanted: schema.Answers, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.WelcomeOut:
    """Says whether somebody may hold gatherings at this venue, also another time; what is planned stays planned."""
    asked = welcome.answer(session, venue_id=venue_id, member_id=member_id, yes=wanted.welcome, by=viewer, now=now)
    return schema.show_welcome(asked, people.get(session, member_id))
