"""Whose names a file holds: the one place where exports and webhooks ask consent."""

import datetime as dt
from collections.abc import Callable, Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

from server import times
from server.checkins import rights
from server.consent import reading, rules
from server.consent.rules import Level
from server.people import access
from server.people.model import Member
from server.venues import service as venues

# Of these members, the names of those whom the viewer may see by name.
NamesOf = Callable[[Collection[str]], dict[str, str]]

_NAMES = text("SELECT id, name FROM member WHERE id = ANY(:members)")


def of_event(session: Session, *, viewer: Member, event_id: str, now: dt.datetime) -> NamesOf:
    """Names for whoever looks at an event: for its organizer, of those who let her."""
    if not rights.organizes(session, member=viewer, event_id=event_id):
        return _nobody
    at_ms = times.to_ms(rights.own_now(session, event_id=event_id, now=now))

    def named(member_ids: Collection[str]) -> dict[str, str]:
        seen = reading.for_event(session, event_id, member_ids)
        return _names(session, [one for one in seen if rules.level_at(seen[one].organizer, at_ms) is Level.NAME])

    return named


def of_venue(session: Session, *, viewer: Member, venue_id: str, now: dt.datetime) -> NamesOf:
    """Names for whoever looks at a venue: for who keeps it, of those who let it."""
    if not access.keeps(session, viewer, venues.get(session, venue_id)):
        return _nobody

    def named(member_ids: Collection[str]) -> dict[str, str]:
        seen = reading.for_venue(session, venue_id, member_ids)
        return _names(session, [one for one in seen if rules.level_at(seen[one], times.to_ms(now)) is Level.NAME])

    return named


def _names(session: Session, member_ids: Collection[str]) -> dict[str, str]:
    rows = session.execute(_NAMES, {"members": list(member_ids)}) if member_ids else ()
    return {row.id: row.name for row in rows}


def _nobody(member_ids: Collection[str]) -> dict[str, str]:
    del member_ids
    return {}
