"""Events: reading them, what is said of them, announcing, repeating and calling them off, their series and hosts."""

import dataclasses

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from server import versions
from server.audit import schema as audit_schema
from server.audit import service as audit
from server.communities import rights as community_rights
from server.events import choosing, copies, life, rights, schema, signups, slots
from server.events import series as all_series
from server.events import service as events
from server.events.details import Details
from server.events.model import Event
from server.events.states import NotSignedUp
from server.people import access, roles
from server.people import schema as people_schema
from server.people.model import Member
from server.pictures import service as pictures
from server.requests import Id, IfMatch, InPage, InTransaction, Now

router = APIRouter(prefix="/api/events", tags=["events"])
series_router = APIRouter(prefix="/api/series", tags=["events"])


@router.get("")
def list_events(viewer: access.Viewer, session: InTransaction, page: InPage) -> list[schema.EventOut]:
    """All events, those that end last first; drafts are their hosts' alone."""
    found = events.list_seen(session, viewer, page)
    organized = {event.id for event in found if event.organizer_id == viewer.id}
    hosted = organized | roles.held_by(session, member_id=viewer.id, kind="event")
    mine = set(signups.signed_up_for(session, member_id=viewer.id))
    return schema.show_all(session, found, hosted=hosted, mine=mine)


@router.get("/{event_id}")
def get_event(event_id: Id, viewer: access.Viewer, session: InTransaction, response: Response) -> schema.EventOut:
    """An event with its steps."""
    event = events.get_seen(session, event_id, viewer)
    versions.tell(response, event)
    return _show(session, event, viewer)


@router.patch("/{event_id}")
def change_event(
    event_id: Id,
    wanted: schema.EventChange,
    viewer: access.Viewer,
    session: InTransaction,
    response: Response,
    now: Now,
    if_match: IfMatch = None,
) -> schema.EventOut:
    """Says otherwise what an event is, until it is over or called off; for its organizer, hosts and operators.

    With `If-Match`, unless somebody changed it meanwhile. Steps are moved by themselves.
    """
    event = events.get(session, event_id, to_edit=True)
    access.check_hosts(session, viewer, event)
    events.check_edits(session, event, now)
    versions.edit(event, if_match)
    said = wanted.model_dump(exclude_unset=True)
    community_id = said.pop("community", event.community_id)
    if community_id is not None and community_id != event.community_id:
        community_rights.check_may_gather(session, viewer, community_id)
    name = said.pop("name", None) or event.name
    about_what = said.pop("interests", None)
    if (by_step := said.pop("by_step", None)) is not None:
        choosing.set_by_step(session, event, by_step, now)
    if "picture" in said:
        said["picture_id"] = picture_id = said.pop("picture")
        if picture_id is not None:
            pictures.get(session, picture_id)
    kept = {field: value for field, value in said.items() if value is not None or field in ("needs", "picture_id")}
    about: Details = dataclasses.replace(events.details_of(event), **kept)
    events.edit(session, event, name=name, community_id=community_id, about=about)
    if about_what is not None:
        events.choose_interests(session, event, about_what)
    versions.tell(response, event)
    return _show(session, event, viewer)


@router.post("/{event_id}/cancel")
def cancel_event(
    event_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    wanted: schema.CallOff | None = None,
) -> schema.EventOut:
    """Calls an event off and tells who signed up; twice is as once. For its hosts, who keeps its places, and operators.

    Who is checked in already stays so.
    """
    event = events.get_seen(session, event_id, viewer)
    rights.check_calls_off(session, viewer, event)
    reason = "" if wanted is None else wanted.reason
    return _show(session, life.cancel(session, event_id=event_id, reason=reason, now=now), viewer)


@router.post("/{event_id}/again", status_code=201)
def repeat_event(
    event_id: Id, viewer: access.Viewer, session: InTransaction, now: Now, wanted: schema.Again | None = None
) -> schema.EventOut:
    """Makes the event once more: same weekday and time, the next week in which you have nothing else.

    For its organizer, where she is welcome to gather, and operators; who keeps the place is told, and may call it off.
    """
    access.check_organizes(viewer, events.get(session, event_id))
    nonce = None if wanted is None else wanted.nonce
    return _show(session, copies.again(session, event_id=event_id, by=viewer.id, nonce=nonce, now=now), viewer)


@router.get("/{event_id}/sign-up")
def get_sign_up(event_id: Id, viewer: access.Viewer, session: InTransaction) -> schema.SignUpOut:
    """Your own sign-up, and how many wait in front of you."""
    events.get_seen(session, event_id, viewer)
    mine = slots.mine(session, event_id=event_id, member_id=viewer.id)
    if mine is None:
        raise NotSignedUp
    return schema.show_sign_up(mine)


