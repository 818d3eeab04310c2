"""The pages of stamp cards: one's own, a code at the counter, redeeming, and the card of a place or a gathering."""

import datetime as dt
import zoneinfo
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Path, Request
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server import qr
from server.checkins import service as checkins
from server.doors import codes
from server.errors import Invalid, MusterError, http_status
from server.events import service as events
from server.limits import service as limits
from server.limits.callers import InCaller
from server.pages import facts, render
from server.pages.doors import told
from server.pages.facts import Fact
from server.people import access
from server.people.model import Member
from server.requests import Id, InSettings, InTransaction, Now, Number
from server.stamps import called, cards, counter
from server.stamps import service as stamps
from server.stamps.cards import Kind, Of
from server.stamps.model import StampCard, StampRedemption
from server.texts import Texts
from server.venues import service as venues

router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
Plural = Literal["venues", "communities", "events"]
KINDS: dict[str, Kind] = {"venues": "venue", "communities": "community", "events": "event"}
PLURALS: dict[Kind, str] = {kind: plural for plural, kind in KINDS.items()}
Code = Annotated[str, Path(max_length=40)]
USUAL_NEEDS = "6"  # a row and one more


class DayUnread(Invalid):
    """Until which day? Write it like 2026-12-31."""

    code = "day_unread"


@router.api_route("/me/stamps", methods=READ)
def show_wallet(request: Request, viewer: access.Viewer, session: InTransaction, now: Now, say: access.Say) -> Response:
    """Her stamp cards, as pictures and in words."""
    return _wallet(request, session, viewer, now, say)


@router.post("/me/stamps/{card_id}")
def act_on_card(
    request: Request,
    card_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    act: Annotated[Literal["show", "remember", "lay_down"], Form()],
) -> Response:
    """Shows a full card at the counter, has visits remembered, or lays a card down."""
    try:
        with session.begin_nested():
            if act == "show":
                counter.show(session, card_id=card_id, member_id=viewer.id, now=now)
                return RedirectResponse(f"/me/stamps/{card_id}", status_code=303)
            if act == "remember":
                stamps.take(session, card_id=card_id, member_id=viewer.id, remember=True, now=now)
            elif stamps.holds(session, card_id=card_id, member_id=viewer.id):  # two taps are as one
                stamps.lay_down(session, card_id=card_id, member_id=viewer.id)
    except MusterError as refused:
        return _wallet(request, session, viewer, now, say, refused)
    return RedirectResponse("/me/stamps", status_code=303)


@router.api_route("/me/stamps/{card_id}", methods=READ)
def show_card(
    request: Request,
    card_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
) -> Response:
    """A card at the counter, with the code that is good now."""
    held = stamps.get(session, card_id=card_id, member_id=viewer.id, now=now)
    shown = counter.shown(session, card_id=card_id, member_id=viewer.id, now=now)
    return render.page(
        request,
        "stamp_show.html",
        viewer=viewer,
        card=_held(session, held, say),
        code=None
        if shown is None
        else {
            "shown": codes.show(shown.code),
            "until": render.local_time(shown.until, _zone_of(session, held.card)),
            "picture": _picture(f"{settings.server.url}/stamps/{shown.code}", codes.show(shown.code)),
        },
    )


@router.api_route("/stamps", methods=READ)
def show_counter(request: Request, viewer: access.Viewer, session: InTransaction, say: access.Say) -> Response:
    """One field for the six signs."""
    del session
    return _counter(request, viewer, "", None, say)


@router.post("/stamps")
def look_up(code: Annotated[str, Form(max_length=40)] = "") -> Response:
    """What was typed, as its page."""
    return RedirectResponse(f"/stamps/{codes.read(code) or '-'}", status_code=303)


@router.api_route("/stamps/{code}", methods=READ)
def show_code(
    request: Request,
    code: Code,
    viewer: access.Viewer,
    caller: InCaller,
    session: InTransaction,
    say: access.Say,
) -> Response:
    """What a code says to who stands at the counter; no name."""
    try:
        with limits.guessing(session, caller, "stamp code", counter.CodeUnknown):
            seen = counter.look(session, code=code, viewer=viewer, now=caller.now)
    except MusterError as refused:
        return _counter(request, viewer, "", None, say, refused)
    return _counter(request, viewer, code, _seen(session, seen, caller.now, say), say)


