"""How many people are usually at a venue in each hour of the week: learnt at night from what was heard there."""

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from server import constraints, times
from server.nearby import heard

BACK = dt.timedelta(weeks=8)  # a season: eight evenings of each hour, and what was in spring is not held against autumn
LEAST_WEEKS = 2  # one evening is no habit
# Of one transaction: a busy shop has 50,000 visits in eight weeks, so what is sorted at once stays below a million.
VENUES = 10

_NEXT = text(f"""
    SELECT venue.id FROM venue
    WHERE venue.id > :after AND (EXISTS (SELECT FROM venue_usual WHERE venue_usual.venue_id = venue.id)
        OR ({heard.VENUES} AND EXISTS (SELECT FROM placement WHERE placement.venue_id = venue.id)))
    ORDER BY venue.id LIMIT :venues
""")  # noqa: S608 -- texts of ours

# An average over the quarters of an hour in which all who listened at all did, empty ones as well. On the clock of the
# venue: the hour that comes twice in autumn counts with both, the one that spring leaves out with none.
_LEARN = text(f"""
    WITH open AS MATERIALIZED (
        SELECT venue_id, quarter FROM (
            SELECT placement.venue_id, quarter,
                   sum(least(run.to_ms, (quarter + 1) * :quarter_ms)
                       - greatest(run.from_ms, quarter * :quarter_ms)) AS listened_ms
            FROM placement JOIN venue ON venue.id = placement.venue_id AND {heard.VENUES}
            CROSS JOIN LATERAL (
                SELECT from_ms, to_ms FROM coverage
                WHERE placement_id = placement.id AND to_ms > :since_ms AND from_ms < :until_ms
                OFFSET 0) AS run
            CROSS JOIN LATERAL generate_series(greatest(run.from_ms, :since_ms) / :quarter_ms,
                                               (least(run.to_ms, :until_ms) - 1) / :quarter_ms) AS quarter
            WHERE placement.venue_id = ANY(:venues)
            GROUP BY placement.venue_id, placement.agent_id, quarter) AS ear
        GROUP BY venue_id, quarter HAVING min(listened_ms) >= :listened_ms
    ), there AS MATERIALIZED (
        SELECT visit.venue_id, quarter, count(DISTINCT {heard.PERSON}) AS people
        FROM visit {heard.HOLDER}
        CROSS JOIN LATERAL generate_series(greatest(visit.from_ms, :since_ms) / :quarter_ms,
                                           least(visit.to_ms, :until_ms - 1) / :quarter_ms) AS quarter
        WHERE visit.venue_id = ANY(:venues) AND visit.reach_ms >= :since_ms AND visit.to_ms >= :since_ms
          AND visit.from_ms < :until_ms AND {heard.COUNTS}
        GROUP BY visit.venue_id, quarter
    ), found AS MATERIALIZED (
        SELECT venue_id, (extract(isodow FROM local) - 1) * 24 + extract(hour FROM local) AS hour,
               avg(people)::float AS people
        FROM (SELECT open.venue_id, coalesce(there.people, 0) AS people,
                     to_timestamp(open.quarter * :quarter_ms / 1000) AT TIME ZONE venue.time_zone AS local
              FROM open JOIN venue ON venue.id = open.venue_id
              LEFT JOIN there ON there.venue_id = open.venue_id AND there.quarter = open.quarter) AS each
        GROUP BY 1, 2 HAVING count(DISTINCT date_trunc('week', local)) >= :weeks
    ), gone AS (
        DELETE FROM venue_usual WHERE venue_id = ANY(:venues) AND NOT EXISTS (
            SELECT FROM found WHERE found.venue_id = venue_usual.venue_id AND found.hour = venue_usual.hour)
    )
    INSERT INTO venue_usual (venue_id, hour, people) SELECT venue_id, hour, people FROM found
    ON CONFLICT (venue_id, hour) DO UPDATE SET people = excluded.people
    WHERE venue_usual.people IS DISTINCT FROM excluded.people
""")  # noqa: S608 -- texts of ours


def learn(session: Session, *, after: str = "", now: dt.datetime) -> str | None:
    """Learns what is usual at the next VENUES venues behind this id; returns the last id, None when none is left.

    A transaction each: killed between two, the next night does all of them again. Twice is as once.
    """
    constraints.take_turn(session, "what is usual at venues")
    venue_ids: list[str] = list(session.scalars(_NEXT, {"after": after, "venues": VENUES}))
    if not venue_ids:
        return None
    given = {
        "now": now,
        "venues": venue_ids,
        "since_ms": times.to_ms(now - BACK) // heard.QUARTER_MS * heard.QUARTER_MS,
        "until_ms": times.to_ms(now) // heard.QUARTER_MS * heard.QUARTER_MS,  # the quarter that is on is not over
        "quarter_ms": heard.QUARTER_MS,
        "listened_ms": heard.LISTENED_MS,
        "weeks": LEAST_WEEKS,
    }
    session.execute(_LEARN, given)
    return venue_ids[-1]
