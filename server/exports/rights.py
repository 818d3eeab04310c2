"""Who may take files, and have news sent: who hosts the event, or keeps the venue; operators, who see no names."""

from sqlalchemy.orm import Session

from server.events.model import Event
from server.people import access
from server.people.model import Member
from server.venues.model import Venue


def check_event(session: Session, *, viewer: Member, event: Event) -> None:
    """Raises NotYourEvent."""
    del session
    access.check_hosts(viewer, event.organizer_id)


def check_venue(session: Session, *, viewer: Member, venue: Venue) -> None:
    """Raises NotYourVenue."""
    del session
    access.check_keeps(viewer, [venue.owner_id])
