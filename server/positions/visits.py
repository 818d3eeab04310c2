"""Positions from visits: who is heard at a venue is there; of members who let their positions be used alone."""

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from server import times
from server.positions import service as positions
from server.positions.service import Fix, Source

ACCURACY_M = 30.0  # a room, and the pin of a venue that is put at its door
# Heard so lately: a radio's silence of a few minutes says nothing, and each minute asks again.
BACK = dt.timedelta(minutes=5)

# Recordings are of long ago, and simulated people are nowhere.
_PRESENT = text("""
    SELECT DISTINCT ON (pairing.member_id) pairing.member_id, ST_X(place) AS lon, ST_Y(place) AS lat, visit.to_ms
    FROM visit
    JOIN pairing ON pairing.badge_id = visit.badge_id AND pairing.valid @> CAST(:now AS timestamptz)
    JOIN position_use AS used ON used.member_id = pairing.member_id
         AND (used.told OR used.fences OR used.company OR used.pop_ups OR used.shops)
    JOIN venue ON venue.id = visit.venue_id AND NOT venue.replayed AND venue.location IS NOT NULL
    CROSS JOIN LATERAL CAST(venue.location AS geometry) AS place
    WHERE visit.reach_ms >= :since_ms AND visit.to_ms >= :since_ms
    ORDER BY pairing.member_id, visit.to_ms DESC
""")


def take(session: Session, *, now: dt.datetime) -> int:
    """Keeps where members are whose badges are heard at venues now; how many that was news of."""
    rows = session.execute(_PRESENT, {"now": now, "since_ms": times.to_ms(now - BACK)})
    fixes = [
        Fix(row.member_id, Source.VISIT, "", (row.lon, row.lat), ACCURACY_M, times.from_ms(row.to_ms)) for row in rows
    ]
    return len(positions.keep(session, fixes, now=now))
