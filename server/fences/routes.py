"""Fences over HTTP: how it stands with oneself, and how near to one's venue people are there."""

from fastapi import APIRouter

from server.fences import own, schema
from server.fences import service as fences
from server.people import access
from server.requests import Id, InPage, InSettings, InTransaction, Now
from server.venues import service as venues

router = APIRouter(prefix="/api", tags=["fences"])


@router.get("/me/fences")
def list_fences(
    viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now, page: InPage, say: access.Say
) -> list[schema.StandingOut]:
    """How it stands with you at the places that matter to you now, and what is missing; yours alone to read.

    These are where you are going, from two hours before the doors open on, and those that remember your visits. Empty
    unless you let your positions say that you came.
    """
    found = fences.list_of(session, member_id=viewer.id, rule=settings.fences, now=now)
    after = page.after("fences", str, str, str) or ("", "", "")
    rest = sorted((one for one in found if _key(one) > after), key=_key)
    return [schema.show(one, say) for one in page.cut(rest, "fences", _key)]


@router.get("/venues/{venue_id}/fence")
def get_fence(venue_id: Id, viewer: access.Viewer, session: InTransaction, settings: InSettings) -> schema.FenceOut:
    """How near to a venue a phone has to be; for who keeps it, and operators."""
    access.check_keeps(session, viewer, [venues.get(session, venue_id)])
    return schema.show_fence(own.of(session, venue_id), settings.fences)


@router.put("/venues/{venue_id}/fence")
def set_fence(
    venue_id: Id,
    wanted: schema.FenceIn,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
) -> schema.FenceOut:
    """Says how near to a venue a phone has to be, such as for a park; for who keeps it, and operators."""
    access.check_keeps(session, viewer, [venues.get(session, venue_id)])
    row = own.choose(session, venue_id, enter_m=wanted.enter_m, exit_m=wanted.exit_m, dwell_s=wanted.dwell_s, now=now)
    return schema.show_fence(row, settings.fences)


@router.delete("/venues/{venue_id}/fence", status_code=204)
def clear_fence(venue_id: Id, viewer: access.Viewer, session: InTransaction) -> None:
    """Makes it as everywhere again; for who keeps the venue, and operators."""
    access.check_keeps(session, viewer, [venues.get(session, venue_id)])
    own.clear(session, venue_id)


def _key(one: fences.Standing) -> tuple[str, str, str]:
    return one.where.venue_id, one.source or "", one.device or ""
