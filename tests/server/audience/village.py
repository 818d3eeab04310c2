"""A village whose people want to be told of what is near: each at a home, with interests, and what they were told."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from config import settings as config
from config.settings import Audience
from geo.areas import Position
from server.audience import opening
from server.audience import service as audience
from server.inbox import words
from server.inbox.model import Notification
from server.interests import service as interests
from server.people import service as people
from server.positions import service as positions
from server.positions.service import Fix, Source
from server.texts import IN_ENGLISH
from tests.server.nearby import town
from tests.server.places import CAFE, NOW

RULE: Audience = config.load(environment={}).audience
MINUTE = dt.timedelta(minutes=1)
LATER = NOW + dt.timedelta(seconds=RULE.settle_s)  # when what was announced at NOW is told


def person(
    session: Session,
    id: str,
    *likes: str,
    away_km: float = 1.0,
    told: bool = True,
    radius_m: int = 5000,
    source: Source = Source.HOME,
    simulated: bool = False,
) -> None:
    """Somebody who lives (or is) so far north of the cafe, and wants to be told within her radius."""
    people.create(session, id=id, name=id.title(), simulated=simulated)
    place: Position = (CAFE[0], CAFE[1] + away_km / 111.195)
    assert positions.keep(session, [Fix(id, source, "", place, 0.0, NOW)], now=NOW)
    let(session, id, told=told, radius_m=radius_m)
    interests.choose_for_member(session, member_id=id, ids=likes)


def let(session: Session, id: str, *, told: bool, radius_m: int = 5000) -> None:
    """What she lets her positions be used for."""
    positions.choose_uses(
        session, member_id=id, told=told, fences=False, company=False, pop_ups=False, radius_m=radius_m, now=NOW
    )


def gathering(session: Session, id: str = "reading", *, likes: Sequence[str] = ("books",), **more: Any) -> None:
    """A gathering of Cleo's at the cafe, announced at NOW."""
    town.gathering(session, id, "cafe", interests=likes, **more)
    session.execute(text("UPDATE event SET state_at = :now WHERE id = :id"), {"now": NOW, "id": id})
    session.expire_all()


def look(session: Session, now: dt.datetime = LATER, rule: Audience = RULE) -> int:
    """What the minute's task does, in the test's transaction; how many were told."""
    opening.open_calls(session, rule=rule, now=now)
    told = 0
    while (call_id := audience.next_due(session, now=now)) is not None:
        told += audience.tell_wave(session, call_id=call_id, rule=rule, now=now)
    return told


def notes(session: Session) -> dict[str, list[str]]:
    """What each was told of what is near, in English."""
    found: dict[str, list[str]] = {}
    kinds = ("nearby_event", "free_place", "proposal_short")
    for note in session.scalars(select(Notification).where(Notification.kind.in_(kinds)).order_by(Notification.id)):
        found.setdefault(note.member_id, []).append(words.fill(note.sentence, note.values, IN_ENGLISH))
    return found
