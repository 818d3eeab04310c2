"""Taking a check-in back."""

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from server import errors, topics
from server.fleet import fence
from server.presence import service as presence_service
from server.venues import service as venues


class NotCheckedIn(errors.NotFound):
    """There is no such check-in, or it was taken back already."""

    code = "not_checked_in"


def undo(session: Session, *, checkin_id: int, now: dt.datetime, by: str) -> None:
    """Takes a check-in back: the row stays, a new row says when and by whom, and earlier evidence never counts again.

    now: the clock; a replayed venue's own is taken by itself.
    Raises NotCheckedIn when there is none or it was taken back already.
    """
    venue_id = session.scalar(
        text("SELECT step.venue_id FROM checkin JOIN step ON step.id = checkin.step_id WHERE checkin.id = :id"),
        {"id": checkin_id},
    )
    if venue_id is None:
        raise NotCheckedIn
    # A gateway's batch that had read the check-in before would write it once more, by evidence from before the undoing.
    fence.touch_venue(session, venue_id)
    at = presence_service.now_of(session, venue=venues.get(session, venue_id), now=now)
    # An agent's clock may be ahead by seconds: what checked her in is before the undoing in any case.
    undone = session.execute(
        text("""
            UPDATE checkin SET undone_at = greatest(CAST(:at AS timestamptz), checkin.at) FROM step
            WHERE checkin.id = :id AND undone_at IS NULL AND step.id = checkin.step_id
            RETURNING checkin.member_id, step.event_id, checkin.undone_at
        """),
        {"id": checkin_id, "at": at},
    ).one_or_none()
    if undone is None:
        raise NotCheckedIn
    session.execute(
        text('INSERT INTO undoing (checkin_id, at, "by") VALUES (:id, :at, :by)'),
        {"id": checkin_id, "at": undone.undone_at, "by": by},
    )
    topics.bump(session, [topics.EXPECTED, f"event/{undone.event_id}", f"member/{undone.member_id}"])
