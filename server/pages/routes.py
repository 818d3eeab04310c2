"""The pages' addresses: who may see one, what it shows, and where a form leads."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from server.checkins import rights as checkins
from server.errors import NotFound, Refused
from server.events import service as events
from server.live import members as live_members
from server.live import tonight
from server.pages import facts, render, roles, tour
from server.people import access
from server.presence import rights as presence
from server.pulse import service as pulse
from server.requests import Id, InSettings, InTransaction, Now
from server.venues import service as venues

strangers = APIRouter(include_in_schema=False)
router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]


class NoDemo(NotFound):
    """This server shows no demonstration."""

    code = "no_demo"


class NothingOn(Refused):
    """Nothing that you may watch is on in the neighbourhood at the moment."""

    code = "nothing_on"


@strangers.api_route("/", methods=READ)
def show_start(
    request: Request,
    viewer: access.ViewerIfAny,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
) -> Response:
    """What muster is, or what she hosts, goes to and looks after."""
    demo = settings.server.demo
    ways = roles.ways_in(session, now, say) if demo else []
    stops = tour.stops(session, now, say) if ways else []
    if viewer is None:
        return render.page(request, "landing.html", ways=ways, tour=stops)
    return render.page(
        request,
        "home.html",
        viewer=viewer,
        ways=ways,
        tour=stops,
        gatherings=facts.gatherings_of(session, viewer, now, say),
        places=facts.places_of(session, viewer, now, settings.presence, say),
        demo_href="/demo" if demo and facts.seen_simulated_venues(session, viewer, now) else None,
    )


@router.api_route("/tonight", methods=READ)
def show_tonight(
    request: Request,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
) -> Response:
    """The phone: what her badge did for her."""
    coming = facts.upcoming(session, viewer, now, say)
    came = facts.check_ins(session, viewer, say)
    return render.page(
        request,
        "tonight.html",
        viewer=viewer,
        badge=facts.badge_of(session, viewer, now, say),
        upcoming=coming,
        checkins=came,
        time_zone=next((one["time_zone"] for one in [*coming, *came]), facts.WITHOUT_PLACE),
        card=tonight.now_for(session, member_id=viewer.id, now=now, presence=settings.presence, say=say),
        asked=live_members.asked(pulse.asked_of(session, member_id=viewer.id), now, say),
        live_url="/api/me/live",
    )


@router.api_route("/events/{event_id}/live", methods=READ)
def show_event(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    say: access.Say,
) -> Response:
    """The wall: who has come, for its organizer and operators."""
    checkins.check_sees(session, member=viewer, event_id=event_id)
    event = events.get(session, event_id)
    return render.page(
        request,
        "event_live.html",
        viewer=viewer,
        event=facts.event_page(session, event, say),
        live_url=f"/api/events/{event.id}/live",
        simulated=event.simulated,
    )


@router.api_route("/venues/{venue_id}/live", methods=READ)
def show_venue(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
) -> Response:
    """A shop's live map, for its owner, operators, and the organizer of an event running there."""
    eyes = presence.check_sees(session, member=viewer, venue_id=venue_id, now=now)
    venue = venues.get(session, venue_id)
    return render.page(
        request,
        "venue_live.html",
        viewer=viewer,
        venue={"id": venue.id, "name": say.name(venue.name, venue.simulated), "time_zone": venue.time_zone},
        live_url=f"/api/venues/{venue.id}/live",
        simulated=venue.simulated,
        keeps=eyes.keeps,
        greetings=facts.greetings_of(session, venue, now, settings.presence, eyes, say) if eyes.keeps else [],
        recorded_at=facts.recorded_at(session, venue, now),
        visits=facts.visits_today(session, venue, now, settings.presence, eyes),
    )


@router.api_route("/demo", methods=READ)
def show_demo(
    request: Request, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now
) -> Response:
    """The simulated neighbourhood, a phone beside it, a switch per Pi."""
    if not settings.server.demo:
        raise NoDemo
    seen = facts.seen_simulated_venues(session, viewer, now)
    if not seen:
        raise NothingOn
    return render.page(
        request,
        "demo.html",
        viewer=viewer,
        live_url="/api/live?" + "&".join(f"topic=venue/{venue_id}" for venue_id in seen),
        world_url="/api/demo",
        phone_url="/tonight",
    )
