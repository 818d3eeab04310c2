"""Fans over HTTP: for who keeps a venue, and who decides in a house; no operator among them."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from server.communities import rights as community_rights
from server.communities import service as communities
from server.communities.model import Community
from server.fans import schema
from server.fans import service as fans
from server.fans.service import Span
from server.people import access
from server.people.model import Member
from server.requests import Id, InTransaction, Now
from server.venues import service as venues
from server.venues.model import Venue

router = APIRouter(prefix="/api", tags=["fans"])
UTC = "UTC"  # of who never said by which clock she lives

InSpan = Annotated[Span, Query(description="the last 13 weeks, or the last 52")]


@router.get("/venues/{venue_id}/fans")
def get_fans_of_venue(
    venue_id: Id, viewer: access.Viewer, session: InTransaction, now: Now, span: InSpan = "quarter"
) -> schema.FansOut:
    """Who comes to a venue, how often and when; for who keeps it. Names of who agreed, numbers of all others."""
    return schema.show(fans.of_venue(session, kept(session, viewer, venue_id), span=span, now=now))


@router.get("/communities/{community_id}/fans")
def get_fans_of_house(
    community_id: Id, viewer: access.Viewer, session: InTransaction, now: Now, span: InSpan = "quarter"
) -> schema.FansOut:
    """Who comes to what a house publishes; for its source and its hosts."""
    house = decided(session, viewer, community_id)
    return schema.show(fans.of_house(session, house, span=span, time_zone=viewer.time_zone or UTC, now=now))


def kept(session: Session, viewer: Member, venue_id: str) -> Venue:
    """A venue that the viewer keeps herself; raises VenueUnknown, NotYourVenue."""
    venue = venues.get(session, venue_id)
    if not access.keeps(session, viewer, venue):
        raise access.NotYourVenue
    return venue


def decided(session: Session, viewer: Member, community_id: str) -> Community:
    """A house in which the viewer decides herself; raises CommunityUnknown, NotYourCommunity, HousesOnly."""
    house = communities.get(session, community_id)
    if house.shape != "house":
        raise fans.HousesOnly
    if not community_rights.decides(session, viewer, house):
        raise access.NotYourCommunity
    return house
