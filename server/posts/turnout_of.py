"""Who came to gatherings, as ranking counts it: read from check-ins that were not taken back, visits and passages."""

import bisect
import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Posts as Rules
from server.posts.ranking import Coming, weight

_AT = attrgetter("at")
# A row for each step that somebody came to. gone_at: when she was last seen to go out by a door, or her badge's last
# visit there ended; what is not known is NULL. Whoever hosts the gathering would have come anyway.
_CAME = text("""
    SELECT step.event_id, event.community_id, checkin.member_id, checkin.at, checkin.evidence,
           sign_up.at AS signed_up_at, step.ends_at,
           coalesce(
               (SELECT CASE WHEN passage.direction = 'out' THEN passage.at END FROM passage
                WHERE passage.checkin_id = checkin.id ORDER BY passage.at DESC, passage.id DESC LIMIT 1),
               CASE WHEN checkin.badge_id IS NOT NULL THEN (
                   SELECT to_timestamp(max(visit.to_ms) / 1000.0) FROM visit
                   WHERE visit.badge_id = checkin.badge_id AND visit.venue_id = step.venue_id
                     AND visit.from_ms < extract(epoch FROM step.ends_at) * 1000
                     AND visit.to_ms >= extract(epoch FROM step.opens_at) * 1000) END
           ) AS gone_at
    FROM checkin
    JOIN step ON step.id = checkin.step_id
    JOIN event ON event.id = step.event_id
    LEFT JOIN sign_up ON sign_up.event_id = event.id AND sign_up.member_id = checkin.member_id
                         AND sign_up.state NOT IN ('declined', 'withdrawn')
    WHERE step.event_id = ANY(:events) AND checkin.undone_at IS NULL AND checkin.member_id IS NOT NULL
      AND checkin.at <= :now AND checkin.member_id <> event.organizer_id
      AND NOT EXISTS (SELECT FROM role WHERE role.kind = 'event' AND role.of_id = event.id
                                         AND role.member_id = checkin.member_id)
    ORDER BY step.event_id, checkin.member_id, step.position
""")

# All that these came to in the same communities, read once: asked for each coming by itself it would cost as many
# looks as there are comings times gatherings.
_THERE = text("""
    SELECT checkin.member_id, event.community_id, event.id AS event_id, checkin.at, checkin.evidence
    FROM event JOIN step ON step.event_id = event.id JOIN checkin ON checkin.step_id = step.id
    WHERE event.community_id = ANY(:communities) AND checkin.member_id = ANY(:members)
      AND checkin.undone_at IS NULL AND checkin.at >= :since AND checkin.at <= :now
    ORDER BY checkin.at
""")


def came(
    session: Session, event_ids: Collection[str], *, rules: Rules, now: dt.datetime
) -> dict[str, tuple[Coming, ...]]:
    """Who came to each of these gatherings, each once, hosts left out; one that nobody came to is not named."""
    if not event_ids:
        return {}
    rows: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in session.execute(_CAME, {"events": list(event_ids), "now": now}).all():
        rows[row.event_id, row.member_id].append(row)
    there = _there(session, [step for steps in rows.values() for step in steps], now)
    found: dict[str, list[Coming]] = defaultdict(list)
    for (event_id, member_id), steps in rows.items():
        later = there.get((member_id, steps[0].community_id), ())
        found[event_id].append(_coming(member_id, steps, later, rules, now))
    return {event_id: tuple(comings) for event_id, comings in found.items()}


def _there(session: Session, steps: Sequence[Any], now: dt.datetime) -> dict[tuple[str, str], list[Any]]:
    """What each member came to in each of these communities, in order, since the first of these steps was over."""
    communities = {step.community_id for step in steps if step.community_id is not None}
    if not communities:
        return {}
    members, since = {step.member_id for step in steps}, min(step.ends_at for step in steps)
    values = {"communities": list(communities), "members": list(members), "since": since, "now": now}
    found: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in session.execute(_THERE, values).all():
        found[row.member_id, row.community_id].append(row)
    return found


def _coming(member_id: str, steps: list[Any], there: Sequence[Any], rules: Rules, now: dt.datetime) -> Coming:
    """there: what she came to in the same community, the earliest first."""
    within = dt.timedelta(days=rules.again_days)
    again = set()
    for step in steps:
        ends_at, until = step.ends_at, step.ends_at + within
        for later in itertools.islice(there, bisect.bisect_left(there, ends_at, key=_AT), None):
            if later.at >= until:
                break
            if later.event_id != step.event_id:
                again.add(later.evidence)
    stayed = [_stayed(step, rules, now) for step in steps]
    return Coming(
        member_id,
        steps[0].signed_up_at,
        min(step.at for step in steps),
        max((step.evidence for step in steps), key=lambda evidence: weight(evidence, rules)),
        True if True in stayed else False if False in stayed else None,
        max(again, key=lambda evidence: (weight(evidence, rules), evidence)) if again else None,
    )


def _stayed(step: Any, rules: Rules, now: dt.datetime) -> bool | None:
    if step.gone_at is None or now < step.ends_at:
        return None
    return bool(step.gone_at >= step.ends_at - dt.timedelta(minutes=rules.end_minutes))
