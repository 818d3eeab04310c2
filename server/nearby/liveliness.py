"""How lively venues are at this moment: counted and written for all of them by a few statements."""

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Presence
from server import constraints, times
from server.fans import service as fans
from server.nearby import heard, moments
from server.nearby.model import VenueMoment
from server.nearby.moments import Moment, Mood

PARTS = 3  # of a quarter of an hour, in all but one of which an agent has to hear a beacon that it knows
PART_MS = heard.QUARTER_MS // PARTS
_HOUR_MS = 3600 * 1000

# run: of each agent what it listened to in the quarter, and the last run before it. Who was silent for longer than
# given_up_ms is not waited for. An agent is deaf in fact (server/presence/deafness.py) if it heard none of the beacons
# that it is known to hear, of agents that listened, in two of the three parts of the quarter.
_COUNT = text(f"""
    WITH placed AS MATERIALIZED (
        SELECT placement.id, placement.venue_id, placement.agent_id,
               coalesce(floor(extract(epoch FROM lower(placement.valid)) * 1000)::bigint, 0) AS placed_ms
        FROM placement JOIN venue ON venue.id = placement.venue_id AND {heard.VENUES}
        WHERE placement.valid @> CAST(:now AS timestamptz)
    ), listening AS MATERIALIZED (
        SELECT placed.id, placed.venue_id, placed.agent_id,
               greatest(placed.placed_ms, max(run.to_ms)) AS last_ms,
               sum(greatest(0, least(run.to_ms, :now_ms) - greatest(run.from_ms, :since_ms))) AS listened_ms
        FROM placed LEFT JOIN LATERAL (
            SELECT from_ms, to_ms FROM coverage
            WHERE placement_id = placed.id AND from_ms >= :since_ms AND from_ms < :now_ms
            UNION ALL
            (SELECT from_ms, to_ms FROM coverage WHERE placement_id = placed.id AND from_ms < :since_ms
             ORDER BY from_ms DESC LIMIT 1)) AS run ON true
        GROUP BY placed.id, placed.venue_id, placed.agent_id, placed.placed_ms
    ), known AS MATERIALIZED (
        SELECT listening.id, sender.agent_id
        FROM listening JOIN listening AS sender
             ON sender.venue_id = listening.venue_id AND sender.listened_ms >= :listened_ms
        WHERE EXISTS (SELECT FROM beacon_span WHERE beacon_span.beacon_agent_id = sender.agent_id
                      AND beacon_span.placement_id = listening.id
                      AND beacon_span.to_ms - beacon_span.from_ms >= :learn_ms)
          AND EXISTS (SELECT FROM identity WHERE identity.agent_id = sender.agent_id
                      AND identity.valid @> CAST(:now AS timestamptz))
    ), deaf AS (
        SELECT id FROM (
            SELECT known.id, part,
                   bool_or((SELECT to_ms FROM beacon_span
                            WHERE beacon_agent_id = known.agent_id AND placement_id = known.id
                              AND from_ms < :since_ms + (part + 1) * :part_ms
                            ORDER BY from_ms DESC LIMIT 1) >= :since_ms + part * :part_ms) AS heard
            FROM known CROSS JOIN generate_series(0, :parts - 1) AS part
            GROUP BY known.id, part) AS each
        GROUP BY id HAVING count(*) FILTER (WHERE heard) < :parts - 1
    ), able AS MATERIALIZED (
        SELECT venue_id FROM listening
        WHERE last_ms > :now_ms - :given_up_ms
        GROUP BY venue_id
        HAVING coalesce(min(listened_ms), 0) >= :listened_ms
           AND count(*) FILTER (WHERE listened_ms IS NULL OR id IN (SELECT id FROM deaf)) = 0
    )
    SELECT able.venue_id, counted.people, usual.people AS usual, before.mood, before.people AS told
    FROM able JOIN venue ON venue.id = able.venue_id
    CROSS JOIN LATERAL (
        SELECT count(DISTINCT {heard.PERSON}) AS people
        FROM visit {heard.HOLDER}
        WHERE visit.venue_id = able.venue_id AND visit.reach_ms >= :since_ms AND visit.to_ms >= :since_ms
          AND visit.from_ms <= :now_ms AND {heard.COUNTS}) AS counted
    LEFT JOIN venue_usual AS usual ON usual.venue_id = able.venue_id
         AND usual.hour = (extract(isodow FROM CAST(:now AS timestamptz) AT TIME ZONE venue.time_zone) - 1) * 24
                          + extract(hour FROM CAST(:now AS timestamptz) AT TIME ZONE venue.time_zone)
    LEFT JOIN venue_moment AS before ON before.venue_id = able.venue_id AND before.at > :fresh AND before.at <= :now
    ORDER BY able.venue_id
""")  # noqa: S608 -- texts of ours

_WRITE = text("""
    INSERT INTO venue_moment (venue_id, at, mood, people)
    SELECT venue.id, :now, told.mood, told.people
    FROM unnest(CAST(:venues AS text[]), CAST(:moods AS text[]), CAST(:people AS bigint[])) AS told (id, mood, people)
    JOIN venue ON venue.id = told.id
    ORDER BY venue.id
    ON CONFLICT (venue_id) DO UPDATE SET at = excluded.at, mood = excluded.mood, people = excluded.people
    WHERE venue_moment.at < excluded.at
""")
_FORGET = text("DELETE FROM venue_moment WHERE at < :now")


def write(session: Session, *, now: dt.datetime, presence: Presence) -> int:
    """Writes how lively each venue is where all listen, and forgets it of all others; returns of how many it is known.

    Twice is as once, and an older one that comes later changes nothing; several at once take turns.
    """
    constraints.take_turn(session, "how lively venues are")
    now_ms = times.to_ms(now)
    given = {
        "now": now,
        "now_ms": now_ms,
        "since_ms": now_ms - heard.QUARTER_MS,
        "fresh": now - moments.FRESH,
        "listened_ms": heard.LISTENED_MS,
        "given_up_ms": round(presence.given_up_after_s * 1000),
        "learn_ms": round(presence.beacon_learn_s * 1000),
        "parts": PARTS,
        "part_ms": PART_MS,
    }
    rows = session.execute(_COUNT, given).all()
    offset = fans.offsets(session, "moment")
    # An hour is too short to find out the offset by bringing people in one by one, each of whom is told for a quarter.
    hour = now_ms // _HOUR_MS
    told: dict[str, Moment] = {}
    for row in rows:
        before = None if row.mood is None else Moment(Mood(row.mood), row.told)
        told[row.venue_id] = moments.tell(row.people, row.usual, before, offset(f"{row.venue_id}/{hour}"))
    written = {
        "now": now,
        "venues": list(told),
        "moods": [one.mood.value for one in told.values()],
        "people": [one.people for one in told.values()],
    }
    session.execute(_WRITE, written)
    session.execute(_FORGET, {"now": now})
    return len(told)


def of_venue(session: Session, venue_id: str, *, now: dt.datetime) -> Moment | None:
    """How lively a venue is now; None where nobody knows."""
    row = session.get(VenueMoment, venue_id)
    if row is None or not now - moments.FRESH < row.at <= now:
        return None
    return Moment(Mood(row.mood), row.people)
