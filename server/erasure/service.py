"""Erases a member: all that is hers goes, what was counted stays a number, and a receipt says so."""

import datetime as dt
import secrets
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import and_, delete, literal, or_, select, text
from sqlalchemy.orm import Session

from config import settings
from config.settings import Presence
from server import topics
from server.consent import service as consent
from server.erasure import personal, unlinking
from server.erasure.model import Erasure
from server.errors import Conflict, NotFound, Refused
from server.events import signups
from server.fleet import fence
from server.inbox import service as inbox
from server.people.model import Member

SHARDS = range(64)
# Who organized what is long past: the events stay, and somebody has to have organized them.
LEFT_ID = "somebody-who-left"
LEFT_NAME = "Somebody who left"
# Until then her guests' names are shown to the host, and somebody has to answer for that.
EVENT_IS_PAST = dt.timedelta(days=1)
NUMBER_BYTES = 5  # 40 bits, told over the telephone in two groups
NAMED_MOST = 5  # of what has to be handed over in one sentence


class Receipt(NamedTuple):
    """That somebody was erased. counts: what was erased, by kind; stays: what stays without her, by kind."""

    number: str
    at: dt.datetime
    counts: dict[str, int]
    stays: dict[str, int]


class AlreadyErased(NotFound):
    """There is nobody here by that id any more."""

    code = "already_erased"


class LastOperator(Refused):
    """You are the only operator of this server: make somebody else an operator first."""

    code = "last_operator"


class HandOverFirst(Refused):
    """Something here is yours alone: hand it over first."""

    code = "hand_over_first"


class ChangedMeanwhile(Conflict):
    """A badge became yours at this very moment: please try again."""

    code = "changed_meanwhile"


class Standing(NamedTuple):
    """What keeps her from being erased: her venues and her events that are not long past, by name."""

    last_operator: bool
    venues: tuple[str, ...]
    events: tuple[str, ...]

    @property
    def is_clear(self) -> bool:
        """Whether nothing does."""
        return not (self.last_operator or self.venues or self.events)


_VENUES = text("SELECT name FROM venue WHERE owner_id = :member ORDER BY name")
_EVENTS = text("""
    SELECT event.name FROM event
    WHERE organizer_id = :member AND EXISTS (
        SELECT FROM step WHERE step.event_id = event.id AND step.ends_at > :since)
    ORDER BY name
""")
_PAST = text("UPDATE event SET organizer_id = :left WHERE organizer_id = :member")
# One number for all her check-ins to an event, so that she counts once there, and another for each event.
_CHECK_INS = text("""
    UPDATE checkin SET member_id = NULL, badge_id = NULL, stranger = numbered.number
    FROM (SELECT event_id, (random() * 9007199254740991)::bigint AS number
          FROM (SELECT DISTINCT coalesce(step.event_id, '') AS event_id FROM checkin AS mine
                LEFT JOIN step ON step.id = mine.step_id WHERE mine.member_id = :member) AS of_events) AS numbered
    WHERE checkin.member_id = :member AND numbered.event_id = coalesce(
        (SELECT step.event_id FROM step WHERE step.id = checkin.step_id), '')
    RETURNING checkin.id, checkin.step_id
""")
_DAYS = text("UPDATE checkin SET stranger = (random() * 9007199254740991)::bigint WHERE id = ANY(:ids)")


def standing(session: Session, *, member_id: str, now: dt.datetime) -> Standing:
    """What keeps a member from being erased."""
    return Standing(
        _is_last_operator(session, member_id),
        tuple(session.execute(_VENUES, {"member": member_id}).scalars()),
        tuple(session.execute(_EVENTS, {"member": member_id, "since": now - EVENT_IS_PAST}).scalars()),
    )


