"""How lively venues are now, as far as everybody may know it."""

import datetime as dt
from collections.abc import Collection
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.nearby.model import VenueMoment

FRESH = dt.timedelta(minutes=15)  # what is older was another moment


class Mood(StrEnum):
    """How much is on at a venue, beside what is usual there at this hour."""

    QUIET = "quiet"
    NORMAL = "normal"
    LIVELY = "lively"


LEVELS = {Mood.QUIET: 0.0, Mood.NORMAL: 0.5, Mood.LIVELY: 1.0}


def read(session: Session, venue_ids: Collection[str], *, now: dt.datetime) -> dict[str, Mood]:
    """The mood of these venues, of those where it is known."""
    wanted = select(VenueMoment.venue_id, VenueMoment.mood).where(
        VenueMoment.venue_id.in_(sorted(venue_ids)), VenueMoment.at > now - FRESH, VenueMoment.at <= now
    )
    return {row.venue_id: Mood(row.mood) for row in session.execute(wanted)} if venue_ids else {}


def levels(session: Session, venue_ids: Collection[str], *, now: dt.datetime) -> dict[str, float]:
    """The same as numbers, from 0 (quiet) to 1 (lively)."""
    return {venue_id: LEVELS[mood] for venue_id, mood in read(session, venue_ids, now=now).items()}
