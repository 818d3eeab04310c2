"""Taking a check-in back, and having visits to a venue remembered: asked once, and only she sees them."""

import datetime as dt

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server import constraints, errors, topics
from server.audit import service as audit
from server.checkins.model import CheckIn, RememberedVenue
from server.events import completion
from server.events import service as events
from server.events.completion import Progress
from server.events.model import Event
from server.fleet import fence
from server.people import service as people
from server.presence import service as presence_service
from server.venues import service as venues


class NotCheckedIn(errors.NotFound):
    """There is no such check-in, or it was taken back already."""

    code = "not_checked_in"


def undo(session: Session, *, checkin_id: int, now: dt.datetime, by: str | None, door_id: int | None = None) -> None:
    """Takes a check-in back: the row stays, a new row says when and by whom, and earlier evidence never counts again.

    now: the clock; a replayed venue's own is taken by itself. by: None for a door without an account. It is noted: of
    the event, and a visit to a venue, which is hers alone, of herself.
    Raises NotCheckedIn when there is none or it was taken back already.
    """
    venue_id = session.scalar(
        text("""
            SELECT coalesce(step.venue_id, checkin.venue_id)
            FROM checkin LEFT JOIN step ON step.id = checkin.step_id WHERE checkin.id = :id
        """),
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
            UPDATE checkin SET undone_at = greatest(CAST(:at AS timestamptz), checkin.at)
            WHERE checkin.id = :id AND undone_at IS NULL
            RETURNING member_id, (SELECT event_id FROM step WHERE step.id = step_id) AS event_id, undone_at
        """),
        {"id": checkin_id, "at": at},
    ).one_or_none()
    if undone is None:
        raise NotCheckedIn
    session.execute(
        text('INSERT INTO undoing (checkin_id, at, "by") VALUES (:id, :at, :by)'),
        {"id": checkin_id, "at": undone.undone_at, "by": by},
    )
    of_event = [] if undone.event_id is None else [f"event/{undone.event_id}"]
    of_member = [] if undone.member_id is None else [f"member/{undone.member_id}"]
    topics.bump(session, [topics.EXPECTED, *of_member, *of_event])
    for of in (*of_event, *of_member)[:1]:
        audit.note(session, "check_in.undone", of=of, now=now, by=by, door_id=door_id, checkin=checkin_id)


def remember(session: Session, *, member_id: str, venue_id: str, now: dt.datetime) -> None:
    """From now on her visits there check her in, once a day; twice is as once. Raises MemberUnknown, VenueUnknown."""
    people.get(session, member_id)
    venues.get(session, venue_id)
    _lock(session, member_id, venue_id)
    if not remembered(session, member_id=member_id, venue_id=venue_id):
        session.add(RememberedVenue(member_id=member_id, venue_id=venue_id, since=now))
        session.flush()
        topics.bump(session, [topics.EXPECTED, f"member/{member_id}"])


def forget(session: Session, *, member_id: str, venue_id: str, now: dt.datetime) -> None:
    """From now on her visits there check her in no more; those that were stay hers. What was never asked is fine."""
    _lock(session, member_id, venue_id)
    ended = session.execute(
        text("""
            UPDATE remembered_venue SET ended_at = greatest(since, CAST(:now AS timestamptz))
            WHERE member_id = :member AND venue_id = :venue AND ended_at IS NULL RETURNING member_id
        """),
        {"member": member_id, "venue": venue_id, "now": now},
    ).all()
    if ended:
        topics.bump(session, [topics.EXPECTED, f"member/{member_id}"])


def decline(session: Session, *, member_id: str, venue_id: str, now: dt.datetime) -> None:
    """She was asked and does not want it: remembered no more, or never, and not asked again. Raises VenueUnknown."""
    venues.get(session, venue_id)
    forget(session, member_id=member_id, venue_id=venue_id, now=now)
    if not was_asked(session, member_id=member_id, venue_id=venue_id):
        session.add(RememberedVenue(member_id=member_id, venue_id=venue_id, since=now, ended_at=now))
        session.flush()
        topics.bump(session, [f"member/{member_id}"])


def was_asked(session: Session, *, member_id: str, venue_id: str) -> bool:
    """Whether she has said yes or no once."""
    asked = select(RememberedVenue.id).where(
        RememberedVenue.member_id == member_id, RememberedVenue.venue_id == venue_id
    )
    return session.scalar(asked.limit(1)) is not None


def remembered(session: Session, *, member_id: str, venue_id: str) -> bool:
    """Whether her visits there are remembered now."""
    return (
        session.scalar(_STANDING.where(RememberedVenue.member_id == member_id, RememberedVenue.venue_id == venue_id))
        is not None
    )


def venues_of(session: Session, *, member_id: str) -> list[str]:
    """The ids of the venues that remember her visits now."""
    rows = _STANDING.where(RememberedVenue.member_id == member_id).order_by(RememberedVenue.venue_id)
    return list(session.scalars(rows))


_STANDING = select(RememberedVenue.venue_id).where(RememberedVenue.ended_at.is_(None))


def progress(session: Session, *, event: Event, member_id: str) -> Progress:
    """How far a member is with an event: the steps that she is checked in to, and how many make it complete."""
    steps = [step.id for step in events.steps_of(session, event_id=event.id)]
    came = select(CheckIn.step_id).where(
        CheckIn.member_id == member_id, CheckIn.step_id.in_(steps), CheckIn.undone_at.is_(None)
    )
    return completion.progress(steps, event.needs, {step_id for step_id in session.scalars(came) if step_id})


def _lock(session: Session, member_id: str, venue_id: str) -> None:
    constraints.take_turn(session, f"remember {member_id} {venue_id}")
