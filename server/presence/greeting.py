"""Who wants to be greeted at a venue, and how often she came: for those alone whose name its keeper may see."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from server import times
from server.consent import reading, rules
from server.consent.rules import Windows

# Who scanned the card at the counter, or checked in by phone, carries nothing that says when she left: a long coffee.
HERE_FOR_MS = 2 * 3600 * 1000
DAY_TURNS_H = 5  # the evening belongs to the day on which it began


class Regular(NamedTuple):
    """Somebody whose name the keeper of the venue may see, as `seen` says; times: days on which she came, today too.

    told_ms: when she last said herself that she is here, by phone or at the counter; 0: never today.
    """

    name: str
    times: int
    told_ms: int
    seen: Windows


_TOLD = text("""
    WITH asked AS (SELECT * FROM unnest(CAST(:venues AS text[]), CAST(:sinces AS timestamptz[])) AS one (venue, since))
    SELECT venue, member_id, max(at) AS at
    FROM (SELECT venue, member_id, at FROM asked JOIN checkin ON venue_id = venue AND at >= asked.since
          WHERE undone_at IS NULL AND member_id IS NOT NULL
          UNION ALL
          SELECT venue, member_id, consent.since
          FROM asked JOIN consent ON of_id = venue AND consent.since >= asked.since
          WHERE kind = 'venue' AND level = 'name' AND source = 'counter' AND ended_at IS NULL) AS told
    GROUP BY venue, member_id
""")

_TIMES = text("""
    SELECT member.id, member.name, count(DISTINCT came.day) AS times
    FROM member LEFT JOIN (
        SELECT pairing.member_id, (to_timestamp(visit.from_ms / 1000.0) AT TIME ZONE :zone
                                   - make_interval(hours => :turns))::date AS day
        FROM pairing JOIN visit ON visit.badge_id = pairing.badge_id AND visit.venue_id = :venue
             AND pairing.valid
                 && tstzrange(to_timestamp(visit.from_ms / 1000.0), to_timestamp(visit.to_ms / 1000.0), '[]')
        WHERE pairing.member_id = ANY(:members)
        UNION
        SELECT member_id, day FROM checkin
        WHERE venue_id = :venue AND undone_at IS NULL AND member_id = ANY(:members)) AS came
         ON came.member_id = member.id
    WHERE member.id = ANY(:members) GROUP BY member.id
""")


def told(session: Session, now_ms: Mapping[str, int]) -> dict[str, dict[str, dt.datetime]]:
    """Who said at these venues that they are there: venue -> member -> when last. now_ms: each venue's own."""
    sinces = [times.from_ms(ms - HERE_FOR_MS) for ms in now_ms.values()]
    found: dict[str, dict[str, dt.datetime]] = {venue_id: {} for venue_id in now_ms}
    for row in session.execute(_TOLD, {"venues": list(now_ms), "sinces": sinces}):
        found[row.venue][row.member_id] = row.at
    return found


def load(
    session: Session, *, venue_id: str, time_zone: str, named: Iterable[str], told: Mapping[str, dt.datetime]
) -> Mapping[str, Regular]:
    """Who may want to be greeted, by her id. named: with badges, and names that may be seen here; told: see there."""
    wanted = {*named, *told}
    if not wanted:
        return {}
    seen = reading.for_venue(session, venue_id, wanted)
    members = [
        member_id for member_id, windows in seen.items() if any(window.level is rules.Level.NAME for window in windows)
    ]
    asked = {"venue": venue_id, "members": members, "zone": time_zone, "turns": DAY_TURNS_H}
    rows = session.execute(_TIMES, asked).all() if members else []
    return {
        row.id: Regular(row.name, max(1, row.times), times.to_ms(told[row.id]) if row.id in told else 0, seen[row.id])
        for row in rows
    }
