"""A place of one's own: making it in a minute, what everybody reads of it, its settings."""

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server import names, nonces, versions
from server.errors import MusterError, http_status
from server.events import places
from server.nearby import liveliness
from server.nearby import words as nearby_words
from server.pages import render, reviews, stamps
from server.pages.doors import new_nonce, told
from server.pages.facts import Fact
from server.pages.notice import venue_facts
from server.pages.pins import Chosen, PinUnclear, read_pin, write_pin
from server.people import access
from server.people.model import Member
from server.requests import Id, InTransaction, Now, texts_for
from server.reviews import things
from server.stamps.cards import Of
from server.venues import categories, hours
from server.venues import service as venues
from server.venues.model import Venue

strangers = APIRouter(include_in_schema=False)
router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
Line = Annotated[str, Form(max_length=1000)]


@router.api_route("/venues/new", methods=READ)
def show_new(request: Request, viewer: access.Account, session: InTransaction) -> Response:
    """A name and a pin."""
    empty = {"name": "", "pin": "", "datum": "wgs84", "category": "", "district": "", "nonce": ""}
    return _new(request, viewer, session, empty)


@router.post("/venues/new")
def make_venue(
    request: Request,
    viewer: access.Account,
    session: InTransaction,
    name: Line = "",
    pin: Line = "",
    datum: Chosen = "wgs84",
    category: Line = "",
    home: Annotated[bool, Form()] = False,
    district: Line = "",
    nonce: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Makes it; it is hers. A second tap finds what the first made."""
    try:
        tap = nonces.read(nonce or None, viewer.id)
        made = venues.made_by_nonce(session, tap)
        if made is None:
            location = read_pin(pin, datum)
            if location is None:
                raise PinUnclear
            venues.refuse_more(session, owner_id=viewer.id)
            with session.begin_nested():
                made = venues.create(
                    session,
                    id=names.free_id(session, Venue.id, venues.free_of_pages(name), "venue"),
                    name=name,
                    owner_id=viewer.id,
                    location=location,
                    kind="home" if home else "place",
                    district=district,
                    category=category,
                    nonce=tap,
                )
    except MusterError as refused:
        typed = {"name": name, "pin": pin, "datum": datum, "category": category, "district": district, "home": home}
        return _new(request, viewer, session, {**typed, "nonce": nonce}, refused)
    return RedirectResponse(f"/venues/{made.id}/settings?made=true", status_code=303)


@strangers.api_route("/venues/{venue_id}", methods=READ)
def show_venue(
    request: Request,
    venue_id: Id,
    viewer: access.ViewerIfAny,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """What everybody reads of a place: what it is, where, and when it is open. Of a home as far as she may know."""
    venue = venues.get(session, venue_id)
    sees = places.sees_address(session, venue=venue, member=viewer, now=now)
    location = venues.location_of(venue) if sees else None
    # When the sun sets there would tell where a home is.
    week = hours.week(venue, location, now)
    kept = viewer is not None and access.may_keep(session, viewer, venue)
    moment = liveliness.of_venue(session, venue_id, now=now)
    return render.page(
        request,
        "venue.html",
        viewer=viewer,
        venue={
            **venue_facts(session, venue, say, sees),
            "category": _categories(request).get(venue.category, ""),
            "pin": write_pin(location),
            "geo": "" if location is None else f"geo:{location[1]:.6f},{location[0]:.6f}",
        },
        week=week,
        open=hours.is_open(venue, location, now) if week else None,
        closes=hours.closes(venue, location, now) if week else None,
        lively=None if moment is None else {"mood": moment.mood.value, "says": nearby_words.lively(moment, say)},
        keeps=kept,
        # A home and a spot are nobody's to judge.
        reviews=reviews.summary(session, things.venue(session, venue_id), viewer, now, say)
        if venue.kind == "place"
        else None,
        hers=viewer is not None and access.keeps(session, viewer, venue),
        stamp_card=stamps.offered(session, Of("venue", venue.id), say),
    )


@router.api_route("/venues/{venue_id}/settings", methods=READ)
def show_settings(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    saved: bool = False,
    made: bool = False,
) -> Response:
    """All that is said of a place; for who keeps it and operators."""
    return _settings(request, venue_id, viewer, session, now, saved=saved, made=made)


@router.post("/venues/{venue_id}/settings")
def save_settings(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    version: Annotated[int, Form(ge=1)],
    name: Line,
    contact: Line = "",
    offer: Line = "",
    owner: Annotated[str, Form(max_length=64)] = "",
    category: Line = "",
    address: Line = "",
    district: Line = "",
    opening_hours: Annotated[str, Form(max_length=2 * hours.MOST_SIGNS)] = "",
    pin: Line = "",
    datum: Chosen = "wgs84",
    kind: Annotated[Literal["place", "home"] | None, Form()] = None,
) -> Response:
    """Saves it, unless somebody else has meanwhile; of a home, what she may not see stays as it is."""
    venue = venues.get(session, venue_id)
    access.check_keeps(session, viewer, [venue])
    sees = places.sees_address(session, venue=venue, member=viewer, now=now)
    try:
        if owner.strip() or (kind is not None and kind != venue.kind):
            access.check_owns(viewer, venue)
        location = read_pin(pin, datum) if sees and pin.strip() != write_pin(venues.location_of(venue)) else None
        with session.begin_nested():
            venues.change(
                session,
                id=venue_id,
                if_match=f'"{version}"',
                name=name,
                contact=contact if sees else None,
                offer=offer,
                owner_id=owner.strip() or None,
                category=category,
                address=address if sees else None,
                district=district,
                opening_hours=opening_hours,
                location=location,
                kind=kind,
            )
    except MusterError as refused:
        typed: Fact = {
            "plain_name": name,
            "plain_offer": offer,
            "given_to": owner,
            "contact": contact if sees else None,
            "address": address if sees else None,
            "district": district,
            "category": category,
            "pin": pin,
            "datum": datum,
            "kind": kind,
            "opening_hours": opening_hours,
        }
        # Who was told what somebody else changed meanwhile saves over it knowingly.
        typed |= {} if isinstance(refused, versions.EditedMeanwhile) else {"version": version}
        return _settings(request, venue_id, viewer, session, now, refused=refused, typed=typed)
    return RedirectResponse(f"/venues/{venue_id}/settings?saved=true", status_code=303)


def _new(
    request: Request,
    viewer: Member,
    session: Session,
    typed: dict[str, Any],
    refused: MusterError | None = None,
) -> Response:
    return render.page(
        request,
        "venue_new.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        typed={"home": False, **typed, "nonce": typed["nonce"] or new_nonce()},
        categories=_categories(request),
        pins=venues.listed_pins(session),
        says=told(refused, texts_for(request)),
    )


def _settings(
    request: Request,
    venue_id: str,
    viewer: Member,
    session: Session,
    now: dt.datetime,
    *,
    saved: bool = False,
    made: bool = False,
    refused: MusterError | None = None,
    typed: Fact | None = None,
) -> Response:
    """Her settings as they are, or as she typed them: None stays as it is."""
    venue = venues.get(session, venue_id)
    access.check_keeps(session, viewer, [venue])
    sees = places.sees_address(session, venue=venue, member=viewer, now=now)
    shown = {
        **venue_facts(session, venue, texts_for(request), sees),
        "plain_name": venue.name,
        "plain_offer": venue.offer,
        "version": venue.version,
        "category": venue.category,
        "opening_hours": hours.lines(venue.opening_hours),
        "pin": write_pin(venues.location_of(venue)) if sees else "",
        "datum": "wgs84",
        "given_to": "",
    }
    given = {key: value for key, value in (typed or {}).items() if value is not None}
    meanwhile = isinstance(refused, versions.EditedMeanwhile)
    # Browsers send the ends of lines as CRLF.
    others = {key: shown[key] for key in given if shown[key] != str(given[key]).replace("\r\n", "\n").strip()}
    return render.page(
        request,
        "venue_settings.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        venue={**shown, **given},
        # What it is now where that is another than was typed: somebody else's words, not to be lost by saving again.
        others={key: others[key] for key in sorted(others.keys() - {"given_to", "datum", "kind"}) if meanwhile},
        categories=_categories(request),
        ready=venues.is_ready(venue),
        saved=saved,
        made=made,
        says=told(refused, texts_for(request)),
        may_give=access.owns(viewer, venue),
    )


def _categories(request: Request) -> dict[str, str]:
    say = texts_for(request)
    return {key: say.gettext(name) for key, name in categories.CATEGORIES.items()}
