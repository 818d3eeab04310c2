"""Who may make doors, and who answers at them."""

from sqlalchemy.orm import Session

from server.checkins import rights as checkins
from server.events import service as events
from server.people import access
from server.people.model import Member
from server.venues import service as venues


def check_makes(session: Session, *, member: Member, event_id: str | None = None, venue_id: str | None = None) -> None:
    """Raises NotYourEvent, NotYourVenue, EventUnknown, VenueUnknown unless she may make and close its doors."""
    if event_id is not None:
        access.check_hosts(session, member, events.get(session, event_id))
    if venue_id is not None:
        access.check_keeps(session, member, [venues.get(session, venue_id)])


def check_lets_in(
    session: Session, *, member: Member, event_id: str | None = None, venue_id: str | None = None
) -> None:
    """Raises unless she is the host: who lets in by hand and answers asks reads names, so operators as such do not.

    Raises EventNotYours, NotYourVenue, EventUnknown, VenueUnknown.
    """
    if event_id is not None and not checkins.organizes(session, member=member, event_id=event_id):
        raise checkins.EventNotYours
    if venue_id is not None and not access.keeps(session, member, venues.get(session, venue_id)):
        raise access.NotYourVenue
