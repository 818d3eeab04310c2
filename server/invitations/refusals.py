"""Members who want no invitation of a shop any more, and those who changed their mind."""

import datetime as dt

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import paging
from server.errors import Conflict
from server.invitations.model import ShopRefusal
from server.people.model import Member
from server.venues import service as venues
from server.venues.model import Venue

MOST = 1000  # of one member: whoever refuses so many switches all of them off


class TooManyRefusals(Conflict):
    """You refuse so many shops that it is simpler to hear from none: switch them off where you say where you are."""

    code = "too_many_refusals"


def refuse(session: Session, *, venue_id: str, viewer: Member, now: dt.datetime) -> None:
    """No invitation of this shop again; twice is as once. Raises VenueUnknown, TooManyRefusals."""
    venue = venues.get(session, venue_id)
    if venue.kind != "place":  # somebody's home has an id as well, and its name is nobody's to read
        raise venues.VenueUnknown("There is no venue %(id)r.", id=venue_id)
    if session.get(ShopRefusal, (viewer.id, venue.id)) is not None:
        return
    count = select(func.count()).select_from(ShopRefusal).where(ShopRefusal.member_id == viewer.id)
    if (session.scalar(count) or 0) >= MOST:
        raise TooManyRefusals
    row = insert(ShopRefusal).values(member_id=viewer.id, venue_id=venue.id, at=now)
    session.execute(row.on_conflict_do_nothing())


def take_back(session: Session, *, venue_id: str, viewer: Member) -> None:
    """This shop may invite her again; what was never refused stays so."""
    gone = delete(ShopRefusal).where(ShopRefusal.member_id == viewer.id, ShopRefusal.venue_id == venue_id)
    session.execute(gone, execution_options={"synchronize_session": "fetch"})


def refuses(session: Session, *, venue_id: str, viewer: Member) -> bool:
    """Whether she wants to hear nothing from this shop."""
    return session.get(ShopRefusal, (viewer.id, venue_id)) is not None


def list_of(session: Session, *, member_id: str, page: paging.Page = paging.EVERYTHING) -> list[Venue]:
    """The shops that she refuses, by name."""
    wanted = select(Venue).join(ShopRefusal, ShopRefusal.venue_id == Venue.id).where(ShopRefusal.member_id == member_id)
    return page.read(session, wanted, paging.up(Venue.name), paging.up(Venue.id))
