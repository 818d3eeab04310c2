"""Whose visits these are: what the radio says of badges, cut to the time in which a member held them."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from server import paging, times

# The order of both: a badge that changed hands during a visit is told for each holder.
_ORDER = ("her visits", int, int, int)
_PAGE = """
    SELECT * FROM ({told}) AS told
    WHERE CAST(:to_ms AS bigint) IS NULL OR (to_ms, visit_id, pairing_id) < (:to_ms, :visit_id, :pairing_id)
    ORDER BY to_ms DESC, visit_id DESC, pairing_id DESC LIMIT :limit
"""

# Bounds that are not there are null, which greatest and least pass over.
_OF_MEMBER = """
    SELECT visit.id AS visit_id, pairing.id AS pairing_id, visit.badge_id, visit.venue_id, pairing.member_id,
           greatest(visit.from_ms, ceil(extract(epoch FROM lower(pairing.valid)) * 1000)::bigint) AS from_ms,
           least(visit.to_ms, ceil(extract(epoch FROM upper(pairing.valid)) * 1000)::bigint - 1) AS to_ms
    FROM pairing JOIN visit ON visit.badge_id = pairing.badge_id
         AND pairing.valid && tstzrange(to_timestamp(visit.from_ms / 1000.0), to_timestamp(visit.to_ms / 1000.0), '[]')
    WHERE pairing.member_id = :member
"""

# Cut to the steps too: what a badge did there at other times is no matter of the event's.
_OF_EVENT = """
    SELECT visit.id AS visit_id, coalesce(pairing.id, 0) AS pairing_id, visit.badge_id, visit.venue_id,
           pairing.member_id,
           greatest(visit.from_ms, step.opens_ms,
                    ceil(extract(epoch FROM lower(pairing.valid)) * 1000)::bigint) AS from_ms,
           least(visit.to_ms, step.ends_ms, ceil(extract(epoch FROM upper(pairing.valid)) * 1000)::bigint - 1) AS to_ms
    FROM (SELECT venue_id, floor(extract(epoch FROM min(opens_at)) * 1000)::bigint AS opens_ms,
                 floor(extract(epoch FROM max(ends_at)) * 1000)::bigint AS ends_ms
          FROM step WHERE event_id = :event GROUP BY venue_id) AS step
    JOIN visit ON visit.venue_id = step.venue_id AND visit.reach_ms >= step.opens_ms
         AND visit.to_ms >= step.opens_ms AND visit.from_ms <= step.ends_ms
    LEFT JOIN pairing ON pairing.badge_id = visit.badge_id
         AND pairing.valid && tstzrange(to_timestamp(greatest(visit.from_ms, step.opens_ms) / 1000.0),
                                        to_timestamp(least(visit.to_ms, step.ends_ms) / 1000.0), '[]')
"""


class HerVisit(NamedTuple):
    """A part of a visit in which one member held the badge; member_id: None for nobody."""

    badge_id: int
    venue_id: str
    member_id: str | None
    from_at: dt.datetime
    to_at: dt.datetime


def of_member(session: Session, *, member_id: str, page: paging.Page = paging.EVERYTHING) -> list[HerVisit]:
    """A member's own visits, the latest first."""
    return _read(session, _OF_MEMBER, {"member": member_id}, page)


def of_event(session: Session, *, event_id: str, page: paging.Page = paging.EVERYTHING) -> list[HerVisit]:
    """The visits at an event's venues while it was on, the latest first."""
    return _read(session, _OF_EVENT, {"event": event_id}, page)


def _read(session: Session, told: str, of: dict[str, str], page: paging.Page) -> list[HerVisit]:
    after = page.after(*_ORDER) or (None, None, None)
    key = dict(zip(("to_ms", "visit_id", "pairing_id"), after, strict=True))
    found = session.execute(text(_PAGE.format(told=told)), {**of, **key, "limit": page.rows}).all()
    rows = page.cut(found, _ORDER[0], lambda row: (row.to_ms, row.visit_id, row.pairing_id))
    return [
        HerVisit(row.badge_id, row.venue_id, row.member_id, times.from_ms(row.from_ms), times.from_ms(row.to_ms))
        for row in rows
    ]
