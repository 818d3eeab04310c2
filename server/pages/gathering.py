"""The page of a gathering: what, when and where; coming, waiting, progress; and its host's acts."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from config.settings import Settings
from server import paging
from server.audience import schema as audience_words
from server.audience import service as audience
from server.checkins import rights as checkins_rights
from server.checkins import service as checkins
from server.communities import service as communities
from server.corrections import lists
from server.corrections import service as corrections
from server.errors import MusterError, http_status
from server.events import copies, life, places, rights, signups, slots, states
from server.events import service as events
from server.events.details import KINDS, Kind
from server.events.model import Event, Step
from server.events.states import LIVE, Phase, SignUpState, State
from server.met import service as met
from server.pages import invitation, render, reviews, stamps
from server.pages.doors import new_nonce, told
from server.pages.facts import Fact
from server.people import access
from server.people import service as people
from server.people.model import Member
from server.requests import Id, InSettings, InTransaction, Now, Number
from server.reviews import things
from server.sharing import reading
from server.stamps.cards import Of
from server.texts import Texts
from server.venues import service as venues
from server.venues.model import Zone

router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
LISTED = 500  # more people than a host looks through by hand; the API has them in pages


def kind_words(say: Texts) -> dict[Kind, str]:
    """What each kind of gathering is called."""
    words: dict[Kind, str] = {
        "sharing": say.gettext("Sharing session"),
        "dinner": say.gettext("Dinner"),
        "walk": say.gettext("Walk"),
        "class": say.gettext("Class"),
        "exhibition": say.gettext("Exhibition"),
        "trip": say.gettext("Trip"),
        "other": say.gettext("Gathering"),
    }
    return {kind: words[kind] for kind in KINDS}


@router.api_route("/events/{event_id}", methods=READ)
def show_gathering(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    made: bool = False,
) -> Response:
    """What a gathering is, and where the viewer stands with it; whom it is not for reads its invitation."""
    try:
        return _page(request, session, settings, viewer, event_id, now, say, made=made)
    except events.MembersOnly:
        return RedirectResponse(f"/g/{event_id}", status_code=303)


@router.post("/events/{event_id}/come")
def come(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    act: Annotated[str, Form(pattern="^(come|leave)$")] = "come",
    guests: Annotated[int | None, Form(ge=0, le=100)] = None,
    step: Annotated[list[str], Form(max_length=events.MAX_STEPS)] = [],  # noqa: B006 -- FastAPI copies it
    by_step: Annotated[bool, Form()] = False,
) -> Response:
    """Signs up, says otherwise with whom and for what, or withdraws."""
    events.get_seen(session, event_id, viewer)
    try:
        with session.begin_nested():
            if act == "leave":
                corrections.withdraw(
                    session, event_id=event_id, member_id=viewer.id, presence=settings.presence, now=now
                )
            else:
                corrections.sign_up(
                    session,
                    event_id=event_id,
                    member_id=viewer.id,
                    guests=guests,
                    step_ids=step if by_step else None,
                    presence=settings.presence,
                    now=now,
                )
    except MusterError as refused:
        typed = {"steps": step, "brings": guests or 0}
        return _page(request, session, settings, viewer, event_id, now, say, refused=refused, typed=typed)
    return RedirectResponse(f"/events/{event_id}", status_code=303)


@router.post("/events/{event_id}/again")
def repeat(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    nonce: Annotated[str, Form(min_length=8, max_length=64)],
) -> Response:
    """Copies it to the next free date."""
    access.check_organizes(viewer, events.get(session, event_id))
    try:
        with session.begin_nested():
            copied = copies.again(session, event_id=event_id, by=viewer.id, nonce=nonce, now=now)
    except MusterError as refused:
        return _page(request, session, settings, viewer, event_id, now, say, refused=refused)
    return RedirectResponse(f"/events/{copied.id}?made=true", status_code=303)


@router.post("/events/{event_id}/audience")
def choose_audience(
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    on: Annotated[bool, Form()],
) -> Response:
    """Says whether members near are told of it from now on."""
    access.check_hosts(session, viewer, events.get_seen(session, event_id, viewer))
    audience.switch(session, event_id=event_id, on=on, now=now)
    return RedirectResponse(f"/events/{event_id}", status_code=303)


@router.post("/events/{event_id}/life")
def change_life(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    act: Annotated[str, Form(pattern="^(publish|cancel)$")],
    reason: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Announces it, or calls it off."""
    event = events.get_seen(session, event_id, viewer)
    if act == "publish":
        access.check_hosts(session, viewer, event)
    else:
        rights.check_calls_off(session, viewer, event)
    try:
        with session.begin_nested():
            if act == "publish":
                corrections.publish(session, event_id=event_id, presence=settings.presence, now=now)
            else:
                life.cancel(session, event_id=event_id, reason=reason, now=now)
    except MusterError as refused:
        return _page(request, session, settings, viewer, event_id, now, say, refused=refused)
    return RedirectResponse(f"/events/{event_id}{'?made=true' if act == 'publish' else ''}", status_code=303)


