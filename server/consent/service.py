"""Takes what members say about who may see them, and tells all who may be showing them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from server import names, times, topics
from server.communities import service as communities
from server.consent.model import Consent, ConsentPause
from server.consent.rules import LEVELS, Grant, Kind, Level
from server.errors import Invalid, NotFound
from server.events import service as events
from server.people.model import Member
from server.people.service import MemberUnknown
from server.venues import service as venues

# "For 365 days", said in a leap year, on an evening that lasts into the next day.
LONGEST = dt.timedelta(days=366)
# As far back as a picture of a venue shows anybody (presence.service.LOOK_BACK_MS).
SHOWN_BACK = dt.timedelta(hours=12)
# Streams of an event show names until a day after its end.
EVENTS_BACK = dt.timedelta(days=2)
SOURCES = ("page", "api", "counter")


class NothingSaid(NotFound):
    """You have said nothing about this viewer."""

    code = "nothing_said"


class EndNeeded(Invalid):
    """Who sees a name sees it for a time: say until when, a year from now at most."""

    code = "end_needed"


class EndPast(Invalid):
    """The end lies in the past; it has to be still to come."""

    code = "end_past"


_WHERE = text("""
    SELECT 'venue/' || visit.venue_id FROM pairing JOIN visit ON visit.badge_id = pairing.badge_id
    WHERE pairing.member_id = :member AND visit.reach_ms >= :since_ms
    UNION
    SELECT 'venue/' || venue_id FROM checkin
    WHERE member_id = :member AND venue_id IS NOT NULL AND undone_at IS NULL AND at >= :since
    UNION
    SELECT 'venue/' || of_id FROM consent WHERE member_id = :member AND kind = 'venue' AND of_id IS NOT NULL
    UNION
    SELECT 'event/' || mine.event_id
    FROM (SELECT event_id FROM sign_up WHERE member_id = :member AND state IN ('asked', 'going', 'waiting')
          UNION SELECT step.event_id FROM checkin JOIN step ON step.id = checkin.step_id
          WHERE checkin.member_id = :member) AS mine
    WHERE EXISTS (SELECT FROM step WHERE step.event_id = mine.event_id AND step.ends_at >= :events_since)
