"""Reads what is known of a venue's presence with a few statements, and draws the picture that a viewer sees."""

import dataclasses
import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from config.settings import Presence
from geo import postgis
from server import times, topics
from server.badges.model import Identity
from server.consent import reading
from server.consent.reading import Holding
from server.fleet.model import Placement
from server.presence import ears as ears_of
from server.presence import greeting, listening, rhythm, rule, states, trace
from server.presence.ears import Beacon, Ear, Placed
from server.presence.greeting import Regular
from server.presence.intervals import EVER_MS, Interval
from server.presence.rhythm import Recent
from server.presence.rule import Rule
from server.presence.states import Heard, Memory, Picture
from server.venues import plans
from server.venues import service as venues
from server.venues.model import Venue

# Badges heard last before this are no part of the picture: an evening and the night after it, in which nobody could
# tell whether they left because the only Pi was switched off with the lights.
LOOK_BACK_MS = 12 * 3600 * 1000
# Those who left fade from the picture: long enough to see who has just gone, short enough not to fill the room.
LEFT_SHOWN_MS = 10 * 60 * 1000
# A block of the trace may still grow for as long as reports come late in the ordinary way; later ones are read when the
# venue is read anew.
GROWING_MS = 2 * trace.BLOCK_MS


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
    laid: tuple[plans.Laid, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """What the tables say of a venue at revision `rev`: enough to draw it at any moment from then on.

    rhythms: badge -> after which silence (ms) it is away, where that is not the constant; learnt from `recent`. held:
    whose the badges are, and who may see them; one that is not there is not shown to anybody yet. regulars: who may
    want to be greeted.
    """

    rev: int
    facts: VenueFacts
    heard: dict[int, Heard]
    ears: dict[str, Ear]
    rhythms: dict[int, int] = dataclasses.field(default_factory=dict)
    recent: Recent | None = None
    held: dict[int, tuple[Holding, ...]] = dataclasses.field(default_factory=dict)
    regulars: dict[str, Regular] = dataclasses.field(default_factory=dict)
    memory: Memory = dataclasses.field(default_factory=Memory, compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class VenuePicture:
    """A venue at one moment, and what it was drawn from."""

    record: Record
    picture: Picture


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

# Of a beacon the first steady run, which made it known, and the newest, too, however old.
_BEACONS = text("""
    SELECT placement_id, beacon_agent_id, from_ms, to_ms FROM beacon_span
    WHERE placement_id = ANY(:placements) AND to_ms >= :since_ms
    UNION
    (SELECT DISTINCT ON (placement_id, beacon_agent_id) placement_id, beacon_agent_id, from_ms, to_ms FROM beacon_span
     WHERE placement_id = ANY(:placements) AND to_ms - from_ms >= :learn_ms
     ORDER BY placement_id, beacon_agent_id, from_ms)
    UNION
    (SELECT DISTINCT ON (placement_id, beacon_agent_id) placement_id, beacon_agent_id, from_ms, to_ms FROM beacon_span
     WHERE placement_id = ANY(:placements)
     ORDER BY placement_id, beacon_agent_id, from_ms DESC)
""")

_TRACE = text("""
    SELECT trace.block_ms, trace.peaks FROM placement JOIN trace ON trace.placement_id = placement.id
    WHERE placement.venue_id = :venue AND placement.valid && tstzrange(:since, NULL) AND trace.block_ms >= :since_ms
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
    judged_by = rule.make(presence, venue.join_gap_s)
    now_ms = times.to_ms(now_of(session, venue=venue, now=now))
    ears, agent_locations = load_ears(session, venue_id, now_ms - LOOK_BACK_MS - judged_by.given_up_after_ms, judged_by)
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
        laid=tuple(plans.laid(row) for row in plans.of_venue(session, venue_id)),
        agent_locations=agent_locations,
        rule=judged_by,
    )
    record = Record(rev, facts, heard, ears, recent=Recent(judged_by.slot_ms))
    record.rhythms.update(learn_again(session, record=record, now_ms=now_ms))
    take_holders(record, read_holders(session, [Unknown(record, heard, now_ms)])[0])
    return record


Holders = tuple[dict[int, tuple[Holding, ...]], dict[str, Regular]]


class Unknown(NamedTuple):
    """Badges of a venue whose holders are to be read; now_ms: the venue's own."""

    record: Record
    badge_ids: Collection[int]
    now_ms: int


def read_holders(session: Session, asked: Sequence[Unknown]) -> list[Holders]:
    """Whose these badges are, how much of them is seen at their venue, and who may want to be greeted there.

    For all venues together, with hardly more statements than for one: at many doors somebody comes at the same moment.
    """
    looked = [reading.Looked(one.record.facts.id, one.badge_ids, times.from_ms(one.now_ms)) for one in asked]
    told = greeting.told(session, {one.record.facts.id: one.now_ms for one in asked})
    found: list[Holders] = []
    for one, held in zip(asked, reading.holdings_at(session, looked), strict=True):
        facts = one.record.facts
        named = {each.member_id for of in (*one.record.held.values(), *held.values()) for each in of if each.name}
        regulars = greeting.load(
            session, venue_id=facts.id, time_zone=facts.time_zone, named=named, told=told[facts.id]
        )
        found.append((held, dict(regulars)))
    return found


def take_holders(record: Record, read: Holders) -> None:
    """Takes what `read_holders` read."""
    held, regulars = read
    record.held.update(held)
    record.regulars.clear()
    record.regulars.update(regulars)


def read_trace(session: Session, venue_id: str, now_ms: int, since_ms: int = 0) -> list[tuple[int, bytes]]:
    """The blocks of the venue's trace since then, of the last half hour at most; their start (ms) and bytes."""
    from_ms = max(since_ms, trace.block_of(now_ms - rhythm.BACK_MS))
    rows = session.execute(_TRACE, {"venue": venue_id, "since": times.from_ms(from_ms), "since_ms": from_ms})
    return [(row.block_ms, bytes(row.peaks)) for row in rows]


def learn_again(session: Session, *, record: Record, now_ms: int) -> dict[int, int]:
    """Reads what the venue's trace has gained; returns what Record.rhythms is to be. now_ms: the venue's own."""
    recent = record.recent
    if recent is None:
        return {}
    for block_ms, peaks in read_trace(session, record.facts.id, now_ms, recent.newest_ms - GROWING_MS):
        recent.take(block_ms, peaks)
    recent.forget_before(now_ms - rhythm.BACK_MS)
    reckoning = listening.reckon(list(record.ears.values()), now_ms, record.facts.rule, now_ms - rhythm.BACK_MS)
    return recent.rhythms(reckoning.runs, record.facts.rule)


def load_ears(
    session: Session, venue_id: str, since_ms: int, judged_by: Rule
) -> tuple[dict[str, Ear], dict[str, tuple[float, float] | None]]:
    """The agents of a venue since then, and where each stands, degrees, longitude first."""
    placed: dict[str, list[Placed]] = {}
    locations: dict[str, tuple[float, float] | None] = {}
    placements: dict[int, tuple[str, int]] = {}  # id -> agent, since when it stood there
    since = times.from_ms(since_ms)
    for placement in session.scalars(
        select(Placement)
        .where(Placement.venue_id == venue_id, Placement.valid.op("&&")(Range(since, None)))
        .order_by(Placement.agent_id, func.lower(Placement.valid))
    ):
        start, end = placement.valid.lower, placement.valid.upper
        start_ms = 0 if start is None else times.to_ms(start)
        end_ms = EVER_MS if end is None else times.to_ms(end)
        placed.setdefault(placement.agent_id, []).append(Placed(placement.zone_id, start_ms, end_ms))
        placements[placement.id] = (placement.agent_id, start_ms)
        locations[placement.agent_id] = postgis.to_position(placement.location)
    listened: dict[str, list[Interval]] = {agent_id: [] for agent_id in placed}
    for row in session.execute(_COVERAGE, {"agents": list(placed), "since_ms": since_ms}):
        listened[row.agent_id].append((row.from_ms, row.to_ms))
    beacons = _load_beacons(session, placements, since_ms, judged_by)
    shown = _load_shown(session, list(placed)) if any(beacons.values()) else {}
    found = {
        agent_id: ears_of.make(
            agent_id,
            places,
            listened[agent_id],
            beacons.get(agent_id, ()),
            shown.get(agent_id, ((0, EVER_MS),)),
            judged_by.beacon_learn_ms,
        )
        for agent_id, places in placed.items()
    }
    return found, locations


def _load_beacons(
    session: Session, placements: dict[int, tuple[str, int]], since_ms: int, judged_by: Rule
) -> dict[str, list[Beacon]]:
    runs: dict[tuple[int, str], list[Interval]] = {}
    wanted = {"placements": list(placements), "since_ms": since_ms, "learn_ms": judged_by.beacon_learn_ms}
    for row in session.execute(_BEACONS, wanted):
        # What is stored ends with what was heard last; half-open, that moment is in it.
        runs.setdefault((row.placement_id, row.beacon_agent_id), []).append((row.from_ms, row.to_ms + 1))
    beacons: dict[str, list[Beacon]] = {}
    for (placement_id, beacon_agent_id), heard in runs.items():
        agent_id, placed_from_ms = placements[placement_id]
        beacons.setdefault(agent_id, []).append(Beacon(beacon_agent_id, placed_from_ms, heard))
    return beacons


def _load_shown(session: Session, agent_ids: list[str]) -> dict[str, list[Interval]]:
    shown: dict[str, list[Interval]] = {agent_id: [] for agent_id in agent_ids}
    for identity in session.scalars(select(Identity).where(Identity.agent_id.in_(agent_ids))):
        start, end = identity.valid.lower, identity.valid.upper
        start_ms = 0 if start is None else times.to_ms(start)
        if identity.agent_id is not None:
            shown[identity.agent_id].append((start_ms, EVER_MS if end is None else times.to_ms(end)))
    return shown


def now_ms_of(record: Record, now_ms: int) -> int:
    """The venue's own now (ms), as `now_of`, from what is in memory."""
    if not record.facts.replayed:
        return now_ms
    ends_ms = []
    for ear in record.ears.values():
        here = (end for start, end in reversed(ear.listened) if ear.place_at(start) is not None)
        ends_ms.append(next(here, 0))
    return max(ends_ms, default=0) or now_ms


def draw(record: Record, now_ms: int) -> VenuePicture:
    """The venue at now_ms (the clock's; a replayed venue's own is taken by itself), without those who left long ago."""
    own_ms = now_ms_of(record, now_ms)
    zone_ids = [zone.id for zone in record.facts.zones]
    picture = states.picture(
        record.heard.values(),
        list(record.ears.values()),
        zone_ids,
        own_ms,
        record.facts.rule,
        record.rhythms,
        record.memory,
    )
    shown: dict[int, states.State] = {}
    for badge_id, state in picture.badges.items():
        faded = state.kind is states.Kind.LEFT and state.since_ms < own_ms - LEFT_SHOWN_MS
        if faded:
            record.memory.gone.add(badge_id)
        elif record.heard[badge_id].last_heard_ms >= own_ms - LOOK_BACK_MS:
            shown[badge_id] = state
    return VenuePicture(record, dataclasses.replace(picture, badges=shown))


def picture(session: Session, *, venue_id: str, now: dt.datetime, presence: Presence) -> VenuePicture:
    """A venue as it is at `now`; raises VenueUnknown."""
    return draw(load(session, venue_id=venue_id, now=now, presence=presence), times.to_ms(now))