def erase(session: Session, *, member_id: str, now: dt.datetime, presence: Presence | None = None) -> Receipt:
    """Erases a member in this transaction and returns the receipt, which names nobody.

    presence: None for the defaults. Raises AlreadyErased, LastOperator, HandOverFirst, ChangedMeanwhile.
    """
    held = unlinking.held_by(session, member_id)
    if held:
        # Whatever a gateway is recording of her badges has to be through, and what comes later has to wait, wherever.
        fence.touch(session, SHARDS)
    with topics.together(session):
        signups.withdraw_everywhere(session, member_id=member_id, now=now)
    _lock(session, member_id)
    if {one.badge_id for one in unlinking.held_by(session, member_id)} - {one.badge_id for one in held}:
        raise ChangedMeanwhile
    _check_clear(standing(session, member_id=member_id, now=now))
    counts = {
        place.name: found
        for place in personal.places()
        if place.own and (found := personal.count(session, place, member_id))
    }
    with topics.together(session):
        consent.tell(session, member_id=member_id, now=now, more=[topics.EXPECTED])
        visits, venues = unlinking.unlink(session, unlinking.held_by(session, member_id), presence or _presence())
        topics.bump(session, [f"venue/{venue_id}" for venue_id in venues])
        check_ins = _let_check_ins_stay(session, member_id)
        events = _let_events_stay(session, member_id)
    # The member's own row takes all with it that is hers; what only mentions her stays without her.
    personal.forget_named(session, member_id)
    inbox.forget(session, member_id)
    session.execute(delete(Member).where(Member.id == member_id).execution_options(synchronize_session="fetch"))
    receipt = Receipt(_number(), now, counts, {"check-ins": check_ins, "visits": visits, "events": events})
    session.add(Erasure(number=receipt.number, at=now, counts={**counts, **receipt.stays}))
    session.flush()
    return receipt


def find(session: Session, number: str) -> Erasure | None:
    """What is kept of a receipt: when, and how much; for who holds it in her hands."""
    return session.get(Erasure, number)


def _lock(session: Session, member_id: str) -> None:
    """Waits for whatever is being written about her, and lets nothing more be: it would refer to her row.

    Of operators all are locked, or the last two could leave at once.
    """
    operators = select(Member.id).where(Member.operator)
    hers = or_(Member.id == member_id, and_(Member.operator, literal(member_id).in_(operators)))
    locked = session.scalars(select(Member.id).where(hers).order_by(Member.id).with_for_update())
    if member_id not in list(locked):
        raise AlreadyErased


def _is_last_operator(session: Session, member_id: str) -> bool:
    return list(session.scalars(select(Member.id).where(Member.operator).limit(2))) == [member_id]


def _check_clear(found: Standing) -> None:
    if found.last_operator:
        raise LastOperator
    if found.venues:
        raise HandOverFirst(
            "%(names)s: a place that listens needs somebody who answers for it. Make somebody else its owner in its"
            " settings, then come back.",
            names=_list(found.venues),
        )
    if found.events:
        raise HandOverFirst(
            "%(names)s: who comes there relies on you. Hand it over to somebody, or come back a day after it is over.",
            names=_list(found.events),
        )


def _let_check_ins_stay(session: Session, member_id: str) -> int:
    rows = session.execute(_CHECK_INS, {"member": member_id}).all()
    days = [row.id for row in rows if row.step_id is None]
    if days:
        session.execute(_DAYS, {"ids": days})
    return len(rows)


def _let_events_stay(session: Session, member_id: str) -> int:
    hers = session.scalar(text("SELECT count(*) FROM event WHERE organizer_id = :member"), {"member": member_id})
    if not hers:
        return 0
    session.execute(
        text("INSERT INTO member (id, name) VALUES (:id, :name) ON CONFLICT (id) DO NOTHING"),
        {"id": LEFT_ID, "name": LEFT_NAME},
    )
    session.execute(_PAST, {"member": member_id, "left": LEFT_ID})
    return int(hers)


def _number() -> str:
    digits = secrets.token_hex(NUMBER_BYTES).upper()
    return f"{digits[:5]}-{digits[5:]}"


def _list(names: Collection[str]) -> str:
    shown = list(names)[:NAMED_MOST]
    return ", ".join([*shown, "..."] if len(names) > len(shown) else shown)


@lru_cache(maxsize=1)
def _presence() -> Presence:
    return settings.load(environment={}).presence
