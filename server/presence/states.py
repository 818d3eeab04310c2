"""What a viewer sees of a badge, an agent or a zone: derived from visits and coverage alone; pure, event time.

Silence is not absence. A badge is *present* when it was heard within its rhythm, *away* when it has been silent for
longer while everybody listened, *left* once a whole join gap of that was listened to, and *unknown* when they did not
listen. The newest `unjudged_ms` are not judged, since their reports may still be on their way: `judged` is now less
that. All times are milliseconds since the epoch; times listened are half-open, [from_ms, to_ms).
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from config.settings import Presence

Interval = tuple[int, int]

EVER_MS = 1 << 62  # the end of what has no end


class Kind(StrEnum):
    """How a badge stands to a venue."""

    PRESENT = "present"
    AWAY = "away"
    LEFT = "left"
    UNKNOWN = "unknown"


class State(NamedTuple):
    """How a badge stands to a venue, and since when.

    present: since it arrived. away: since it fell silent (or since everybody listened again, if that was later).
    left: since the join gap was over. unknown: since nobody can tell.
    """

    kind: Kind
    since_ms: int


class AgentKind(StrEnum):
    """Whether an agent listens."""

    LISTENING = "listening"
    SILENT = "silent"
    GIVEN_UP = "given_up"


class AgentState(NamedTuple):
    """Whether an agent listens, where it stands, and since when; None: it never has."""

    zone_id: str
    kind: AgentKind
    since_ms: int | None


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


class Placed(NamedTuple):
    """An agent's time in one zone of the venue, [from_ms, to_ms)."""

    zone_id: str
    from_ms: int
    to_ms: int


class Ear(NamedTuple):
    """One agent at the venue: when it stood there, and when its radio listened."""

    agent_id: str
    placed: Sequence[Placed]
    listened: Sequence[Interval]


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
class Rule:
    """The constants of the states, and the venue's own: after which silence somebody has left."""

    away_after_ms: int
    given_up_after_ms: int
    unjudged_ms: int
    join_gap_ms: int


@dataclasses.dataclass(frozen=True, slots=True)
class Reckoning:
    """Who listened when, as far as it is judged.

    runs: when every agent still reckoned with listened, and at least one. ears: each agent's own listening.
    """

    judged_ms: int
    runs: tuple[Interval, ...]
    ears: Mapping[str, tuple[Interval, ...]]
    agents: Mapping[str, AgentState]


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """What is seen of a venue at one moment."""

    now_ms: int
    badges: Mapping[int, State]
    agents: Mapping[str, AgentState]
    zones: Mapping[str, ZoneState]


def rule(presence: Presence, join_gap_s: float) -> Rule:
    """The rule of a venue with this join gap (s)."""
    return Rule(
        away_after_ms=round(presence.away_after_s * 1000),
        given_up_after_ms=round(presence.given_up_after_s * 1000),
        unjudged_ms=round(presence.unjudged_s * 1000),
        join_gap_ms=round(join_gap_s * 1000),
    )


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """The union of half-open intervals, ascending; what touches is one."""
    merged: list[Interval] = []
    for start, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _without(intervals: Sequence[Interval], holes: Sequence[Interval]) -> list[Interval]:
    """The parts of merged intervals that lie in none of the merged holes."""
    left: list[Interval] = []
    at = 0
    for start, end in intervals:
        while at and holes[at - 1][1] > start:
            at -= 1
        while at < len(holes) and holes[at][1] <= start:
            at += 1
        while at < len(holes) and holes[at][0] < end:
            if start < holes[at][0]:
                left.append((start, holes[at][0]))
            start = holes[at][1]
            at += 1
        if start < end:
            left.append((start, end))
    return left


def _within(intervals: Sequence[Interval], windows: Sequence[Interval]) -> list[Interval]:
    """The parts of merged intervals that lie in one of the merged windows."""
    return [
        (max(start, low), min(end, high))
        for start, end in intervals
        for low, high in windows
        if max(start, low) < min(end, high)
    ]


def reckon(ears: Iterable[Ear], judged_ms: int, rule: Rule) -> Reckoning:
    """Who listened when, up to judged_ms.

    An agent's silence of given_up_after_ms or more is not held against the others, neither while it lasts nor after
    its return: a broken Pi must not make the whole venue unknown for ever, and not again when it is repaired.
    """
    own: dict[str, tuple[Interval, ...]] = {}
    agents: dict[str, AgentState] = {}
    missing: list[Interval] = []
    for ear in ears:
        stood = merge((place.from_ms, min(place.to_ms, judged_ms)) for place in ear.placed)
        listened = _within(merge(ear.listened), stood)
        own[ear.agent_id] = tuple(listened)
        silences = _without(stood, listened)
        missing.extend(silence for silence in silences if silence[1] - silence[0] < rule.given_up_after_ms)
        for place in ear.placed:
            if place.from_ms <= judged_ms < place.to_ms:
                back_ms = [start for start, end in merge(ear.listened) if end > judged_ms]
                # What listens again needs no judging: its room and those it hears are told of at the same moment.
                agents[ear.agent_id] = (
                    AgentState(place.zone_id, AgentKind.LISTENING, max(back_ms[0], place.from_ms))
                    if back_ms
                    else _agent_state(place, stood, listened, judged_ms, rule)
                )
    runs = _without(merge(part for parts in own.values() for part in parts), merge(missing))
    return Reckoning(judged_ms, tuple(runs), own, agents)


