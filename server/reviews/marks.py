"""Who of those who reviewed something was there: read from check-ins that stand, and from what was heard of badges."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from server import times
from server.consent import reading as consent
from server.consent import rules
from server.consent.rules import Level
from server.met import judging, trust
from server.met import reading as met
from server.presence import intervals
from server.presence.intervals import Interval
from server.reviews.weighing import Mark

NOT_THERE = Mark()
HEARD_MINUTES = 10  # without a check-in: who passes by or buys a roll has not been there
ROUNDED_TO = 5  # minutes: what is told beside what somebody says need not tell when she came and went

# Each gathering or day that she came to there, with its evidence.
_CAME = text("""
    SELECT checkin.member_id, coalesce(step.event_id, checkin.day::text) AS at, checkin.evidence
    FROM checkin LEFT JOIN step ON step.id = checkin.step_id
    WHERE checkin.member_id = ANY(:members) AND checkin.undone_at IS NULL
      AND (checkin.venue_id = :venue OR step.venue_id = :venue)
""")
_CAME_TO = text("""
    SELECT checkin.member_id, checkin.evidence FROM checkin JOIN step ON step.id = checkin.step_id
    WHERE step.event_id = :event AND checkin.member_id = ANY(:members) AND checkin.undone_at IS NULL
""")
# Her badges' visits, cut to the time in which she held them; at a gathering to its steps as well.
_HEARD = """
    SELECT pairing.member_id, visit.venue_id,
           greatest(visit.from_ms, ceil(extract(epoch FROM lower(pairing.valid)) * 1000)::bigint{since}) AS from_ms,
           least(visit.to_ms, ceil(extract(epoch FROM upper(pairing.valid)) * 1000)::bigint{until}) AS to_ms
    FROM pairing JOIN visit ON visit.badge_id = pairing.badge_id
         AND pairing.valid && tstzrange(to_timestamp(visit.from_ms / 1000.0), to_timestamp(visit.to_ms / 1000.0), '[]')
    {steps}
    WHERE pairing.member_id = ANY(:members) AND {there}
"""
_HEARD_THERE = text(_HEARD.format(since="", until="", steps="", there="visit.venue_id = :venue"))
_HEARD_AT = text(
    _HEARD.format(
        since=", floor(extract(epoch FROM step.opens_at) * 1000)::bigint",
        until=", floor(extract(epoch FROM step.ends_at) * 1000)::bigint",
        steps="JOIN step ON step.venue_id = visit.venue_id",
        there="step.event_id = :event",
    )
)


def of_event(session: Session, event_id: str, member_ids: Collection[str], now: dt.datetime) -> dict[str, Mark]:
    """The marks of these members at a gathering. Of who hides at its place, a check-in alone tells."""
    asked = {"event": event_id, "members": list(member_ids)}
    by: dict[str, set[str]] = defaultdict(set)
    for row in session.execute(_CAME_TO, asked):
        by[row.member_id].add(row.evidence)
    heard = _heard(session, _HEARD_AT, asked, now)
    people = met.count_met_at(session, event_id, by)
    return {
        member_id: _mark([given], heard.get(member_id, 0), people.get(member_id, 0)) for member_id, given in by.items()
    }


def of_venue(session: Session, venue_id: str, member_ids: Collection[str], now: dt.datetime) -> dict[str, Mark]:
    """The marks of these members at a place. Of who hides there, a check-in alone tells."""
    asked = {"venue": venue_id, "members": list(member_ids)}
    by: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in session.execute(_CAME, asked):
        by[row.member_id][row.at].add(row.evidence)
    heard = _heard(session, _HEARD_THERE, asked, now)
    found: dict[str, Mark] = {}
    for member_id in {*by, *heard}:
        ms = heard.get(member_id, 0)
        came = list(by[member_id].values()) or ([{"beacon"}] if ms >= HEARD_MINUTES * 60_000 else [])
        if came:
            found[member_id] = _mark(came, ms, 0)
    return found


def _heard(session: Session, wanted: TextClause, asked: dict[str, Any], now: dt.datetime) -> dict[str, int]:
    """For how long (ms) the badges of each were heard where she does not hide, but in pauses; two at once are one."""
    rows = session.execute(wanted, asked).all()
    members = {row.member_id for row in rows}
    hides = {
        (member_id, venue_id)
        for venue_id in {row.venue_id for row in rows}
        for member_id, windows in consent.for_venue(session, venue_id, members).items()
        if rules.level_at(windows, times.to_ms(now)) is Level.HIDDEN
    }
    parts: dict[str, list[Interval]] = defaultdict(list)
    for row in rows:
        if (row.member_id, row.venue_id) not in hides:
            parts[row.member_id].append((row.from_ms, row.to_ms))
    pauses = judging.pauses_of(session, members)
    return {
        member_id: intervals.total_ms(intervals.without(intervals.merge(hers), pauses.get(member_id, [])))
        for member_id, hers in parts.items()
    }


def _mark(came: Collection[Collection[str]], heard_ms: int, people_met: int) -> Mark:
    each = [one for given in came if (one := trust.strongest(given)) is not None]
    minutes = round(heard_ms / 60_000 / ROUNDED_TO) * ROUNDED_TO
    return Mark(trust.strongest(each), minutes or None, trust.weight(each, people_met))


def all_of(
    session: Session, *, venue_id: str | None, event_id: str | None, member_ids: Collection[str], now: dt.datetime
) -> Mapping[str, Mark]:
    """The marks of these members at a venue or a gathering; who was not there is not named."""
    if not member_ids:
        return {}
    if event_id is not None:
        return of_event(session, event_id, member_ids, now)
    assert venue_id is not None
    return of_venue(session, venue_id, member_ids, now)
