"""What there is to rank for somebody at a place: the nearest, and beside them what is hers however far.

Only what she may know of: what is for everybody, and what is for communities that she belongs to.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import postgis
from geo.areas import Position

HERS = 60  # of each of the ways in which something is hers, the soonest
FARTHEST_M = 20_100_000.0  # half around the earth: everything


class Asked(NamedTuple):
    """What is looked for. at, until: what is on between them. beyond_m: only what is further away than that.

    interests: about one of these. community_id: of that one alone.
    """

    place: Position
    at: dt.datetime
    until: dt.datetime
    radius_m: float = FARTHEST_M
    interests: tuple[str, ...] = ()
    community_id: str | None = None
    places_left: bool = False


class Candidate(NamedTuple):
    """A listing, and how far away it is in metres."""

    id: int
    event_id: str | None
    step_id: str | None
    venue_id: str
    away_m: float
    vague: bool
    starts_at: dt.datetime | None
    ends_at: dt.datetime | None
    community_id: str | None
    organizer_id: str | None
    series_id: str | None
    interests: list[str]
    capacity: int | None
    going: int
    came: float
    lon: float
    lat: float

    @property
    def full(self) -> bool:
        """Whether no place is left."""
        return self.capacity is not None and self.going >= self.capacity


class Edge(NamedTuple):
    """How far a search has come: what follows is further away, or as far and of a higher id."""

    away_m: float = -1.0
    id: int = 0


NOWHERE = Edge()  # of a search that begins
_AWAY = postgis.away("listing.location")
_COLUMNS = f"""
    listing.id, event_id, step_id, venue_id, {_AWAY} AS away_m, vague, starts_at, ends_at, community_id,
    organizer_id, series_id, interests, capacity, going, came,
    ST_X(location::geometry) AS lon, ST_Y(location::geometry) AS lat
"""
_ON = "{0}ends_at > :at AND {0}starts_at < :until AND ({0}for_all OR {0}community_id = ANY(:hers))"
_UPCOMING = "listing.step_id IS NOT NULL AND " + _ON.format("listing.")
# Of an event of several steps the nearest one, asked of each row by itself: joined, whole tables would be read.
_FIRST = f"""
    listing.id = (SELECT other.id FROM listing AS other
                  WHERE other.event_id = listing.event_id AND other.step_id IS NOT NULL AND {_ON.format("other.")}
                  ORDER BY {postgis.away("other.location")}, other.id LIMIT 1)
"""  # noqa: S608 -- texts of ours, here and below
_PLACES = "listing.step_id IS NULL"
_BEYOND = f"{_AWAY} >= :beyond_m AND ({_AWAY}, listing.id) > (:beyond_m, :beyond_id)"


def events_near(
    session: Session, asked: Asked, *, communities: Collection[str], most: int, beyond: Edge = NOWHERE
) -> list[Candidate]:
    """The nearest steps of gatherings, each gathering once, in the order of distance and id."""
    return _nearest(session, asked, [_UPCOMING, _FIRST], communities, most, beyond)


def venues_near(session: Session, asked: Asked, *, most: int, beyond: Edge = NOWHERE) -> list[Candidate]:
    """The nearest venues, in the order of distance and id."""
    return _nearest(session, asked, [_PLACES], (), most, beyond)


def hers(
    session: Session,
    asked: Asked,
    *,
    communities: Collection[str],
    event_ids: Collection[str],
    venue_ids: Collection[str],
    most: int = HERS,
) -> list[Candidate]:
    """Steps of gatherings of these communities, these gatherings, and those at these venues, the soonest first.

    Each gathering once; within the radius that is asked for.
    """
    ways = {
        "listing.community_id = ANY(:hers)": communities,
        "listing.event_id = ANY(:events)": event_ids,
        "listing.venue_id = ANY(:venues)": venue_ids,
    }
    given = {"events": list(event_ids), "venues": list(venue_ids), "most": most}
    parts = [
        f"(SELECT {_COLUMNS} FROM listing WHERE "  # noqa: S608
        f"{' AND '.join([_UPCOMING, way, _FIRST, *_filters(asked)])} ORDER BY starts_at, listing.id LIMIT :most)"
        for way, ids in ways.items()
        if ids
    ]
    return _read(session, asked, " UNION ".join(parts), communities, given) if parts else []


def _nearest(
    session: Session, asked: Asked, which: list[str], communities: Collection[str], most: int, beyond: Edge
) -> list[Candidate]:
    if beyond.id:
        which = [*which, _BEYOND]
    statement = f"""
        SELECT {_COLUMNS} FROM listing WHERE {" AND ".join([*which, *_filters(asked)])}
        ORDER BY {_AWAY}, listing.id LIMIT :most
    """  # noqa: S608
    given = {"most": most, "beyond_m": beyond.away_m, "beyond_id": beyond.id}
    return _read(session, asked, statement, communities, given)


def _filters(asked: Asked) -> list[str]:
    filters = []
    if asked.radius_m < FARTHEST_M:
        filters.append(postgis.within("listing.location", ":radius_m"))
    if asked.interests:
        filters.append("listing.interests && :interests")
    if asked.community_id is not None:
        filters.append("listing.community_id = :community")
    if asked.places_left:
        filters.append("(listing.capacity IS NULL OR listing.going < listing.capacity)")
    return filters


def _read(
    session: Session, asked: Asked, statement: str, communities: Collection[str], more: dict[str, Any]
) -> list[Candidate]:
    given = {
        "lon": asked.place[0],
        "lat": asked.place[1],
        "at": asked.at,
        "until": asked.until,
        "radius_m": asked.radius_m,
        "interests": list(asked.interests),
        "community": asked.community_id,
        "hers": list(communities),
        **more,
    }
    return [Candidate(*row) for row in session.execute(text(statement), given)]
