"""Whom somebody knows and may see going."""

import datetime as dt
from collections import defaultdict

from sqlalchemy import text
from sqlalchemy.orm import Session

from server import times
from server.consent import reading, rules
from server.consent.rules import Kind, Level, Viewer
from server.met import reading as met
from server.nearby.person import Name, Person

_GOING = text("""
    SELECT DISTINCT sign_up.event_id, sign_up.member_id, listing.community_id, listing.venue_id
    FROM sign_up JOIN listing ON listing.event_id = sign_up.event_id
    WHERE sign_up.member_id = ANY(:members) AND sign_up.state = 'going' AND listing.ends_at > :at
""")


def going(session: Session, person: Person, *, at: dt.datetime, now: dt.datetime) -> dict[str, list[Name]]:
    """The names of those whom she knows and may see, by the gathering that they go to.

    She knows whom she met, as far as both want it. She may see who shows her name to a community of hers that gathers,
    or to whoever is at the venue.
    """
    names = met.names_met(session, member_id=person.id, now=now) if person.met else {}
    if not names:
        return {}
    rows = session.execute(_GOING, {"members": sorted(names), "at": at}).all()
    said = reading.said_by(session, sorted({row.member_id for row in rows})) if rows else {}
    found: dict[str, set[Name]] = defaultdict(set)
    for row in rows:
        viewers = [Viewer(Kind.PEOPLE, row.venue_id)]
        if row.community_id in person.communities:
            viewers.append(Viewer(Kind.COMMUNITY, row.community_id))
        if any(rules.level(*said[row.member_id], viewer, times.to_ms(now)) is Level.NAME for viewer in viewers):
            found[row.event_id].add(names[row.member_id])
    return {event_id: sorted(those) for event_id, those in found.items()}
