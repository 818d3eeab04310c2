"""Redeeming at the counter: the member shows a code for some minutes, whoever stands there confirms with one tap.

Of two taps at once one redeems, and the other is told the same: the row of the code is locked. Of two codes of one
card, which only two phones at once could have, the second waits for the first and finds the stamps used.
"""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from server import constraints, topics
from server.doors import codes
from server.errors import Conflict, NotFound
from server.inbox import service as inbox
from server.inbox import words
from server.people.model import Member
from server.stamps import called, cards, stamping
from server.stamps import service as stamps
from server.stamps.model import StampCard, StampCode, StampRedemption
from server.stamps.rules import State
from server.texts import later

SHOWN_FOR = dt.timedelta(minutes=5)  # as long as a queue at a counter; a photo of it is worth nothing tomorrow
CODES_KEPT = dt.timedelta(days=1)  # a tap that is repeated after it was lost finds what came of it

_REDEEMED = later("Redeemed at %(place)s: %(reward)s.")


class CodeUnknown(NotFound):
    """There is no such code: have it shown again, they change every few minutes."""

    code = "stamp_code_unknown"


class CodeOver(Conflict):
    """This code is over: have it shown again."""

    code = "stamp_code_over"


class CardNotFull(Conflict):
    """There are not enough stamps on this card yet."""

    code = "card_not_full"


class RedeemedAlready(Conflict):
    """This card was redeemed already."""

    code = "redeemed_already"


class Shown(NamedTuple):
    """A code and until when it is good."""

    code: str
    until: dt.datetime


class Seen(NamedTuple):
    """What a code says at the counter: the card and how it stands, without a name. redeemed_at: by this very code."""

    card: StampCard
    standing: stamping.Standing
    until: dt.datetime
    redeemed_at: dt.datetime | None


def show(session: Session, *, card_id: int, member_id: str, now: dt.datetime) -> Shown:
    """The code of a full card of hers, the same as long as it is good.

    Raises CardUnknown, NotYourCard, CardNotFull, RedeemedAlready, CardOver.
    """
    _alone(session, card_id, member_id)
    _check_full(stamps.get(session, card_id=card_id, member_id=member_id, now=now).standing)
    there = shown(session, card_id=card_id, member_id=member_id, now=now)
    if there is not None:
        return there
    hers = delete(StampCode).where(StampCode.member_id == member_id, StampCode.until < now - CODES_KEPT)
    session.execute(hers)
    made = StampCode(code=_free(session), card_id=card_id, member_id=member_id, until=now + SHOWN_FOR)
    session.add(made)
    session.flush()
    return Shown(made.code, made.until)


def shown(session: Session, *, card_id: int, member_id: str, now: dt.datetime) -> Shown | None:
    """The code that she shows now, if it is good and nothing came of it yet."""
    wanted = select(StampCode).where(
        StampCode.card_id == card_id,
        StampCode.member_id == member_id,
        StampCode.until > now,
        StampCode.redemption_id.is_(None),
    )
    found = session.scalar(wanted.order_by(StampCode.until.desc()).limit(1))
    return None if found is None else Shown(found.code, found.until)


def look(session: Session, *, code: str, viewer: Member, now: dt.datetime) -> Seen:
    """What a code says to whoever stands at the counter; raises CodeUnknown, NotYourCounter."""
    return _seen(session, _find(session, code, viewer), now)


def redeem(session: Session, *, code: str, viewer: Member, now: dt.datetime) -> Seen:
    """Redeems the card of a code, once: the same code again is answered as then.

    Raises CodeUnknown, NotYourCounter, CodeOver, CardNotFull, RedeemedAlready, CardOver.
    """
    found = _find(session, code, viewer, lock=True)
    if found.redemption_id is not None:
        return _seen(session, found, now)
    if now >= found.until:
        raise CodeOver
    _alone(session, found.card_id, found.member_id)
    card = cards.get(session, found.card_id)
    standing = stamping.standing(session, card, member_id=found.member_id, now=now)
    _check_full(standing)
    made = StampRedemption(
        card_id=card.id,
        member_id=found.member_id,
        stamps=[stamp.key for stamp in standing.stamps],
        by=viewer.id,
        at=now,
    )
    session.add(made)
    session.flush()
    found.redemption_id = made.id
    session.flush()
    place = called.name_of(session, cards.of(card))
    inbox.tell(
        session,
        [found.member_id],
        kind="stamps.redeemed",
        of=f"card/{card.id}",
        nonce=str(made.id),
        sentence=_REDEEMED,
        values={
            "place": words.named(place.name, place.simulated),
            "reward": words.named(card.reward, place.simulated),
        },
        link="/me/stamps",
        now=now,
    )
    topics.bump(session, [f"member/{found.member_id}"])
    return _seen(session, found, now)


def _find(session: Session, typed: str, viewer: Member, *, lock: bool = False) -> StampCode:
    code = codes.read(typed)
    wanted = select(StampCode).where(StampCode.code == code).execution_options(populate_existing=True)
    found = None if code is None else session.scalar(wanted)
    if found is not None and lock:
        # The member first, as whoever erases or merges her does: each would wait for the other.
        session.execute(
            select(Member.id).where(Member.id == found.member_id).with_for_update(read=True, key_share=True)
        )
        found = session.scalar(wanted.with_for_update(key_share=True))
    if found is None:
        raise CodeUnknown
    cards.check_serves(session, viewer, cards.of(cards.get(session, found.card_id)))
    return found


def _seen(session: Session, found: StampCode, now: dt.datetime) -> Seen:
    card = cards.get(session, found.card_id)
    redemption = None if found.redemption_id is None else session.get(StampRedemption, found.redemption_id)
    standing = stamping.standing(session, card, member_id=found.member_id, now=now)
    return Seen(card, standing, found.until, None if redemption is None else redemption.at)


def _check_full(standing: stamping.Standing) -> None:
    if standing.state is State.REDEEMED:
        raise RedeemedAlready
    if standing.state is State.OVER:
        raise stamps.CardOver
    if standing.state is not State.FULL:
        raise CardNotFull(
            "There are %(stamps)s of %(needs)s stamps on this card.",
            stamps=len(standing.stamps),
            needs=standing.needs,
        )


def _alone(session: Session, card_id: int, member_id: str) -> None:
    """One at a time does something with her card."""
    constraints.take_turn(session, f"stamps {card_id} {member_id}")


def _free(session: Session) -> str:
    while True:
        code = codes.new_code()
        if session.get(StampCode, code) is None:
            return code
