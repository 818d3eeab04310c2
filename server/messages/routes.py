"""Organizers' messages over HTTP: looking at one first, sending it, and not wanting any."""

from fastapi import APIRouter
from sqlalchemy.orm import Session

from server.checkins import rights
from server.events import service as events
from server.messages import schema
from server.messages import service as messages
from server.people import access
from server.people import service as people
from server.people.model import Member
from server.requests import Id, InPage, InTransaction, Now

router = APIRouter(prefix="/api", tags=["messages"])


@router.get("/events/{event_id}/messages")
def list_event_messages(event_id: Id, viewer: access.Viewer, session: InTransaction) -> list[schema.MessageOut]:
    """What was sent of your event."""
    check_writes(session, viewer, event_id)
    return [schema.show(one) for one in messages.sent_of(session, event_id=event_id)]


@router.post("/events/{event_id}/messages/preview")
def preview_event_message(
    event_id: Id, wanted: schema.MessageIn, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.PreviewOut:
    """Who would get it, and how it would look; nothing is sent."""
    check_writes(session, viewer, event_id)
    found = messages.preview(session, event_id=event_id, to=wanted.to, text=wanted.text, by_id=viewer.id, now=now)
    return schema.PreviewOut(to=found.to, count=found.count, looks=found.looks, left=found.left)


@router.post("/events/{event_id}/messages", status_code=201)
def send_event_message(
    event_id: Id, wanted: schema.NewMessage, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.MessageOut:
    """Sends it to their inboxes, and by e-mail to who wants that; two of an event at most."""
    check_writes(session, viewer, event_id)
    sent = messages.send(
        session,
        event_id=event_id,
        to=wanted.to,
        text=wanted.text,
        by_id=viewer.id,
        nonce=wanted.nonce,
        now=now,
    )
    return schema.show(sent)


@router.get("/me/muted-organizers")
def list_muted(viewer: access.Viewer, session: InTransaction, page: InPage) -> list[schema.MutedOut]:
    """Whose gatherings send you no messages; only you know."""
    return [
        schema.MutedOut(organizer=one.muted_id, name=people.get(session, one.muted_id).name, at=one.at)
        for one in messages.muted_by(session, member_id=viewer.id, page=page)
    ]


@router.put("/events/{event_id}/organizer/mute", status_code=204)
def mute_organizer(event_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """You get no more messages of gatherings of whoever organizes this one; nobody is told."""
    event = events.get_seen(session, event_id, viewer)
    messages.mute(session, member_id=viewer.id, organizer_id=event.organizer_id, now=now)


@router.delete("/me/muted-organizers/{member_id}", status_code=204)
def unmute_organizer(member_id: Id, viewer: access.Viewer, session: InTransaction) -> None:
    """You want to hear of this organizer again."""
    messages.unmute(session, member_id=viewer.id, organizer_id=member_id)


def check_writes(session: Session, viewer: Member, event_id: str) -> None:
    """Raises EventUnknown, EventNotYours unless she hosts it: operators write to nobody's guests."""
    if not rights.organizes(session, member=viewer, event_id=event_id):
        raise rights.EventNotYours
