"""Which stamps somebody has: read anew each time from the check-ins that stand, so that none is ever given by hand.

What was corrected, taken back or claimed for the past is so at once. What was redeemed stays redeemed.
"""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server.checkins import days
from server.events import service as events
from server.events.states import State as EventState
from server.stamps import cards, rules
from server.stamps.model import StampCard, StampRedemption
from server.stamps.rules import Stamp, State
from server.venues import service as venues


class Standing(NamedTuple):
    """How a card of somebody stands. stamps: those left, `needs` at most. redeemed_at: the last time."""

    stamps: tuple[Stamp, ...]
    needs: int
    state: State
    redeemed: int
    redeemed_at: dt.datetime | None


_OF_VENUE = text("""
    SELECT to_char(day, 'YYYY-MM-DD') AS key, at, '' AS name FROM checkin
    WHERE member_id = :member AND venue_id = :of AND undone_at IS NULL AND day >= :since_day AND at < :until
""")
_OF_HOUSE = text("""
    SELECT event.id AS key, min(checkin.at) AS at, event.name
    FROM checkin JOIN step ON step.id = checkin.step_id JOIN event ON event.id = step.event_id
    WHERE checkin.member_id = :member AND event.community_id = :of AND checkin.undone_at IS NULL
      AND checkin.at >= :since AND checkin.at < :until
    GROUP BY event.id, event.name
""")
_OF_EVENT = text("""
    SELECT step.id AS key, checkin.at, step.name FROM checkin JOIN step ON step.id = checkin.step_id
    WHERE checkin.member_id = :member AND step.event_id = :of AND checkin.undone_at IS NULL AND checkin.at < :until
""")


def standing(session: Session, card: StampCard, *, member_id: str, now: dt.datetime) -> Standing:
    """How a card of a member stands at `now`."""
    redeemed = select(StampRedemption).where(StampRedemption.card_id == card.id, StampRedemption.member_id == member_id)
    before = session.scalars(redeemed.order_by(StampRedemption.at, StampRedemption.id)).all()
    left = rules.left(_all(session, card, member_id), {key for one in before for key in one.stamps})
    needs = cards.needs_of(session, card)
    state = rules.state(
        len(left),
        needs,
        redeemed=len(before),
        renews=card.renews,
        until=card.until,
        ended_at=now if _is_called_off(session, card) else card.ended_at,
        now=now,
    )
    shown = left[:needs]
    if state is State.REDEEMED:
        shown = ()
    return Standing(shown, needs, state, len(before), before[-1].at if before else None)


def _all(session: Session, card: StampCard, member_id: str) -> list[Stamp]:
    ends = [end for end in (card.until, card.ended_at) if end is not None]
    of = cards.of(card)
    values = {
        "member": member_id,
        "of": of.id,
        "since": card.made_at,
        "until": min(ends, default=dt.datetime.max.replace(tzinfo=dt.UTC)),
    }
    if of.kind == "venue":
        # The whole day on which the card was made counts: whoever took it had come.
        values["since_day"] = days.day_of(card.made_at, venues.get(session, of.id).time_zone)
    statement = {"venue": _OF_VENUE, "community": _OF_HOUSE, "event": _OF_EVENT}[of.kind]
    return [Stamp(row.key, row.at, row.name) for row in session.execute(statement, values)]


def _is_called_off(session: Session, card: StampCard) -> bool:
    return card.event_id is not None and events.get(session, card.event_id).state == EventState.CANCELLED
