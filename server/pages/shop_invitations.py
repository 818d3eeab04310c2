"""A shop's invitations, for who keeps it; one of them, for who got it; and taking back that one refused a shop."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from config.settings import Invitations as Rules
from server import clocks, nonces, paging
from server.errors import MusterError, http_status
from server.fans import rounding
from server.invitations import counting, judging, refusals, words
from server.invitations import service as invitations
from server.invitations.judging import Why
from server.invitations.model import ShopInvitation
from server.invitations.service import Draft, Preview
from server.limits.callers import InCaller
from server.nearby import words as nearby_words
from server.pages import facts, render
from server.pages.doors import new_nonce, told
from server.pages.facts import Fact
from server.people import access
from server.people.model import Member
from server.requests import Id, InPage, InSettings, InTransaction, Now, Number
from server.texts import Texts
from server.venues import service as venues
from server.venues.model import Venue

router = APIRouter(include_in_schema=False)
READ = ["GET", "HEAD"]
HOURS = (1, 2, 4, 8, 24)  # what the form offers beside the closing time
Written = Annotated[str, Form(max_length=4 * invitations.LONGEST)]


@router.api_route("/venues/{venue_id}/invitations", methods=READ)
def show_invitations(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    page: InPage,
) -> Response:
    """How many are near, a new invitation, and what became of those before; for who keeps the shop."""
    venue = invitations.kept(session, viewer, venue_id)
    return _shop(request, session, viewer, venue, settings.invitations, now, say, page=page)


@router.post("/venues/{venue_id}/invitations")
def invite(
    request: Request,
    venue_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    nonce: Annotated[str, Form(min_length=nonces.SIGNS[0], max_length=nonces.SIGNS[1])],
    act: Annotated[Literal["look", "edit", "send"], Form()] = "look",
    text: Written = "",
    hours: Annotated[int, Form(ge=0, le=24)] = 0,
) -> Response:
    """Shows how it would look, or sends what was looked at. hours: 0 for the closing time."""
    venue, rules = invitations.kept(session, viewer, venue_id), settings.invitations
    draft = Draft(text, now + dt.timedelta(hours=hours) if hours else None)
    typed, preview = {"text": text, "hours": hours, "nonce": nonce}, None
    try:
        if act == "look":
            preview = invitations.preview(session, venue, draft, rules=rules, say=say, now=now)
        elif act == "send":
            with session.begin_nested():
                invitations.send(session, venue, draft, by=viewer, nonce=nonce, rules=rules, now=now)
            return RedirectResponse(f"/venues/{venue_id}/invitations#sent", status_code=303)
    except MusterError as refused:
        return _shop(request, session, viewer, venue, rules, now, say, refused=refused, typed=typed)
    return _shop(request, session, viewer, venue, rules, now, say, preview=preview, typed=typed)


@router.api_route("/invitations/{invitation_id}", methods=READ)
def show_invitation(
    request: Request, invitation_id: Number, viewer: access.Viewer, session: InTransaction, now: Now, say: access.Say
) -> Response:
    """An invitation, why she got it, and never again."""
    return _invitation(request, session, viewer, invitations.get(session, invitation_id, viewer), now, say)


@router.post("/invitations/{invitation_id}")
def act_on_invitation(
    request: Request,
    invitation_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    caller: InCaller,
    say: access.Say,
    act: Annotated[Literal["refuse", "again", "report", "hide", "put_back"], Form()],
    why: Annotated[Why, Form()] = "other",
) -> Response:
    """Not from this shop again, or again after all; reports it; hides it or puts it back."""
    now = caller.now
    if act == "refuse":  # from her inbox as well, when it is over
        venue_id = invitations.venue_of(session, invitation_id, viewer)
        refusals.refuse(session, venue_id=venue_id, viewer=viewer, now=now)
        return RedirectResponse("/me/positions#uses", status_code=303)
    found = invitations.get(session, invitation_id, viewer)
    try:
        with session.begin_nested():
            if act == "again":
                refusals.take_back(session, venue_id=found.venue_id, viewer=viewer)
            elif act == "report":
                judging.report(session, caller, invitation_id, why=why, viewer=viewer)
            elif act == "hide":
                judging.hide(session, invitation_id, why=why, viewer=viewer, now=now)
            else:
                judging.put_back(session, invitation_id, viewer=viewer, now=now)
    except MusterError as refused:
        return _invitation(request, session, viewer, found, now, say, refused=refused)
    done = "?reported=true" if act == "report" else ""
    return RedirectResponse(f"/invitations/{invitation_id}{done}", status_code=303)


@router.post("/me/positions/shops")
def hear_from_shop_again(
    venue_id: Annotated[str, Form(max_length=64)], viewer: access.Viewer, session: InTransaction
) -> Response:
    """A shop that was refused may invite her again."""
    refusals.take_back(session, venue_id=venue_id, viewer=viewer)
    return RedirectResponse("/me/positions#uses", status_code=303)


def _shop(
    request: Request,
    session: Session,
    viewer: Member,
    venue: Venue,
    rules: Rules,
    now: dt.datetime,
    say: Texts,
    *,
    refused: MusterError | None = None,
    preview: Preview | None = None,
    typed: Fact | None = None,
    page: paging.Page | None = None,
) -> Response:
    found, waits = None, None
    try:
        found = invitations.audience_of(session, venue, rules=rules, now=now)
        invitations.check_may_send(session, venue, rules=rules, now=now)
    except MusterError as in_the_way:
        waits = told(in_the_way, say)
    sent, next_cursor = paging.with_next(
        page or paging.Page(paging.DEFAULT), lambda page: invitations.list_of(session, venue, page=page)
    )
    return render.page(
        request,
        "shop_invitations.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        venue={"id": venue.id, "name": say.name(venue.name, venue.simulated)},
        audience=None
        if found is None
        else {"nearby": found.nearby, "willing": found.willing, "until": _moment(found.until, venue, say)},
        waits=waits,
        preview=None if preview is None else {"look": preview.look, "willing": preview.audience.willing},
        typed={"text": "", "hours": 0, "nonce": new_nonce()} if typed is None else typed,
        usual=_moment(invitations.usual_end(venue, now), venue, say),
        hours=HOURS,
        sent=[_sent(row, venue, now, say) for row in sent],
        next_cursor=next_cursor,
        longest=invitations.LONGEST,
        per_day=rules.per_day,
        per_week=rules.per_week,
        k=rounding.K,
        says=told(refused, say),
    )


def _sent(row: ShopInvitation, venue: Venue, now: dt.datetime, say: Texts) -> Fact:
    known_at = row.until + counting.AFTER + counting.LATE
    return {
        "id": row.id,
        "text": row.text,
        "at": row.at,
        "when": _moment(row.at, venue, say),
        "until": _moment(row.until, venue, say),
        "runs": now < row.until,
        "invited": row.invited,
        "came": row.came,
        "known": None if row.counted_at is not None else _moment(known_at, venue, say),
        "hidden": row.hidden_at is not None,
    }


def _invitation(
    request: Request,
    session: Session,
    viewer: Member,
    found: ShopInvitation,
    now: dt.datetime,
    say: Texts,
    *,
    refused: MusterError | None = None,
) -> Response:
    venue = venues.get(session, found.venue_id)
    away_m = invitations.away_m(session, found, viewer)
    judges = viewer.operator and not access.keeps(session, viewer, venue)
    reports = judging.reports_of(session, found.id) if judges else []
    place = venues.location_of(venue)
    return render.page(
        request,
        "shop_invitation.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        venue={
            "id": venue.id,
            "name": say.name(venue.name, venue.simulated),
            "address": venue.address,
            "geo": "" if place is None else f"geo:{place[1]:.6f},{place[0]:.6f}",
        },
        invitation={
            "id": found.id,
            "text": found.text,
            "until": _moment(found.until, venue, say),
            "over": now >= found.until,
            "hidden": say.gettext(words.WHYS[found.hidden_why]) if found.hidden_at is not None else "",
        },
        got=invitations.got(session, found.id, viewer),
        away=None if away_m is None else nearby_words.distance(away_m, say),
        refused=refusals.refuses(session, venue_id=venue.id, viewer=viewer),
        judges=judges,
        reports=[say.gettext(words.WHYS[why]) for why in reports],
        reported="reported" in request.query_params,
        whys=[(why, say.gettext(sentence)) for why, sentence in words.WHYS.items()],
        time_zone=facts.clock_of(viewer),
        says=told(refused, say),
    )


def _moment(at: dt.datetime, venue: Venue, say: Texts) -> str:
    return clocks.moment(clocks.there(at, venue.time_zone), say)
