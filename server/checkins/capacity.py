"""Which check-ins are beyond the places that a step has: derived where it is read, so that no order decides it."""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

# Everybody's ways through the rooms of an event, as server/doors/places.py reads who is inside: a check-in is an entry,
# entering one room leaves the other, and by a badge nobody is known to go. number 0: the check-in itself.
_OVER = """
    WITH move AS (
        SELECT step.event_id, step.id AS step_id, checkin.id AS checkin_id, checkin.at, 0 AS number, true AS enters,
               coalesce(checkin.member_id, 'erased ' || coalesce(checkin.stranger, checkin.id)) AS who
        FROM step JOIN checkin ON checkin.step_id = step.id AND checkin.undone_at IS NULL
        WHERE step.event_id IN (SELECT event_id FROM step WHERE id = ANY({steps}) AND capacity IS NOT NULL)
    ), moved AS (
        SELECT * FROM move
        UNION ALL
        SELECT move.event_id, move.step_id, move.checkin_id, passage.at, passage.id, passage.direction = 'in', move.who
        FROM move JOIN passage USING (checkin_id)
    ), walked AS (
        SELECT *, lag(CASE WHEN enters THEN step_id END) OVER (PARTITION BY event_id, who ORDER BY at, number) AS room
        FROM moved
    ), change AS (
        SELECT step_id, checkin_id, number, at, who, 1 AS more FROM walked
        WHERE enters AND step_id IS DISTINCT FROM room
        UNION ALL
        SELECT room, checkin_id, number, at, who, -1 FROM walked
        WHERE room IS NOT NULL AND (NOT enters OR step_id <> room)
    ), counted AS (
        SELECT *, sum(more) OVER (PARTITION BY step_id ORDER BY at, more, who, checkin_id, number
                                  ROWS UNBOUNDED PRECEDING) AS inside
        FROM change
    )
    SELECT counted.checkin_id FROM counted JOIN step ON step.id = counted.step_id
    WHERE more = 1 AND number = 0 AND inside > step.capacity AND step.id = ANY({steps})
"""
_OVER_STEPS = text(_OVER.format(steps=":steps"))
# The same of an event's steps, for a statement of its own that streams: as a query of ids, with the parameter `event`.
OVER_OF_EVENT = _OVER.format(steps="ARRAY(SELECT id FROM step WHERE event_id = :event)")


def over(session: Session, step_ids: Collection[str | None]) -> frozenset[int]:
    """The ids of the check-ins at these steps that are over capacity: all places were taken by who was inside then.

    Of two who came at the same moment the one whose id comes first had the place; those taken back need none.
    """
    steps = [step_id for step_id in step_ids if step_id is not None]
    return frozenset(session.execute(_OVER_STEPS, {"steps": steps}).scalars()) if steps else frozenset()
