"""Days on which a visit was remembered, and cards."""

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.stamps import cards
from server.stamps.cards import Of
from server.stamps.model import StampCard
from tests.server.places import HOUR, NOW

DAY = dt.timedelta(days=1)
CAFE = Of("venue", "cafe")


def come(session: Session, member_id: str, *before: int, now: dt.datetime = NOW) -> None:
    """Days on which her visit to the cafe was remembered."""
    for days in before:
        session.execute(
            text(
                "INSERT INTO checkin (venue_id, day, member_id, at, evidence, signed_up)"
                " VALUES ('cafe', :day, :member, :at, 'beacon', false)"
            ),
            {"day": now.date() - days * DAY, "member": member_id, "at": now - days * DAY - HOUR},
        )


def make_card(session: Session, *, needs: int = 3, days_ago: int = 30, renews: bool = False) -> StampCard:
    """Ben's card: three days with a visit, a coffee."""
    made_at = NOW - days_ago * DAY
    return cards.make(session, of=CAFE, reward="A coffee", needs=needs, renews=renews, by="ben", now=made_at)
