"""What of presence goes out: the venue topic of the live stream, and visits."""

import datetime as dt
import functools
import zoneinfo
from typing import Any

from typing_extensions import TypedDict

from server import times
from server.consent.reading import Eyes
from server.presence import sight
from server.presence.service import VenuePicture
from server.presence.sight import Sight
from server.presence.states import Kind
from server.presence.visits import Attendance, SeenVisit
from server.texts import IN_ENGLISH, Texts


class PlanNow(TypedDict):
    """The picture of a level. corners: longitude and latitude, from its top left on, clockwise."""

    level: int
    picture: str
    corners: list[list[float]]


class VenueNow(TypedDict):
    """The venue; a replayed one has its own now."""

    id: str
    name: str
    time_zone: str
    simulated: bool
    replayed: bool
    location: list[float] | None
    plans: list[PlanNow]
    now: str


class ZoneNow(TypedDict):
    """A zone. count: badges present or away. since, last_count: since when that is not known, and how many then."""

    id: str
    name: str
    level: int
    area: dict[str, Any] | None
    count: int
    state: str
    since: str | None
    last_count: int | None


class AgentNow(TypedDict):
    """An agent: listening, silent, deaf or given_up, and since when. unheard: whose beacons it is deaf to."""

    id: str
    zone: str
    location: list[float] | None
    state: str
    since: str | None
    unheard: list[str]


class BadgeNow(TypedDict):
    """A badge: present, away, left or unknown. since: when it arrived."""

    id: int
    zone: str | None
    state: str
    since: str
    last_heard: str
    state_since: str


class GreetingNow(TypedDict):
    """Somebody who wants to be greeted and is here: the how manieth time, since when; badge: null without one."""

    name: str
    times: int
    since: str
    badge: int | None


class VenueTopic(TypedDict):
    """A venue at one moment, without who is hidden from the viewer.

    names: badge -> name, and greetings: for who keeps the venue, of those who agreed.
    """

    rev: int
    venue: VenueNow
    zones: list[ZoneNow]
    agents: list[AgentNow]
    badges: list[BadgeNow]
    names: dict[str, str]
    greetings: list[GreetingNow]


class VisitSeen(TypedDict):
    """A visit. observed: whether everybody listened when it ended; null while it has not ended."""

    id: int
    badge: int
    since: str
    until: str
    state: str
    observed: bool | None


class VisitEnd(TypedDict):
    """A visit of an attendance, and whether everybody listened when it ended; null while it has not ended."""

    id: int
    since: str
    until: str
    observed: bool | None


class AttendanceSeen(TypedDict):
    """Visits of a badge between which nobody can tell whether it was away: they count once.

    since, until: the ends of the first and the last of them. heard_s: for how long it was heard in that time. observed:
    whether everybody listened when the last one ended; null while it has not ended.
    """

    badge: int
    since: str
    until: str
    heard_s: float
    state: str
    observed: bool | None
    visits: list[VisitEnd]


class WhyBadge(TypedDict):
    """Why a badge is present, away, left or unknown.

    away_after_s: after which silence it counts as away. silent: the agents without which nobody can tell.
    """

    badge: int
    venue: str | None
    zone: str | None
    state: str | None
    since: str | None
    last_heard: str | None
    away_after_s: float | None
    silent: list[str]
    sentence: str


def rfc3339(at: dt.datetime) -> str:
    """A time as HTTP tells it: UTC, to the millisecond."""
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@functools.lru_cache(maxsize=65_536)
def rfc3339_ms(ms: int) -> str:
    """As `rfc3339`, from milliseconds since the epoch.

    Remembered, since a live picture tells the same times again and again: writing them took half of a server's time.
    """
    return rfc3339(times.from_ms(ms))


def local_time(at: dt.datetime, time_zone: str) -> str:
    """Hours and minutes as the venue's clock shows them, for sentences."""
    return at.astimezone(zoneinfo.ZoneInfo(time_zone)).strftime("%H:%M")


