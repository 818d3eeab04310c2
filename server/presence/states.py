"""What a viewer sees of a badge or a zone: derived from visits and coverage alone; pure, event time.

Silence is not absence. A badge is *present* when it was heard within its rhythm, *away* when it has been silent for
longer while everybody listened, *left* once a whole join gap of that was listened to, and *unknown* when they did not
listen. The newest `unjudged_ms` are not judged, since their reports may still be on their way: `judged` is now less
that. All times are milliseconds since the epoch; times listened are half-open, [from_ms, to_ms).

The gateway may write the end of a visit of somebody who is heard all the time up to 17 s late (it coalesces), while
coverage is fresh. That makes nobody away: away_after_ms + unjudged_ms is longer than that lateness and the silence
after which a reading is written at once together, so a reading that is not written yet either follows one that is
young enough, or is too young to be judged itself.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from server.presence import listening
from server.presence.deafness import Unheard
from server.presence.ears import Ear
from server.presence.intervals import around, following
from server.presence.listening import AgentKind, AgentState, Reckoning
from server.presence.rule import Rule

NO_RHYTHMS: Mapping[int, int] = MappingProxyType({})
COUNTS_KEPT_MS = 60_000  # a count of the past is corrected within a minute of a late report


class Kind(StrEnum):
    """How a badge stands to a venue."""

    PRESENT = "present"
    AWAY = "away"
    LEFT = "left"
    UNKNOWN = "unknown"


HERE = (Kind.PRESENT, Kind.AWAY)


class State(NamedTuple):
    """How a badge stands to a venue, and since when.

    present: since it arrived. away: since it fell silent (or since everybody listened again, if that was later).
    left: since the join gap was over. unknown: since nobody can tell.
    """

    kind: Kind
    since_ms: int


class ZoneKind(StrEnum):
    """Whether what happens in a zone is known."""

    COVERED = "covered"
    UNKNOWN = "unknown"
    NOT_COVERED = "not_covered"


class ZoneState(NamedTuple):
    """How many badges are in a zone (present or away), and whether that is known.

    since_ms, here_then: since when it is not, and how many were there then; None while it is known.
    """

    kind: ZoneKind
    since_ms: int | None
    here: int
    here_then: int | None


class Heard(NamedTuple):
    """A badge's latest visit: when it began, when it was heard last, and its stays as (since when, zone), ascending."""

    badge_id: int
    arrived_ms: int
    last_heard_ms: int
    stays: tuple[tuple[int, str], ...] = ()

    @property
    def zone_id(self) -> str | None:
        """The zone it was in when it was heard last."""
        return self.stays[-1][1] if self.stays else None

    def zone_at(self, at_ms: int) -> str | None:
        """The zone it was in at that moment, as far as is known now."""
        return next((zone_id for since_ms, zone_id in reversed(self.stays) if since_ms <= at_ms), None)


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """What is seen of a venue at one moment. unheard: agent -> beacons that it is deaf to.

    then: zone -> who was there when its agents fell silent.
    """

    now_ms: int
    badges: Mapping[int, State]
    agents: Mapping[str, AgentState]
    zones: Mapping[str, ZoneState]
    unheard: Mapping[str, tuple[Unheard, ...]] = dataclasses.field(default_factory=dict)
    then: Mapping[str, frozenset[int]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class Memory:
    """What earlier pictures of a venue found, so that one costs no more the longer the past is; a cache, no truth.

    gone: who has left long since, until heard again or something older changes. here_then: who was in a zone when
    its agents fell silent; counted anew now and then, since late reports may tell of that time.
    """

    gone: set[int] = dataclasses.field(default_factory=set)
    here_then: dict[tuple[str, int], frozenset[int]] = dataclasses.field(default_factory=dict)
    counts_until_ms: int = 0

    def forget_counts(self, now_ms: int) -> None:
        """Drops counts that are older than COUNTS_KEPT_MS."""
        if not self.counts_until_ms - COUNTS_KEPT_MS <= now_ms < self.counts_until_ms:
            self.here_then.clear()
            self.counts_until_ms = now_ms + COUNTS_KEPT_MS

    def forget(self) -> None:
        """Drops everything: something old has changed."""
        self.gone.clear()
        self.here_then.clear()


def state(
    arrived_ms: int, last_heard_ms: int, reckoning: Reckoning, rule: Rule, away_after_ms: int | None = None
) -> State:
    """How a badge stands to the venue at the reckoning's moment.

    arrived_ms, last_heard_ms: the ends of its latest visit; the reckoning must reach back to the latter. away_after_ms:
    its own rhythm, None for the constant. Once a whole join gap was listened to without hearing it, it has left,
    whatever comes later, until it is heard again.
    """
    away_ms = rule.away_after_ms if away_after_ms is None else away_after_ms
    judged_ms, runs = reckoning.judged_ms, reckoning.runs
    if last_heard_ms >= judged_ms:
        return State(Kind.PRESENT, arrived_ms)
    if runs and runs[-1][1] == judged_ms and runs[-1][0] <= last_heard_ms:
        # Everybody has listened ever since, so nothing else matters; for most badges most of the time it is so.
        silent_ms = judged_ms - last_heard_ms
        if silent_ms >= rule.join_gap_ms:
            return State(Kind.LEFT, last_heard_ms + rule.join_gap_ms)
        return State(Kind.AWAY, last_heard_ms) if silent_ms > away_ms else State(Kind.PRESENT, arrived_ms)
    left_ms = left_at(last_heard_ms, judged_ms, reckoning, rule)
    if left_ms is not None:
        return State(Kind.LEFT, left_ms)
    if runs and runs[-1][1] == judged_ms and judged_ms - runs[-1][0] > away_ms:
        return State(Kind.AWAY, runs[-1][0])
    heard_until_ms = _heard_until(last_heard_ms, reckoning, away_ms)
    if heard_until_ms >= judged_ms:
        return State(Kind.PRESENT, arrived_ms)
    return State(Kind.UNKNOWN, max(heard_until_ms, _known_until(last_heard_ms, reckoning, away_ms)))


def left_at(last_heard_ms: int, until_ms: int, reckoning: Reckoning, rule: Rule) -> int | None:
    """When a badge that was not heard between these moments had left for sure, None if nobody can tell that it did."""
    for start_ms, end_ms in following(reckoning.runs, last_heard_ms):
        silent_from_ms = max(start_ms, last_heard_ms)
        if min(end_ms, until_ms) - silent_from_ms >= rule.join_gap_ms:
            return silent_from_ms + rule.join_gap_ms
    return None


def _heard_until(last_heard_ms: int, reckoning: Reckoning, away_after_ms: int) -> int:
    """Until when a badge counts as heard by those who listened when it was: while they all go on, one rhythm long.

    Without this a badge would flicker between present and unknown for as long as any other agent of the venue is dead.
    """
    runs = [around(listened, last_heard_ms) for listened in reckoning.ears.values()]
    ends_ms = [run[1] for run in runs if run is not None]
    return min(*ends_ms, last_heard_ms + away_after_ms) if ends_ms else last_heard_ms


def _known_until(last_heard_ms: int, reckoning: Reckoning, away_after_ms: int) -> int:
    """The last moment at which the runs told how a silent badge stood."""
    for start_ms, end_ms in reversed(following(reckoning.runs, last_heard_ms)):
        if start_ms <= last_heard_ms or end_ms - start_ms > away_after_ms:
            return end_ms
    return last_heard_ms


def picture(
    badges: Iterable[Heard],
    ears: Sequence[Ear],
    zone_ids: Iterable[str],
    now_ms: int,
    rule: Rule,
    rhythms: Mapping[int, int] = NO_RHYTHMS,
    memory: Memory | None = None,
) -> Picture:
    """All states of a venue at now_ms.

    rhythms: badge -> after which silence it is away, where that is not the constant. memory: of earlier pictures; who
    is gone by it is left out.
    """
    memory = Memory() if memory is None else memory
    memory.forget_counts(now_ms)
    everybody = list(badges)
    heard = [badge for badge in everybody if badge.badge_id not in memory.gone]
    judged_ms = now_ms - rule.unjudged_ms
    from_ms = min([judged_ms, *(badge.last_heard_ms for badge in heard)])
    reckoning = listening.reckon(ears, judged_ms, rule, from_ms)
    found = {
        badge.badge_id: state(
            badge.arrived_ms, badge.last_heard_ms, reckoning, rule, rhythms.get(badge.badge_id, rule.away_after_ms)
        )
        for badge in heard
    }

    def here_then(zone_id: str, then_ms: int) -> int:
        if (zone_id, then_ms) not in memory.here_then:
            memory.here_then[zone_id, then_ms] = _here_then(everybody, ears, zone_id, then_ms, rule, rhythms)
        return len(memory.here_then[zone_id, then_ms])

    zones = zone_states(heard, found, reckoning, zone_ids, here_then)
    then = {
        zone_id: memory.here_then[zone_id, zone.since_ms]
        for zone_id, zone in zones.items()
        if zone.since_ms is not None
    }
    return Picture(now_ms, found, reckoning.agents, zones, reckoning.unheard, then)


def zone_states(
    heard: Iterable[Heard],
    found: Mapping[int, State],
    reckoning: Reckoning,
    zone_ids: Iterable[str],
    here_then: Callable[[str, int], int],
) -> dict[str, ZoneState]:
    """The states of these zones: known where at least one of its agents listens, not covered where all are given up.

    found: the badges' states at the reckoning's moment. here_then: how many badges were in a zone at a moment.
    """
    counts: dict[str, int] = {}
    for badge in heard:
        zone = badge.zone_id
        if zone is not None and found[badge.badge_id].kind in HERE:
            counts[zone] = counts.get(zone, 0) + 1
    agents: dict[str, list[AgentState]] = {}
    for agent in reckoning.agents.values():
        agents.setdefault(agent.zone_id, []).append(agent)
    zones: dict[str, ZoneState] = {}
    for zone_id in zone_ids:
        mine, here = agents.get(zone_id, []), counts.get(zone_id, 0)
        if any(agent.kind is AgentKind.LISTENING for agent in mine):
            zones[zone_id] = ZoneState(ZoneKind.COVERED, None, here, None)
            continue
        since_ms = max((agent.since_ms for agent in mine if agent.since_ms is not None), default=None)
        given_up = all(agent.kind is AgentKind.GIVEN_UP for agent in mine)
        then = None if since_ms is None else here_then(zone_id, since_ms)
        zones[zone_id] = ZoneState(ZoneKind.NOT_COVERED if given_up else ZoneKind.UNKNOWN, since_ms, here, then)
    return zones


def _here_then(
    heard: Sequence[Heard],
    ears: Sequence[Ear],
    zone_id: str,
    then_ms: int,
    rule: Rule,
    rhythms: Mapping[int, int],
) -> frozenset[int]:
    """The badges that were in the zone, present or away, when its agents fell silent, wherever they are by now."""
    reckoning = listening.reckon(ears, then_ms, rule)
    return frozenset(
        badge.badge_id
        for badge in heard
        if badge.zone_at(then_ms) == zone_id
        and badge.arrived_ms <= then_ms
        and state(
            badge.arrived_ms, badge.last_heard_ms, reckoning, rule, rhythms.get(badge.badge_id, rule.away_after_ms)
        ).kind
        in HERE
    )