@router.post("/stamps/{code}")
def redeem(
    request: Request,
    code: Code,
    viewer: access.Viewer,
    caller: InCaller,
    session: InTransaction,
    say: access.Say,
) -> Response:
    """Redeems it, once."""
    try:
        with session.begin_nested(), limits.guessing(session, caller, "stamp code", counter.CodeUnknown):
            counter.redeem(session, code=code, viewer=viewer, now=caller.now)
    except MusterError as refused:
        return _counter(request, viewer, "", None, say, refused)
    return RedirectResponse(f"/stamps/{codes.read(code)}", status_code=303)


@router.api_route("/{plural}/{of_id}/stamps", methods=READ)
def show_stamp_card(
    request: Request,
    plural: Plural,
    of_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    say: access.Say,
) -> Response:
    """The card of a place, a house or a gathering: to be taken, or to be made and ended."""
    return _card_page(request, session, viewer, Of(KINDS[plural], of_id), say)


@router.post("/{plural}/{of_id}/stamps")
def act_on_stamp_card(
    request: Request,
    plural: Plural,
    of_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    act: Annotated[Literal["take", "take_and_remember", "make", "end"], Form()],
    needs: Annotated[str, Form(max_length=20)] = "",
    reward: Annotated[str, Form(max_length=1000)] = "",
    until: Annotated[str, Form(max_length=40)] = "",
    renews: Annotated[bool, Form()] = False,
) -> Response:
    """Takes the card, makes it or ends it."""
    of = Of(KINDS[plural], of_id)
    serves = cards.serves(session, viewer, of)
    if act in ("make", "end") and not serves:
        raise cards.NotYourCounter
    try:
        with session.begin_nested():
            card = cards.standing(session, of)
            if act == "make":
                ends = _end_of(until, _zone(session, of, viewer.id))
                wanted = None if of.kind == "event" else int(needs) if needs.strip().isdecimal() else 0
                cards.make(
                    session, of=of, reward=reward, needs=wanted, until=ends, renews=renews, by=viewer.id, now=now
                )
            elif card is None and act != "end":  # ended meanwhile; to end twice is as once
                raise stamps.CardOver
            elif card is not None and act == "end":
                cards.end(session, card.id, now=now)
            elif card is not None:
                remember = act == "take_and_remember"
                stamps.take(session, card_id=card.id, member_id=viewer.id, remember=remember, now=now)
    except MusterError as refused:
        typed = {"needs": needs, "reward": reward, "until": until, "renews": renews}
        return _card_page(request, session, viewer, of, say, refused, typed)
    where = "/me/stamps" if act.startswith("take") else request.url.path
    return RedirectResponse(where, status_code=303)


def offered(session: Session, of: Of, say: Texts) -> Fact | None:
    """The card that a thing gives now, for its own page: {"reward", "needs", "kind", "renews", "until", "href"}."""
    card = cards.standing(session, of)
    return None if card is None else _card(session, card, say)


def _wallet(
    request: Request,
    session: Session,
    viewer: Member,
    now: dt.datetime,
    say: Texts,
    refused: MusterError | None = None,
) -> Response:
    return render.page(
        request,
        "stamps.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        cards=[_held(session, held, say) for held in stamps.of_member(session, member_id=viewer.id, now=now)],
        says=told(refused, say),
    )


def _counter(
    request: Request,
    viewer: Member,
    code: str,
    seen: Fact | None,
    say: Texts,
    refused: MusterError | None = None,
) -> Response:
    return render.page(
        request,
        "stamp_counter.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        code=code,
        seen=seen,
        says=told(refused, say),
    )


