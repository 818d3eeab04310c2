"""Who is near a shop and wants to hear from shops: whom to invite, and what its keepers are told of how many.

What is told is of a part of town, an H3 cell about 2.5 km across that each place lies in exactly one of, and not of a
circle around each shop: whoever keeps two shops 10 m apart learns no difference. It is counted once for a quarter of an
hour, whichever shop asks first, and shifted by a secret of that part and quarter: see docs/invitations.md.
"""

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo import cells, distances
from geo.areas import Position
from server import constraints
from server.fans import rounding
from server.fans import service as fans
from server.invitations.model import ShopAudience
from server.positions import around
from server.positions.around import Use

REGION = 7  # H3: edges of 1.4 km on the average, so about a kilometre in each direction, and 2.8 km at the very most
WINDOW = dt.timedelta(minutes=15)  # as what is told of how lively a place is: a lunch hour has four of them

# Whoever keeps any shop is in no number and gets no invitation, of others neither: if it were of this one alone,
# whoever names somebody as staff, and watches the number, would learn that she is near.
_COUNTED = text("""
    SELECT member.id FROM unnest(CAST(:ids AS text[])) AS asked(id)
    JOIN member ON member.id = asked.id AND member.simulated = :simulated
    WHERE NOT EXISTS (SELECT FROM consent_pause WHERE consent_pause.member_id = member.id AND ended_at IS NULL)
      AND NOT EXISTS (SELECT FROM consent WHERE consent.member_id = member.id AND kind = 'venue' AND level = 'hidden'
                      AND of_id IS NULL AND ended_at IS NULL AND (until IS NULL OR until > :now))
      AND NOT EXISTS (SELECT FROM role WHERE role.member_id = member.id AND role.kind = 'venue')
      AND NOT EXISTS (SELECT FROM venue WHERE venue.owner_id = member.id AND venue.kind = 'place')
""")
# Who is nobody for a shop: who refused it, and who is hidden from it. Asked where it sends, and not of what it is told:
# shops of a part of town share one secret, and numbers that differ by known refusals would give it away.
_NOBODY = text("""
    SELECT member_id FROM shop_refusal WHERE member_id = ANY(:ids) AND venue_id = :venue
    UNION
    SELECT member_id FROM consent
    WHERE member_id = ANY(:ids) AND kind = 'venue' AND level = 'hidden' AND of_id = :venue AND ended_at IS NULL
      AND (until IS NULL OR until > :now)
""")


class Audience(NamedTuple):
    """What keepers are told: at least so many are near, and of them so many want to hear from shops.

    Multiples of 5, never more than there were; None: fewer than 5 could be told. until: then it is counted anew.
    """

    nearby: int | None
    willing: int | None
    until: dt.datetime


class Shop(NamedTuple):
    """A shop, as far as its audience goes."""

    id: str
    place: Position
    simulated: bool

    @property
    def region(self) -> int:
        """The part of town that it lies in: that of whoever stands before its door."""
        return _region(cells.of(self.place, cells.NEAR))


def tell(nearby: int, willing: int, offset: int, until: dt.datetime) -> Audience:
    """What is told of so many; pure. One offset for both, so that more never want to hear than are near."""
    return Audience(rounding.at_least(nearby, offset), rounding.at_least(willing, offset), until)


def of(session: Session, shop: Shop, *, fresh: dt.timedelta, now: dt.datetime) -> Audience:
    """What the keepers of a shop are told in this quarter of an hour, whenever and however often they ask."""
    row = _counted(session, shop, fresh=fresh, now=now)
    return tell(row.nearby, row.willing, offset(session, shop, row.at), row.at + WINDOW)


def offset(session: Session, shop: Shop, window: dt.datetime) -> int:
    """By how much numbers of this part of town are shifted in this quarter of an hour."""
    return fans.offsets(session, "shop audience")(f"{shop.region}/{window.timestamp():.0f}")


def reachable(session: Session, shop: Shop, *, fresh: dt.timedelta, now: dt.datetime) -> dict[str, int]:
    """Whom the shop may invite at this moment, before all caps, and about how many metres off she is."""
    found = _people(session, shop, Use.SHOPS, fresh=fresh, now=now)
    nobody = set(session.scalars(_NOBODY, {"ids": sorted(found), "venue": shop.id, "now": now}))
    return {member_id: away_m for member_id, away_m in found.items() if member_id not in nobody}


def window_of(now: dt.datetime) -> dt.datetime:
    """The beginning of a moment's quarter of an hour."""
    seconds = WINDOW.total_seconds()
    return dt.datetime.fromtimestamp(now.timestamp() // seconds * seconds, dt.UTC)


def _counted(session: Session, shop: Shop, *, fresh: dt.timedelta, now: dt.datetime) -> ShopAudience:
    key = shop.region, shop.simulated
    window = window_of(now)
    row = session.get(ShopAudience, key)
    if row is not None and row.at >= window:
        return row
    constraints.take_turn(session, f"shop audience {shop.region}")
    row = session.get(ShopAudience, key, populate_existing=True)
    if row is not None and row.at >= window:  # somebody else was faster: what she saw is what is told
        return row
    willing = _people(session, shop, Use.SHOPS, fresh=fresh, now=now)
    told = _people(session, shop, Use.TOLD, fresh=fresh, now=now)
    values = {
        "at": window,
        "nearby": len(willing.keys() | told.keys()),
        "willing": len(willing),
    }
    made = insert(ShopAudience).values(region=shop.region, simulated=shop.simulated, **values)
    session.execute(made.on_conflict_do_update(index_elements=["region", "simulated"], set_=values))
    return session.get_one(ShopAudience, key, populate_existing=True)


def _people(session: Session, shop: Shop, use: Use, *, fresh: dt.timedelta, now: dt.datetime) -> Mapping[str, int]:
    """Who is in the shop's part of town and lets her positions be used so, and about how far from the shop."""
    region = shop.region
    near = around.members(
        session, place=cells.centre(region), within_m=cells.reach_m(REGION), use=use, now=now, fresh=fresh
    )
    newest: dict[str, around.Near] = {}
    for one in near:
        if one.member_id not in newest or newest[one.member_id].at < one.at:
            newest[one.member_id] = one
    here = {one.member_id: _away_m(shop.place, one.cell) for one in newest.values() if _region(one.cell) == region}
    given = {"ids": sorted(here), "simulated": shop.simulated, "now": now}
    return {member_id: here[member_id] for member_id in session.scalars(_COUNTED, given)}


def _region(cell: int) -> int:
    """The part of town of a cell. By its middle, since H3's fine cells lie in coarse ones only nearly."""
    return cells.of(cells.centre(cell), REGION)


def _away_m(place: Position, cell: int) -> int:
    return max(100, round(distances.between_m(place, cells.centre(cell)) / 100) * 100)
