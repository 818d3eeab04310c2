"""Who listened at a venue, and when: the coverage that silence is judged by; pure, event time.

An agent listened when its radio did, as its reports say, while it stood here and was not deaf in fact. The newest time
is not judged, since its reports may still be on their way.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from server.presence import deafness, intervals
from server.presence.deafness import Unheard
from server.presence.ears import Ear, Placed
from server.presence.intervals import Interval
from server.presence.rule import Rule


class AgentKind(StrEnum):
    """Whether an agent listens: it does, it says nothing, it is deaf in fact, or either for too long to wait for it."""

    LISTENING = "listening"
    SILENT = "silent"
    DEAF = "deaf"
    GIVEN_UP = "given_up"


class AgentState(NamedTuple):
    """Whether an agent listens, where it stands, and since when; None: it never has."""

    zone_id: str
    kind: AgentKind
    since_ms: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Reckoning:
    """Who listened when, from from_ms on and as far as it is judged.

    runs: when every agent still reckoned with listened, and at least one. ears: each agent's own listening. unheard: of
    agents that are deaf in fact, the beacons that they miss.
    """

    from_ms: int
    judged_ms: int
    runs: tuple[Interval, ...]
    ears: Mapping[str, tuple[Interval, ...]]
    agents: Mapping[str, AgentState]
    unheard: Mapping[str, tuple[Unheard, ...]]


def reckon(ears: Iterable[Ear], judged_ms: int, rule: Rule, from_ms: int = 0) -> Reckoning:
    """Who listened when, within [from_ms, judged_ms).

    An agent's silence of given_up_after_ms or more is not held against the others, neither while it lasts nor after
    its return: a broken Pi must not make the whole venue unknown for ever, and not again when it is repaired. That is
    why one such time before from_ms is looked at, and nothing before it: what it costs does not grow with the past.
    """
    # Who listened until the very moment of a last hearing did so when it was heard: that end is kept.
    from_ms = max(0, from_ms - 1)
    known = {ear.agent_id: ear for ear in ears}
    low_ms = max(0, from_ms - rule.given_up_after_ms)
    own: dict[str, tuple[Interval, ...]] = {}
    agents: dict[str, AgentState] = {}
    unheard: dict[str, tuple[Unheard, ...]] = {}
    missing: list[Interval] = []
    for ear in known.values():
        stood = intervals.cut(ear.stood, low_ms, judged_ms)
        deaf = deafness.find(known, ear.agent_id, low_ms, judged_ms, rule)
        listened = intervals.without(intervals.within(intervals.cut(ear.listened, low_ms, judged_ms), stood), deaf)
        own[ear.agent_id] = tuple(intervals.cut(listened, from_ms, judged_ms))
        silences = intervals.without(stood, listened)
        missing.extend(silence for silence in silences if silence[1] - silence[0] < rule.given_up_after_ms)
        place = ear.place_at(judged_ms)
        if place is not None:
            if deaf and deaf[-1][1] == judged_ms:
                unheard[ear.agent_id] = tuple(deafness.unheard(known, ear.agent_id, judged_ms, rule))
            missed = unheard.get(ear.agent_id, ())
            agents[ear.agent_id] = (
                _listening_state(ear, place, listened, judged_ms, low_ms) if not missed else None
            ) or _silent_state(ear, place, listened, missed, judged_ms, rule)
    runs = intervals.without(
        intervals.merge(part for parts in own.values() for part in parts),
        intervals.cut(intervals.merge(missing), from_ms, judged_ms),
    )
    return Reckoning(from_ms, judged_ms, tuple(runs), own, agents, unheard)


def _listening_state(
    ear: Ear, place: Placed, listened: Sequence[Interval], judged_ms: int, low_ms: int
) -> AgentState | None:
    """None for an agent that does not listen. listened: what counts of its time from low_ms on."""
    # What listens again needs no judging: its room and those it hears are told of at the same moment.
    later = intervals.following(ear.listened, judged_ms)
    run = later[0] if later else intervals.around(ear.listened, judged_ms)
    if run is None:
        return None
    since_ms = max(run[0], _came_ms(ear, judged_ms))
    if listened and listened[-1][1] == judged_ms and listened[-1][0] > low_ms:
        since_ms = max(since_ms, listened[-1][0])  # it said that it listened before, and was deaf
    return AgentState(place.zone_id, AgentKind.LISTENING, since_ms)


def _silent_state(
    ear: Ear, place: Placed, listened: Sequence[Interval], missed: Sequence[Unheard], judged_ms: int, rule: Rule
) -> AgentState:
    came_ms = _came_ms(ear, judged_ms)
    if listened:
        last_ms = listened[-1][1]
    elif missed:
        last_ms = missed[0].until_ms
    else:
        # Longer ago than is reckoned with: as it said.
        last_ms = max((min(end, judged_ms) for start, end in ear.listened[-2:] if start < judged_ms), default=0)
    since_ms = max(last_ms, came_ms)
    if judged_ms - since_ms >= rule.given_up_after_ms:
        kind = AgentKind.GIVEN_UP
    else:
        kind = AgentKind.DEAF if missed else AgentKind.SILENT
    return AgentState(place.zone_id, kind, since_ms if since_ms > 0 else None)


def _came_ms(ear: Ear, at_ms: int) -> int:
    """Since when it stands at the venue, in whatever zone."""
    stood = intervals.around(ear.stood, at_ms)
    return stood[0] if stood else at_ms
