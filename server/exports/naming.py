"""Whose names a file holds: the one place where exports and webhooks ask."""

import datetime as dt
from collections.abc import Callable, Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.checkins import rights
from server.people.model import Member

# Of these members, the names of those whom the viewer may see by name.
NamesOf = Callable[[Collection[str]], dict[str, str]]

_SIGNED_UP = text("""
    SELECT member.id, member.name FROM member
    JOIN sign_up ON sign_up.member_id = member.id AND sign_up.event_id = :event
    WHERE member.id = ANY(:members)
""")


def of_event(session: Session, *, viewer: Member, event_id: str, now: dt.datetime) -> NamesOf:
    """Names for whoever looks at an event: for its organizer alone, while it runs, of who signed up."""
    hers = rights.organizes(session, member=viewer, event_id=event_id)
    if not (hers and rights.is_running(session, event_id=event_id, now=now)):
        return _nobody

    def named(member_ids: Collection[str]) -> dict[str, str]:
        rows = session.execute(_SIGNED_UP, {"event": event_id, "members": list(member_ids)})
        return {row.id: row.name for row in rows}

    return named


def of_venue(session: Session, *, viewer: Member, venue_id: str, now: dt.datetime) -> NamesOf:
    """Names for whoever looks at a venue: nobody has been asked yet, so there are none."""
    del session, viewer, venue_id, now
    return _nobody


def _nobody(member_ids: Collection[str]) -> dict[str, str]:
    del member_ids
    return {}
