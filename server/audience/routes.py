"""Over HTTP: whether members near are told of a gathering."""

from fastapi import APIRouter

from server.audience import schema
from server.audience import service as audience
from server.events import service as events
from server.people import access
from server.requests import Id, InTransaction, Now

router = APIRouter(prefix="/api/events", tags=["events"])


@router.get("/{event_id}/audience")
def get_calling(event_id: Id, viewer: access.Viewer, session: InTransaction, say: access.Say) -> schema.CallingOut:
    """Whether members near are told of it, for its hosts: never who they are, where, or how many."""
    access.check_hosts(session, viewer, events.get_seen(session, event_id, viewer))
    return schema.show(audience.is_on(session, event_id=event_id), say)


@router.put("/{event_id}/audience")
def choose_calling(
    event_id: Id, wanted: schema.CallingIn, viewer: access.Viewer, session: InTransaction, now: Now, say: access.Say
) -> schema.CallingOut:
    """Says whether members near are told of it from now on, for its hosts. Whom it is for stays as it is."""
    access.check_hosts(session, viewer, events.get_seen(session, event_id, viewer))
    audience.switch(session, event_id=event_id, on=wanted.on, now=now)
    return schema.show(audience.is_on(session, event_id=event_id), say)