def venue_topic(seen: VenuePicture, eyes: Eyes, say: Texts = IN_ENGLISH) -> VenueTopic:
    """The venue topic of the live stream, with these eyes; simulated names are in the reader's language."""
    shown = sight.look(seen, eyes)
    simulated = seen.record.facts.simulated
    return {
        "rev": seen.record.rev,
        "venue": _venue(seen, say),
        "zones": _zones(seen, shown, say),
        "agents": _agents(seen),
        "badges": _badges(seen, shown),
        "names": {str(badge_id): say.name(name, simulated) for badge_id, name in shown.names.items()},
        "greetings": [
            {
                "name": say.name(one.name, simulated),
                "times": one.times,
                "since": rfc3339_ms(one.since_ms),
                "badge": one.badge_id,
            }
            for one in shown.greetings
        ],
    }


def _venue(seen: VenuePicture, say: Texts) -> VenueNow:
    facts = seen.record.facts
    return {
        "id": facts.id,
        "name": say.name(facts.name, facts.simulated),
        "time_zone": facts.time_zone,
        "simulated": facts.simulated,
        "replayed": facts.replayed,
        "location": None if facts.location is None else list(facts.location),
        "plans": [
            {"level": plan.level, "picture": plan.picture_id, "corners": [list(corner) for corner in plan.corners]}
            for plan in facts.laid
        ],
        "now": rfc3339_ms(seen.picture.now_ms),
    }


def _zones(seen: VenuePicture, shown: Sight, say: Texts) -> list[ZoneNow]:
    found: list[ZoneNow] = []
    for zone in seen.record.facts.zones:
        state = shown.zones[zone.id]
        found.append(
            {
                "id": zone.id,
                "name": say.name(zone.name, seen.record.facts.simulated),
                "level": zone.level,
                "area": zone.area,
                "count": state.here,
                "state": state.kind.value,
                "since": None if state.since_ms is None else rfc3339_ms(state.since_ms),
                "last_count": state.here_then,
            }
        )
    return found


def _agents(seen: VenuePicture) -> list[AgentNow]:
    found: list[AgentNow] = []
    for agent_id, state in sorted(seen.picture.agents.items()):
        location = seen.record.facts.agent_locations.get(agent_id)
        found.append(
            {
                "id": agent_id,
                "zone": state.zone_id,
                "location": None if location is None else list(location),
                "state": state.kind.value,
                "since": None if state.since_ms is None else rfc3339_ms(state.since_ms),
                "unheard": [missed.beacon_agent_id for missed in seen.picture.unheard.get(agent_id, ())],
            }
        )
    return found


def _badges(seen: VenuePicture, shown: Sight) -> list[BadgeNow]:
    heard = seen.record.heard
    return [
        _badge(
            badge_id,
            heard[badge_id].zone_id,
            state.kind,
            heard[badge_id].arrived_ms,
            heard[badge_id].last_heard_ms,
            state.since_ms,
        )
        for badge_id, state in sorted(shown.badges.items())
    ]


@functools.lru_cache(maxsize=16_384)
def _badge(
    badge_id: int, zone_id: str | None, kind: Kind, arrived_ms: int, last_heard_ms: int, since_ms: int
) -> BadgeNow:
    """Remembered, and not to be changed: of a badge with no news it is the same object, so it need not be compared."""
    return {
        "id": badge_id,
        "zone": zone_id,
        "state": kind.value,
        "since": rfc3339_ms(arrived_ms),
        "last_heard": rfc3339_ms(last_heard_ms),
        "state_since": rfc3339_ms(since_ms),
    }


def visit(seen: SeenVisit) -> VisitSeen:
    """A visit as the API tells it."""
    return {
        "id": seen.id,
        "badge": seen.badge_id,
        "since": rfc3339_ms(seen.from_ms),
        "until": rfc3339_ms(seen.to_ms),
        "state": seen.kind.value,
        "observed": seen.observed,
    }


def attendance(seen: Attendance) -> AttendanceSeen:
    """An attendance as the API tells it."""
    last = seen.visits[-1]
    return {
        "badge": seen.badge_id,
        "since": rfc3339_ms(seen.visits[0].from_ms),
        "until": rfc3339_ms(last.to_ms),
        "heard_s": seen.heard_ms / 1000,
        "state": last.kind.value,
        "observed": last.observed,
        "visits": [
            {
                "id": visit.id,
                "since": rfc3339_ms(visit.from_ms),
                "until": rfc3339_ms(visit.to_ms),
                "observed": visit.observed,
            }
            for visit in seen.visits
        ],
    }
