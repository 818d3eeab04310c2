"""Reads what is known of a venue's presence with a few statements, and draws the picture that a viewer sees."""

import dataclasses
import datetime as dt
from typing import Any, NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from config.settings import Presence
from geo import postgis
from server import times, topics
from server.fleet.model import Placement
from server.presence import states
from server.presence.states import Ear, Heard, Interval, Picture, Placed, Rule
from server.venues import service as venues
from server.venues.model import Venue

# Badges heard last before this are no part of the picture: an evening and the night after it, in which nobody could
# tell whether they left because the only Pi was switched off with the lights.
LOOK_BACK_MS = 12 * 3600 * 1000
# Those who left fade from the picture: long enough to see who has just gone, short enough not to fill the room.
LEFT_SHOWN_MS = 10 * 60 * 1000
VISITS_BACK_MS = 24 * 3600 * 1000  # what a shop owner means by "today" when she does not say since when
MAX_VISITS = 1000  # of one answer; a shop's busy day


class ZoneFacts(NamedTuple):
    """A zone as the map draws it; area: GeoJSON Polygon."""

    id: str
    name: str
    level: int
    area: dict[str, Any] | None


@dataclasses.dataclass(frozen=True, slots=True)
class VenueFacts:
    """What does not move. location, agents' locations: longitude and latitude in degrees."""

    id: str
    name: str
    time_zone: str
    simulated: bool
    replayed: bool
    location: tuple[float, float] | None
    zones: tuple[ZoneFacts, ...]
    agent_locations: dict[str, tuple[float, float] | None]
    rule: Rule


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """What the tables say of a venue at revision `rev`: enough to draw it at any moment from then on."""

    rev: int
    facts: VenueFacts
    heard: dict[int, Heard]
    ears: dict[str, Ear]


@dataclasses.dataclass(frozen=True, slots=True)
class VenuePicture:
    """A venue at one moment, and what it was drawn from."""

    record: Record
    picture: Picture


class SeenVisit(NamedTuple):
    """A visit, and how it ended. observed: somebody listened when it did; None: it has not ended."""

    id: int
    badge_id: int
    from_ms: int
    to_ms: int
    kind: states.Kind
    observed: bool | None


# The newest run of each agent too, however old: since when it is silent.
_COVERAGE = text("""
    SELECT coverage.agent_id, coverage.from_ms, coverage.to_ms
    FROM (SELECT id, (SELECT max(to_ms) FROM coverage WHERE agent_id = id) AS newest_ms
          FROM unnest(:agents ::text[]) AS agent (id)) AS agent
    JOIN coverage ON coverage.agent_id = agent.id AND coverage.to_ms >= least(:since_ms, newest_ms)
    ORDER BY coverage.agent_id, coverage.from_ms
""")

_NEWEST = text("""
    SELECT max(coverage.to_ms) FROM placement
    JOIN coverage ON coverage.agent_id = placement.agent_id
    WHERE placement.venue_id = :venue AND placement.valid @> to_timestamp(coverage.from_ms / 1000.0)
""")

_LATEST_VISITS = text("""
    SELECT visit.badge_id, visit.from_ms, visit.to_ms, stay.sinces, stay.zones
    FROM (SELECT DISTINCT ON (badge_id) badge_id, venue_id, from_ms, to_ms
          FROM visit WHERE venue_id = :venue AND to_ms >= :since_ms
          ORDER BY badge_id, to_ms DESC) AS visit
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(from_ms ORDER BY from_ms), '{}') AS sinces,
               coalesce(array_agg(zone_id ORDER BY from_ms), '{}') AS zones
        FROM stay WHERE stay.badge_id = visit.badge_id AND stay.venue_id = visit.venue_id
          AND stay.from_ms BETWEEN visit.from_ms AND visit.to_ms) AS stay
""")

_VISITS = text("""
    SELECT id, badge_id, from_ms, to_ms FROM visit
    WHERE venue_id = :venue AND to_ms >= :since_ms
    ORDER BY to_ms DESC, id DESC LIMIT :limit
""")


def now_of(session: Session, *, venue: Venue, now: dt.datetime) -> dt.datetime:
    """The venue's own now: the newest time listened to for one made by a replay, otherwise `now`."""
    if not venue.replayed:
        return now
    newest_ms = session.execute(_NEWEST, {"venue": venue.id}).scalar_one()
    return now if newest_ms is None else times.from_ms(newest_ms)


