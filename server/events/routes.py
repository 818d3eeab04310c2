"""Events: reading them, and their names."""

from fastapi import APIRouter, Response

from server import versions
from server.audit import schema as audit_schema
from server.audit import service as audit
from server.events import schema
from server.events import service as events
from server.people import access, roles
from server.people import schema as people_schema
from server.requests import Id, IfMatch, InPage, InTransaction, Now

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
    if_match: IfMatch = None,
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
