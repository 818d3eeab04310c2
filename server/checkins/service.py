"""Taking a check-in back, and the venues that remember a member's visits."""

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


_VENUE = text("""
    SELECT coalesce(step.venue_id, checkin.venue_id) FROM checkin LEFT JOIN step ON step.id = checkin.step_id
    WHERE checkin.id = :id
""")

_UNDO = text("""
    UPDATE checkin SET undone_at = greatest(CAST(:at AS timestamptz), checkin.at)
    WHERE checkin.id = :id AND undone_at IS NULL
    RETURNING checkin.member_id, checkin.undone_at,
              (SELECT event_id FROM step WHERE step.id = checkin.step_id) AS event_id
""")

# Who was asked and said no has a row that ended at once.
_REMEMBER = text("""
    INSERT INTO remembered_venue (member_id, venue_id, since) VALUES (:member, :venue, :now)
    ON CONFLICT (member_id, venue_id) WHERE ended_at IS NULL DO NOTHING
""")
_DECLINE = text("""
    INSERT INTO remembered_venue (member_id, venue_id, since, ended_at) VALUES (:member, :venue, :now, :now)
""")
_FORGET = text("""
    UPDATE remembered_venue SET ended_at = greatest(since, CAST(:now AS timestamptz))
    WHERE member_id = :member AND venue_id = :venue AND ended_at IS NULL
    RETURNING id
""")


def undo(session: Session, *, checkin_id: int, now: dt.datetime, by: str | None) -> None:
    """Takes a check-in back: the row stays, a new row says when and by whom, and earlier evidence never counts again.

    now: the clock; a replayed venue's own is taken by itself. by: None for a door without an account.
    Raises NotCheckedIn when there is none or it was taken back already.
    """
    venue_id = session.scalar(_VENUE, {"id": checkin_id})
    if venue_id is None:
        raise NotCheckedIn
    # A gateway's batch that had read the check-in before would write it once more, by evidence from before the undoing.
    fence.touch_venue(session, venue_id)
    at = presence_service.now_of(session, venue=venues.get(session, venue_id), now=now)
    # An agent's clock may be ahead by seconds: what checked her in is before the undoing in any case.
    undone = session.execute(_UNDO, {"id": checkin_id, "at": at}).one_or_none()
    if undone is None:
        raise NotCheckedIn
    session.execute(
        text('INSERT INTO undoing (checkin_id, at, "by") VALUES (:id, :at, :by)'),
        {"id": checkin_id, "at": undone.undone_at, "by": by},
    )
    of = [f"event/{undone.event_id}"] if undone.event_id else []
    hers = [f"member/{undone.member_id}"] if undone.member_id else []
    topics.bump(session, [topics.EXPECTED, *of, *hers])


def remember(session: Session, *, member_id: str, venue_id: str, now: dt.datetime) -> None:
    """From now on her visits there are remembered, for herself alone; twice is as once. Raises VenueUnknown."""
    venues.get(session, venue_id)
    session.execute(_REMEMBER, {"member": member_id, "venue": venue_id, "now": now})
    topics.bump(session, [topics.EXPECTED, f"member/{member_id}"])


def forget(session: Session, *, member_id: str, venue_id: str, now: dt.datetime) -> None:
    """From now on they are not; who was never asked has answered with this. Raises VenueUnknown."""
    venues.get(session, venue_id)
    given = {"member": member_id, "venue": venue_id, "now": now}
    if session.execute(_FORGET, given).first() is None and not was_asked(
        session, member_id=member_id, venue_id=venue_id
    ):
        session.execute(_DECLINE, given)
    topics.bump(session, [topics.EXPECTED, f"member/{member_id}"])


def remembered(session: Session, *, member_id: str) -> dict[str, dt.datetime]:
    """The venues that remember her visits now, each since when."""
    rows = session.execute(
        text("SELECT venue_id, since FROM remembered_venue WHERE member_id = :member AND ended_at IS NULL"),
        {"member": member_id},
    )
    return {row.venue_id: row.since for row in rows}


def was_asked(session: Session, *, member_id: str, venue_id: str) -> bool:
    """Whether she has said yes or no once."""
    found = session.scalar(
        text("SELECT true FROM remembered_venue WHERE member_id = :member AND venue_id = :venue LIMIT 1"),
        {"member": member_id, "venue": venue_id},
    )
    return bool(found)