""")


def say(
    session: Session,
    *,
    member_id: str,
    kind: Kind,
    of_id: str | None,
    level: Level,
    until: dt.datetime | None,
    source: str,
    now: dt.datetime,
    nonce: bytes | None = None,
) -> Consent:
    """Says what a kind of viewer, or one of them, may see of her from now on; what she said before ends.

    of_id: None for all of that kind. Raises MemberUnknown, EndNeeded, EndPast, Invalid, and the Unknown of what of_id
    names.
    """
    assert source in SOURCES, source
    if level is Level.NAME and until is None:
        raise EndNeeded
    if until is not None:
        if until <= now:
            raise EndPast
        if until > now + LONGEST:
            raise EndNeeded("A consent lasts %(days)s days at most; then you are asked again.", days=LONGEST.days)
    _lock(session, member_id)
    _check_viewer(session, kind, of_id)
    _end(session, member_id, kind, of_id, now)
    said = Consent(
        member_id=member_id,
        kind=kind,
        of_id=of_id,
        level=level.word,
        since=now,
        until=until,
        source=source,
        nonce=nonce,
    )
    session.add(said)
    session.flush()
    tell(session, member_id=member_id, now=now)
    return said


def said_by_tap(session: Session, nonce: bytes) -> Consent | None:
    """What was said by the tap of this number, if it stands or not."""
    return session.scalar(select(Consent).where(Consent.nonce == nonce))


def take_back(session: Session, *, member_id: str, kind: Kind, of_id: str | None, now: dt.datetime) -> None:
    """Ends what she said about this viewer: the default holds again. Raises NothingSaid."""
    _lock(session, member_id)
    if not _end(session, member_id, kind, of_id, now):
        raise NothingSaid
    tell(session, member_id=member_id, now=now)


def pause(session: Session, *, member_id: str, now: dt.datetime) -> ConsentPause:
    """Nobody sees her from now on; twice is as once."""
    _lock(session, member_id)
    lasting = pause_of(session, member_id=member_id)
    if lasting is None:
        lasting = ConsentPause(member_id=member_id, since=now)
        session.add(lasting)
        session.flush()
        tell(session, member_id=member_id, now=now)
    return lasting


def resume(session: Session, *, member_id: str, now: dt.datetime) -> None:
    """Ends the pause: what she said holds again; without one nothing changes."""
    _lock(session, member_id)
    lasting = pause_of(session, member_id=member_id)
    if lasting is not None:
        lasting.ended_at = now
        session.flush()
        tell(session, member_id=member_id, now=now)


def pause_of(session: Session, *, member_id: str) -> ConsentPause | None:
    """The pause that lasts."""
    return session.scalar(
        select(ConsentPause).where(ConsentPause.member_id == member_id, ConsentPause.ended_at.is_(None))
    )


def standing(session: Session, *, member_id: str, now: dt.datetime) -> list[Consent]:
    """What she said and what still stands, the newest first."""
    return list(
        session.scalars(
            select(Consent)
            .where(Consent.member_id == member_id, Consent.ended_at.is_(None))
            .where(func.coalesce(Consent.until, dt.datetime.max.replace(tzinfo=dt.UTC)) > now)
            .order_by(Consent.id.desc())
        )
    )


def standing_for(session: Session, *, member_id: str, kind: Kind, of_id: str, now: dt.datetime) -> Consent | None:
    """What she said about exactly this viewer, if it still stands."""
    return next((said for said in standing(session, member_id=member_id, now=now) if _is_of(said, kind, of_id)), None)


def grant_of(row: Any) -> Grant:
    """A row as the rule takes it."""
    ends = {} if row.until is None else {"until_ms": times.to_ms(row.until)}
    return Grant(Kind(row.kind), row.of_id, LEVELS[row.level], **ends)


def tell(session: Session, *, member_id: str, now: dt.datetime, more: Sequence[str] = ()) -> None:
    """Raises the topics of all that may be showing her: where she is or was just now, her events, her own, consents."""
    shown = session.execute(
        _WHERE,
        {
            "member": member_id,
            "since": now - SHOWN_BACK,
            "since_ms": times.to_ms(now - SHOWN_BACK),
            "events_since": now - EVENTS_BACK,
        },
    ).scalars()
    topics.bump(session, [topics.CONSENTS, f"member/{member_id}", *shown, *more])


def _is_of(said: Consent, kind: Kind, of_id: str | None) -> bool:
    return said.kind == kind and said.of_id == of_id


def _lock(session: Session, member_id: str) -> None:
    """One at a time says something for her, and nobody while she is erased."""
    found = session.scalar(select(Member.id).where(Member.id == member_id).with_for_update(key_share=True))
    if found is None:
        raise MemberUnknown("There is no member %(id)s.", id=member_id[: names.ID_MAX_LENGTH])


def _end(session: Session, member_id: str, kind: Kind, of_id: str | None, now: dt.datetime) -> bool:
    ended = session.execute(
        update(Consent)
        .where(
            Consent.member_id == member_id,
            Consent.kind == kind,
            Consent.of_id.is_not_distinct_from(of_id),
            Consent.ended_at.is_(None),
        )
        .values(ended_at=now)
        .returning(Consent.id)
        .execution_options(synchronize_session="fetch")
    )
    return bool(ended.all())


def _check_viewer(session: Session, kind: Kind, of_id: str | None) -> None:
    if of_id is None:
        return
    if kind is Kind.ORGANIZER:
        events.get(session, of_id)
    elif kind is Kind.COMMUNITY:
        communities.get(session, of_id)
    else:
        venues.get(session, of_id)
