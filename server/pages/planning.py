"""A new gathering on one screen, and what is said of one otherwise: plain forms."""

import dataclasses
import datetime as dt
from typing import Annotated, Any, get_args

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import ValidationError
from sqlalchemy.orm import Session
from starlette import datastructures
from starlette.responses import RedirectResponse, Response

from config.settings import Settings
from server import versions
from server.communities import service as communities
from server.corrections import making
from server.errors import MusterError, http_status
from server.events import copies, details, recurrence, schema, signups
from server.events import series as all_series
from server.events import service as events
from server.events.details import Kind
from server.events.model import Event
from server.interests import service as interests
from server.limits.callers import InCaller
from server.limits.service import Caller
from server.pages import facts, following, misread, render, where
from server.pages.doors import new_nonce, told
from server.pages.gathering import READ, kind_words
from server.pages.interests import offered
from server.pages.said import CAPACITY_SIGNS, ELSEWHERE, HOURS, Said, begins, capacity, if_match, step_of
from server.people import access
from server.people.model import Member
from server.pictures import service as pictures
from server.pictures.schema import url_of
from server.requests import Id, InSettings, InTransaction, Now
from server.texts import Texts
from server.venues import service as venues

router = APIRouter(include_in_schema=False)

USUAL_HOUR = 19  # when most gatherings begin
REPEATS = ("", *recurrence.OFTEN)

Sent = Annotated[UploadFile | str | None, File()]


@router.api_route("/new", methods=READ)
def show_new(request: Request, viewer: access.Account, session: InTransaction, now: Now, say: access.Say) -> Response:
    """The one screen: title, when, where, limit; the rest behind "more"."""
    places = where.places(session, viewer, say)
    time_zone = viewer.time_zone or next((place["time_zone"] for place in places), facts.WITHOUT_PLACE)
    tomorrow = recurrence.wall(now, time_zone).date() + dt.timedelta(days=1)
    said = Said(
        venue=places[0]["id"] if places else ELSEWHERE,
        day=tomorrow.isoformat(),
        time=f"{USUAL_HOUR}:00",
        time_zone=time_zone,
        nonce=new_nonce(),
    )
    return _new(request, session, viewer, said, say)


@router.post("/new")
def make(
    request: Request,
    viewer: access.Account,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
    said: Annotated[Said, Form()],
    picture: Sent = None,
) -> Response:
    """Makes it and announces it, unless it is to stay a draft."""
    now = caller.now
    try:
        with session.begin_nested():
            wanted = _wanted(session, said, say).model_copy(update=pictured(session, caller, picture, viewer))
            event = making.make(session, wanted, by=viewer, rule=settings.checkin, presence=settings.presence, now=now)
            if said.repeat and event.series_id is None:
                all_series.begin(
                    session, event_id=event.id, rule=recurrence.often(said.repeat, begins(said).date()), now=now
                )
    except MusterError as refused:
        return _new(request, session, viewer, said, say, refused=refused)
    return RedirectResponse(f"/events/{event.id}{'' if said.draft else '?made=true'}", status_code=303)