def load(session: Session, *, venue_id: str, now: dt.datetime, presence: Presence) -> Record:
    """What the tables say of a venue; raises VenueUnknown.

    now: the clock; a replayed venue's own is taken by itself.
    """
    rev = topics.revisions(session, [f"venue/{venue_id}"])[f"venue/{venue_id}"]
    venue = venues.get(session, venue_id)
    rule = states.rule(presence, venue.join_gap_s)
    now_ms = times.to_ms(now_of(session, venue=venue, now=now))
    ears, agent_locations = _load_ears(session, venue_id, now_ms - LOOK_BACK_MS - rule.given_up_after_ms)
    visits = session.execute(_LATEST_VISITS, {"venue": venue_id, "since_ms": now_ms - LOOK_BACK_MS})
    heard = {
        row.badge_id: Heard(row.badge_id, row.from_ms, row.to_ms, tuple(zip(row.sinces, row.zones, strict=True)))
        for row in visits
    }
    facts = VenueFacts(
        id=venue.id,
        name=venue.name,
        time_zone=venue.time_zone,
        simulated=venue.simulated,
        replayed=venue.replayed,
        location=venues.location_of(venue),
        zones=tuple(
            ZoneFacts(zone.id, zone.name, zone.level, venues.area_of(zone))
            for zone in venues.zones_of(session, venue_id=venue_id)
        ),
        agent_locations=agent_locations,
        rule=rule,
    )
    return Record(rev, facts, heard, ears)


def _load_ears(
    session: Session, venue_id: str, since_ms: int
) -> tuple[dict[str, Ear], dict[str, tuple[float, float] | None]]:
    placed: dict[str, list[Placed]] = {}
    locations: dict[str, tuple[float, float] | None] = {}
    since = times.from_ms(since_ms)
    for placement in session.scalars(
        select(Placement)
        .where(Placement.venue_id == venue_id, Placement.valid.op("&&")(Range(since, None)))
        .order_by(Placement.agent_id, func.lower(Placement.valid))
    ):
        start, end = placement.valid.lower, placement.valid.upper
        start_ms = 0 if start is None else times.to_ms(start)
        end_ms = states.EVER_MS if end is None else times.to_ms(end)
        placed.setdefault(placement.agent_id, []).append(Placed(placement.zone_id, start_ms, end_ms))
        locations[placement.agent_id] = postgis.to_position(placement.location)
    listened: dict[str, list[Interval]] = {agent_id: [] for agent_id in placed}
    for row in session.execute(_COVERAGE, {"agents": list(placed), "since_ms": since_ms}):
        listened[row.agent_id].append((row.from_ms, row.to_ms))
    return {agent_id: Ear(agent_id, places, listened[agent_id]) for agent_id, places in placed.items()}, locations


def now_ms_of(record: Record, now_ms: int) -> int:
    """The venue's own now (ms), as `now_of`, from what is in memory."""
    if not record.facts.replayed:
        return now_ms
    ends_ms = [
        end_ms
        for ear in record.ears.values()
        for start_ms, end_ms in ear.listened
        if any(place.from_ms <= start_ms < place.to_ms for place in ear.placed)
    ]
    return max(ends_ms, default=now_ms)


def draw(record: Record, now_ms: int) -> VenuePicture:
    """The venue at now_ms (the clock's; a replayed venue's own is taken by itself), without those who left long ago."""
    own_ms = now_ms_of(record, now_ms)
    zone_ids = [zone.id for zone in record.facts.zones]
    picture = states.picture(record.heard.values(), list(record.ears.values()), zone_ids, own_ms, record.facts.rule)
    shown = {
        badge_id: state
        for badge_id, state in picture.badges.items()
        if (state.kind is not states.Kind.LEFT or state.since_ms >= own_ms - LEFT_SHOWN_MS)
        and record.heard[badge_id].last_heard_ms >= own_ms - LOOK_BACK_MS
    }
    return VenuePicture(record, dataclasses.replace(picture, badges=shown))


def picture(session: Session, *, venue_id: str, now: dt.datetime, presence: Presence) -> VenuePicture:
    """A venue as it is at `now`; raises VenueUnknown."""
    return draw(load(session, venue_id=venue_id, now=now, presence=presence), times.to_ms(now))


def visits_since(
    session: Session, *, venue_id: str, since: dt.datetime | None, now: dt.datetime, presence: Presence
) -> list[SeenVisit]:
    """The visits that had not ended by `since`, the newest first, MAX_VISITS at most; raises VenueUnknown.

    since: None for a day before the venue's now.
    """
    venue = venues.get(session, venue_id)
    rule = states.rule(presence, venue.join_gap_s)
    now_ms = times.to_ms(now_of(session, venue=venue, now=now))
    since_ms = now_ms - VISITS_BACK_MS if since is None else times.to_ms(since)
    ears, _ = _load_ears(session, venue_id, since_ms - rule.given_up_after_ms)
    reckoning = states.reckon(ears.values(), now_ms - rule.unjudged_ms, rule)
    observed = {states.Kind.LEFT: True, states.Kind.UNKNOWN: False}
    found = []
    for row in session.execute(_VISITS, {"venue": venue_id, "since_ms": since_ms, "limit": MAX_VISITS}):
        kind = states.state(row.from_ms, row.to_ms, reckoning, rule).kind
        found.append(SeenVisit(row.id, row.badge_id, row.from_ms, row.to_ms, kind, observed.get(kind)))
    return found
