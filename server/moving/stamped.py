"""Stamp cards of a community and its gatherings, at both ends: who who comes along has one, and what was redeemed.

A stamp is no row and needs none: it follows from what somebody came to, which travels.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.events.model import Event
from server.moving.archive import Archive
from server.moving.rows import CardRow, HolderRow, RedeemedRow, Row
from server.moving.things import Things
from server.stamps import cards
from server.stamps.model import StampCard, StampCardTaken, StampRedemption


def leave(
    session: Session,
    community_id: str,
    *,
    event_ids: Collection[str],
    step_ids: Collection[str],
    ref_of: Callable[[str | None], str | None],
) -> dict[str, list[Row]]:
    """The rows of what is stamped. event_ids, step_ids: those that travel; ref_of: who somebody is in the file."""
    of = or_(StampCard.community_id == community_id, StampCard.event_id.in_(event_ids))
    there = session.scalars(select(StampCard).where(of).order_by(StampCard.id)).all()
    ids = [card.id for card in there]
    same = ("id", "needs", "reward", "until", "renews", "made_at", "ended_at")
    found: list[Row] = [
        CardRow(**{name: getattr(card, name) for name in same}, event=card.event_id, by=ref_of(card.made_by))
        for card in there
    ]
    taken = select(StampCardTaken).where(StampCardTaken.card_id.in_(ids))
    holders: list[Row] = [
        HolderRow(card=one.card_id, person=ref, at=one.at)
        for one in session.scalars(taken.order_by(StampCardTaken.card_id, StampCardTaken.member_id))
        if (ref := ref_of(one.member_id)) is not None
    ]
    travels = {*event_ids, *step_ids}
    redemptions = select(StampRedemption).where(StampRedemption.card_id.in_(ids)).order_by(StampRedemption.id)
    redeemed: list[Row] = [
        RedeemedRow(
            id=one.id,
            card=one.card_id,
            person=ref,
            stamps=[key for key in one.stamps if key in travels],
            by=ref_of(one.by),
            at=one.at,
        )
        for one in session.scalars(redemptions)
        if (ref := ref_of(one.member_id)) is not None
    ]
    return {"cards": found, "holders": holders, "redeemed": redeemed}


def arrive(
    session: Session, archive: Archive, things: Things, came: Mapping[str, str | None], *, now: dt.datetime
) -> None:
    """Keeps the cards, who has them, and what was redeemed, so that no stamp is good twice. came: who is who here."""
    for row in archive.rows(CardRow):
        _keep_card(session, row, things, came, now)
    for holder in archive.rows(HolderRow):
        was, member_id = f"{holder.card} {holder.person}", came.get(holder.person)
        card_id = _card(session, things, holder.card)
        if card_id is None or member_id is None or things.find("holder", was) is not None:
            continue
        has = {"card_id": card_id, "member_id": member_id, "at": holder.at}
        session.execute(insert(StampCardTaken).values(has).on_conflict_do_nothing())
        things.keep("holder", was, card_id)  # who lays it down here does not get it again
    for one in archive.rows(RedeemedRow):
        card_id, member_id = _card(session, things, one.card), came.get(one.person)
        if card_id is None or member_id is None or things.find("redemption", one.id) is not None:
            continue
        keys = (things.find("event", key) or things.find("step", key) for key in one.stamps)
        made = StampRedemption(
            card_id=card_id,
            member_id=member_id,
            stamps=[key for key in keys if key is not None],
            by=came.get(one.by or ""),
            at=one.at,
        )
        session.add(made)
        session.flush()
        things.keep("redemption", one.id, made.id)


def _card(session: Session, things: Things, was: int) -> int | None:
    """A card that is here."""
    known = things.find("card", was)
    return None if known is None or session.get(StampCard, int(known)) is None else int(known)


def _keep_card(
    session: Session, row: CardRow, things: Things, came: Mapping[str, str | None], now: dt.datetime
) -> None:
    known = things.find("card", row.id)
    if known is not None:
        card = session.get(StampCard, int(known))
        if card is not None and card.ended_at is None:
            card.ended_at = row.ended_at
            session.flush()
        return
    event_id = things.find("event", row.event)
    if row.event is not None and (event_id is None or session.get(Event, event_id) is None):
        return  # deleted here
    of = cards.Of("community", things.community_id) if event_id is None else cards.Of("event", event_id)
    # Another was made here since: what came is still redeemed where it is full.
    ended_at = row.ended_at or (None if cards.standing(session, of) is None else now)
    said = row.model_dump(exclude={"id", "event", "by", "ended_at"})
    card = StampCard(
        **said,
        community_id=None if event_id is not None else things.community_id,
        event_id=event_id,
        made_by=came.get(row.by or ""),
        ended_at=ended_at,
    )
    session.add(card)
    session.flush()
    things.keep("card", row.id, card.id)
