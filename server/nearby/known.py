"""What is known beside a person and candidates: whom she knows and may see going, who is like her, what was learnt."""

import datetime as dt
from collections import defaultdict

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo import ranking
from geo.ranking import Factor, Weights
from server import times
from server.consent import reading, rules
from server.consent.rules import Kind, Level, Viewer
from server.met import reading as met
from server.nearby.facts import Alike
from server.nearby.model import LearntWeight
from server.nearby.person import Person

MOST_KEYS = 60  # of what she came to, the latest

_LIKENESS = text("""
    SELECT DISTINCT ON (other) other, of, share, people FROM likeness WHERE of = ANY(:keys)
    ORDER BY other, share DESC, of
""")
_GOING = text("""
    SELECT DISTINCT sign_up.event_id, sign_up.member_id, listing.community_id, listing.venue_id
    FROM sign_up JOIN listing ON listing.event_id = sign_up.event_id
    WHERE sign_up.member_id = ANY(:members) AND sign_up.state = 'going' AND listing.ends_at > :at
""")


def weights(session: Session) -> Weights:
    """How much each factor weighs: as it was learnt here, else as it is shipped."""
    learnt = dict(session.execute(select(LearntWeight.factor, LearntWeight.weight)).all())
    return {factor: learnt.get(factor.value, ranking.DEFAULT[factor]) for factor in Factor}


def likeness(session: Session, person: Person) -> dict[str, Alike]:
    """For what is of a key: to what of hers it is most alike."""
    keys = list(person.times())[:MOST_KEYS]
    rows = session.execute(_LIKENESS, {"keys": keys}) if keys else ()
    return {row.other: Alike(row.of, row.share, row.people) for row in rows if row.other not in keys}


def going(session: Session, person: Person, *, at: dt.datetime, now: dt.datetime) -> dict[str, list[tuple[str, bool]]]:
    """Of whom she knows and may see, the names (and whether they are the demonstration's), by where they go.

    She knows whom she met, as far as both want it. She may see who shows her name to a community of hers that gathers,
    or to whoever is at the venue.
    """
    names = met.names_met(session, member_id=person.id, now=now)
    if not names:
        return {}
    rows = session.execute(_GOING, {"members": sorted(names), "at": at}).all()
    said = reading.said_by(session, sorted({row.member_id for row in rows}))
    found: dict[str, set[tuple[str, bool]]] = defaultdict(set)
    for row in rows:
        viewers = [Viewer(Kind.PEOPLE, row.venue_id)]
        if row.community_id in person.communities:
            viewers.append(Viewer(Kind.COMMUNITY, row.community_id))
        grants = said.get(row.member_id, reading.Said())
        if any(rules.level(*grants, viewer, times.to_ms(now)) is Level.NAME for viewer in viewers):
            found[row.event_id].add(names[row.member_id])
    return {event_id: sorted(those) for event_id, those in found.items()}
