"""Events: reading them, and their names."""

from fastapi import APIRouter, Response

from server import versions
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
def get_event(event_id: Id, viewer: access.Viewer, session: InTransaction, response: Response) -> schema.EventOut:
    """An event with its steps."""
    event = events.get(session, event_id)
    versions.tell(response, event)
    signed_up = events.has_signed_up(session, event_id=event_id, member_id=viewer.id)
    return schema.show(
        event, events.steps_of(session, event_id=event_id), access.hosts(session, viewer, event), signed_up
    )


@router.patch("/{event_id}")
def change_event(
    event_id: Id,
    wanted: schema.EventChange,
    viewer: access.Viewer,
    session: InTransaction,
    response: Response,
    if_match: versions.IfMatch = None,
) -> schema.EventOut:
    """Gives an event another name or community; for its organizer and operators.

    With `If-Match`, unless somebody changed it meanwhile. Steps are moved by themselves.
    """
    event = events.get(session, event_id, to_edit=True)
    access.check_hosts(session, viewer, event)
    versions.edit(event, if_match)
    community_id = wanted.community if "community" in wanted.model_fields_set else event.community_id
    events.edit(session, event, name=event.name if wanted.name is None else wanted.name, community_id=community_id)
    versions.tell(response, event)
    signed_up = events.has_signed_up(session, event_id=event_id, member_id=viewer.id)
    return schema.show(
        event, events.steps_of(session, event_id=event_id), access.hosts(session, viewer, event), signed_up
    )
