"""What is known of somebody that tells where she would love to go: what she likes, belongs to, and really came to."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.areas import Position

# Of what she came to, the latest: her taste of late, and a bound on what is read.
LATEST = 60


class Came(NamedTuple):
    """Something that she came to. place: None where that is nobody's business (a home)."""

    at: dt.datetime
    venue_id: str
    place: Position | None
    community_id: str | None
    series_id: str | None
    organizer_id: str | None
    interests: tuple[str, ...]


class Person(NamedTuple):
    """Her interests as she says them, her communities with their names, and what she came to, the latest first."""

    id: str
    interests: tuple[str, ...]
    communities: Mapping[str, str]
    came: tuple[Came, ...]

    def times(self) -> Counter[str]:
        """How often she came to what: `venue/<id>`, `community/<id>`, `series/<id>`, `organizer/<id>`."""
        return Counter(key for came in self.came for key in keys_of(came))


_INTERESTS = text("SELECT interest_id FROM member_interest WHERE member_id = :member ORDER BY interest_id")
_COMMUNITIES = text("""
    SELECT community.id, community.name FROM community_member JOIN community ON community.id = community_id
    WHERE member_id = :member AND community.dissolved_at IS NULL ORDER BY community.id
""")
# A step and a venue's day are each one coming.
_CAME = text("""
    SELECT checkin.at, venue.id AS venue_id, venue.kind,
           ST_X(venue.location::geometry) AS lon, ST_Y(venue.location::geometry) AS lat,
           event.community_id, event.series_id, event.organizer_id,
           ARRAY(SELECT interest_id FROM event_interest WHERE event_interest.event_id = event.id) AS interests
    FROM (SELECT at, step_id, venue_id FROM checkin
          WHERE member_id = :member AND undone_at IS NULL AND at < :now ORDER BY at DESC LIMIT :latest) AS checkin
    LEFT JOIN step ON step.id = checkin.step_id
    LEFT JOIN event ON event.id = step.event_id
    JOIN venue ON venue.id = coalesce(checkin.venue_id, step.venue_id)
    ORDER BY checkin.at DESC
""")


def read(session: Session, *, member_id: str, now: dt.datetime) -> Person:
    """What is known of a member by now."""
    given = {"member": member_id, "now": now, "latest": LATEST}
    return Person(
        member_id,
        tuple(session.scalars(_INTERESTS, given)),
        dict(session.execute(_COMMUNITIES, given).all()),
        tuple(
            Came(
                row.at,
                row.venue_id,
                None if row.kind == "home" or row.lon is None else (row.lon, row.lat),
                row.community_id,
                row.series_id,
                row.organizer_id,
                tuple(row.interests),
            )
            for row in session.execute(_CAME, given)
        ),
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
