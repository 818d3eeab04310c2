"""Whose names a file holds: the one place where exports and webhooks ask consent."""

import datetime as dt
from collections.abc import Callable, Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import times
from server.checkins import rights
from server.consent import reading, rules
from server.consent.rules import Kind, Level, Viewer
from server.people import access
from server.people.model import Member
from server.presence import service as presence
from server.venues import service as venues

# Of these members, the names of those whom the viewer may see by name.
NamesOf = Callable[[Collection[str]], dict[str, str]]


def of_event(session: Session, *, viewer: Member, event_id: str, now: dt.datetime) -> NamesOf:
    """Names for whoever looks at an event: for those who host it alone, of who lets them."""
    if not rights.organizes(session, member=viewer, event_id=event_id):
        return _nobody
    at_ms = times.to_ms(rights.own_now(session, event_id=event_id, now=now))

    def named(member_ids: Collection[str]) -> dict[str, str]:
        seen = reading.for_event(session, event_id, member_ids)
        return _names(session, [who for who, by in seen.items() if rules.level_at(by.organizer, at_ms) is Level.NAME])

    return named


def of_venue(session: Session, *, viewer: Member, venue_id: str, now: dt.datetime) -> NamesOf:
    """Names for whoever looks at a venue: for those who keep it alone, of who wants to be greeted there."""
    venue = venues.get(session, venue_id)
    if not access.keeps(session, viewer, venue):
        return _nobody
    at_ms = times.to_ms(presence.now_of(session, venue=venue, now=now))
    keeper = Viewer(Kind.VENUE, venue_id)

    def named(member_ids: Collection[str]) -> dict[str, str]:
        said = reading.said_by(session, member_ids)
        sees = [who for who, hers in said.items() if rules.level_at(rules.windows(*hers, keeper), at_ms) is Level.NAME]
        return _names(session, sees)

    return named


def _names(session: Session, member_ids: Collection[str]) -> dict[str, str]:
    rows = session.execute(select(Member.id, Member.name).where(Member.id.in_(member_ids)))
    return dict(rows.tuples().all())


def _nobody(member_ids: Collection[str]) -> dict[str, str]:
    del member_ids
    return {}