def _card_page(
    request: Request,
    session: Session,
    viewer: Member,
    of: Of,
    say: Texts,
    refused: MusterError | None = None,
    typed: dict[str, Any] | None = None,
) -> Response:
    serves = cards.serves(session, viewer, of)
    card = cards.standing(session, of)
    place = called.name_of(session, of)
    redeemed = select(func.count()).where(StampRedemption.card_id == (0 if card is None else card.id))
    return render.page(
        request,
        "stamp_card.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        of={
            "kind": of.kind,
            "name": say.name(place.name, place.simulated),
            "href": f"/{PLURALS[of.kind]}/{of.id}",
        },
        serves=serves,
        card=None if card is None else {**_card(session, card, say), "redeemed": session.scalar(redeemed) or 0},
        held=card is not None and stamps.holds(session, card_id=card.id, member_id=viewer.id),
        remembered=of.kind == "venue" and checkins.remembered(session, member_id=viewer.id, venue_id=of.id),
        steps=cards.needs_of(session, StampCard(event_id=of.id)) if of.kind == "event" else None,
        most=cards.MOST,
        typed=typed or {"needs": USUAL_NEEDS, "reward": "", "until": "", "renews": False},
        says=told(refused, say),
    )


def _card(session: Session, card: StampCard, say: Texts) -> Fact:
    of, time_zone = cards.of(card), _zone_of(session, card)
    place = called.name_of(session, of)
    return {
        "id": card.id,
        "kind": of.kind,
        "name": say.name(place.name, place.simulated),
        "href": f"/{PLURALS[of.kind]}/{of.id}",
        "needs": cards.needs_of(session, card),
        "reward": say.name(card.reward, place.simulated),
        "renews": card.renews,
        # The last day of it, though it ends with the next.
        "until": None if card.until is None else _day(card.until - dt.timedelta(microseconds=1), time_zone, say),
    }


def _held(session: Session, held: stamps.Held, say: Texts) -> Fact:
    zone, standing = _zone_of(session, held.card), held.standing
    simulated = called.name_of(session, cards.of(held.card)).simulated
    return {
        **_card(session, held.card, say),
        "stamps": [
            {"on": _day(stamp.at, zone, say), "name": say.name(stamp.name, simulated)} for stamp in standing.stamps
        ],
        "state": standing.state.value,
        "remembered": held.remembered,
        "redeemed": standing.redeemed,
        "redeemed_on": None if standing.redeemed_at is None else _day(standing.redeemed_at, zone, say),
    }


def _seen(session: Session, seen: counter.Seen, now: dt.datetime, say: Texts) -> Fact:
    zone = _zone_of(session, seen.card)
    return {
        "card": _card(session, seen.card, say),
        "have": len(seen.standing.stamps),
        "state": seen.standing.state.value,
        "redeemed_at": None if seen.redeemed_at is None else render.local_time(seen.redeemed_at, zone),
        "over": now >= seen.until,
    }


def _zone(session: Session, of: Of, made_by: str | None) -> str:
    """By which clock a card is read, by everybody: its venue's, its first step's, else that of who made it."""
    if of.kind == "venue":
        return venues.get(session, of.id).time_zone
    if of.kind == "event":
        return venues.get(session, events.steps_of(session, event_id=of.id)[0].venue_id).time_zone
    maker = None if made_by is None else session.get(Member, made_by)
    return (maker and maker.time_zone) or facts.WITHOUT_PLACE


def _zone_of(session: Session, card: StampCard) -> str:
    return _zone(session, cards.of(card), card.made_by)


def _day(at: dt.datetime, time_zone: str, say: Texts) -> str:
    return say.day(at.astimezone(zoneinfo.ZoneInfo(time_zone)).date())


def _end_of(typed: str, time_zone: str) -> dt.datetime | None:
    """The end of a day that was typed; raises DayUnread."""
    if not typed.strip():
        return None
    try:
        after = dt.date.fromisoformat(typed.strip()) + dt.timedelta(days=1)
    except (ValueError, OverflowError):
        raise DayUnread from None
    return dt.datetime.combine(after, dt.time(), zoneinfo.ZoneInfo(time_zone)).astimezone(dt.UTC)


def _picture(address: str, label: str) -> Markup:
    return Markup(qr.svg(address, label=label))  # noqa: S704 -- made by us; the label is escaped
