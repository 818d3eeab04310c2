"""Which check-ins are beyond the places that a step has: derived where it is read, so that no order decides it."""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

_OVER = text("""
    SELECT ranked.id
    FROM (SELECT checkin.id, step.capacity,
                 row_number() OVER (PARTITION BY checkin.step_id
                                    ORDER BY checkin.at, checkin.member_id, checkin.id) AS place
          FROM step JOIN checkin ON checkin.step_id = step.id AND checkin.undone_at IS NULL
          WHERE step.id = ANY(:steps) AND step.capacity IS NOT NULL) AS ranked
    WHERE ranked.place > ranked.capacity
""")


def over(session: Session, step_ids: Collection[str]) -> frozenset[int]:
    """The ids of the check-ins at these steps that are over capacity.

    Who came first has a place, of two at the same moment the one whose id comes first; those taken back need none.
    """
    return frozenset(session.execute(_OVER, {"steps": list(step_ids)}).scalars()) if step_ids else frozenset()
