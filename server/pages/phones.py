"""Where one is: what is kept, what it is used for, one's home and phones; and a venue's beacons, for its keepers."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from config.settings import Settings
from server import paging, qr
from server.errors import MusterError, http_status
from server.invitations import refusals
from server.jobs import service as jobs
from server.pages import facts, render
from server.pages.doors import told
from server.pages.pins import Chosen, PinUnclear, read_pin, write_pin
from server.people import access
from server.people.model import Member
from server.phones import at_broker, beacons, owntracks, setup
from server.phones import service as phones
from server.phones.model import Phone
from server.positions import schema as positions_schema
from server.positions import service as positions
from server.positions.service import Source
from server.requests import Id, InSettings, InTransaction, Now, Number, texts_for
from server.venues import service as venues

router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
HERE = "/me/positions"
MOST_REFUSED = 100  # shops that are shown; all of them are in the API
RADII_KM = (1, 2, 5, 10, 25, 50)  # what the form offers: a walk to a drive
Line = Annotated[str, Form(max_length=1000)]


@router.api_route(HERE, methods=READ)
def show_positions(request: Request, viewer: access.Viewer, session: InTransaction, now: Now) -> Response:
    """All of it on one page."""
    return _page(request, viewer, session, now)


@router.post(f"{HERE}/uses")
def choose_uses(
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    told: Annotated[bool, Form()] = False,
    fences: Annotated[bool, Form()] = False,
    company: Annotated[bool, Form()] = False,
    pop_ups: Annotated[bool, Form()] = False,
    shops: Annotated[bool, Form()] = False,
    radius_m: Annotated[int, Form(ge=positions_schema.RADIUS_M[0], le=positions_schema.RADIUS_M[1])] = 5000,
) -> Response:
    """Keeps what it may be used for: what is switched on, and nothing else."""
    positions.choose_uses(
        session,
        member_id=viewer.id,
        told=told,
        fences=fences,
        company=company,
        pop_ups=pop_ups,
        shops=shops,
        radius_m=radius_m,
        now=now,
    )
    return RedirectResponse(f"{HERE}#uses", status_code=303)


@router.post(f"{HERE}/forget")
def forget_all(viewer: access.Viewer, session: InTransaction) -> Response:
    """Forgets all that is kept of where she is."""
    positions.forget(session, member_id=viewer.id)
    return RedirectResponse(HERE, status_code=303)


@router.post(f"{HERE}/home")
def set_home(
    request: Request,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    pin: Line = "",
    datum: Chosen = "wgs84",
) -> Response:
    """Keeps about where she lives; an empty field forgets it."""
    try:
        place = read_pin(pin, datum)
        if place is None:
            positions.forget(session, member_id=viewer.id, source=Source.HOME)
        elif not (-180 <= place[0] <= 180 and -90 <= place[1] <= 90):
            raise PinUnclear
        else:
            positions.set_home(session, member_id=viewer.id, place=place, now=now)
    except MusterError as refused:
        return _page(request, viewer, session, now, refused=refused, pin=pin)
    return RedirectResponse(f"{HERE}#home", status_code=303)


@router.post("/me/phones")
def add_phone(
    request: Request,
    viewer: access.OwnAccount,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    name: Line = "",
) -> Response:
    """Makes a login for a phone and shows how to set it up, this once."""
    try:
        with session.begin_nested():
            phone, password = phones.add(session, member_id=viewer.id, name=name, now=now)
    except MusterError as refused:
        return _page(request, viewer, session, now, refused=refused)
    at_broker.admit(session, phone, password, at_broker.administers(settings))
    return _page(request, viewer, session, now, made=_made(request, settings, phone, password))


@router.post("/me/phones/{number}/remove")
def remove_phone(number: Number, viewer: access.Viewer, session: InTransaction) -> Response:
    """Takes a phone's login away."""
    phones.remove(session, member_id=viewer.id, number=number)
    jobs.defer(session, "phones.sweep", only_one="phones.sweep")
    return RedirectResponse(f"{HERE}#phones", status_code=303)


@router.api_route("/venues/{venue_id}/beacons", methods=READ)
def show_beacons(request: Request, venue_id: Id, viewer: access.Viewer, session: InTransaction) -> Response:
    """A venue's beacons that phones hear, for who keeps it."""
    return _beacons(request, venue_id, viewer, session)


