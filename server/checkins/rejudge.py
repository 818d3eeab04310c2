"""Judges anew after a fact was changed: whom it concerns, and what the spans say of them now."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Presence
from server import times
from server.checkins import evidence, record, rules
from server.checkins.heard import topics_of
from server.checkins.record import Judged
from server.checkins.rows import Pair
from server.presence.joining import Interval

# Everybody whose badge was heard at the step's venue around its time, and who was checked in to it or told something.
_AT_STEPS = text("""
    SELECT pairing.member_id, step.id
    FROM step
    JOIN visit ON visit.venue_id = step.venue_id
         AND visit.reach_ms >= floor(extract(epoch FROM step.opens_at) * 1000)::bigint - :early
         AND visit.from_ms <= floor(extract(epoch FROM step.ends_at) * 1000)::bigint + :late
    JOIN pairing ON pairing.badge_id = visit.badge_id
         AND pairing.valid && tstzrange(to_timestamp(visit.from_ms / 1000.0), to_timestamp(visit.to_ms / 1000.0), '[]')
    WHERE step.id = ANY(:steps)
    UNION SELECT member_id, step_id FROM checkin WHERE step_id = ANY(:steps) AND undone_at IS NULL
    UNION SELECT member_id, step_id FROM refusal WHERE step_id = ANY(:steps)
""")

_HOLDERS = text("""
    SELECT DISTINCT member_id FROM pairing
    WHERE badge_id = ANY(:badges) AND valid && tstzrange(:low, :high, '[]')
""")

_VENUES = text("""
    SELECT DISTINCT venue_id FROM visit
    WHERE badge_id = ANY(:badges) AND int8range(from_ms, reach_ms, '[]') && int8range(:low, :high, '[]')
    ORDER BY venue_id
""")


def rejudge(session: Session, pairs: Collection[Pair], presence: Presence, now: dt.datetime) -> set[str]:
    """Makes the check-ins by beacon and the refusals of these members and steps what the spans say.

    Behind the fence of the steps' venues. now: kept as when a check-in was recorded. Returns the topics whose revisions
    the caller is to raise.
    """
    gap_ms = round(presence.heard_gap_s * 1000)
    known = evidence.steps(session, {step_id for _, step_id in pairs})
    wanted = sorted((member_id, step_id) for member_id, step_id in pairs if step_id in known)
    if not wanted:
        return set()
    since_ms = min(step.tells[0] for step in known.values()) - gap_ms
    held = evidence.hands_of(session, members={member_id for member_id, _ in wanted}, since_ms=since_ms)
    judged = [
        Judged(case, rules.judge(case.asked, case.badges, gap_ms))
        for case in evidence.cases(session, wanted, known, held, gap_ms)
    ]
    return topics_of(record.replace(session, judged, now), known)


def pairs_at(session: Session, step_ids: Collection[str]) -> set[Pair]:
    """The members whom these steps concern by what was heard, or did before they changed."""
    rows = session.execute(_AT_STEPS, {"steps": list(step_ids), "early": rules.EARLY_MS, "late": rules.LATE_MS})
    return {(member_id, step_id) for member_id, step_id in rows}


def pairs_near(
    session: Session, badges: Collection[int], members: Iterable[str], heard: Mapping[str, Interval]
) -> set[Pair]:
    """The holders of these badges, and these members, beside the steps at each venue near its time (ms)."""
    if not heard:
        return set()
    low, high = min(low for low, _ in heard.values()), max(high for _, high in heard.values())
    holders = session.execute(
        _HOLDERS, {"badges": list(badges), "low": times.from_ms(low), "high": times.from_ms(high)}
    ).scalars()
    everybody = {*members, *holders}
    near = evidence.steps_near(session, heard)
    of_days = evidence.days_of(session, everybody, heard)
    return of_days | {(member_id, step.id) for steps in near.values() for step in steps for member_id in everybody}


def venues_of(session: Session, badges: Collection[int], time: Interval) -> list[str]:
    """The venues where these badges were heard in that time (ms), by their ids."""
    return list(session.execute(_VENUES, {"badges": list(badges), "low": time[0], "high": time[1]}).scalars())
