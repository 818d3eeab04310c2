"""Makes and ends stamp cards, and says who stands at the counter of one."""

import datetime as dt
from typing import Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from server import constraints, names
from server.communities import rights as community_rights
from server.communities import service as communities
from server.errors import Conflict, Invalid, NotFound, Refused
from server.events import service as events
from server.people import access
from server.people.model import Member
from server.stamps.model import StampCard
from server.venues import service as venues

FEWEST, MOST = 2, 30  # stamps: one is a present, and more than a month of days nobody waits for

Kind = Literal["venue", "community", "event"]
_COLUMNS: dict[Kind, InstrumentedAttribute[str | None]] = {
    "venue": StampCard.venue_id,
    "community": StampCard.community_id,
    "event": StampCard.event_id,
}


class CardUnknown(NotFound):
    """There is no such stamp card."""

    code = "card_unknown"


class CardExists(Conflict):
    """There is a stamp card here already: end it first."""

    code = "card_exists"


class NotYourCounter(Refused):
    """Only who keeps the place, the house or the gathering of a stamp card may do this."""

    code = "not_your_counter"


class NoCounter(Refused):
    """A stamp card is of a place that is open to everybody, of a house, or of a gathering of several steps."""

    code = "no_counter"


class NeedsWrong(Invalid):
    """A card takes 2 to 30 stamps; that of a gathering as many as its steps say."""

    code = "needs_wrong"


class UntilPast(Invalid):
    """A card ends some time to come, not in the past."""

    code = "until_past"


class Of(NamedTuple):
    """What a card is of."""

    kind: Kind
    id: str


def of(card: StampCard) -> Of:
    """What a card is of."""
    if card.venue_id is not None:
        return Of("venue", card.venue_id)
    if card.community_id is not None:
        return Of("community", card.community_id)
    assert card.event_id is not None
    return Of("event", card.event_id)


def serves(session: Session, member: Member, of: Of) -> bool:
    """Whether she stands at the counter: keeps the venue, decides in the house, hosts the gathering.

    Raises VenueUnknown, CommunityUnknown, EventUnknown.
    """
    if of.kind == "venue":
        return access.keeps(session, member, venues.get(session, of.id))
    if of.kind == "community":
        return community_rights.decides(session, member, communities.get(session, of.id))
    return access.hosts(session, member, events.get_seen(session, of.id, member))


def check_serves(session: Session, member: Member, of: Of) -> None:
    """Raises NotYourCounter unless she stands at the counter, and the Unknown of what it is of."""
    if not serves(session, member, of):
        raise NotYourCounter


def make(
    session: Session,
    *,
    of: Of,
    reward: str,
    needs: int | None,
    until: dt.datetime | None = None,
    renews: bool = False,
    by: str | None,
    now: dt.datetime,
) -> StampCard:
    """Makes the card of a venue, a house or a gathering; needs: None for a gathering's.

    Raises NoCounter, NeedsWrong, UntilPast, CardExists, Invalid, and the Unknown of what it is of.
    """
    _check_counter(session, of)
    if (of.kind == "event") != (needs is None) or (needs is not None and not FEWEST <= needs <= MOST):
        raise NeedsWrong
    if until is not None and until <= now:
        raise UntilPast
    card = StampCard(
        needs=needs,
        reward=names.check_name(reward, "reward"),
        until=until,
        renews=renews and of.kind != "event",
        made_by=by,
        made_at=now,
    )
    setattr(card, _COLUMNS[of.kind].key, of.id)
    with constraints.explain(session, {f"uq_stamp_card_{of.kind}": CardExists()}):
        session.add(card)
    return card


def get(session: Session, card_id: int) -> StampCard:
    """The card of this number; raises CardUnknown."""
    card = session.get(StampCard, card_id)
    if card is None:
        raise CardUnknown
    return card


def standing(session: Session, of: Of) -> StampCard | None:
    """The card that a venue, a house or a gathering gives now."""
    return session.scalar(select(StampCard).where(_COLUMNS[of.kind] == of.id, StampCard.ended_at.is_(None)))


def end(session: Session, card_id: int, *, now: dt.datetime) -> StampCard:
    """Ends a card: nothing more is stamped, what is full is still redeemed; twice is as once. Raises CardUnknown."""
    card = constraints.read(session, StampCard, card_id, to_edit=True)
    if card is None:
        raise CardUnknown
    if card.ended_at is None:
        card.ended_at = now
        session.flush()
    return card


def needs_of(session: Session, card: StampCard) -> int:
    """How many stamps make it full; of a gathering as its steps say now."""
    if card.event_id is None:
        assert card.needs is not None
        return card.needs
    event = events.get(session, card.event_id)
    steps = len(events.steps_of(session, event_id=event.id))
    return steps if event.needs is None else min(event.needs, steps)


def _check_counter(session: Session, of: Of) -> None:
    if of.kind == "venue":
        venue = venues.get(session, of.id)
        there = venue.kind == "place" and not venue.replayed
    elif of.kind == "community":
        there = communities.get_living(session, of.id).shape == "house"
    else:
        there = len(events.steps_of(session, event_id=of.id)) >= FEWEST
    if not there:
        raise NoCounter
