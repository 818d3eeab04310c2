"""What is forgotten after its time: refused reports, and traces that nothing can be late for any more."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from beacon_agent import wire
from config.settings import Gateway
from gateway import stays
from server import times
from server.presence import forgetting, trace
from server.presence.trace import BLOCK_MS, Forgotten

EVERY_S = 300.0
FORGET_AFTER_MS = (
    900_000  # a badge that was silent for three join gaps leaves the memory; its rows are read if it comes back
)

# What stays beside a time of which nothing has come yet, since it may still come. Before such a time: two blocks, as
# what one agent told of the minute in which a cut began another one may tell when it ends, and one for stays that look
# back at it. After it: the block in which it ends, what their stays need to be again as they were, and the join gap
# within which the visits begin that it may lengthen.
BEFORE_MS = 3 * BLOCK_MS
AFTER_MS = BLOCK_MS + stays.FORWARD_MS

_OLD = text("""
    SELECT placement.venue_id, trace.block_ms
    FROM placement JOIN trace ON trace.placement_id = placement.id
    WHERE placement.venue_id = ANY(:venues)
    GROUP BY placement.venue_id, trace.block_ms HAVING max(trace.arrived_at) < :since
    ORDER BY placement.venue_id, trace.block_ms
""")
_DELETE = text("""
    DELETE FROM trace USING placement
    WHERE placement.id = trace.placement_id AND placement.venue_id = :venue AND trace.block_ms = ANY(:blocks)
""")


def forget_refused(session: Session, limits: Gateway, now: dt.datetime) -> None:
    """Forgets refused reports that nobody looked at in time: their bodies hold what was heard."""
    before = now - dt.timedelta(days=limits.refused_keep_days)
    session.execute(text("DELETE FROM refused_report WHERE received_at < :before"), {"before": before})


def forget_traces(session: Session, shard: int, limits: Gateway, now: dt.datetime) -> dict[str, Forgotten]:
    """Deletes what arrived longer than late_s ago, of venues of one shard; returns the forgotten times that grew.

    Of each minute the arrival counts, not its time: however a venue's backlog comes, in parts that are days apart,
    the newest first or last, each part is whole for late_s from its arrival on. The caller holds the shard.
    """
    venues = {row.id: row for row in session.execute(text("SELECT id, replayed, join_gap_s FROM venue"))}
    mine = [venue_id for venue_id in venues if wire.shard_of(venue_id) == shard]
    old: dict[str, list[int]] = defaultdict(list)
    since = now - dt.timedelta(seconds=limits.late_s)
    for venue_id, block_ms in session.execute(_OLD, {"venues": mine, "since": since}):
        old[venue_id].append(block_ms)
    known = forgetting.read(session, old)
    grown: dict[str, Forgotten] = {}
    for venue_id, blocks in old.items():
        # Reports from before this are refused. Those of a replayed venue have the recording's time.
        refused_ms = 0 if venues[venue_id].replayed else times.to_ms(now) - round(limits.report_max_age_s * 1000)
        gone = forgettable(blocks, known[venue_id], venues[venue_id].join_gap_s * 1000, refused_ms)
        if gone:
            session.execute(_DELETE, {"venue": venue_id, "blocks": gone})
            # With each the next one, at which stays may only look back any more.
            lost = [(0 if block_ms < refused_ms else block_ms, block_ms + 2 * BLOCK_MS) for block_ms in gone]
            grown[venue_id] = forgetting.forget(session, venue_id, known[venue_id], lost)
    return grown


def forgettable(old: Sequence[int], forgotten: Forgotten, gap_ms: int, refused_ms: int) -> list[int]:
    """Which blocks of a venue go: those that nothing needs that may still come.

    old: the blocks there are for which nothing can be late any more. gap_ms: the venue's join gap. refused_ms: reports
    from before it are refused.
    """
    settled = set(old)
    after_ms = AFTER_MS + trace.block_of(gap_ms + BLOCK_MS - 1)

    def needed(block_ms: int) -> bool:
        around = range(block_ms - after_ms, block_ms + BEFORE_MS + 1, BLOCK_MS)
        return any(at_ms not in settled and at_ms not in forgotten for at_ms in around)

    return [block_ms for block_ms in old if block_ms + BLOCK_MS <= refused_ms or not needed(block_ms)]
