"""Where somebody may gather, as forms offer it: venues with their zones, places of before, and any point."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from config import settings
from server.events.spots import SPOT
from server.pages.facts import Fact
from server.pages.said import HOURS, MINUTE_S
from server.people.model import Member
from server.texts import Texts
from server.venues import service as venues
from server.venues import welcome
from server.venues.model import Venue, Zone

RECENT_SPOTS = 5


def places(session: Session, viewer: Member, say: Texts, also: Collection[str] = ()) -> list[Fact]:
    """Where she may gather: venues that she keeps, or is welcome at, and the places where she gathered last.

    also: ids of venues that are offered in any case, in front. zones: of a venue with several, to choose from.
    """
    found = [venues.get(session, one) for one in also]
    ready = [one for one in venues.owned_by(session, member_id=viewer.id) if one.kind != SPOT]
    ready += welcome.venues_of(session, member_id=viewer.id)
    spots = session.scalars(
        select(Venue)
        .where(Venue.owner_id == viewer.id, Venue.kind == SPOT)
        .order_by(Venue.created_at.desc(), Venue.id)
        .limit(RECENT_SPOTS)
    )
    found += [one for one in ready if venues.is_ready(one)]
    found += spots
    once = {one.id: one for one in found}
    zones = _zones(session, once)
    return [
        {
            "id": one.id,
            "name": say.name(one.name, one.simulated),
            "time_zone": one.time_zone,
            "zones": [{"id": zone.id, "name": say.name(zone.name, one.simulated)} for zone in zones[one.id]],
        }
        for one in once.values()
    ]


def for_step(
    session: Session, viewer: Member, say: Texts, rule: settings.Checkin, also: Collection[str] = ()
) -> dict[str, Any]:
    """What a form for a step offers to choose from, and what is usual where it says nothing."""
    return {
        "places": places(session, viewer, say, also),
        "pins": venues.listed_pins(session),
        "hours": HOURS,
        "usual": {
            "opens": f"{rule.opens_before_s / MINUTE_S:g}",
            "signed_up": f"{rule.dwell_signed_up_s:g}",
            "walk_in": f"{rule.dwell_walk_in_s:g}",
        },
    }


def _zones(session: Session, venue_ids: Collection[str]) -> dict[str, list[Zone]]:
    """The zones of venues that have several: of one zone there is nothing to choose."""
    found: dict[str, list[Zone]] = {one: [] for one in venue_ids}
    wanted = select(Zone).where(Zone.venue_id.in_(venue_ids)).order_by(Zone.venue_id, Zone.level, Zone.name)
    for zone in session.scalars(wanted):
        found[zone.venue_id].append(zone)
    return {one: zones if len(zones) > 1 else [] for one, zones in found.items()}
