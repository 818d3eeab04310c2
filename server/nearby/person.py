"""What is known of somebody that tells where she would love to go: what she likes, belongs to, and really came to."""

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import likeness, ranking
from geo.areas import Position
from geo.ranking import Factor, Weights
from server import database

# Of what she came to, the latest: her taste of late, and a bound on what is read.
LATEST = 60

Name = tuple[str, bool]  # and whether it is the demonstration's, and told in the reader's language then


class Came(NamedTuple):
    """Something that she came to. place: None where that is nobody's business (a home)."""

    at: dt.datetime
    venue_id: str
    venue_name: Name
    place: Position | None
    community_id: str | None
    series_id: str | None
    organizer_id: str | None
    interests: tuple[str, ...]


class Alike(NamedTuple):
    """The same people come to something as to where she goes. much: 0 to 1, of all that she goes to (likeness.reach).

    of: what of it is the most alike; people: how many came to both, 5 or more.
    """

    much: float
    of: str
    people: int


class Person(NamedTuple):
    """What is known of her, and how much each factor weighs.

    interests: as she says them. communities: hers, with their names. came: to what, the latest first. likeness: how
    alike what lasts (see lasting) is to where she goes. met: whether she met anybody. weights: as learnt here, else as
    shipped.
    """

    id: str
    interests: tuple[str, ...]
    communities: Mapping[str, Name]
    came: tuple[Came, ...]
    likeness: Mapping[str, Alike]
    met: bool
    weights: Weights


# One row. A step and a venue's day are each one coming.
_READ = text("""
    WITH came AS MATERIALIZED (
        SELECT checkin.at, venue.id AS venue_id, venue.name, venue.simulated, venue.kind,
               venue.location::geometry AS location,
               event.community_id, event.series_id, event.organizer_id,
               ARRAY(SELECT interest_id FROM event_interest WHERE event_interest.event_id = event.id) AS interests
        FROM (SELECT at, step_id, venue_id FROM checkin
              WHERE member_id = :member AND undone_at IS NULL AND at < :now ORDER BY at DESC LIMIT :latest) AS checkin
        LEFT JOIN step ON step.id = checkin.step_id
        LEFT JOIN event ON event.id = step.event_id
        JOIN venue ON venue.id = coalesce(checkin.venue_id, step.venue_id)
        ORDER BY checkin.at DESC
    ), keys AS (
        SELECT DISTINCT coalesce('series/' || series_id, 'community/' || community_id, 'organizer/' || organizer_id,
                                 'venue/' || venue_id) AS key FROM came
    )
    SELECT ARRAY(SELECT interest_id FROM member_interest WHERE member_id = :member ORDER BY interest_id),
           (SELECT json_agg(json_build_array(community.id, community.name, community.simulated))
            FROM community_member JOIN community ON community.id = community_id
            WHERE member_id = :member AND community.dissolved_at IS NULL),
           (SELECT json_agg(json_build_array(extract(epoch FROM at), venue_id, name, simulated,
                                             CASE WHEN kind <> 'home' THEN ST_X(location) END,
                                             CASE WHEN kind <> 'home' THEN ST_Y(location) END,
                                             community_id, series_id, organizer_id, interests)) FROM came),
           (SELECT json_agg(json_build_array(other, much, ofs[1], people[1])) FROM (
                SELECT other, 1 - exp(sum(ln(1 - least(share, :sure)))) AS much,
                       array_agg(of ORDER BY share DESC, of) AS ofs, array_agg(people ORDER BY share DESC, of) AS people
                FROM likeness WHERE of IN (SELECT key FROM keys) GROUP BY other) AS alike),
           EXISTS (SELECT FROM met_switch WHERE member_id = :member AND willing)
           AND EXISTS (SELECT FROM met WHERE member_id = :member),
           (SELECT json_object_agg(factor, weight) FROM learnt_weight)
""")


def read(session: Session, *, member_id: str, now: dt.datetime) -> Person:
    """What is known of a member by now."""
    given = {"member": member_id, "now": now, "latest": LATEST, "sure": likeness.SURE}
    ((interests, communities, came, alike, met, weights),) = database.read_rows(session, _READ, given)
    learnt = weights or {}
    return Person(
        member_id,
        tuple(interests),
        {community_id: (name, simulated) for community_id, name, simulated in communities or ()},
        tuple(_came(*row) for row in came or ()),
        {other: Alike(*row) for other, *row in alike or ()},
        met,
        {factor: learnt.get(factor.value, ranking.DEFAULT[factor]) for factor in Factor},
    )


def lasting(series_id: str | None, community_id: str | None, organizer_id: str | None, venue_id: str) -> str:
    """What of something comes again, as a key of likeness: its series, else who gathers, else the venue."""
    for kind, of_id in (("series", series_id), ("community", community_id), ("organizer", organizer_id)):
        if of_id is not None:
            return f"{kind}/{of_id}"
    return f"venue/{venue_id}"


def _came(
    at_s: float,
    venue_id: str,
    name: str,
    simulated: bool,
    lon: float | None,
    lat: float | None,
    community_id: str | None,
    series_id: str | None,
    organizer_id: str | None,
    interests: list[str],
) -> Came:
    at = dt.datetime.fromtimestamp(at_s, dt.UTC)
    place = None if lon is None or lat is None else (lon, lat)
    return Came(at, venue_id, (name, simulated), place, community_id, series_id, organizer_id, tuple(interests))
