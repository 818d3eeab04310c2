"""A city full of venues and of members who go somewhere, straight into the tables: for plans and benchmarks."""

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import cells

_FILL = (
    """INSERT INTO member (id, name) SELECT 'many-' || n, 'Member ' || n FROM generate_series(1, :members) AS n""",
    """INSERT INTO venue (id, name, time_zone, location)
       SELECT 'place-' || n, 'Place ' || n, 'UTC',
              ST_SetSRID(ST_MakePoint(13.2 + (n % 317) * 0.001, 52.4 + (n / 317 % 211) * 0.001), 4326)::geography
       FROM generate_series(1, :venues) AS n""",
    """INSERT INTO event (id, name, organizer_id)
       SELECT 'gathering-' || n, 'Gathering ' || n, 'many-1' FROM generate_series(1, :venues) AS n""",
    """INSERT INTO step (id, event_id, position, name, venue_id, opens_at, starts_at, ends_at, dwell_signed_up_s,
                         dwell_walk_in_s)
       SELECT 'gathering-' || n || '-1', 'gathering-' || n, 1, 'Step', 'place-' || n, CAST(:now AS timestamptz) - '1 h'
              ::interval, CAST(:now AS timestamptz) + '1 h'::interval, CAST(:now AS timestamptz) + '9 h'::interval,
              15, 90
       FROM generate_series(1, :venues) AS n""",
    """INSERT INTO sign_up (event_id, member_id, turn)
       SELECT 'gathering-' || (n * 7 % :venues + 1), 'many-' || n, n FROM generate_series(1, :members) AS n""",
    """INSERT INTO sign_up_step (step_id, member_id, event_id, state, turn)
       SELECT 'gathering-' || (n * 7 % :venues + 1) || '-1', 'many-' || n, 'gathering-' || (n * 7 % :venues + 1),
              'going', n FROM generate_series(1, :members, 10) AS n""",
    """INSERT INTO remembered_venue (member_id, venue_id, since)
       SELECT 'many-' || n, 'place-' || (n * 13 % :venues + 1), CAST(:now AS timestamptz) - '1 day'::interval
       FROM generate_series(1, :members) AS n""",
    """INSERT INTO position_use (member_id, fences, company, changed_at)
       SELECT 'many-' || n, true, n % 10 = 0, :now FROM generate_series(1, :members) AS n""",
    """INSERT INTO community (id, name)
       SELECT 'circle-' || n, 'Circle ' || n FROM generate_series(0, :members / 50) AS n""",
    """INSERT INTO community_member (community_id, member_id)
       SELECT 'circle-' || n / 50, 'many-' || n FROM generate_series(1, :members) AS n""",
)
_MORE = (
    """INSERT INTO fence_state (member_id, venue_id, source, last_at, outside_m, off_m, until)
       SELECT 'many-' || n, 'place-' || (n * 7 % :venues + 1), 'phone', :now, 500, 20,
              CAST(:now AS timestamptz) + '6 h'::interval
       FROM generate_series(1, :members) AS n""",
    """INSERT INTO encounter (one_id, other_id, began_at, ended_at)
       SELECT 'many-' || n, 'many-' || (n + 1), :now, :now FROM generate_series(1, :members - 1) AS n""",
)
_CELLS = text("""
    INSERT INTO company_cell (member_id, cell, at)
    SELECT 'many-' || n, (CAST(:cells AS bigint[]))[n % :count + 1], :now FROM generate_series(1, :members, 10) AS n
""")


def fill(session: Session, *, members: int, venues: int, now: dt.datetime, states: bool = True) -> None:
    """So many venues, each with a gathering that is on, and members of whom each goes to one and is remembered by one.

    states: phones and encounters as well, as after a day.
    """
    given = {"members": members, "venues": venues, "now": now}
    for statement in (*_FILL, *(_MORE if states else ())):
        session.execute(text(statement), given)
    if states:
        spots = [cells.of((13.2 + step % 30 * 0.005, 52.4 + step // 30 * 0.005), cells.NEAR) for step in range(900)]
        session.execute(_CELLS, {"cells": spots, "count": len(spots), "members": members, "now": now})
    for table in (
        "member",
        "venue",
        "event",
        "step",
        "sign_up",
        "sign_up_step",
        "remembered_venue",
        "position_use",
        "fence_state",
    ):
        session.execute(text(f"ANALYZE {table}"))
    for table in ("company_cell", "encounter", "community_member"):
        session.execute(text(f"ANALYZE {table}"))
