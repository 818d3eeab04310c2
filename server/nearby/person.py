"""What is known of somebody that tells where she would love to go: what she likes, belongs to, and really came to."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import ranking
from geo.areas import Position
from geo.ranking import Factor, Weights
from server import database

# Of what she came to, the latest: her taste of late, and a bound on what is read.
LATEST = 60


class Came(NamedTuple):
    """Something that she came to. place: None where that is nobody's business (a home)."""

    at: dt.datetime
    venue_id: str
    venue_name: str
    place: Position | None
    community_id: str | None
    series_id: str | None
    organizer_id: str | None
    interests: tuple[str, ...]


class Alike(NamedTuple):
    """People who come to `of`, as she does, come to something else as well: a share of them, 5 or more people."""

    of: str
    share: float
    people: int


class Person(NamedTuple):
    """What is known of her, and how much each factor weighs.

    interests: as she says them. communities: hers, with their names. came: to what, the latest first. likeness: for
    what is of a key (see keys_of), to what of hers it is most alike. met: whether she met anybody. weights: as learnt
    here, else as shipped.
    """

    id: str
    interests: tuple[str, ...]
    communities: Mapping[str, str]
    came: tuple[Came, ...]
    likeness: Mapping[str, Alike]
    met: bool
    weights: Weights

    def times(self) -> Counter[str]:
        """How often she came to what, by its keys."""
        return Counter(key for came in self.came for key in keys_of(came))


# One row. A step and a venue's day are each one coming.
_READ = text("""
    WITH came AS MATERIALIZED (
        SELECT checkin.at, venue.id AS venue_id, venue.name, venue.kind, venue.location::geometry AS location,
               event.community_id, event.series_id, event.organizer_id,
               ARRAY(SELECT interest_id FROM event_interest WHERE event_interest.event_id = event.id) AS interests
        FROM (SELECT at, step_id, venue_id FROM checkin
              WHERE member_id = :member AND undone_at IS NULL AND at < :now ORDER BY at DESC LIMIT :latest) AS checkin
        LEFT JOIN step ON step.id = checkin.step_id
        LEFT JOIN event ON event.id = step.event_id
        JOIN venue ON venue.id = coalesce(checkin.venue_id, step.venue_id)
        ORDER BY checkin.at DESC
    ), keys AS (
        SELECT 'venue/' || venue_id AS key FROM came UNION SELECT 'community/' || community_id FROM came
        UNION SELECT 'series/' || series_id FROM came UNION SELECT 'organizer/' || organizer_id FROM came
    )
    SELECT ARRAY(SELECT interest_id FROM member_interest WHERE member_id = :member ORDER BY interest_id),
           (SELECT json_agg(json_build_array(community.id, community.name))
            FROM community_member JOIN community ON community.id = community_id
            WHERE member_id = :member AND community.dissolved_at IS NULL),
           (SELECT json_agg(json_build_array(extract(epoch FROM at), venue_id, name,
                                             CASE WHEN kind <> 'home' THEN ST_X(location) END,
                                             CASE WHEN kind <> 'home' THEN ST_Y(location) END,
                                             community_id, series_id, organizer_id, interests)) FROM came),
           (SELECT json_agg(json_build_array(other, of, share, people)) FROM (
                SELECT DISTINCT ON (other) other, of, share, people FROM likeness
                WHERE of IN (SELECT key FROM keys WHERE key IS NOT NULL)
                AND other NOT IN (SELECT key FROM keys WHERE key IS NOT NULL) ORDER BY other, share DESC, of) AS alike),
           EXISTS (SELECT FROM met_switch WHERE member_id = :member AND willing)
           AND EXISTS (SELECT FROM met WHERE member_id = :member),
           (SELECT json_object_agg(factor, weight) FROM learnt_weight)
""")


def read(session: Session, *, member_id: str, now: dt.datetime) -> Person:
    """What is known of a member by now."""
    given = {"member": member_id, "now": now, "latest": LATEST}
    ((interests, communities, came, alike, met, weights),) = database.read_rows(session, _READ, given)
    learnt = weights or {}
    return Person(
        member_id,
        tuple(interests),
        dict(communities or ()),
        tuple(_came(*row) for row in came or ()),
        {other: Alike(of, share, people) for other, of, share, people in alike or ()},
        met,
        {factor: learnt.get(factor.value, ranking.DEFAULT[factor]) for factor in Factor},
    )


def keys_of(thing: Came) -> list[str]:
    """What something is of, by which comings are counted, the most special first."""
    return [
        f"{kind}/{of_id}"
        for kind, of_id in (
            ("series", thing.series_id),
            ("venue", thing.venue_id),
            ("community", thing.community_id),
            ("organizer", thing.organizer_id),
        )
        if of_id is not None
    ]


def _came(
    at_s: float,
    venue_id: str,
    name: str,
    lon: float | None,
    lat: float | None,
    community_id: str | None,
    series_id: str | None,
    organizer_id: str | None,
    interests: list[str],
) -> Came:
    at = dt.datetime.fromtimestamp(at_s, dt.UTC)
    place = None if lon is None or lat is None else (lon, lat)
    return Came(at, venue_id, name, place, community_id, series_id, organizer_id, tuple(interests))
