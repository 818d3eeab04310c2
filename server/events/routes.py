"""Events: reading them."""

from fastapi import APIRouter

from server.events import schema
from server.events import service as events
from server.people import access
from server.requests import Id, InPage, InTransaction

router = APIRouter(prefix="/api/events", tags=["events"])


@router.get("")
def list_events(viewer: access.Viewer, session: InTransaction, page: InPage) -> list[schema.EventOut]:
    """All events, those that end last first."""
    mine = set(events.signed_up_for(session, member_id=viewer.id))
    hosted = {event.id for event in events.organized_by(session, member_id=viewer.id)}
    return [
        schema.show(event, events.steps_of(session, event_id=event.id), event.id in hosted, event.id in mine)
        for event in events.list_all(session, page)
    ]


@router.get("/{event_id}")
def get_event(event_id: Id, viewer: access.Viewer, session: InTransaction) -> schema.EventOut:
    """An event with its steps."""
    event = events.get(session, event_id)
    signed_up = events.has_signed_up(session, event_id=event_id, member_id=viewer.id)
    return schema.show(
        event, events.steps_of(session, event_id=event_id), access.hosts(session, viewer, event), signed_up
    )
