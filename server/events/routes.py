"""Events: making them, reading them, signing up and withdrawing."""

from fastapi import APIRouter

from server import names
from server.events import schema
from server.events import service as events
from server.events.model import Event
from server.people import access
from server.requests import Id, InSettings, InTransaction, Now
from server.venues import service as venues

router = APIRouter(prefix="/api/events", tags=["events"])


@router.get("")
def list_events(viewer: access.Viewer, session: InTransaction) -> list[schema.EventOut]:
    """All events, those that end last first."""
    mine = set(events.signed_up_for(session, member_id=viewer.id))
    return [
        schema.show(event, events.steps_of(session, event_id=event.id), viewer.id, event.id in mine)
        for event in events.list_all(session)
    ]


@router.post("", status_code=201)
def create_event(
    wanted: schema.NewEvent, viewer: access.Viewer, session: InTransaction, settings: InSettings
) -> schema.EventOut:
    """Makes an event; for operators, and for the shop owner of all its venues: an organizer sees who is there."""
    at = [venues.get(session, venue_id) for venue_id in sorted({step.venue for step in wanted.steps})]
    access.check_keeps(viewer, [venue.owner_id for venue in at])
    event = events.create(
        session,
        id=wanted.id or names.free_id(session, Event.id, wanted.name, "event"),
        name=wanted.name,
        organizer_id=wanted.organizer or viewer.id,
        community_id=wanted.community,
        steps=[
            events.NewStep(
                name=step.name,
                venue_id=step.venue,
                starts_at=step.starts_at,
                ends_at=step.ends_at,
                zone_id=step.zone,
                opens_at=step.opens_at,
                dwell_signed_up_s=step.dwell_signed_up_s,
                dwell_walk_in_s=step.dwell_walk_in_s,
                capacity=step.capacity,
                id=step.id,
            )
            for step in wanted.steps
        ],
        simulated=any(venue.simulated for venue in at),
        rule=settings.checkin,
    )
    return schema.show(event, events.steps_of(session, event_id=event.id), viewer.id, False)


@router.get("/{event_id}")
def get_event(event_id: Id, viewer: access.Viewer, session: InTransaction) -> schema.EventOut:
    """An event with its steps."""
    event = events.get(session, event_id)
    signed_up = events.has_signed_up(session, event_id=event_id, member_id=viewer.id)
    return schema.show(event, events.steps_of(session, event_id=event_id), viewer.id, signed_up)


@router.put("/{event_id}/sign-up", status_code=204)
def sign_up(event_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Says that you mean to come; twice is as once."""
    events.sign_up(session, event_id=event_id, member_id=viewer.id, now=now)


@router.delete("/{event_id}/sign-up", status_code=204)
def withdraw(event_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Takes a sign-up back."""
    events.withdraw(session, event_id=event_id, member_id=viewer.id, now=now)
