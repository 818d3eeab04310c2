"""Finds reasons to tell members near: what was announced, places that came free or are left, proposals short."""

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Audience

NEWS = dt.timedelta(days=1)  # a server that was stopped for longer does not tell what was announced meanwhile
# What begins in a day is looked at while it comes into that day; for a server that was stopped it may be so much late.
LATE = dt.timedelta(hours=3)
AGAIN = dt.timedelta(
    minutes=2
)  # a call that failed is looked at after this: a free place may be wanted within the hour

# Of a series the first alone: who did not come to that is not told of each week's.
_NEW = text("""
    INSERT INTO call (reason, event_id, opened_at, next_at)
    SELECT 'new_event', event.id, :now,
           greatest(event.state_at + :settle, (SELECT min(listing.starts_at) FROM listing
                                              WHERE listing.event_id = event.id) - :ahead)
    FROM event
    WHERE event.state = 'published' AND event.state_at > :since AND event.state_at <= :now
      AND NOT EXISTS (SELECT FROM call WHERE call.event_id = event.id AND call.reason = 'new_event')
      AND EXISTS (SELECT FROM listing WHERE listing.event_id = event.id AND listing.starts_at > :now)
      AND NOT EXISTS (SELECT FROM event AS before
                      WHERE before.series_id = event.series_id AND before.recurrence_at < event.recurrence_at)
    ORDER BY event.id ON CONFLICT DO NOTHING
""")
# One that was moved before anybody was told of it is told when its new time comes within what is ahead.
_MOVED = text("""
    UPDATE call SET next_at = due.at FROM (
        SELECT waiting.id, greatest(event.state_at + :settle, (SELECT min(listing.starts_at) FROM listing
                                                              WHERE listing.event_id = event.id) - :ahead) AS at
        FROM call AS waiting JOIN event ON event.id = waiting.event_id
        WHERE waiting.reason = 'new_event' AND waiting.looked_at IS NULL AND waiting.next_at IS NOT NULL) AS due
    WHERE call.id = due.id
      AND (due.at > :now AND due.at > call.next_at OR call.next_at > greatest(due.at, :now) + :again)
""")
# Half of it taken: who finds a gathering nearly empty a day before does not need a few more, but another day.
_LEFT = text("""
    INSERT INTO call (reason, event_id, opened_at, next_at)
    SELECT DISTINCT 'free_place', listing.event_id, :now, :now
    FROM listing
    WHERE listing.capacity IS NOT NULL AND listing.starts_at > :after AND listing.starts_at <= :until
      AND listing.starts_at > :now AND listing.going < listing.capacity AND 2 * listing.going >= listing.capacity
      AND NOT EXISTS (SELECT FROM call WHERE call.event_id = listing.event_id AND call.reason = 'free_place')
    ORDER BY listing.event_id ON CONFLICT DO NOTHING
""")
_FREED = text("""
    WITH freed AS (DELETE FROM place_freed WHERE id = ANY(ARRAY(
        SELECT id FROM place_freed ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)) RETURNING event_id)
    INSERT INTO call (reason, event_id, opened_at, next_at)
    SELECT DISTINCT 'free_place', event_id, :now, :now FROM freed ORDER BY event_id
    ON CONFLICT (event_id, reason) DO UPDATE
    SET next_at = greatest(:now, call.told_at + :wave) WHERE call.next_at IS NULL
""")
# Near its deadline, but of one that is open for an evening alone not before half of that.
_SHORT = text("""
    INSERT INTO call (reason, proposal_id, opened_at, next_at)
    SELECT 'proposal_short', proposal.id, :now, :now FROM proposal
    WHERE proposal.state = 'open' AND proposal.decide_by > :now AND proposal.decide_by <= :until
      AND :now >= proposal.decide_by - (proposal.decide_by - proposal.opened_at) / 2
      AND NOT EXISTS (SELECT FROM call WHERE call.proposal_id = proposal.id)
    ORDER BY proposal.id ON CONFLICT DO NOTHING
""")


def open_calls(session: Session, *, rule: Audience, now: dt.datetime) -> None:
    """Writes down what members near are to be told of from now on; twice, or two at once, is as once."""
    last = dt.timedelta(seconds=rule.last_places_s)
    given = {
        "now": now,
        "settle": dt.timedelta(seconds=rule.settle_s),
        "ahead": dt.timedelta(days=rule.ahead_days),
    }
    session.execute(_NEW, given | {"since": now - NEWS})
    session.execute(_MOVED, given | {"again": AGAIN})
    session.execute(_LEFT, {"now": now, "after": now + last - LATE, "until": now + last})
    session.execute(_FREED, {"now": now, "wave": dt.timedelta(seconds=rule.wave_s)})
    session.execute(_SHORT, {"now": now, "until": now + dt.timedelta(seconds=rule.proposal_s)})
    session.expire_all()
