"""What somebody hosts, goes to or may walk into around now: chosen by the database, however much there is."""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server.events import states
from server.events.model import Event, Step
from server.people.model import Member
from server.venues.model import Venue, Zone


class AtHand(NamedTuple):
    """A gathering with the step that is on or comes next, else its last. hosts: she organizes it or helps to."""

    event: Event
    step: Step
    venue: Venue
    several: bool
    running: bool
    hosts: bool


class Coming(NamedTuple):
    """A step to come of what somebody is going to (signed_up) or hosts."""

    event: Event
    step: Step
    venue: Venue
    zone: Zone | None
    signed_up: bool


# What is over she sees for a while, of what she hosts for good. Drafts are their hosts' and operators', and what was
# called off is no news to who never meant to come.
_AT_HAND = text("""
    WITH hers AS (
        SELECT id FROM event WHERE organizer_id = :member
        UNION SELECT of_id FROM role WHERE kind = 'event' AND member_id = :member
    ), near AS (
        SELECT id FROM hers UNION SELECT event_id FROM step WHERE ends_at >= :since
    ), known AS (
        SELECT event.id, hers.id IS NOT NULL AS hosts FROM near JOIN event USING (id) LEFT JOIN hers USING (id)
        WHERE (hers.id IS NOT NULL OR :operator OR event.state <> 'draft' AND NOT event.dropped)
          AND (hers.id IS NOT NULL OR event.state <> 'cancelled' OR event.id IN (
              SELECT event_id FROM sign_up WHERE member_id = :member AND state = ANY(:live)))
          AND (hers.id IS NOT NULL OR :operator
               OR NOT event.list_only AND (event.open_to_all OR event.community_id IS NULL AND NOT event.community_gone)
               OR event.community_id IN (SELECT community_id FROM community_member WHERE member_id = :member)
               OR event.id IN (SELECT event_id FROM sign_up WHERE member_id = :member AND state = ANY(:live)))
    )
    SELECT known.id, known.hosts, now_on.id AS step_id, now_on.several, now_on.running
    FROM known JOIN LATERAL (
        SELECT id, starts_at, ends_at, count(*) OVER () > 1 AS several,
               bool_or(starts_at <= :now AND :now < ends_at) OVER () AS running
        FROM step WHERE event_id = known.id
        ORDER BY ends_at > :now DESC, CASE WHEN ends_at > :now THEN position ELSE -position END LIMIT 1
    ) AS now_on ON true
    WHERE known.hosts OR now_on.ends_at >= :since
    ORDER BY now_on.ends_at <= :now, NOT now_on.running, abs(extract(epoch FROM now_on.starts_at - :now)), known.id
    LIMIT :most
""")
_COMING = text("""
    SELECT step.id, hers.signed_up
    FROM (SELECT id, bool_or(going) AS signed_up
          FROM (SELECT id, false AS going FROM event WHERE organizer_id = :member
                UNION ALL SELECT of_id, false FROM role WHERE kind = 'event' AND member_id = :member
                UNION ALL SELECT event_id, true FROM going WHERE member_id = :member) AS each GROUP BY id) AS hers
    JOIN event ON event.id = hers.id AND event.state = 'published'
    JOIN step ON step.event_id = hers.id AND step.ends_at > :now
    ORDER BY step.starts_at, event.id, step.position LIMIT :most
""")


def at_hand(session: Session, member: Member, *, now: dt.datetime, since: dt.datetime, most: int) -> list[AtHand]:
    """What is on first, then what comes next, then what is over; of what she does not host nothing that ended earlier.

    since: when, at the earliest, what is over ended.
    """
    given = {"member": member.id, "operator": member.operator, "now": now, "since": since, "most": most}
    rows = session.execute(_AT_HAND, {**given, "live": sorted(states.LIVE)}).all()
    known = _read(session, [row.step_id for row in rows])
    return [AtHand(*known[row.step_id][:3], row.several, row.running, row.hosts) for row in rows]


def coming(session: Session, member: Member, *, now: dt.datetime, most: int) -> list[Coming]:
    """The steps that are not over of what she is going to or hosts, the nearest first."""
    rows = session.execute(_COMING, {"member": member.id, "now": now, "most": most}).all()
    known = _read(session, [row.id for row in rows])
    return [Coming(*known[row.id], row.signed_up) for row in rows]


def _read(session: Session, step_ids: Sequence[str]) -> dict[str, tuple[Event, Step, Venue, Zone | None]]:
    rows = session.execute(
        select(Event, Step, Venue, Zone)
        .join(Step, Step.event_id == Event.id)
        .join(Venue, Venue.id == Step.venue_id)
        .outerjoin(Zone, Zone.id == Step.zone_id)
        .where(Step.id.in_(step_ids))
    )
    return {step.id: (event, step, venue, zone) for event, step, venue, zone in rows}
