"""What there is to rank for somebody at a place: the nearest, and beside them what is hers however far.

Only what she may know of: what is for everybody, and what is for communities that she belongs to.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from geo import postgis
from geo.areas import Position
from server import database
from server.nearby import moments

HERS = 60  # of each of the ways in which something is hers, the soonest
FARTHEST_M = 20_100_000.0  # half around the earth: everything


class Asked(NamedTuple):
    """What is looked for. at, until: what is on between them. radius_m: not further away than that.

    interests: about one of these. community_id: of that one alone. places_left: not full.
    """

    place: Position
    at: dt.datetime
    until: dt.datetime
    radius_m: float = FARTHEST_M
    interests: tuple[str, ...] = ()
    community_id: str | None = None
    places_left: bool = False


class Candidate(NamedTuple):
    """A listing, and how far away it is in metres. first: of what it is a step of, the nearest that is looked for.

    mood: how lively its venue is at that time, a server.nearby.moments.Mood; None where nobody knows. part: of what is
    looked for, that by which it was found.
    """

    id: int
    event_id: str | None
    step_id: str | None
    venue_id: str
    away_m: float
    lon: float
    lat: float
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
    mood: str | None
    first: bool
    part: int

    @property
    def full(self) -> bool:
        """Whether no place is left."""
        return self.capacity is not None and self.going >= self.capacity


class Edge(NamedTuple):
    """How far a search has come: what follows is further away, or as far and of a higher id."""

    away_m: float = -1.0
    id: int = 0


NOWHERE = Edge()  # of a search that begins
THE_END = Edge(float(2**53), 2**62)  # behind everything


class Part(NamedTuple):
    """What to look for next of one kind: how many, and behind what. most: 0 for none."""

    most: int
    beyond: Edge = NOWHERE


class Hers(NamedTuple):
    """What is hers, however far within the radius: what takes place there is found, the soonest HERS of each."""

    communities: Collection[str] = ()
    event_ids: Collection[str] = ()
    venue_ids: Collection[str] = ()


NOTHING_OF_HERS = Hers()


class Near(NamedTuple):
    """Candidates, each once, and where those of the two kinds end."""

    found: list[Candidate]
    events_end: Edge
    venues_end: Edge


_AWAY = postgis.away("listing.location")
_COLUMNS = """
    id, event_id, step_id, venue_id, away_m, lon, lat, vague, starts_at, ends_at, community_id, organizer_id, series_id,
    interests, capacity, going, came,
    (SELECT mood FROM venue_moment AS moment
     WHERE moment.venue_id = found.venue_id AND moment.at > :fresh AND moment.at <= :at) AS mood
"""
_ON = "{0}ends_at > :at AND {0}starts_at < :until AND ({0}for_all OR {0}community_id = ANY(:communities))"
_UPCOMING = "listing.step_id IS NOT NULL AND " + _ON.format("listing.")
# Asked of the few rows that were found: joined before, whole tables would be read.
_FIRST = f"""
    NOT several OR id = (SELECT other.id FROM listing AS other
                         WHERE other.event_id = found.event_id AND other.step_id IS NOT NULL AND {_ON.format("other.")}
                         ORDER BY {postgis.away("other.location")}, other.id LIMIT 1)
"""  # noqa: S608 -- texts of ours, here and below
_EVENTS, _VENUES, _HERS = range(3)  # where a row comes from
_WAYS = (
    "listing.community_id = ANY(:communities)",
    "listing.event_id = ANY(:event_ids)",
    "listing.venue_id = ANY(:venue_ids)",
)


def near(
    session: Session,
    asked: Asked,
    *,
    communities: Collection[str],
    events: Part,
    venues: Part,
    hers: Hers = NOTHING_OF_HERS,
) -> Near:
    """The nearest steps of gatherings and the nearest venues, and beside them what is hers; by one statement.

    communities: those that she belongs to, whose gatherings she may know of.
    """
    ways = tuple(way for way, ids in zip(_WAYS, hers, strict=True) if ids)
    if not (events.most or venues.most or ways):
        return Near([], THE_END, THE_END)
    statement = _statement(
        _filters(asked), (events.most, events.beyond != NOWHERE), (venues.most, venues.beyond != NOWHERE), ways
    )
    given = {
        "here": postgis.here(asked.place),
        "at": asked.at,
        "until": asked.until,
        "fresh": asked.at - moments.FRESH,
        "radius_m": asked.radius_m,
        "interests": list(asked.interests),
        "community": asked.community_id,
        "communities": list(communities),
        "event_ids": list(hers.event_ids),
        "venue_ids": list(hers.venue_ids),
        "events_m": events.beyond.away_m,
        "events_id": events.beyond.id,
        "venues_m": venues.beyond.away_m,
        "venues_id": venues.beyond.id,
    }
    rows = database.read_as(session, statement, given, Candidate._make)
    ends = [_end(rows, part, wanted) for part, wanted in ((_EVENTS, events), (_VENUES, venues))]
    return Near(list({one.id: one for one in rows if one.first}.values()), *ends)


def _end(rows: Sequence[Candidate], part: int, wanted: Part) -> Edge:
    """Where a part that was looked for ends: at the last of what was found, if there may be more."""
    edges = [(one.away_m, one.id) for one in rows if one.part == part]
    return Edge(*max(edges)) if wanted.most and len(edges) >= wanted.most else THE_END


@lru_cache(256)
def _statement(
    filters: tuple[str, ...], events: tuple[int, bool], venues: tuple[int, bool], ways: tuple[str, ...]
) -> TextClause:
    parts = [
        _nearest(_EVENTS, _UPCOMING, filters, *events, "events", _FIRST),
        _nearest(_VENUES, "listing.step_id IS NULL", filters, *venues, "venues", "true"),
    ]
    if ways:
        of_each = [
            f"(SELECT id FROM listing WHERE {' AND '.join([_UPCOMING, way, *filters])}"  # noqa: S608
            f" ORDER BY starts_at, id LIMIT {HERS:d})"
            for way in ways
        ]
        parts.append(f"""
            SELECT {_COLUMNS}, {_FIRST} AS first, {_HERS} AS part
            FROM (SELECT *, {_AWAY} AS away_m FROM listing WHERE id IN ({" UNION ".join(of_each)})) AS found
        """)  # noqa: S608
    return text(" UNION ALL ".join(part for part in parts if part))


def _nearest(part: int, which: str, filters: tuple[str, ...], most: int, goes_on: bool, name: str, first: str) -> str:
    """How many are wanted stands in the statement: a plan that did not know it would sort whole cities.

    All that are as far away as the last are taken, so that none of them is lost between two pages.
    """
    if not most:
        return ""
    beyond = f"{_AWAY} >= :{name}_m AND ({_AWAY}, listing.id) > (:{name}_m, :{name}_id)"
    wanted = " AND ".join([which, *filters, *([beyond] if goes_on else [])])
    return f"""
        SELECT {_COLUMNS}, {first} AS first, {part} AS part
        FROM (SELECT *, {_AWAY} AS away_m FROM listing WHERE {wanted}
              ORDER BY {_AWAY} FETCH FIRST {most:d} ROWS WITH TIES) AS found
    """  # noqa: S608


def _filters(asked: Asked) -> tuple[str, ...]:
    filters = {
        postgis.within("listing.location", ":radius_m"): asked.radius_m < FARTHEST_M,
        "listing.interests && :interests": bool(asked.interests),
        "listing.community_id = :community": asked.community_id is not None,
        "(listing.capacity IS NULL OR listing.going < listing.capacity)": asked.places_left,
    }
    return tuple(one for one, wanted in filters.items() if wanted)