@router.api_route("/events/{event_id}/plan", methods=READ)
def show_plan(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """What is said of a gathering, to be said otherwise."""
    event = events.get(session, event_id)
    access.check_hosts(session, viewer, event)
    return plan_page(request, session, viewer, event, said_of(session, event), now, say)


@router.post("/events/{event_id}/plan")
def change_plan(
    request: Request,
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    caller: InCaller,
    say: access.Say,
    said: Annotated[Said, Form()],
    picture: Sent = None,
    no_picture: Annotated[bool, Form()] = False,
    times: Annotated[bool, Form()] = False,
) -> Response:
    """Says otherwise what a gathering is, and when it begins: all its steps move along.

    times: asks nothing here; it stays ticked where the form is refused.
    """
    event = events.get(session, event_id)
    access.check_hosts(session, viewer, event)
    try:
        with session.begin_nested():
            kept = {"picture": None} if no_picture else pictured(session, caller, picture, viewer)
            change(session, settings, event, said, kept.get("picture", event.picture_id), viewer, caller.now)
    except MusterError as refused:
        session.expire_all()
        said = said.model_copy(update={"version": str(event.version)})
        return plan_page(request, session, viewer, event, said, caller.now, say, times=times, refused=refused)
    return RedirectResponse(f"/events/{event_id}", status_code=303)


def _wanted(session: Session, said: Said, say: Texts) -> schema.NewEvent:
    """What the form asks for, as the API takes it; raises Invalid."""
    step = step_of(session, said, said.name.strip() or say.gettext("Gathering"))
    try:
        return schema.NewEvent.model_validate(
            {
                "name": said.name,
                "community": said.community or None,
                "kind": said.kind,
                "about": said.about,
                "price": said.price,
                "approval": said.approval,
                "guests_max": said.guests,
                "open_to_all": said.open_to_all,
                "draft": said.draft,
                "nonce": said.nonce or None,
                "interests": sorted(set(said.interest)),
                "steps": [step],
            }
        )
    except ValidationError as error:
        raise misread.why(error) from None


def pictured(session: Session, caller: Caller, sent: UploadFile | str | None, viewer: Member) -> dict[str, str | None]:
    """The picture that came with a form, if one did; raises what `pictures.take_sent` does."""
    if not isinstance(sent, datastructures.UploadFile):  # nothing was chosen
        return {}
    kept = pictures.take_sent(session, caller, sent.file, by=viewer.id)
    return {} if kept is None else {"picture": kept.id}


def change(
    session: Session,
    settings: Settings,
    event: Event,
    said: Said,
    picture_id: str | None,
    viewer: Member,
    now: dt.datetime,
) -> None:
    """Says otherwise what a gathering is, when and where; raises EditedMeanwhile, and what is wrong with it."""
    guests = int(said.guests) if said.guests.isdecimal() and len(said.guests) <= CAPACITY_SIGNS else -1
    about = dataclasses.replace(
        events.details_of(event),
        about=said.about,
        price=said.price,
        kind=_kind(said.kind),
        approval=said.approval,
        guests_max=guests,
        open_to_all=said.open_to_all,
        picture_id=picture_id,
    )
    # What is judged anew goes first: it passes the gateways' fence, and only then holds rows.
    following.move(session, event, said.venue, begins(said), by=viewer, presence=settings.presence, now=now)
    event = events.get(session, event.id, to_edit=True)
    steps = events.steps_of(session, event_id=event.id)
    events.check_edits(session, event, now)
    versions.edit(event, if_match(said))
    events.edit(session, event, name=said.name, community_id=event.community_id, about=about)
    events.choose_interests(session, event, said.interest)
    if len(steps) == 1:
        signups.set_entry(session, event_id=event.id, capacities={steps[0].id: capacity(said)}, now=now)


def _new(
    request: Request,
    session: Session,
    viewer: Member,
    said: Said,
    say: Texts,
    *,
    refused: MusterError | None = None,
) -> Response:
    return render.page(
        request,
        "new.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        said=said.model_dump(),
        places=where.places(session, viewer, say),
        pins=venues.listed_pins(session),
        communities=[
            {"id": one.id, "name": one.name} for one in communities.communities_of(session, member_id=viewer.id)
        ],
        **_choices(session, said, say),
        says=told(refused, say),
    )


def plan_page(
    request: Request,
    session: Session,
    viewer: Member,
    event: Event,
    said: Said,
    now: dt.datetime,
    say: Texts,
    *,
    times: bool = False,
    refused: MusterError | None = None,
) -> Response:
    """The form for what is said of a gathering, with what was typed; times: what was ticked for those that follow."""
    offered = following.offer(session, viewer, event, where.places(session, viewer, say), now, say)
    return render.page(
        request,
        "event_plan.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        event={"id": event.id, "name": say.name(event.name, event.simulated), "community": event.community_id},
        said=said.model_dump(),
        picture=None if event.picture_id is None else url_of(event.picture_id),
        steps=len(events.steps_of(session, event_id=event.id)),
        following=None if offered is None else offered | {"times": times},
        **_choices(session, said, say),
        says=told(refused, say),
    )


def _choices(session: Session, said: Said, say: Texts) -> dict[str, Any]:
    return {
        "kinds": kind_words(say),
        "hours": HOURS,
        "most_guests": details.MOST_GUESTS,
        "repeats": REPEATS,
        "interests": [
            {"id": one.id, "name": interests.name_of(one, say)} for one in offered(session, set(said.interest))
        ],
    }


def said_of(session: Session, event: Event) -> Said:
    """What is said of a gathering, as the form says it."""
    steps = events.steps_of(session, event_id=event.id)
    wall = copies.starts_at(steps, copies.zone_of(session, steps))
    about = events.details_of(event)
    return Said(
        name=event.name,
        version=str(event.version),
        venue=following.place_of(steps) or ELSEWHERE,
        day=wall.date().isoformat(),
        time=f"{wall:%H:%M}",
        places=str(steps[0].capacity or ""),
        about=about.about,
        kind=about.kind,
        price=about.price,
        guests=str(about.guests_max),
        approval=about.approval,
        open_to_all=about.open_to_all,
        interest=[one.id for one in events.interests_of(session, event_id=event.id)],
    )


def _kind(typed: str) -> Kind:
    return next((kind for kind in get_args(Kind) if kind == typed), "other")
