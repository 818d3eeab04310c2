"""The receipt of a check-in: when, where, by which agent or door, how sure, and what is remarkable of it."""

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.checkins import capacity
from server.checkins.service import NotCheckedIn
from server.doors.rules import Flag

# A badge heard elsewhere so shortly before or after speaks against a code that can be photographed.
ELSEWHERE_MS = 120_000


class Receipt(NamedTuple):
    """A check-in with all that is known of it. by: the agent, the door, or the host that it was by."""

    id: int
    member_id: str | None
    event_id: str | None
    event_name: str | None
    step_name: str | None
    venue_id: str
    venue_name: str
    time_zone: str
    replayed: bool
    at: dt.datetime
    recorded_at: dt.datetime
    evidence: str
    signed_up: bool
    undone_at: dt.datetime | None
    badge: str | None
    agent: str | None
    zone: str | None
    door: str | None
    host: str | None
    left_at: dt.datetime | None
    flags: frozenset[str]


class Entry(NamedTuple):
    """One passage as the host sees it. elsewhere: her badge was heard at another venue at that time."""

    id: int
    checkin_id: int
    member_id: str | None
    name: str | None
    guest: bool
    signed_up: bool
    direction: str
    at: dt.datetime
    recorded_at: dt.datetime
    evidence: str
    door: str | None
    flags: frozenset[str]
    undone: bool


_ELSEWHERE = text("""
    SELECT checkin.id FROM checkin LEFT JOIN step ON step.id = checkin.step_id
    WHERE checkin.id = ANY(:ids) AND checkin.evidence = 'poster' AND EXISTS (
        SELECT FROM pairing JOIN span ON span.badge_id = pairing.badge_id
        JOIN placement ON placement.id = span.placement_id
        WHERE pairing.member_id = checkin.member_id AND pairing.valid @> checkin.at
          AND placement.venue_id <> coalesce(step.venue_id, checkin.venue_id)
          AND span.from_ms <= floor(extract(epoch FROM checkin.at) * 1000)::bigint + :near
          AND span.to_ms >= floor(extract(epoch FROM checkin.at) * 1000)::bigint - :near)
""")

_RECEIPT = text("""
    SELECT checkin.id, checkin.member_id, step.id AS step_id, event.id AS event_id, event.name AS event_name,
           step.name AS step_name,
           venue.id AS venue_id, venue.name AS venue_name, venue.time_zone, venue.replayed, checkin.at,
           checkin.recorded_at, checkin.evidence, checkin.signed_up, checkin.undone_at, badge.label AS badge,
           heard.agent_id AS agent, heard.zone, door.name AS door, host.name AS host, first.flags,
           (SELECT max(passage.at) FROM passage WHERE passage.checkin_id = checkin.id AND passage.direction = 'out'
            AND NOT EXISTS (SELECT FROM passage AS back WHERE back.checkin_id = checkin.id
                            AND back.direction = 'in' AND back.at > passage.at)) AS left_at
    FROM checkin LEFT JOIN step ON step.id = checkin.step_id LEFT JOIN event ON event.id = step.event_id
    JOIN venue ON venue.id = coalesce(step.venue_id, checkin.venue_id)
    LEFT JOIN badge ON badge.id = checkin.badge_id
    LEFT JOIN LATERAL (
        SELECT flags, door_id, "by" FROM passage WHERE passage.checkin_id = checkin.id AND passage.direction = 'in'
        ORDER BY passage.at, passage.id LIMIT 1) AS first ON checkin.evidence <> 'beacon'
    LEFT JOIN door ON door.id = first.door_id LEFT JOIN member AS host ON host.id = first.by
    LEFT JOIN LATERAL (
        SELECT placement.agent_id, zone.name AS zone FROM span JOIN placement ON placement.id = span.placement_id
        LEFT JOIN zone ON zone.id = placement.zone_id
        WHERE span.badge_id = checkin.badge_id AND placement.venue_id = venue.id
          AND span.from_ms <= ceil(extract(epoch FROM checkin.at) * 1000)::bigint
        ORDER BY span.to_ms DESC LIMIT 1) AS heard ON checkin.evidence = 'beacon'
    WHERE checkin.id = :id
""")

_LAST = text("""
    SELECT passage.id, checkin.id AS checkin_id, passage.member_id, member.name,
           coalesce(member.guest, false) AS guest,
           going_to.member_id IS NOT NULL AS signed_up, passage.direction, passage.at, passage.recorded_at,
           passage.evidence, door.name AS door, passage.flags, checkin.undone_at IS NOT NULL AS undone,
           checkin.step_id, checkin.at AS came_at
    FROM passage JOIN checkin ON checkin.id = passage.checkin_id JOIN step ON step.id = checkin.step_id
    LEFT JOIN member ON member.id = passage.member_id LEFT JOIN door ON door.id = passage.door_id
    LEFT JOIN going_to ON going_to.step_id = step.id AND going_to.member_id = passage.member_id
    WHERE step.event_id = :event ORDER BY passage.recorded_at DESC, passage.id DESC LIMIT :most
""")


def elsewhere(session: Session, checkin_ids: list[int]) -> frozenset[int]:
    """Those of these check-ins by a poster whose member's badge was heard at another venue at that time."""
    return frozenset(session.execute(_ELSEWHERE, {"ids": checkin_ids, "near": ELSEWHERE_MS}).scalars())


def load(session: Session, checkin_id: int) -> Receipt:
    """A check-in, taken back or not; raises NotCheckedIn."""
    row = session.execute(_RECEIPT, {"id": checkin_id}).one_or_none()
    if row is None:
        raise NotCheckedIn
    flags = _flags(row.flags or (), row.id in capacity.over(session, [row.step_id]), bool(elsewhere(session, [row.id])))
    return Receipt(
        row.id,
        row.member_id,
        row.event_id,
        row.event_name,
        row.step_name,
        row.venue_id,
        row.venue_name,
        row.time_zone,
        row.replayed,
        row.at,
        row.recorded_at,
        row.evidence,
        row.signed_up,
        row.undone_at,
        row.badge,
        row.agent,
        row.zone,
        row.door,
        row.host,
        row.left_at,
        flags,
    )


def last_of(session: Session, event_id: str, most: int) -> list[Entry]:
    """Who passed an event's doors last, the latest first."""
    rows = session.execute(_LAST, {"event": event_id, "most": most}).all()
    away = elsewhere(session, [row.checkin_id for row in rows])
    over = capacity.over(session, {row.step_id for row in rows})
    return [
        Entry(
            row.id,
            row.checkin_id,
            row.member_id,
            row.name,
            row.guest,
            row.signed_up,
            row.direction,
            row.at,
            row.recorded_at,
            row.evidence,
            row.door,
            _flags(row.flags, row.checkin_id in over and row.at == row.came_at, row.checkin_id in away),
            row.undone,
        )
        for row in rows
    ]


def _flags(kept: Iterable[str], over: bool, away: bool) -> frozenset[str]:
    """What is remarkable: as it was kept, but whether all places were taken by what is known now."""
    flags = set(kept) - {Flag.OVER_CAPACITY}
    found = [(Flag.OVER_CAPACITY, over), (Flag.ELSEWHERE, away)]
    return frozenset([*flags, *[str(flag) for flag, true in found if true]])