@router.post("/venues/{venue_id}/beacons")
def add_beacon(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    uuid: Line = "",
    major: Annotated[str, Form(max_length=10)] = "",
    minor: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Says that one stands there."""
    access.check_keeps(session, viewer, [venues.get(session, venue_id)])
    try:
        identity = owntracks.identity_of(uuid.strip(), major.strip(), minor.strip())
        with session.begin_nested():
            beacons.add(session, venue_id=venue_id, identity=identity, by=viewer.id, now=now)
    except MusterError as refused:
        return _beacons(request, venue_id, viewer, session, refused=refused, typed=(uuid, major, minor))
    return RedirectResponse(f"/venues/{venue_id}/beacons", status_code=303)


@router.post("/venues/{venue_id}/beacons/{number}/remove")
def remove_beacon(venue_id: Id, number: Number, viewer: access.Viewer, session: InTransaction) -> Response:
    """Says that it stands there no more."""
    access.check_keeps(session, viewer, [venues.get(session, venue_id)])
    beacons.remove(session, venue_id=venue_id, number=number)
    return RedirectResponse(f"/venues/{venue_id}/beacons", status_code=303)


def _page(
    request: Request,
    viewer: Member,
    session: Session,
    now: dt.datetime,
    *,
    refused: MusterError | None = None,
    pin: str | None = None,
    made: dict[str, Any] | None = None,
) -> Response:
    kept = positions.list_of(session, member_id=viewer.id, now=now)
    home = next((found for found, _ in kept if found.source is Source.HOME), None)
    names = {phone.device: phone.name for phone in phones.list_of(session, member_id=viewer.id)}
    regions = setup.listening(session, member_id=viewer.id, now=now)
    uses = positions.uses_of(session, member_id=viewer.id)
    return render.page(
        request,
        "positions.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        paused=bool(positions.paused(session, [viewer.id])),
        kept=[
            {
                "source": found.source.value,
                "device": names.get(device, device),
                "about": f"{found.place[1]:.3f}, {found.place[0]:.3f}",
                "geo": f"geo:{found.place[1]:.3f},{found.place[0]:.3f};u={round(found.accuracy_m)}",
                "metres": round(found.accuracy_m, -1),
                "at": found.at,
                "until": found.until,
            }
            for found, device in kept
        ],
        uses=uses,
        refused_shops=[
            {"id": one.id, "name": texts_for(request).name(one.name, one.simulated)}
            for one in refusals.list_of(session, member_id=viewer.id, page=paging.Page(MOST_REFUSED))
        ],
        radii=sorted({*(km * 1000 for km in RADII_KM), uses.radius_m}),
        pin=pin if pin is not None else write_pin(home.place) if home is not None else "",
        has_home=home is not None,
        pins=venues.listed_pins(session),
        phones=phones.list_of(session, member_id=viewer.id),
        made=made,
        guest=viewer.guest,
        regions=None if regions is None else setup.link(regions),
        time_zone=facts.clock_of(viewer),
        says=told(refused, texts_for(request)),
    )


def _made(request: Request, settings: Settings, phone: Phone, password: str) -> dict[str, Any]:
    """How to set up the phone that was just added."""
    http = setup.over_http(settings, phone, password)
    mqtt = setup.over_mqtt(settings, phone, password)
    link = setup.link(http)
    try:
        picture = qr.svg(link, label=texts_for(request).gettext("Sets up OwnTracks on %(name)s", name=phone.name))
    except qr.TextTooLong:
        picture = ""
    return {
        "name": phone.name,
        "link": link,
        "picture": picture,
        "url": http["url"],
        "secure": http["url"].startswith("https://"),
        "login": http["username"],
        "password": password,
        "mqtt": None if mqtt is None else {"link": setup.link(mqtt), "host": mqtt["host"], "port": mqtt["port"]},
    }


def _beacons(
    request: Request,
    venue_id: str,
    viewer: Member,
    session: Session,
    *,
    refused: MusterError | None = None,
    typed: tuple[str, str, str] = ("", "", ""),
) -> Response:
    venue = venues.get(session, venue_id)
    access.check_keeps(session, viewer, [venue])
    say = texts_for(request)
    rows = beacons.list_of(session, venue_id=venue_id)
    return render.page(
        request,
        "venue_beacons.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        venue={"id": venue.id, "name": say.name(venue.name, venue.simulated)},
        beacons=[
            {"number": row.number, "uuid": shown, "major": major, "minor": minor}
            for row in rows
            for shown, major, minor in [beacons.parts(row.identity)]
        ],
        typed=dict(zip(("uuid", "major", "minor"), typed, strict=True)),
        says=told(refused, say),
    )
