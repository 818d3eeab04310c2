"""Who may see who is at a venue: who keeps it, operators, and the hosts of an event running there.

What each sees of whom, consent decides (server/consent): names are for who keeps it, and of those who agreed.
"""

import datetime as dt

from sqlalchemy.orm import Session

from server.consent.reading import Eyes
from server.errors import Refused
from server.events import places
from server.events import service as events
from server.people import access
from server.people.model import Member
from server.presence import service
from server.venues import service as venues


class VenueNotYours(Refused):
    """Only its shop owner, or the organizer of an event while it runs there, sees who is at a venue."""

    code = "venue_not_yours"


class BadgeNotShown(Refused):
    """Nothing is told of this badge at the moment."""

    code = "badge_not_shown"


def check_sees(session: Session, *, member: Member, venue_id: str, now: dt.datetime) -> Eyes:
    """With whose eyes she sees it; raises VenueUnknown, VenueNotYours.

    An event at a replayed venue runs by that venue's own time.
    """
    venue = venues.get(session, venue_id)
    keeps = access.keeps(session, member, venue)
    at = service.now_of(session, venue=venue, now=now)
    mine = events.running_there(session, organizer_id=member.id, venue_id=venue_id, at=at)
    if not (mine or keeps or member.operator):
        raise VenueNotYours
    if not places.sees_address(session, venue=venue, member=member, now=now):
        raise VenueNotYours  # a home, and an operator: what is drawn would say where it is
    return Eyes(keeps, tuple(mine))
