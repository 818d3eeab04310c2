"""The pages' addresses: who may see one, what it shows, and where a form leads."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from server.checkins import rights as checkins
from server.errors import NotFound, Refused
from server.events import service as events
from server.live import tonight
from server.pages import facts, render, roles
from server.people import access, cookies
from server.people import routes as people_routes
from server.people import service as people
from server.presence import rights as presence
from server.requests import Id, InSettings, InTransaction, Now
from server.venues import service as venues

strangers = APIRouter(include_in_schema=False)
router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
TOKEN_MAX_LENGTH = 200  # ours have 43


class NoDemo(NotFound):
    """This server shows no demonstration."""

    code = "no_demo"


class NothingOn(Refused):
    """Nothing that you may watch is on in the neighbourhood at the moment."""

    code = "nothing_on"


def check_next(path: str) -> str:
    """The path to go to after signing in: one of this site, whatever a link says; otherwise the start.

    Browsers read `//host` and `/\\host` as another site, and drop tabs and line ends from an address.
    """
    plain = path.isprintable() and path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if plain and not path.startswith("/sign-") else "/"


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
    if viewer is None:
        return render.page(request, "landing.html", demo=demo, ways=ways)
    return render.page(
        request,
        "home.html",
        viewer=facts.viewer_of(viewer),
        demo=demo,
        ways=ways,
        gatherings=facts.gatherings_of(session, viewer, now, say),
        places=facts.places_of(session, viewer, now, settings.presence, say),
        demo_href="/demo" if demo and facts.seen_simulated_venues(session, viewer, now) else None,
    )


@strangers.api_route("/sign-in", methods=READ)
def show_sign_in(
    request: Request, session: InTransaction, settings: InSettings, say: access.Say, next: str = "/"
) -> Response:
    """Choosing a name in a demonstration; elsewhere how to get a link."""
    demo = settings.server.demo
    choices = facts.choices(people.demo_members(session), say) if demo else []
    return render.page(request, "sign_in.html", demo=demo, people=choices, next=check_next(next))


@strangers.post("/sign-in")
def sign_in(
    request: Request,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    member: Annotated[str, Form(max_length=64)],
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Signs in as one of the demonstration's people."""
    chosen = people_routes.check_choosable(session, settings, member)
    people.sign_out(session, token=access.session_token(request))
    token = people.sign_in(session, member_id=chosen.id, now=now, lifetime=cookies.lifetime(settings))
    response = RedirectResponse(check_next(next), status_code=303)
    cookies.keep(request, response, token, settings)
    return response


@strangers.api_route("/sign-in/{token}", methods=READ)
def show_link(request: Request, token: str, session: InTransaction, settings: InSettings, now: Now) -> Response:
    """Asks whether to use a one-time link: whatever looks at links before people do must not use them up."""
    name = None
    if len(token) <= TOKEN_MAX_LENGTH:
        try:
            name = people.look_at_link(session, token=token, now=now).name
        except (NotFound, Refused):
            name = None
    return render.page(
        request,
        "sign_in_link.html",
        status_code=200 if name else 410,
        demo=settings.server.demo,
        name=name,
        action=request.url.path,
    )


@strangers.post("/sign-in/{token}")
def use_link(request: Request, token: str, session: InTransaction, settings: InSettings, now: Now) -> Response:
    """Uses a one-time link up and signs in."""
    try:
        member_id = people.use_link(session, token=token[:TOKEN_MAX_LENGTH], now=now)
    except (NotFound, Refused):
        return render.page(
            request,
            "sign_in_link.html",
            status_code=410,
            demo=settings.server.demo,
            name=None,
            action=request.url.path,
        )
    people.sign_out(session, token=access.session_token(request))
    token = people.sign_in(session, member_id=member_id, now=now, lifetime=cookies.lifetime(settings))
    response = RedirectResponse("/", status_code=303)
    cookies.keep(request, response, token, settings)
    return response


@strangers.post("/sign-out")
def sign_out(request: Request, session: InTransaction) -> Response:
    """Ends this browser's session; one that has ended already is fine."""
    people.sign_out(session, token=access.session_token(request))
    response = RedirectResponse("/", status_code=303)
    cookies.forget(response)
    return response


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
        viewer=facts.viewer_of(viewer),
        demo=settings.server.demo,
        badge=facts.badge_of(session, viewer, now, say),
        upcoming=coming,
        checkins=came,
        time_zone=next((one["time_zone"] for one in [*coming, *came]), facts.WITHOUT_PLACE),
        card=tonight.now_for(session, member_id=viewer.id, now=now, presence=settings.presence, say=say),
        live_url="/api/me/live",
    )


@router.api_route("/events/{event_id}/live", methods=READ)
def show_event(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    say: access.Say,
) -> Response:
    """The wall: who has come, for its organizer and operators."""
    checkins.check_sees(session, member=viewer, event_id=event_id)
    event = events.get(session, event_id)
    return render.page(
        request,
        "event_live.html",
        viewer=facts.viewer_of(viewer),
        demo=settings.server.demo,
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
    presence.check_sees(session, member=viewer, venue_id=venue_id, now=now)
    venue = venues.get(session, venue_id)
    return render.page(
        request,
        "venue_live.html",
        viewer=facts.viewer_of(viewer),
        demo=settings.server.demo,
        venue={"id": venue.id, "name": say.name(venue.name, venue.simulated), "time_zone": venue.time_zone},
        live_url=f"/api/venues/{venue.id}/live",
        simulated=venue.simulated,
        recorded_at=facts.recorded_at(session, venue, now),
        visits=facts.visits_today(session, venue, now, settings.presence),
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
        viewer=facts.viewer_of(viewer),
        demo=True,
        live_url="/api/live?" + "&".join(f"topic=venue/{venue_id}" for venue_id in seen),
        world_url="/api/demo",
        phone_url="/tonight",
    )
