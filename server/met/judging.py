"""Makes the rows of who was heard near whom at a gathering what the stays say, as often as it is asked to."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session

from server import constraints, times
from server.consent.model import ConsentPause
from server.events.model import Step
from server.met import overlaps
from server.met.model import Met
from server.met.overlaps import Stays
from server.presence import intervals
from server.presence.intervals import Interval

# After a gathering: what a Pi without a network delivers, or a fact told for the past, changes it as long as this.
FOLLOWED = dt.timedelta(days=30)

_CAME = text("""
    SELECT DISTINCT checkin.member_id FROM checkin JOIN step ON step.id = checkin.step_id
    WHERE step.event_id = :event AND checkin.undone_at IS NULL AND checkin.member_id IS NOT NULL
""")
# Only who is still there, in one order: nobody is erased or merged meanwhile, and none of these waits in a ring.
_HOLD = text("SELECT id FROM member WHERE id = ANY(:members) ORDER BY id FOR KEY SHARE")
# A stay lasts until the visit's next one begins, or the visit ends; hers is what lies in the time she held the badge.
_STAYS = text("""
    SELECT pairing.member_id, stay.zone_id,
           greatest(stay.from_ms, ceil(extract(epoch FROM lower(pairing.valid)) * 1000)::bigint) AS from_ms,
           least(stay.to_ms, ceil(extract(epoch FROM upper(pairing.valid)) * 1000)::bigint) AS to_ms
    FROM (SELECT stay.badge_id, stay.zone_id, stay.from_ms,
                 coalesce(lead(stay.from_ms) OVER (PARTITION BY visit.id ORDER BY stay.from_ms), visit.to_ms) AS to_ms
          FROM visit JOIN stay ON stay.badge_id = visit.badge_id AND stay.venue_id = visit.venue_id
               AND stay.from_ms >= visit.from_ms AND stay.from_ms <= visit.to_ms
          WHERE visit.venue_id = :venue AND visit.reach_ms >= :low AND visit.to_ms >= :low AND visit.from_ms <= :high
         ) AS stay
    JOIN pairing ON pairing.badge_id = stay.badge_id
         AND pairing.valid && tstzrange(to_timestamp(stay.from_ms / 1000.0), to_timestamp(stay.to_ms / 1000.0), '[]')
    WHERE pairing.member_id = ANY(:members)
""")
_ENDED = text("""
    SELECT event.id FROM event JOIN step ON step.event_id = event.id
    WHERE event.state = 'published' GROUP BY event.id
    HAVING max(step.ends_at) > :since AND max(step.ends_at) <= :until ORDER BY max(step.ends_at), event.id
""")


def ended(session: Session, *, since: dt.datetime, until: dt.datetime) -> list[str]:
    """The gatherings that ended in (since, until], by their ids."""
    return list(session.scalars(_ENDED, {"since": since, "until": until}))


def judge(session: Session, *, event_id: str) -> bool:
    """Writes anew who was heard near whom; whether anything changed. Twice is as once, and one at a time does it."""
    constraints.take_turn(session, f"met {event_id}")
    came = list(session.scalars(_CAME, {"event": event_id}))
    members = list(session.scalars(_HOLD, {"members": came}))
    found = overlaps.met(_stays(session, event_id, members))
    rows = {(one, other): ms for (a, b), ms in found.items() for one, other in ((a, b), (b, a))}
    of_event = Met.event_id == event_id
    before = {
        (one, other): ms
        for one, other, ms in session.execute(select(Met.member_id, Met.other_id, Met.ms).where(of_event))
    }
    if rows == before:
        return False
    session.execute(delete(Met).where(of_event).execution_options(synchronize_session=False))
    if rows:
        session.execute(
            insert(Met),
            [
                {"event_id": event_id, "member_id": one, "other_id": other, "ms": ms}
                for (one, other), ms in sorted(rows.items())
            ],
        )
    return True


def _stays(session: Session, event_id: str, members: Collection[str]) -> Stays:
    """When each of these was in which zone while the gathering was open there, but for the times of their pauses."""
    open_at: dict[str, list[Interval]] = defaultdict(list)
    for step in session.scalars(select(Step).where(Step.event_id == event_id)):
        open_at[step.venue_id].append((times.to_ms(step.opens_at), times.to_ms(step.ends_at)))
    hidden = pauses_of(session, members)
    found: dict[str, dict[str, list[Interval]]] = defaultdict(dict)
    for venue_id, windows in open_at.items() if members else ():
        merged = intervals.merge(windows)
        asked = {"venue": venue_id, "low": merged[0][0], "high": merged[-1][1], "members": list(members)}
        hers: dict[tuple[str, str], list[Interval]] = defaultdict(list)
        for row in session.execute(_STAYS, asked):
            hers[row.zone_id, row.member_id].append((row.from_ms, row.to_ms))
        for (zone_id, member_id), stays in hers.items():
            there = intervals.within(intervals.merge(stays), merged)
            found[zone_id][member_id] = intervals.without(there, hidden.get(member_id, []))
    return found


def pauses_of(session: Session, members: Collection[str]) -> dict[str, list[Interval]]:
    """When each of these paused, merged; a pause that lasts has no end. Who never did is not named."""
    rows = session.scalars(select(ConsentPause).where(ConsentPause.member_id.in_(members)))
    found: dict[str, list[Interval]] = defaultdict(list)
    for row in rows:
        ends = intervals.EVER_MS if row.ended_at is None else times.to_ms(row.ended_at)
        found[row.member_id].append((times.to_ms(row.since), ends))
    return {member_id: intervals.merge(pauses) for member_id, pauses in found.items()}