def _agent_state(
    place: Placed, stood: Sequence[Interval], listened: Sequence[Interval], judged_ms: int, rule: Rule
) -> AgentState:
    if listened and listened[-1][1] == judged_ms:
        return AgentState(place.zone_id, AgentKind.LISTENING, listened[-1][0])
    came_ms = stood[-1][0] if stood and stood[-1][1] == judged_ms else place.from_ms
    heard_of = bool(listened) and listened[-1][1] > came_ms
    since_ms = listened[-1][1] if heard_of else came_ms
    kind = AgentKind.GIVEN_UP if judged_ms - since_ms >= rule.given_up_after_ms else AgentKind.SILENT
    return AgentState(place.zone_id, kind, since_ms if heard_of or since_ms > 0 else None)


def state(arrived_ms: int, last_heard_ms: int, reckoning: Reckoning, rule: Rule) -> State:
    """How a badge stands to the venue at the reckoning's moment.

    arrived_ms, last_heard_ms: the ends of its latest visit. Once a whole join gap was listened to without hearing it,
    it has left, whatever comes later, until it is heard again.
    """
    judged_ms, runs = reckoning.judged_ms, reckoning.runs
    if last_heard_ms >= judged_ms:
        return State(Kind.PRESENT, arrived_ms)
    for start_ms, end_ms in runs:
        silent_from_ms = max(start_ms, last_heard_ms)
        if end_ms - silent_from_ms >= rule.join_gap_ms:
            return State(Kind.LEFT, silent_from_ms + rule.join_gap_ms)
    if runs and runs[-1][1] == judged_ms:
        silent_from_ms = max(runs[-1][0], last_heard_ms)
        if judged_ms - silent_from_ms > rule.away_after_ms:
            return State(Kind.AWAY, silent_from_ms)
        if silent_from_ms == last_heard_ms:
            return State(Kind.PRESENT, arrived_ms)
    heard_until_ms = _heard_until(last_heard_ms, reckoning, rule)
    if heard_until_ms >= judged_ms:
        return State(Kind.PRESENT, arrived_ms)
    return State(Kind.UNKNOWN, max(heard_until_ms, _known_until(last_heard_ms, reckoning, rule)))


def _heard_until(last_heard_ms: int, reckoning: Reckoning, rule: Rule) -> int:
    """Until when a badge counts as heard by those who listened when it was: while they all go on, one rhythm long.

    Without this a badge would flicker between present and unknown for as long as any other agent of the venue is dead.
    """
    ends_ms = [
        end_ms
        for listened in reckoning.ears.values()
        for start_ms, end_ms in listened
        if start_ms <= last_heard_ms <= end_ms
    ]
    return min(*ends_ms, last_heard_ms + rule.away_after_ms) if ends_ms else last_heard_ms


def _known_until(last_heard_ms: int, reckoning: Reckoning, rule: Rule) -> int:
    """The last moment at which the runs told how a silent badge stood."""
    for start_ms, end_ms in reversed(reckoning.runs):
        if end_ms <= last_heard_ms:
            break
        if start_ms <= last_heard_ms or end_ms - start_ms > rule.away_after_ms:
            return end_ms
    return last_heard_ms


def picture(badges: Iterable[Heard], ears: Sequence[Ear], zone_ids: Iterable[str], now_ms: int, rule: Rule) -> Picture:
    """All states of a venue at now_ms."""
    heard = list(badges)
    reckoning = reckon(ears, now_ms - rule.unjudged_ms, rule)
    found = {badge.badge_id: state(badge.arrived_ms, badge.last_heard_ms, reckoning, rule) for badge in heard}
    return Picture(now_ms, found, reckoning.agents, zone_states(heard, found, ears, reckoning, zone_ids, rule))


def zone_states(
    heard: Sequence[Heard],
    found: Mapping[int, State],
    ears: Sequence[Ear],
    reckoning: Reckoning,
    zone_ids: Iterable[str],
    rule: Rule,
) -> dict[str, ZoneState]:
    """The states of these zones: known where at least one of its agents listens, not covered where all are given up.

    found: the badges' states at the reckoning's moment.
    """
    counts: dict[str, int] = {}
    for badge in heard:
        if badge.zone_id is not None and found[badge.badge_id].kind in (Kind.PRESENT, Kind.AWAY):
            counts[badge.zone_id] = counts.get(badge.zone_id, 0) + 1
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
        then = None if since_ms is None else _here_then(heard, ears, zone_id, since_ms, rule)
        zones[zone_id] = ZoneState(ZoneKind.NOT_COVERED if given_up else ZoneKind.UNKNOWN, since_ms, here, then)
    return zones


def _here_then(heard: Sequence[Heard], ears: Sequence[Ear], zone_id: str, then_ms: int, rule: Rule) -> int:
    """How many badges were in the zone, present or away, when its agents fell silent, wherever they are by now."""
    reckoning = reckon(ears, then_ms, rule)
    return sum(
        badge.zone_at(then_ms) == zone_id
        and badge.arrived_ms <= then_ms
        and state(badge.arrived_ms, badge.last_heard_ms, reckoning, rule).kind in (Kind.PRESENT, Kind.AWAY)
        for badge in heard
    )