@router.api_route("/events/{event_id}/people", methods=READ)
def show_people(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """Who comes, waits and asks, for its hosts; without names for operators."""
    return _people(request, session, viewer, event_id, now, say)


@router.post("/events/{event_id}/people/{number}")
def answer(
    request: Request,
    event_id: Id,
    number: Number,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    answer: Annotated[str, Form(pattern="^(yes|no)$")],
) -> Response:
    """The host's yes or no to somebody."""
    access.check_hosts(session, viewer, events.get(session, event_id))
    try:
        with session.begin_nested():
            corrections.answer(
                session,
                event_id=event_id,
                member_id=signups.find(session, event_id=event_id, number=number),
                yes=answer == "yes",
                presence=settings.presence,
                now=now,
            )
    except MusterError as refused:
        return _people(request, session, viewer, event_id, now, say, refused=refused)
    return RedirectResponse(f"/events/{event_id}/people", status_code=303)


def _page(
    request: Request,
    session: Session,
    settings: Settings,
    viewer: Member,
    event_id: str,
    now: dt.datetime,
    say: Texts,
    *,
    made: bool = False,
    refused: MusterError | None = None,
    typed: Fact | None = None,
) -> Response:
    event = events.get_seen(session, event_id, viewer)
    steps = events.steps_of(session, event_id=event_id)
    mine = slots.mine(session, event_id=event_id, member_id=viewer.id)
    hosts = access.hosts(session, viewer, event)
    free = slots.free(session, event_id)
    progress = checkins.progress(session, event=event, member_id=viewer.id)
    live = mine is not None and mine.state in LIVE
    chosen = {slot.step_id: slot for slot in mine.slots} if mine is not None else {}
    ticked = {step_id for step_id, slot in chosen.items() if slot.state in LIVE}
    wants: Fact = {"steps": ticked, "brings": mine.guests if live and mine is not None else 0} | (typed or {})
    return render.page(
        request,
        "event.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        event=_event(event, say),
        of=_community(session, event, say),
        host=say.name(people.get(session, event.organizer_id).name, event.simulated),
        phase=events.phase_of(session, event, now),
        steps=[
            _step(session, step, free[step.id], chosen.get(step.id), step.id in progress.done, say, viewer, now)
            | {"wanted": step.id in wants["steps"]}
            for step in steps
        ],
        left=min((left for left in free.values() if left is not None), default=None),
        mine=None if mine is None else {"state": mine.state, "guests": mine.guests, "before": mine.before},
        brings=wants["brings"],
        live=live,
        progress={"done": len(progress.done), "needs": progress.needs, "complete": progress.complete},
        hosts=hosts,
        told_near=_told_near(session, event, say) if hosts else None,
        organizes=event.organizer_id == viewer.id,
        may_call_off=hosts or viewer.operator or rights.keeps_any(session, viewer, event),
        going=signups.count_heads(session, event_id=event_id),
        waits=len(signups.members_of(session, event_id=event_id, among=[SignUpState.WAITING])),
        asks=len(signups.members_of(session, event_id=event_id, among=[SignUpState.ASKED])),
        shared=_shared(session, event, viewer, say, now, settings.server.url) if made else None,
        nonce=new_nonce(),
        says=told(refused, say),
        over=events.phase_of(session, event, now) is Phase.OVER,
        asks_met=met.is_to_ask(session, member_id=viewer.id, event_id=event_id, now=now),
        reviews=reviews.summary(session, things.event(session, event_id, viewer), viewer, now, say),
        stamp_card=stamps.offered(session, Of("event", event.id), say),
    )


def _told_near(session: Session, event: Event, say: Texts) -> Fact | None:
    """Whether members near are told of it, for its hosts; None: it is not announced."""
    if event.state != State.PUBLISHED:
        return None
    on = audience.is_on(session, event_id=event.id)
    return {"on": on, "says": audience_words.says(on, say)}


def _shared(session: Session, event: Event, viewer: Member, say: Texts, now: dt.datetime, own_url: str) -> Fact | None:
    """What its host tells others of what is just out."""
    if event.state != State.PUBLISHED:
        return None
    return invitation.told(reading.see(session, event.id, viewer=viewer, say=say), say, now, own_url, viewer.time_zone)


def _people(
    request: Request,
    session: Session,
    viewer: Member,
    event_id: str,
    now: dt.datetime,
    say: Texts,
    *,
    refused: MusterError | None = None,
) -> Response:
    hers = checkins_rights.check_sees(session, member=viewer, event_id=event_id)
    event = events.get(session, event_id)
    steps = events.steps_of(session, event_id=event_id)
    rows = lists.read(session, event_id=event_id, names=hers, page=paging.Page(LISTED), now=now)
    titles = {step.id: say.name(step.name, event.simulated) for step in steps}
    free = slots.free(session, event_id)
    over = {titles[step_id]: -left for step_id, left in free.items() if left is not None and left < 0}
    groups: dict[str, list[Fact]] = {state: [] for state in ("asked", "going", "waiting")}
    for row in rows:
        groups[row.mine.state].append(
            {
                "number": row.number,
                "name": None if row.name is None else say.name(row.name, event.simulated),
                "guests": row.mine.guests,
                "before": row.mine.before,
                "steps": [
                    {"name": titles[slot.step_id], "state": slot.state}
                    for slot in row.mine.slots
                    if slot.step_id is not None and slot.state in LIVE
                ],
            }
        )
    return render.page(
        request,
        "event_people.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        event=_event(event, say),
        groups=groups,
        heads=sum(1 + row["guests"] for row in groups["going"]),
        over=over,
        answers=states.State(event.state) is State.PUBLISHED and events.phase_of(session, event, now) is not Phase.OVER,
        says=told(refused, say),
    )


def _community(session: Session, event: Event, say: Texts) -> Fact | None:
    if event.community_id is None:
        return None
    of = communities.get(session, event.community_id)
    return {"id": of.id, "name": say.name(of.name, of.simulated)}


def _event(event: Event, say: Texts) -> Fact:
    return {
        "id": event.id,
        "name": say.name(event.name, event.simulated),
        "state": event.state,
        "reason": event.reason,
        "kind": kind_words(say)[events.details_of(event).kind],
        "about": say.name(event.about, event.simulated),
        "price": say.name(event.price, event.simulated),
        "approval": event.approval,
        "guests_max": event.guests_max,
        "by_step": event.by_step,
        "series": event.series_id,
        "picture": None if event.picture_id is None else f"/api/pictures/{event.picture_id}",
    }


def _step(
    session: Session,
    step: Step,
    left: int | None,
    slot: slots.Slot | None,
    came: bool,
    say: Texts,
    viewer: Member,
    now: dt.datetime,
) -> Fact:
    venue = venues.get(session, step.venue_id)
    zone = session.get(Zone, step.zone_id) if step.zone_id else None
    sees = places.sees_address(session, venue=venue, member=viewer, now=now)
    where: Any = venues.location_of(venue) if sees else None
    return {
        "id": step.id,
        "name": say.name(step.name, venue.simulated),
        "venue": say.name(venue.name, venue.simulated),
        "zone": None if zone is None else say.name(zone.name, venue.simulated),
        "time_zone": venue.time_zone,
        "starts_at": step.starts_at,
        "ends_at": step.ends_at,
        "capacity": step.capacity,
        "left": left,
        "address": say.name(venue.address if sees else venue.district, venue.simulated),
        "withheld": not sees,
        "where": None if where is None else f"geo:{where[1]:.6f},{where[0]:.6f}",
        "came": came,
        "state": None if slot is None else slot.state,
        "before": None if slot is None else slot.before,
        "over": step.ends_at <= now,
    }
