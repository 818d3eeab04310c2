"""Stamp cards over HTTP: who keeps the counter makes, ends and redeems them, members take and show them."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath

from server import names
from server.limits import service as limits
from server.limits.callers import InCaller
from server.people import access
from server.requests import InTransaction, Now, Number
from server.stamps import cards, counter, schema
from server.stamps import service as stamps
from server.stamps.cards import Kind, Of

router = APIRouter(prefix="/api", tags=["stamps"])

MOST_STANDING = 1  # cards that one thing gives at a time
Code = Annotated[str, InPath(max_length=40, description="six signs, as they are shown")]


@router.get("/stamp-cards")
def list_stamp_cards(
    kind: Kind,
    of: Annotated[str, Query(max_length=names.ID_MAX_LENGTH, description="the id of the venue, house or gathering")],
    viewer: access.Viewer,
    session: InTransaction,
    say: access.Say,
) -> list[schema.CardOut]:
    """The stamp card that a venue, a house or a gathering gives now; none or one."""
    cards.serves(session, viewer, Of(kind, of))  # raises what is unknown to her
    card = cards.standing(session, Of(kind, of))
    return [] if card is None else [schema.show_card(session, card, say)]


@router.post("/stamp-cards", status_code=201)
def make_stamp_card(
    wanted: schema.NewCard, viewer: access.Viewer, session: InTransaction, now: Now, say: access.Say
) -> schema.CardOut:
    """Makes the stamp card of a venue that you keep, a house in which you decide, or a gathering that you host."""
    of = Of(wanted.kind, wanted.of)
    cards.check_serves(session, viewer, of)
    card = cards.make(
        session,
        of=of,
        reward=wanted.reward,
        needs=wanted.needs,
        until=wanted.until,
        renews=wanted.renews,
        by=viewer.id,
        now=now,
    )
    return schema.show_card(session, card, say)


@router.post("/stamp-cards/{card_id}/end")
def end_stamp_card(
    card_id: Number, viewer: access.Viewer, session: InTransaction, now: Now, say: access.Say
) -> schema.CardOut:
    """Ends a card: nothing more is stamped, and what is full is still redeemed."""
    cards.check_serves(session, viewer, cards.of(cards.get(session, card_id)))
    return schema.show_card(session, cards.end(session, card_id, now=now), say)


@router.get("/me/stamps")
def list_my_stamps(viewer: access.Viewer, session: InTransaction, now: Now, say: access.Say) -> list[schema.HeldOut]:
    """Your stamp cards, the newest first."""
    held = stamps.of_member(session, member_id=viewer.id, now=now)
    return [schema.show_held(session, one, say) for one in held]


@router.put("/me/stamps/{card_id}")
def take_stamp_card(
    card_id: Number,
    wanted: schema.Taking,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> schema.HeldOut:
    """Takes a card. That of a gathering comes with signing up."""
    held = stamps.take(session, card_id=card_id, member_id=viewer.id, remember=wanted.remember, now=now)
    return schema.show_held(session, held, say)


@router.delete("/me/stamps/{card_id}", status_code=204)
def lay_stamp_card_down(card_id: Number, viewer: access.Viewer, session: InTransaction) -> None:
    """Lays a card down. What you said about remembering your visits stays."""
    stamps.lay_down(session, card_id=card_id, member_id=viewer.id)


@router.post("/me/stamps/{card_id}/code")
def show_stamp_code(card_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.CodeOut:
    """The code of a full card, to be shown at the counter; the same for five minutes."""
    return schema.show_code(counter.show(session, card_id=card_id, member_id=viewer.id, now=now))


@router.get("/stamp-codes/{code}")
def look_at_stamp_code(
    code: Code, viewer: access.Viewer, caller: InCaller, session: InTransaction, say: access.Say
) -> schema.SeenOut:
    """What a code says at your counter; no name."""
    with limits.guessing(session, caller, "stamp code", counter.CodeUnknown):
        seen = counter.look(session, code=code, viewer=viewer, now=caller.now)
    return schema.show_seen(session, seen, say)


@router.post("/stamp-codes/{code}/redeem")
def redeem_stamp_code(
    code: Code, viewer: access.Viewer, caller: InCaller, session: InTransaction, say: access.Say
) -> schema.SeenOut:
    """Redeems a full card at your counter, once: the same code again is answered as then."""
    with limits.guessing(session, caller, "stamp code", counter.CodeUnknown):
        seen = counter.redeem(session, code=code, viewer=viewer, now=caller.now)
    return schema.show_seen(session, seen, say)
