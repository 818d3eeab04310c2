"""What is forgotten after its time: refused reports, and traces that nothing can be late for any more."""

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from beacon_agent import wire
from config.settings import Gateway
from server.presence import trace

EVERY_S = 300.0
FORGET_AFTER_MS = (
    900_000  # a badge that was silent for three join gaps leaves the memory; its rows are read if it comes back
)

# By venue: the oldest block that arrived lately, and of those before it the second newest, which is the first to stay:
# a stay that is computed from the oldest of them on looks back less than a block.
_KEEP_FROM = text("""
    SELECT placement.venue_id,
           (SELECT block_ms FROM (
                SELECT DISTINCT older.block_ms FROM placement AS there
                JOIN trace AS older ON older.placement_id = there.id
                WHERE there.venue_id = placement.venue_id AND older.block_ms < min(trace.block_ms)
                ORDER BY older.block_ms DESC LIMIT 2) AS last_two ORDER BY block_ms LIMIT 1) AS first_kept_ms
    FROM placement JOIN trace ON trace.placement_id = placement.id
    WHERE placement.venue_id = ANY(:venues) AND trace.arrived_at >= :since
    GROUP BY placement.venue_id
""")
_DELETE = text("""
    DELETE FROM trace USING placement
    WHERE placement.id = trace.placement_id AND placement.venue_id = :venue AND trace.block_ms < :first_kept_ms
""")
_KEEP = text("""
    INSERT INTO trace_kept (venue_id, from_ms) VALUES (:venue, :from_ms)
    ON CONFLICT (venue_id) DO UPDATE SET from_ms = greatest(trace_kept.from_ms, excluded.from_ms)
    RETURNING from_ms
""")


def forget_refused(session: Session, limits: Gateway, now: dt.datetime) -> None:
    """Forgets refused reports that nobody looked at in time: their bodies hold what was heard."""
    before = now - dt.timedelta(days=limits.refused_keep_days)
    session.execute(text("DELETE FROM refused_report WHERE received_at < :before"), {"before": before})


def forget_traces(session: Session, shard: int, limits: Gateway, now: dt.datetime) -> list[tuple[str, int]]:
    """Deletes what arrived longer than late_s ago, of venues of one shard; returns from when on each one's is whole.

    Everything older than the oldest block that arrived within late_s: while a venue that was cut off delivers its day,
    the newest windows first, nothing that came before in this delivery is deleted. The caller holds the shard.
    """
    venues = [venue_id for (venue_id,) in session.execute(text("SELECT id FROM venue")).all()]
    mine = [venue_id for venue_id in venues if wire.shard_of(venue_id) == shard]
    since = now - dt.timedelta(seconds=limits.late_s)
    kept: list[tuple[str, int]] = []
    for venue_id, first_kept_ms in session.execute(_KEEP_FROM, {"venues": mine, "since": since}).all():
        if first_kept_ms is None:
            continue
        deleted = session.execute(_DELETE, {"venue": venue_id, "first_kept_ms": first_kept_ms})
        if deleted.rowcount:  # type: ignore[attr-defined]
            # Whoever computes stays from here on finds the slots before in the first block that was kept.
            values = {"venue": venue_id, "from_ms": first_kept_ms + trace.BLOCK_MS}
            kept.append((venue_id, session.execute(_KEEP, values).scalar_one()))
    return kept
