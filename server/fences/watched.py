"""Which places matter to members: where they are going, and those that remember their visits; read by members alone.

What lies near is not asked for: in a city centre a hundred venues lie within a fence of anybody, a member goes to a
few. So a batch costs what its members' plans are, whatever the map holds.
"""

import datetime as dt
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Fences
from geo import fences, postgis
from geo.areas import Position
from geo.fences import Fence
from server.checkins import rules
from server.events.states import State


class Gathering(NamedTuple):
    """A step to which a member is going. dwell_s: how long she has to be there. in_already: she is checked in.

    undone_at: when her check-in was last taken back, None if never.
    """

    step_id: str
    event_id: str
    event_name: str
    simulated: bool
    opens_at: dt.datetime
    starts_at: dt.datetime
    ends_at: dt.datetime
    dwell_s: float
    in_already: bool
    undone_at: dt.datetime | None


class Watched(NamedTuple):
    """A place that matters to a member, its fence, and why. remembered_since: it remembers her visits; None: not."""

    member_id: str
    venue_id: str
    venue_name: str
    kind: str
    simulated: bool
    time_zone: str
    place: Position
    fence: Fence
    gatherings: tuple[Gathering, ...]
    remembered_since: dt.datetime | None


# Whoever lets her positions say that she came, and is not paused. What is called off checks nobody in. LIMIT 1 keeps
# the planner, which cannot know how few plans a member has, from reading all venues for a batch.
_WATCHED = text(f"""
    SELECT hers.member_id, venue.id AS venue_id, venue.name AS venue_name, venue.kind, venue.simulated, venue.time_zone,
           {postgis.LON_LAT.format("venue.location")}, venue_fence.enter_m, venue_fence.exit_m, venue_fence.dwell_s,
           hers.step_id, hers.event_id, hers.event_name, hers.event_simulated, hers.opens_at, hers.starts_at,
           hers.ends_at, hers.step_dwell_s, hers.since, stands.id IS NOT NULL AS in_already,
           (SELECT max(undone.undone_at) FROM checkin AS undone
            WHERE undone.step_id = hers.step_id AND undone.member_id = hers.member_id) AS undone_at
    FROM (
        SELECT position_use.member_id, step.venue_id, step.id AS step_id, event.id AS event_id,
               event.name AS event_name, event.simulated AS event_simulated, step.opens_at, step.starts_at,
               step.ends_at, step.dwell_signed_up_s AS step_dwell_s, CAST(NULL AS timestamptz) AS since
        FROM position_use JOIN sign_up ON sign_up.member_id = position_use.member_id AND sign_up.state = 'going'
        JOIN step ON step.event_id = sign_up.event_id AND step.opens_at <= :opens_until AND step.ends_at > :ends_from
        JOIN event ON event.id = step.event_id AND event.state = '{State.PUBLISHED}'
        JOIN LATERAL (SELECT FROM going_to
                      WHERE going_to.step_id = step.id AND going_to.member_id = position_use.member_id
                      LIMIT 1) AS goes ON true
        WHERE position_use.member_id = ANY(:members) AND position_use.fences
        UNION ALL
        SELECT position_use.member_id, remembered_venue.venue_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               remembered_venue.since
        FROM position_use JOIN remembered_venue ON remembered_venue.member_id = position_use.member_id
                                               AND remembered_venue.ended_at IS NULL
        WHERE position_use.member_id = ANY(:members) AND position_use.fences
    ) AS hers
    JOIN LATERAL (SELECT * FROM venue WHERE venue.id = hers.venue_id AND venue.location IS NOT NULL
                  AND NOT venue.replayed LIMIT 1) AS venue ON true
    LEFT JOIN venue_fence ON venue_fence.venue_id = venue.id
    LEFT JOIN checkin AS stands ON stands.step_id = hers.step_id AND stands.member_id = hers.member_id
                               AND stands.undone_at IS NULL
    WHERE NOT EXISTS (SELECT FROM consent_pause
                      WHERE consent_pause.member_id = hers.member_id AND consent_pause.ended_at IS NULL)
    ORDER BY hers.member_id, venue.id, hers.starts_at, hers.step_id
""")  # noqa: S608 -- texts of ours


def of(session: Session, member_ids: Collection[str], rule: Fences, now: dt.datetime) -> list[Watched]:
    """The places that matter to these members now, in one order; none of whoever lets nothing be used or is paused.

    A home is among them: whether she may know where it is has to be asked before anything is told (`places`).
    """
    if not member_ids:
        return []
    given = {
        "members": sorted(member_ids),
        "opens_until": now + dt.timedelta(seconds=rule.before_s),
        "ends_from": now - dt.timedelta(seconds=rule.late_s),
    }
    found: dict[tuple[str, str], Watched] = {}
    for row in session.execute(_WATCHED, given):
        key = row.member_id, row.venue_id
        one = found.get(key) or Watched(
            row.member_id,
            row.venue_id,
            row.venue_name,
            row.kind,
            row.simulated,
            row.time_zone,
            (row.lon, row.lat),
            fence(rule, row.enter_m, row.exit_m, row.dwell_s),
            (),
            None,
        )
        if row.step_id is None:
            found[key] = one._replace(remembered_since=row.since)
            continue
        step = Gathering(
            row.step_id,
            row.event_id,
            row.event_name,
            row.event_simulated,
            row.opens_at,
            row.starts_at,
            row.ends_at,
            row.step_dwell_s,
            row.in_already,
            row.undone_at,
        )
        found[key] = one._replace(gatherings=(*one.gatherings, step))
    return list(found.values())


def fence(
    rule: Fences, enter_m: float | None = None, exit_m: float | None = None, dwell_s: float | None = None
) -> Fence:
    """A venue's fence: its own numbers, where it has some, else those of the settings."""
    if enter_m is None or exit_m is None or dwell_s is None:
        enter_m, exit_m, dwell_s = rule.enter_m, rule.exit_m, rule.dwell_s
    return fences.check(Fence(enter_m, exit_m, max(rule.approach_m, exit_m), dwell_s, rule.gap_s))


# Before the doors open somebody is told that it is early as long as a badge is (server.checkins.rules).
EARLY = dt.timedelta(milliseconds=rules.EARLY_MS)
