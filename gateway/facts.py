"""What readings are judged by: keys, placements, identities and venues, as they were at one revision of `facts`."""

import datetime as dt
import functools
import hmac
from bisect import bisect_right
from collections import defaultdict
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from beacon_agent import wire
from server import times, topics

EVER_MS = 1 << 62


class Placed(NamedTuple):
    """An agent's placement in force from from_ms to before until_ms."""

    from_ms: int
    until_ms: int
    id: int
    agent_id: str
    venue_id: str
    zone_id: str
    rssi_floor: int
    shard: int


class Venue(NamedTuple):
    """What the joining needs to know of a venue."""

    join_gap_ms: int
    replayed: bool


class Shown(NamedTuple):
    """What an identity means from from_ms to before until_ms: a badge, or the fixed beacon of an agent."""

    from_ms: int
    until_ms: int
    badge_id: int | None
    beacon_of: str | None


class Facts:
    """A gateway's memory of them. Thrown away when the revision moved, which every service that changes one raises."""

    def __init__(self, session: Session) -> None:
        """Reads all of it: a few thousand agents and a hundred thousand identities take about half a second."""
        self.revision = revisions(session).facts
        self.keys: dict[str, hmac.HMAC] = {
            row.id: hmac.new(row.key, digestmod="sha256") for row in session.execute(text("SELECT id, key FROM agent"))
        }
        self.placements: dict[str, list[Placed]] = defaultdict(list)
        for row in session.execute(
            text("""
                SELECT id, agent_id, venue_id, zone_id, rssi_floor, lower(valid) AS since, upper(valid) AS until
                FROM placement ORDER BY agent_id, lower(valid) NULLS FIRST
            """)
        ):
            shard = wire.shard_of(row.venue_id)
            self.placements[row.agent_id].append(
                Placed(*_bounds(row), row.id, row.agent_id, row.venue_id, row.zone_id, row.rssi_floor, shard)
            )
        # After the placements: one that was made while this was read must find its venue here.
        self.venues: dict[str, Venue] = {
            row.id: Venue(row.join_gap_s * 1000, row.replayed)
            for row in session.execute(text("SELECT id, join_gap_s, replayed FROM venue"))
        }
        # By the 40 hex digits that stand in reports.
        self.identities: dict[str, tuple[Shown, ...]] = {}
        for row in session.execute(
            text("""
                SELECT identity, badge_id, agent_id, lower(valid) AS since, upper(valid) AS until FROM identity
                ORDER BY identity, lower(valid) NULLS FIRST
            """),
            execution_options={"yield_per": 1000},  # all rows at once would double what is kept
        ):
            shown = Shown(*_bounds(row), row.badge_id, row.agent_id)
            identity = bytes(row.identity).hex()
            self.identities[identity] = (*self.identities.get(identity, ()), shown)
        # A venue made by a replay lives in the recording's time: its now is the newest window received.
        self.replayed_now_ms: dict[str, int] = {
            row.venue_id: row.now_ms
            for row in session.execute(
                text("""
                    SELECT placement.venue_id, max(coverage.to_ms) AS now_ms FROM venue
                    JOIN placement ON placement.venue_id = venue.id
                    JOIN coverage ON coverage.placement_id = placement.id
                    WHERE venue.replayed GROUP BY placement.venue_id
                """)
            )
        }

    def placement(self, agent: str, at_ms: int) -> Placed | None:
        """The agent's placement in force at that time."""
        placements = self.placements.get(agent, [])
        index = bisect_right(placements, at_ms, key=lambda placed: placed.from_ms) - 1
        return placements[index] if index >= 0 and at_ms < placements[index].until_ms else None

    def moved(self, other: "Facts") -> tuple[set[str], set[int]]:
        """The agents and badges of whose readings these facts and the other's may judge differently."""
        agents = {
            agent
            for agent in self.placements.keys() | other.placements.keys()
            if self.placements.get(agent) != other.placements.get(agent)
        }
        changed = dict(self.identities.items() ^ other.identities.items())
        badges = {
            shown.badge_id
            for identity in changed
            for shown in (*self.identities.get(identity, ()), *other.identities.get(identity, ()))
            if shown.badge_id is not None
        }
        return agents, badges


class Revisions(NamedTuple):
    """How often it changed: what `Facts` remembers, and who is expected where."""

    facts: int
    expected: int


def revisions(session: Session) -> Revisions:
    """Both, with one statement."""
    found = topics.revisions(session, [topics.FACTS, topics.EXPECTED])
    return Revisions(found[topics.FACTS], found[topics.EXPECTED])


def _bounds(row: Any) -> tuple[int, int]:
    return _bound(row.since, 0), _bound(row.until, EVER_MS)


@functools.lru_cache(maxsize=10_000)
def _bound(at: dt.datetime | None, otherwise_ms: int) -> int:
    # Remembered, since badges are registered by the hundred: one number for all of them.
    return otherwise_ms if at is None else times.to_ms(at)
