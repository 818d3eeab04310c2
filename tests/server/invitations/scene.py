"""A street around the cafe with people in it: for tests of shops' invitations."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from config import settings as config
from server.invitations import audience
from server.invitations import service as invitations
from server.invitations.audience import Audience
from server.invitations.model import ShopInvitation, ShopInvited
from server.invitations.service import Draft
from server.people import service as people
from server.positions import service as positions
from server.positions.service import Fix, Source
from server.venues import service as venues
from tests.server.places import CAFE, NOW

MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)
RULES = config.load(environment={}).invitations
TEXT = "Soup for two until it is gone."
FAR = (CAFE[0] + 0.1, CAFE[1])  # 7 km to the east: another part of town


def make_people(session: Session, count: int, *, first: int = 0) -> list[str]:
    """So many who stand at the cafe and let shops invite them."""
    made = [f"p{number:03}" for number in range(first, first + count)]
    for member_id in made:
        people.create(session, id=member_id, name=member_id.capitalize())
        let(session, member_id)
    stand(session, made)
    return made


def let(session: Session, member_id: str, *, shops: bool = True, told: bool = False) -> None:
    """Says what her positions may be used for."""
    positions.choose_uses(
        session,
        member_id=member_id,
        told=told,
        fences=False,
        company=False,
        pop_ups=False,
        shops=shops,
        radius_m=5000,
        now=NOW,
    )


def stand(
    session: Session,
    member_ids: Iterable[str],
    place: tuple[float, float] = CAFE,
    *,
    at: dt.datetime = NOW,
    source: Source = Source.PHONE,
) -> None:
    """Phones say that they are there."""
    positions.keep(session, [Fix(one, source, "", place, 9.0, at) for one in member_ids], now=at)


def look(session: Session, now: dt.datetime = NOW, venue_id: str = "cafe") -> Audience:
    """What the keeper is told."""
    return invitations.audience_of(session, venues.get(session, venue_id), rules=RULES, now=now)


def send(
    session: Session,
    now: dt.datetime = NOW,
    *,
    nonce: str = "0123456789abcdef",
    venue_id: str = "cafe",
    text: str = TEXT,
    until: dt.datetime | None = None,
) -> ShopInvitation:
    """Ben invites."""
    venue, ben = venues.get(session, venue_id), people.get(session, "ben")
    return invitations.send(session, venue, Draft(text, until), by=ben, nonce=nonce, rules=RULES, now=now)


def invited(session: Session, invitation: ShopInvitation) -> set[str]:
    """To whom it went."""
    wanted = select(ShopInvited.member_id).where(ShopInvited.invitation_id == invitation.id)
    return set(session.scalars(wanted))


def is_same_part(place: tuple[float, float]) -> bool:
    """Whether a place lies in the cafe's part of town."""
    return audience.Shop("there", place, False).region == audience.Shop("cafe", CAFE, False).region
