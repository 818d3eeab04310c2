"""Check-in by phone: the switch, how it stands at each place that matters, and how near is there, for its keeper."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from server.errors import MusterError, http_status
from server.fences import own, schema, words
from server.fences import service as fences
from server.pages import facts, render
from server.pages.doors import told
from server.people import access
from server.positions import service as positions
from server.requests import Id, InSettings, InTransaction, Now
from server.venues import service as venues

router = APIRouter(include_in_schema=False)
READ = ["GET", "HEAD"]


@router.api_route("/me/fences", methods=READ)
def show_fences(
    request: Request, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now, say: access.Say
) -> Response:
    """The switch, and how it stands at the places that matter to her now."""
    found = fences.list_of(session, member_id=viewer.id, rule=settings.fences, now=now)
    return render.page(
        request,
        "fences.html",
        viewer=viewer,
        on=positions.uses_of(session, member_id=viewer.id).fences,
        places=[
            {
                "name": say.name(one.where.venue_name, one.where.simulated),
                "href": f"/venues/{one.where.venue_id}",
                "for": [say.name(step.event_name, step.simulated) for step in one.where.gatherings],
                "in": bool(one.where.gatherings) and all(step.in_already for step in one.where.gatherings),
                "says": words.stands(one.explained, say),
                "device": one.device,
                "at": one.last_at,
            }
            for one in found
        ],
        enter_m=round(settings.fences.enter_m),
        exit_m=round(settings.fences.exit_m),
        time_zone=facts.clock_of(viewer),
    )


@router.post("/me/fences")
def choose(viewer: access.Viewer, session: InTransaction, now: Now, on: Annotated[bool, Form()]) -> Response:
    """Keeps whether her positions may say that she came; what else they may be used for stays."""
    positions.choose_uses(session, member_id=viewer.id, fences=on, now=now)
    return RedirectResponse("/me/fences", status_code=303)


@router.api_route("/venues/{venue_id}/fence", methods=READ)
def show_fence(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    say: access.Say,
    saved: bool = False,
) -> Response:
    """How near to a venue one is there; for who keeps it."""
    access.check_keeps(session, viewer, [venues.get(session, venue_id)])
    shown = schema.show_fence(own.of(session, venue_id), settings.fences)
    return _page(request, viewer, session, say, venue_id, shown.model_dump(), saved=saved)


@router.post("/venues/{venue_id}/fence")
def set_fence(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    enter_m: Annotated[float, Form(allow_inf_nan=False)] = 0,
    exit_m: Annotated[float, Form(allow_inf_nan=False)] = 0,
    dwell_s: Annotated[float, Form(allow_inf_nan=False)] = 0,
    usual: Annotated[bool, Form()] = False,
) -> Response:
    """Keeps it, or makes it as everywhere again."""
    access.check_keeps(session, viewer, [venues.get(session, venue_id)])
    if usual:
        own.clear(session, venue_id)
        return RedirectResponse(f"/venues/{venue_id}/fence?saved=true", status_code=303)
    try:
        own.choose(session, venue_id, enter_m=enter_m, exit_m=exit_m, dwell_s=dwell_s, now=now)
    except MusterError as refused:
        typed = {"own": True, "enter_m": enter_m, "exit_m": exit_m, "dwell_s": dwell_s}
        return _page(request, viewer, session, say, venue_id, typed, refused=refused)
    return RedirectResponse(f"/venues/{venue_id}/fence?saved=true", status_code=303)


def _page(
    request: Request,
    viewer: Any,
    session: InTransaction,
    say: access.Say,
    venue_id: str,
    fence: dict[str, Any],
    *,
    saved: bool = False,
    refused: MusterError | None = None,
) -> Response:
    venue = venues.get(session, venue_id)
    return render.page(
        request,
        "venue_fence.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        venue={"id": venue.id, "name": say.name(venue.name, venue.simulated)},
        fence=fence,
        saved=saved,
        says=told(refused, say),
    )
