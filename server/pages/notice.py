"""At the door and at the counter: what is heard here, being greeted, and who answers for the place."""

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from markupsafe import Markup
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from config.settings import Settings
from server import qr, texts
from server.consent import service as consent
from server.consent.rules import Kind, Level
from server.doors import passing, refusals
from server.errors import NotFound
from server.events import places
from server.limits import service as limits
from server.limits.callers import InCaller
from server.limits.service import Rate
from server.pages import render
from server.pages.consent import DAYS
from server.pages.doors import new_nonce
from server.people import access, cookies
from server.people import service as people
from server.requests import Id, InSettings, InTransaction, Now
from server.texts import Texts
from server.venues import service as venues
from server.venues.model import Venue

strangers = APIRouter(include_in_schema=False)
router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
NAME_MAX_LENGTH = 1000  # what is too long is told by the rule for names


@strangers.api_route("/venues/{venue_id}/notice", methods=READ)
def show_notice(
    request: Request,
    venue_id: Id,
    viewer: access.ViewerIfAny,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    language: str = "",
) -> Response:
    """What is heard here, what is thrown away in the box, who is responsible; to read and to print as A5."""
    venue = venues.get(session, venue_id)
    spoken = texts.of(language) if language in texts.TAGS else say
    address = f"{settings.server.url}/venues/{venue.id}/notice"
    return render.page(
        request,
        "notice.html",
        viewer=viewer,
        say=spoken,
        venue=venue_facts(session, venue, spoken, places.sees_address(session, venue=venue, member=viewer, now=now)),
        kept=_kept(settings),
        other="zh" if spoken.language == "en" else "en",
        qr=_picture(address, spoken.gettext("This page")),
        address=address,
    )


@strangers.api_route("/hello/{venue_id}", methods=READ)
def show_hello(
    request: Request,
    venue_id: Id,
    viewer: access.ViewerIfAny,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """Whether she wants to be greeted here; scanned again, what she said, and one button to stop."""
    venue = _live(session, venue_id)
    standing = None
    if viewer is not None:
        standing = consent.standing_for(session, member_id=viewer.id, kind=Kind.VENUE, of_id=venue.id, now=now)
    agreed = standing is not None and standing.level == Level.NAME.word
    return render.page(
        request,
        "hello.html",
        viewer=viewer,
        venue=venue_facts(session, venue, say),
        until=standing.until if standing is not None and agreed else None,
        paused=viewer is not None and consent.pause_of(session, member_id=viewer.id) is not None,
        days=DAYS,
        nonce=new_nonce(),
    )


@strangers.post("/hello/{venue_id}")
def say_hello(
    request: Request,
    venue_id: Id,
    viewer: access.ViewerIfAny,
    caller: InCaller,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    act: Annotated[Literal["greet", "stop"], Form()],
    days: Annotated[int, Form(ge=1, le=365)] = DAYS[0],
    name: Annotated[str, Form(max_length=NAME_MAX_LENGTH)] = "",
    nonce: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Lets the shop greet her for some days, or no more; somebody unknown on this phone says what to call her.

    A second tap of the same form is as one, as at doors.
    """
    venue = _live(session, venue_id)
    response = RedirectResponse(f"/hello/{venue.id}", status_code=303)
    if act == "stop":
        if viewer is not None:
            stop(session, viewer.id, venue.id, now)
        return response
    tap = passing.read_nonce(nonce)
    passing.be_alone(session, tap)
    said = consent.said_by_tap(session, tap)
    who = viewer
    if said is not None:
        who = people.get(session, said.member_id)
        is_retry = viewer is None and who.guest and now - said.since <= passing.RETRIED
        if not is_retry and (viewer is None or viewer.id != who.id):
            raise refusals.NonceTaken
    elif who is None:
        # The address is printed on a card: a program that has it makes no thousands to be greeted.
        rate = Rate(caller.rates.asks_at_once, caller.rates.asks_per_h)
        limits.take(caller.engine, "guests from", caller.network, now=now, rate=rate)
        who = people.create_guest(session, name=name, language=say.language)
    if viewer is None:
        cookies.enter(request, response, session, settings, member_id=who.id, how="name", now=now)
    if said is None:
        consent.say(
            session,
            member_id=who.id,
            kind=Kind.VENUE,
            of_id=venue.id,
            level=Level.NAME,
            until=now + dt.timedelta(days=days),
            source="counter",
            now=now,
            nonce=tap,
        )
    return response


def stop(session: Session, member_id: str, venue_id: str, now: dt.datetime) -> None:
    """Takes back that a shop may greet her; two taps are as one."""
    said = consent.standing_for(session, member_id=member_id, kind=Kind.VENUE, of_id=venue_id, now=now)
    if said is not None and said.level == Level.NAME.word:
        consent.take_back(session, member_id=member_id, kind=Kind.VENUE, of_id=venue_id, now=now)


@router.api_route("/venues/{venue_id}/card", methods=READ)
def show_card(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    say: access.Say,
    size: Literal["a6", "a5"] = "a6",
) -> Response:
    """The card for the counter, to print: its QR leads to /hello."""
    venue = venues.get(session, venue_id)
    access.check_keeps(session, viewer, [venue])
    address = f"{settings.server.url}/hello/{venue.id}"
    return render.page(
        request,
        "card.html",
        viewer=viewer,
        venue=venue_facts(session, venue, say),
        size=size,
        address=address,
        qr=_picture(address, say.gettext("Scan me")),
        days=DAYS,
    )


def venue_facts(session: Session, venue: Venue, say: Texts, sees: bool = False) -> dict[str, Any]:
    """What pages say of it; sees: whether whoever reads may know where it is, and so how to reach who is there."""
    owner = None if venue.owner_id is None else people.get(session, venue.owner_id)
    return {
        "id": venue.id,
        "name": say.name(venue.name, venue.simulated),
        "contact": venue.contact if sees else "",
        "kind": venue.kind,
        "withheld": not sees,
        "address": venue.address if sees else "",
        "district": say.name(venue.district, venue.simulated),
        "offer": say.name(venue.offer, venue.simulated) if venue.offer else "",
        "owner": None if owner is None else say.name(owner.name, owner.simulated),
        "time_zone": venue.time_zone,
    }


class NobodyGreets(NotFound):
    """Nobody greets here: this is a recording."""

    code = "nobody_greets"


def _live(session: Session, venue_id: str) -> Venue:
    venue = venues.get(session, venue_id)
    if venue.replayed:
        raise NobodyGreets
    return venue


def _kept(settings: Settings) -> dict[str, float]:
    """For how long what is kept, from the settings that it is deleted by."""
    return {
        "window_s": settings.agent.window_s,
        "spool_days": settings.agent.spool_max_age_s / 86_400,
        "trace_hours": settings.gateway.late_s / 3600,
        "refused_days": settings.gateway.refused_keep_days,
        "guest_days": settings.people.guest_days,
    }


def _picture(address: str, label: str) -> Markup:
    return Markup(qr.svg(address, label=label))  # noqa: S704 -- made by us; the label is escaped
