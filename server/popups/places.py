"""Where a group could gather: the venue at which it is heard, else the nearest public one that is open."""

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import PopUps
from geo import cells, postgis
from server.popups.rules import Group
from server.venues import hours
from server.venues import service as venues
from server.venues.model import Venue

_MOST = 20  # of the nearest; where all of these are closed it is night
_NEAREST = text(f"""
    SELECT venue.id FROM venue
    WHERE {postgis.within("venue.location", ":reach_m")} AND venue.kind = 'place' AND venue.listed
      AND NOT venue.replayed AND venue.owner_id IS NOT NULL AND venue.contact <> '' AND venue.simulated = :simulated
    ORDER BY ST_Distance(venue.location, {postgis.HERE}, false), venue.id LIMIT {_MOST}
""")  # noqa: S608 -- texts of ours


def of(session: Session, group: Group, *, now: dt.datetime, rule: PopUps) -> Venue | None:
    """The place for a group; None: there is none, and nobody is asked."""
    if group.venue_id is not None:
        venue = session.get(Venue, group.venue_id)
        return venue if venue is not None and venue.simulated is group.simulated and takes(venue, now) else None
    assert group.cell is not None
    given = {"here": postgis.here(cells.centre(group.cell)), "reach_m": rule.reach_m, "simulated": group.simulated}
    for venue_id in session.scalars(_NEAREST, given):
        venue = session.get_one(Venue, venue_id)
        if takes(venue, now):
            return venue
    return None


def takes(venue: Venue, now: dt.datetime) -> bool:
    """Whether people may gather at a place: it is public, somebody answers for it, and it is not known to be closed."""
    if venue.kind != "place" or not venue.listed or venue.replayed or not venues.is_ready(venue):
        return False
    location = venues.location_of(venue)
    return location is not None and hours.is_open(venue, location, now) is not False
