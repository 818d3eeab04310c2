"""Who is at a venue now, and the visits there."""

from typing import Annotated

from fastapi import APIRouter, Query

from server import fields, times
from server.badges import service as badges
from server.consent.rules import Level
from server.people import access
from server.presence import explain, rights, schema, sight, visits
from server.presence import service as presence
from server.requests import Id, InPage, InSettings, InTransaction, Now, Number

router = APIRouter(prefix="/api", tags=["presence"])


@router.get("/venues/{venue_id}/presence")
def get_presence(
    venue_id: Id, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now
) -> schema.VenueTopic:
    """Figures and states of a venue now; for whom its live stream is for."""
    eyes = rights.check_sees(session, member=viewer, venue_id=venue_id, now=now)
    return schema.venue_topic(presence.picture(session, venue_id=venue_id, now=now, presence=settings.presence), eyes)


@router.get("/venues/{venue_id}/visits")
def list_visits(
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    page: InPage,
    now: Now,
    since: Annotated[fields.Moment | None, Query(description="visits that ended before are left out")] = None,
) -> list[schema.VisitSeen]:
    """The visits of a venue, the newest first; without `since` those of a day. For whom its live stream is for."""
    eyes = rights.check_sees(session, member=viewer, venue_id=venue_id, now=now)
    found = visits.visits_since(
        session, venue_id=venue_id, since=since, now=now, presence=settings.presence, eyes=eyes, page=page
    )
    return [schema.visit(seen) for seen in found]


@router.get("/venues/{venue_id}/attendances")
def list_attendances(
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    page: InPage,
    now: Now,
    since: Annotated[fields.Moment | None, Query(description="attendances that ended before are left out")] = None,
) -> list[schema.AttendanceSeen]:
    """The visits of a venue as they count: those between which nobody can tell whether the badge was away are one.

    The newest first; without `since` those of a day. For whom the venue's live stream is for.
    """
    eyes = rights.check_sees(session, member=viewer, venue_id=venue_id, now=now)
    found = visits.attendances_since(
        session, venue_id=venue_id, since=since, now=now, presence=settings.presence, eyes=eyes, page=page
    )
    return [schema.attendance(seen) for seen in found]


@router.get("/badges/{badge_id}/why")
def explain_badge(
    badge_id: Number, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now, say: access.Say
) -> schema.WhyBadge:
    """Why a badge is shown as it is; for who holds it, and for whom the live stream of its venue is for."""
    found = explain.explain(session, badge_id=badge_id, now=now, presence=settings.presence, say=say)
    if badges.holder_of(session, badge_id=badge_id, at=now) != viewer.id:
        if found["venue"] is None:
            access.check_operator(viewer)
        else:
            eyes = rights.check_sees(session, member=viewer, venue_id=found["venue"], now=now)
            record = presence.load(session, venue_id=found["venue"], now=now, presence=settings.presence)
            own_ms = presence.now_ms_of(record, times.to_ms(now))
            if sight.level_at_all(session, record, badge_id, eyes, own_ms) is Level.HIDDEN:
                raise rights.BadgeNotShown
    return found
