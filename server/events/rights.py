"""Who else than its hosts may do something about an event: those at whose places it is."""

from sqlalchemy.orm import Session

from server.events import service as events
from server.events.model import Event
from server.people import access
from server.people.model import Member
from server.venues import service as venues


def check_calls_off(session: Session, viewer: Member, event: Event) -> None:
    """Raises NotYourEvent unless she hosts it, keeps one of its places, or is an operator, at homes too."""
    if not viewer.operator and not keeps_any(session, viewer, event):
        access.check_hosts(session, viewer, event)


def keeps_any(session: Session, member: Member, event: Event) -> bool:
    """Whether a member keeps one of the places where an event is."""
    at = {step.venue_id for step in events.steps_of(session, event_id=event.id)}
    return any(access.keeps(session, member, venues.get(session, venue_id)) for venue_id in sorted(at))
