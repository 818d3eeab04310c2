"""An agent's place, changed now or for the past: what it heard goes along, and all that follows from it."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Presence
from server import times, topics
from server.checkins import rejudge
from server.corrections import move, rebuild
from server.corrections.service import AHEAD_MS, check_past
from server.fleet import fence, placements
from server.fleet import service as fleet
from server.fleet.model import Placement
from server.fleet.placements import Replaced, Wanted
from server.presence import forgetting, joining, trace
from server.presence.joining import Interval


def place(session: Session, *, wanted: Wanted, presence: Presence, now: dt.datetime) -> Placement:
    """Says where an agent stood from a time on; spans, visits, stays and check-ins become as if it had always been so.

    What the agent heard is cut at the moment, how loud it was at the slot of the trace. Twice is as once. A gateway's
    batches of the venues concerned wait until it is done. Raises NotYet, and what placements.plan raises.
    """
    check_past(wanted.since, now)
    with topics.together(session):
        planned = placements.plan(session, wanted, now=now)
        fence.touch_venues(session, planned.venue_ids)
        for replaced in placements.carry_out(session, planned):
            _follow(session, replaced, presence, now)
    placed = fleet.placement_at(session, agent_id=wanted.agent_id, at=wanted.since)
    assert placed is not None
    return placed


def _follow(session: Session, replaced: Replaced, presence: Presence, now: dt.datetime) -> None:
    move.move_rows(session, replaced, presence.slot_s * 1000)
    if not replaced.elsewhere:
        return
    time = move.time_of(replaced.middle)
    changed = _heard(session, replaced.middle.placement_id, time)
    _forget_alike(session, replaced.venue_ids[0], replaced.venue_ids[-1], time)
    for venue_id in replaced.venue_ids:
        rebuild.rebuild(session, venue_id, changed, presence)
    topics.bump(session, _judge(session, replaced.venue_ids, changed, presence, now))


def _heard(session: Session, placement_id: int, time: Interval) -> dict[int, Interval]:
    """The badges whose spans went elsewhere, each with their first and last moment (ms)."""
    rows = session.execute(
        text("SELECT badge_id, min(from_ms), max(to_ms) FROM span WHERE placement_id = :id GROUP BY badge_id"),
        {"id": placement_id},
    )
    return {badge_id: (max(low, time[0]), min(high, time[1])) for badge_id, low, high in rows}


def _forget_alike(session: Session, old_id: str, new_id: str, time: Interval) -> None:
    """What a venue has forgotten of a time whose blocks went to another one, that one does not know either."""
    known = forgetting.read(session, {old_id, new_id})
    blocks = (trace.block_of(time[0]), trace.block_of(time[1] + trace.BLOCK_MS))
    lost = [(low, high) for low, high in joining.cut(known[old_id].times(), [blocks]) if low < high]
    forgetting.forget(session, new_id, known[new_id], lost)


def _judge(
    session: Session, venue_ids: Iterable[str], changed: dict[int, Interval], presence: Presence, now: dt.datetime
) -> set[str]:
    if not changed:
        return set()
    gap_ms = round(presence.heard_gap_s * 1000)
    low = min(low for low, _ in changed.values()) - gap_ms
    high = min(max(high for _, high in changed.values()), times.to_ms(now) + AHEAD_MS) + gap_ms
    pairs = rejudge.pairs_near(session, list(changed), (), dict.fromkeys(venue_ids, (low, high)))
    return rejudge.rejudge(session, pairs, presence, now)