@router.post("/{event_id}/series", status_code=201)
def begin_series(
    event_id: Id, wanted: schema.NewSeries, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.SeriesOut:
    """Lets an event come again by a rule; twice is as once. For its organizer and operators.

    The dates of the next twelve weeks are made at once, later ones when their time comes.
    """
    access.check_organizes(viewer, events.get(session, event_id))
    series = all_series.begin(session, event_id=event_id, rule=wanted.rule, now=now)
    return schema.show_series(session, series, viewer, now)


@series_router.get("/{series_id}")
def get_series(series_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.SeriesOut:
    """Events that come again, with the dates still to come, for who may see any of them."""
    series = all_series.get(session, series_id)
    all_series.first_seen(session, series, viewer)
    return schema.show_series(session, series, viewer, now)


@series_router.post("/{series_id}/leave-out")
def leave_date_out(
    series_id: Id, wanted: schema.SeriesDate, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.SeriesOut:
    """Takes one date out, and calls its event off; twice is as once. For its hosts and operators."""
    check_series(session, viewer, series_id)
    series = all_series.leave_out(session, series_id=series_id, wall=wanted.date, reason=wanted.reason, now=now)
    return schema.show_series(session, series, viewer, now)


@series_router.post("/{series_id}/put-back")
def put_date_back(
    series_id: Id, wanted: schema.SeriesDate, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.SeriesOut:
    """Lets a date come after all that was left out or called off; twice is as once. For its hosts and operators.

    It is an event of its own, for which one signs up anew.
    """
    check_series(session, viewer, series_id)
    series = all_series.put_back(session, series_id=series_id, wall=wanted.date, now=now)
    return schema.show_series(session, series, viewer, now)


@series_router.post("/{series_id}/end")
def end_series(
    series_id: Id, wanted: schema.SeriesDate, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.SeriesOut:
    """Ends the series before a date, and calls off what comes after it; for its hosts and operators.

    The event of that very date leaves the series and stays: it may begin another, or be called off.
    """
    check_series(session, viewer, series_id)
    all_series.end(session, series_id=series_id, wall=wanted.date, now=now)
    series = all_series.get(session, series_id)
    return schema.show_series(session, series, viewer, now)


def check_series(session: Session, viewer: Member, series_id: str) -> None:
    """Raises NotYourEvent unless the viewer hosts the first event of the series or is an operator."""
    for event in all_series.events_of(session, all_series.get(session, series_id))[:1]:
        access.check_hosts(session, viewer, event)


def _show(session: Session, event: Event, viewer: Member) -> schema.EventOut:
    signed_up = signups.has_signed_up(session, event_id=event.id, member_id=viewer.id)
    return schema.show(session, event, hosts=access.hosts(session, viewer, event), signed_up=signed_up)


@router.get("/{event_id}/hosts", tags=["roles"])
def list_event_hosts(event_id: Id, viewer: access.Viewer, session: InTransaction) -> list[people_schema.HelperOut]:
    """Who helps to run this event; for those who do, and operators."""
    access.check_hosts(session, viewer, events.get(session, event_id))
    return [people_schema.show_helper(role) for role in roles.helpers_of(session, kind="event", of_id=event_id)]


@router.put("/{event_id}/hosts/{member_id}", tags=["roles"])
def give_event_host(
    event_id: Id,
    member_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    wanted: people_schema.NewHelper | None = None,
) -> people_schema.HelperOut:
    """Lets a member help to run this event; twice is as once. For its organizer and operators."""
    access.check_organizes(viewer, events.get(session, event_id))
    called = wanted.called if wanted is not None else ""
    role = roles.give(session, member_id=member_id, kind="event", of_id=event_id, called=called, by=viewer.id, now=now)
    return people_schema.show_helper(role)


@router.delete("/{event_id}/hosts/{member_id}", status_code=204, tags=["roles"])
def take_back_event_host(event_id: Id, member_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Ends somebody's part in this event; everybody may lay down their own. For its organizer and operators."""
    event = events.get(session, event_id)
    if member_id != viewer.id:
        access.check_organizes(viewer, event)
    roles.take_back(session, member_id=member_id, kind="event", of_id=event_id, by=viewer.id, now=now)


@router.get("/{event_id}/audit", tags=["roles"])
def list_event_notes(
    event_id: Id, viewer: access.Viewer, session: InTransaction, page: InPage
) -> list[audit_schema.NoteOut]:
    """What was granted, taken back, undone and exported here, the newest first. For its organizer and operators."""
    access.check_organizes(viewer, events.get(session, event_id))
    return [audit_schema.show(note) for note in audit.read(session, page=page, of=f"event/{event_id}")]
