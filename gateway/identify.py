"""Who and where: verifies a report, finds the placement it is judged by and the badges behind its identities.

`Facts` is the gateway's memory of keys, placements, identities and venues. It is thrown away whenever the revision of
the topic `facts` moved, which every service that changes one of them raises in its transaction.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from beacon_agent import wire
from config.settings import Gateway
from gateway.ingest import Arrived
from server import times, topics

_EVER_MS = 1 << 62
_BOOT = re.compile(r"[0-9a-f]{8}")


class Placed(NamedTuple):
    """An agent's placement in force from from_ms to before until_ms."""

    from_ms: int
    until_ms: int
    id: int
    venue_id: str
    zone_id: str
    rssi_floor: int
    shard: int


class Venue(NamedTuple):
    """What the joining needs to know of a venue."""

    join_gap_ms: int
    replayed: bool


class Heard(NamedTuple):
    """A reading that counts: of a registered badge, over the placement's floor."""

    badge_id: int
    from_ms: int
    to_ms: int
    rssi: int


class Accepted(NamedTuple):
    """A report that can be recorded."""

    agent: str
    boot: str
    seq: int
    body: bytes
    from_ms: int
    to_ms: int
    listened: bool
    placed: Placed
    heard: list[Heard]
    unregistered: int
    below_floor: int


class Refused(NamedTuple):
    """An authentic report that never will be recorded."""

    agent: str
    boot: str
    seq: int
    body: bytes
    reason: str


class Facts:
    """What readings are judged by, as it was at one revision of the topic `facts`."""

    def __init__(self, session: Session) -> None:
        """Reads all of it; a few thousand agents and some hundred thousand identities take well under a second."""
        self.revision = revision(session)
        self.keys: dict[str, bytes] = {
            row.id: bytes(row.key) for row in session.execute(text("SELECT id, key FROM agent"))
        }
        self.placements: dict[str, list[Placed]] = defaultdict(list)
        for row in session.execute(
            text("""
                SELECT id, agent_id, venue_id, zone_id, rssi_floor, lower(valid) AS since, upper(valid) AS until
                FROM placement ORDER BY agent_id, lower(valid) NULLS FIRST
            """)
        ):
            since, until = _bounds(row)
            self.placements[row.agent_id].append(
                Placed(since, until, row.id, row.venue_id, row.zone_id, row.rssi_floor, wire.shard_of(row.venue_id))
            )
        # After the placements: one that was made while this was read must find its venue here.
        self.venues: dict[str, Venue] = {
            row.id: Venue(row.join_gap_s * 1000, row.replayed)
            for row in session.execute(text("SELECT id, join_gap_s, replayed FROM venue"))
        }
        # Who shows an identity from when until when; None is a fixed beacon, which is registered but no badge.
        self.identities: dict[bytes, list[tuple[int, int, int | None]]] = defaultdict(list)
        for row in session.execute(
            text("SELECT identity, badge_id, lower(valid) AS since, upper(valid) AS until FROM identity")
        ):
            since, until = _bounds(row)
            self.identities[bytes(row.identity)].append((since, until, row.badge_id))
        # A venue made by a replay lives in the recording's time: its now is the newest window received.
        self.replayed_now_ms: dict[str, int] = {
            row.venue_id: row.now_ms
            for row in session.execute(
                text("""
                    SELECT placement.venue_id, max(coverage.to_ms) AS now_ms FROM venue
                    JOIN placement ON placement.venue_id = venue.id
                    JOIN coverage ON coverage.agent_id = placement.agent_id
                    WHERE venue.replayed GROUP BY placement.venue_id
                """)
            )
        }

    def placement(self, agent: str, at_ms: int) -> Placed | None:
        """The agent's placement in force at that time."""
        placements = self.placements.get(agent, [])
        index = bisect_right(placements, at_ms, key=lambda placed: placed.from_ms) - 1
        return placements[index] if index >= 0 and at_ms < placements[index].until_ms else None

    def badge(self, identity: bytes, at_ms: int) -> tuple[bool, int | None]:
        """Whether the identity was registered at that time, and the badge that showed it (None: a fixed beacon)."""
        for since, until, badge_id in self.identities.get(identity, ()):
            if since <= at_ms < until:
                return True, badge_id
        return False, None


