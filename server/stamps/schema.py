"""What stamp cards take and give over HTTP."""

from typing import Annotated

from pydantic import Field
from sqlalchemy.orm import Session

from server.doors import codes
from server.fields import Incoming, Moment, Name, OfId, Outgoing
from server.stamps import called, cards, counter, stamping
from server.stamps.cards import FEWEST, MOST, Kind
from server.stamps.model import StampCard
from server.stamps.rules import State
from server.stamps.service import Held
from server.texts import Texts


class NewCard(Incoming):
    """A stamp card of a venue, a house or a gathering. needs: none of a gathering, whose steps say it."""

    kind: Kind
    of: OfId
    needs: Annotated[int, Field(ge=FEWEST, le=MOST)] | None = None
    reward: Name
    until: Moment | None = None
    renews: bool = False


class Taking(Incoming):
    """remember: the venue may remember your visits, without which it stamps nothing."""

    remember: bool = False


class CardOut(Outgoing):
    """A stamp card. needs: how many stamps make it full."""

    id: int
    kind: Kind
    of: str
    name: str
    needs: int
    reward: str
    until: Moment | None
    renews: bool
    ended_at: Moment | None


class StampOut(Outgoing):
    """A stamp. key: the day, the gathering or the step that it is for."""

    key: str
    at: Moment
    name: str


class HeldOut(Outgoing):
    """A card of yours. remembered: whether visits are stamped at all; redeemed: how often."""

    card: CardOut
    stamps: list[StampOut]
    state: State
    remembered: bool
    redeemed: int
    redeemed_at: Moment | None


class CodeOut(Outgoing):
    """What you show at the counter. path: of a QR code for whoever stands there."""

    code: str
    path: str
    until: Moment


class SeenOut(Outgoing):
    """What a code says at the counter. redeemed_at: when this very code was redeemed, none if it was not yet."""

    card: CardOut
    stamps: int
    state: State
    until: Moment
    redeemed_at: Moment | None


def show_card(session: Session, card: StampCard, say: Texts) -> CardOut:
    """A card in a language."""
    of = cards.of(card)
    place = called.name_of(session, of)
    return CardOut(
        id=card.id,
        kind=of.kind,
        of=of.id,
        name=say.name(place.name, place.simulated),
        needs=cards.needs_of(session, card),
        reward=say.name(card.reward, place.simulated),
        until=card.until,
        renews=card.renews,
        ended_at=card.ended_at,
    )


def show_held(session: Session, held: Held, say: Texts) -> HeldOut:
    """A member's card."""
    standing: stamping.Standing = held.standing
    return HeldOut(
        card=show_card(session, held.card, say),
        stamps=[StampOut(key=stamp.key, at=stamp.at, name=stamp.name) for stamp in standing.stamps],
        state=standing.state,
        remembered=held.remembered,
        redeemed=standing.redeemed,
        redeemed_at=standing.redeemed_at,
    )


def show_code(shown: counter.Shown) -> CodeOut:
    """A code to be shown."""
    return CodeOut(code=codes.show(shown.code), path=f"/stamps/{shown.code}", until=shown.until)


def show_seen(session: Session, seen: counter.Seen, say: Texts) -> SeenOut:
    """What a code says."""
    return SeenOut(
        card=show_card(session, seen.card, say),
        stamps=len(seen.standing.stamps),
        state=seen.standing.state,
        until=seen.until,
        redeemed_at=seen.redeemed_at,
    )
