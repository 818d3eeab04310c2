"""Who may see who is at a venue, as numbers: who keeps it, operators, and the hosts of an event running there."""

import datetime as dt

from sqlalchemy.orm import Session

from server.errors import Refused
from server.events import service as events
from server.people import access
from server.people.model import Member
from server.presence import service
from server.venues import service as venues


class VenueNotYours(Refused):
    """Only its shop owner, or the organizer of an event while it runs there, sees who is at a venue."""

    code = "venue_not_yours"


def check_sees(session: Session, *, member: Member, venue_id: str, now: dt.datetime) -> None:
    """Raises VenueUnknown, VenueNotYours. An event at a replayed venue runs by that venue's own time."""
    venue = venues.get(session, venue_id)
    if member.operator or access.keeps(session, member, venue):
        return
    at = service.now_of(session, venue=venue, now=now)
    if not events.runs_there(session, organizer_id=member.id, venue_id=venue_id, at=at):
        raise VenueNotYours
