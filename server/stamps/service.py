"""The cards of a member: taking one, laying it down, and those she has."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.checkins import service as checkins
from server.errors import Conflict, NotFound
from server.stamps import cards, stamping
from server.stamps.model import StampCard, StampCardTaken
from server.stamps.stamping import Standing

MOST_HELD = 100  # more than a wallet holds


class CardOver(Conflict):
    """This stamp card is over."""

    code = "card_over"


class CardsMany(Conflict):
    """You have as many cards as anybody can have: lay some down first."""

    code = "cards_many"


class NotYourCard(NotFound):
    """You have no such card: take it first, or sign up for the gathering that it is of."""

    code = "not_your_card"


class Held(NamedTuple):
    """A card of hers. remembered: whether the venue remembers her visits, without which nothing is stamped there."""

    card: StampCard
    standing: Standing
    remembered: bool


# That of a gathering comes with signing up, and with coming.
_HELD = text("""
    SELECT card.id FROM stamp_card AS card JOIN stamp_card_taken AS taken ON taken.card_id = card.id
    WHERE taken.member_id = :member
    UNION
    SELECT card.id FROM stamp_card AS card JOIN event ON event.id = card.event_id AND event.state <> 'draft'
                                 AND NOT event.dropped
    WHERE EXISTS (SELECT FROM sign_up WHERE sign_up.event_id = card.event_id AND sign_up.member_id = :member
                                        AND sign_up.state = 'going')
       OR EXISTS (SELECT FROM step JOIN checkin ON checkin.step_id = step.id AND checkin.undone_at IS NULL
                  WHERE step.event_id = card.event_id AND checkin.member_id = :member)
    ORDER BY id DESC LIMIT :most
""")


def take(session: Session, *, card_id: int, member_id: str, remember: bool, now: dt.datetime) -> Held:
    """Takes a card of a venue or a house; twice is as once.

    remember: from now on the venue remembers her visits (checkins.remember); otherwise that stays as it is.
    Raises CardUnknown, CardOver, CardsMany; NotYourCard of a gathering's.
    """
    card = cards.get(session, card_id)
    if card.event_id is not None:
        return get(session, card_id=card_id, member_id=member_id, now=now)
    if not _has(session, card_id, member_id):
        if card.ended_at is not None or (card.until is not None and now >= card.until):
            raise CardOver
        if len(_ids(session, member_id)) >= MOST_HELD:
            raise CardsMany
        taken = {"card_id": card_id, "member_id": member_id, "at": now}
        session.execute(insert(StampCardTaken).values(taken).on_conflict_do_nothing())
    if remember and card.venue_id is not None:
        checkins.remember(session, member_id=member_id, venue_id=card.venue_id, now=now)
    return _held(session, card, member_id, now)


def lay_down(session: Session, *, card_id: int, member_id: str) -> None:
    """Has a card no more; what she said about remembering stays. Raises NotYourCard."""
    row = session.get(StampCardTaken, (card_id, member_id))
    if row is None:
        raise NotYourCard
    session.delete(row)
    session.flush()


def get(session: Session, *, card_id: int, member_id: str, now: dt.datetime) -> Held:
    """A card of hers; raises CardUnknown, NotYourCard."""
    card = cards.get(session, card_id)
    if card_id not in _ids(session, member_id):
        raise NotYourCard
    return _held(session, card, member_id, now)


def of_member(session: Session, *, member_id: str, now: dt.datetime) -> list[Held]:
    """Her cards, the newest first; MOST_HELD at most."""
    return [_held(session, cards.get(session, card_id), member_id, now) for card_id in _ids(session, member_id)]


def holds(session: Session, *, card_id: int, member_id: str) -> bool:
    """Whether she has this card."""
    return card_id in _ids(session, member_id)


def _has(session: Session, card_id: int, member_id: str) -> bool:
    return session.get(StampCardTaken, (card_id, member_id)) is not None


def _ids(session: Session, member_id: str) -> list[int]:
    return list(session.scalars(_HELD, {"member": member_id, "most": MOST_HELD}))


def _held(session: Session, card: StampCard, member_id: str, now: dt.datetime) -> Held:
    remembered = card.venue_id is None or checkins.remembered(session, member_id=member_id, venue_id=card.venue_id)
    return Held(card, stamping.standing(session, card, member_id=member_id, now=now), remembered)