def revision(session: Session) -> int:
    """The revision of what `Facts` remembers."""
    return topics.revisions(session, [topics.FACTS])[topics.FACTS]


def _bounds(row: Any) -> tuple[int, int]:
    since = 0 if row.since is None else times.to_ms(row.since)
    return since, _EVER_MS if row.until is None else times.to_ms(row.until)


def _answerable(agent: str, body: bytes, error: wire.Unacceptable) -> Refused:
    """An authentic body that cannot be read: refused by its number, if it has one, so that it leaves the spool."""
    try:
        fields = orjson.loads(body)
        boot, seq = fields["boot"], fields["seq"]
    except (ValueError, KeyError, TypeError):
        raise error from None
    if fields.get("agent") != agent or not isinstance(boot, str) or not _BOOT.fullmatch(boot):
        raise error
    if type(seq) is not int or not 0 < seq <= wire.MAX_SEQ:
        raise error
    return Refused(agent, boot, seq, body, error.reason)


def identify(arrived: Arrived, facts: Facts, limits: Gateway, now_ms: int) -> Accepted | Refused:
    """Judges one message.

    Returns what to record or what to set aside; raises wire.Unacceptable for what cannot be authenticated, which is
    only counted. now_ms: the server's clock.
    """
    key = facts.keys.get(arrived.agent)
    if key is None:
        raise wire.Unacceptable(wire.Reason.UNKNOWN_AGENT)
    body = wire.verify(key, arrived.payload)
    try:
        report = wire.decode(body, orjson.loads)
    except wire.Unacceptable as error:
        return _answerable(arrived.agent, body, error)
    if report.agent != arrived.agent:
        raise wire.Unacceptable(wire.Reason.WRONG_AGENT)

    def refuse(reason: wire.Reason) -> Refused:
        return Refused(report.agent, report.boot, report.seq, body, reason)

    if report.clock == wire.Clock.UNKNOWN:
        return refuse(wire.Reason.UNDATED)
    placed = facts.placement(report.agent, report.from_ms)
    if placed is None:
        return refuse(wire.Reason.NOT_PLACED)
    if facts.venues[placed.venue_id].replayed:
        facts.replayed_now_ms[placed.venue_id] = max(facts.replayed_now_ms.get(placed.venue_id, 0), report.to_ms)
        now_ms = facts.replayed_now_ms[placed.venue_id]
    # A window that was cut short ends before its `to`: it tells of nothing later than its readings.
    until_ms = report.from_ms + max((reading.last_ms for reading in report.readings), default=0)
    if (report.to_ms if report.radio == wire.Radio.OK else until_ms) > now_ms + limits.future_max_s * 1000:
        return refuse(wire.Reason.FUTURE)
    if report.from_ms < now_ms - limits.report_max_age_s * 1000:
        return refuse(wire.Reason.EXPIRED)
    heard: list[Heard] = []
    unregistered = below_floor = 0
    for reading in report.readings:
        from_ms = report.from_ms + reading.first_ms
        registered, badge_id = facts.badge(reading.identity, from_ms)
        if not registered:
            unregistered += 1
        elif badge_id is None:
            continue
        elif reading.rssi_max < placed.rssi_floor:
            below_floor += 1
        else:
            heard.append(Heard(badge_id, from_ms, report.from_ms + reading.last_ms, reading.rssi_max))
    return Accepted(
        report.agent,
        report.boot,
        report.seq,
        body,
        report.from_ms,
        report.to_ms,
        report.radio == wire.Radio.OK,
        placed,
        heard,
        unregistered,
        below_floor,
    )
