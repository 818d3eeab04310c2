"""Whom who keeps a house or a venue sees by name, and who is in no number: whoever said something of it of late."""

import datetime as dt
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server import times
from server.consent import reading, rules
from server.consent.rules import Kind, Level, Viewer
from server.people.model import Member

# Whoever says something about who sees her leaves the numbers until she has said nothing for so long. Else somebody who
# lets herself be seen, and not, and watches a number step would count the others.
OUT_FOR = dt.timedelta(days=366)


class Eyes(NamedTuple):
    """names: of who is seen by name now, by her id. spoke: those who are in no number."""

    names: dict[str, str]
    spoke: frozenset[str]


_SPOKE = text("""
    SELECT member_id FROM consent
    WHERE kind = :kind AND (of_id IS NULL OR of_id = :of)
      AND least(coalesce(ended_at, 'infinity'), coalesce(until, 'infinity')) > :since
    UNION SELECT member_id FROM consent_pause WHERE coalesce(ended_at, 'infinity') > :since
""")


def of(session: Session, *, kind: Kind, of_id: str, member_ids: Collection[str], now: dt.datetime) -> Eyes:
    """What a viewer sees of these members at `now`; kind: VENUE or COMMUNITY."""
    viewer, at_ms = Viewer(kind, of_id), times.to_ms(now)
    spoke = frozenset(session.scalars(_SPOKE, {"kind": kind.value, "of": of_id, "since": now - OUT_FOR}))
    said = reading.said_by(session, sorted(spoke.intersection(member_ids)))
    seen = [one for one in said if rules.level(*said[one], viewer, at_ms) is Level.NAME]
    rows = session.execute(select(Member.id, Member.name).where(Member.id.in_(seen))) if seen else ()
    return Eyes({row.id: row.name for row in rows}, spoke)
