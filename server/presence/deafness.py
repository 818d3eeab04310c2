"""Who was deaf in fact: an agent that no longer hears the fixed beacons it is known to hear; pure, event time.

A scanner can go on saying that it listens while its radio hears nothing. A fixed beacon shows that: once an agent has
heard one from its place steadily for `beacon_learn_s`, it is *known* to hear it. When it then hears none of the beacons
that it is known to hear for more than `beacon_gap_s`, it did not listen, from the last hearing on.

    A listens     ##############################################
    B listens     ######################        ################     (B's beacon is expected only while B is on)
    A hears B     ===========                        ===========
    A is deaf                ···········                             (more than beacon_gap_s of chances, none taken)
"""

from collections.abc import Mapping
from typing import NamedTuple

from server.presence import intervals
from server.presence.ears import Beacon, Ear, Placed
from server.presence.intervals import Interval
from server.presence.rule import Rule


class Unheard(NamedTuple):
    """A beacon that an agent no longer hears, and until when it did."""

    beacon_agent_id: str
    until_ms: int


def find(ears: Mapping[str, Ear], agent_id: str, from_ms: int, until_ms: int, rule: Rule) -> list[Interval]:
    """When an agent was deaf in fact within [from_ms, until_ms), merged; what was heard from until_ms on is not used.

    ears: all of the venue. A beacon is expected while its own agent stands here and listens: one that is switched off
    is silent for everybody. Evidence of one known beacon is enough not to be deaf.
    """
    ear = ears[agent_id]
    deaf: list[Interval] = []
    for place in ear.placed:
        if place.to_ms > from_ms and place.from_ms < until_ms and ear.beacons:
            missed: list[Interval] = []
            evidence: list[Interval] = []
            for beacon in ear.beacons:
                since_ms = beacon.known_ms
                here = beacon.placed_from_ms == place.from_ms and beacon.agent_id in ears
                if here and since_ms is not None:
                    evidence += intervals.cut(beacon.runs, from_ms, until_ms)
                    for gap in _gaps(beacon, max(since_ms, place.from_ms), min(until_ms, place.to_ms), from_ms):
                        chances = _chances(ear, ears[beacon.agent_id], gap)
                        silent = intervals.total_ms(chances) > rule.beacon_gap_ms
                        (missed if silent else evidence).extend(chances)
            deaf += intervals.without(intervals.merge(missed), intervals.merge(evidence))
    return intervals.cut(intervals.merge(deaf), from_ms, until_ms)


def _gaps(beacon: Beacon, since_ms: int, until_ms: int, after_ms: int) -> list[Interval]:
    """The times within [since_ms, until_ms) in which the beacon was not heard, whole; only those that end after_ms."""
    if since_ms >= until_ms:
        return []
    first = max(0, intervals.place_after(beacon.runs, after_ms) - 1)
    runs = beacon.runs[first : intervals.place_from(beacon.runs, until_ms)]
    begin_ms = max(since_ms, runs[0][0]) if runs else since_ms
    return intervals.without([(begin_ms, until_ms)], runs)


def _chances(ear: Ear, sender: Ear, gap: Interval) -> list[Interval]:
    """When the agent listened within the gap and the sender was there to be heard."""
    found = intervals.within(intervals.cut(ear.listened, *gap), sender.stood)
    if sender is not ear:
        found = intervals.within(found, intervals.cut(sender.listened, *gap))
    return intervals.within(found, sender.shown)


def unheard(ears: Mapping[str, Ear], agent_id: str, at_ms: int, rule: Rule) -> list[Unheard]:
    """The known beacons that a deaf agent misses at that moment, and until when it heard each, the latest first."""
    ear = ears[agent_id]
    place: Placed | None = ear.place_at(at_ms)
    found = []
    for beacon in ear.beacons:
        known = place is not None and beacon.placed_from_ms == place.from_ms and beacon.known_ms is not None
        before = intervals.place_from(beacon.runs, at_ms + 1) - 1
        if known and beacon.agent_id in ears and before >= 0:
            until_ms = min(beacon.runs[before][1], at_ms)
            gap = (until_ms, at_ms)
            if intervals.total_ms(_chances(ear, ears[beacon.agent_id], gap)) > rule.beacon_gap_ms:
                found.append(Unheard(beacon.agent_id, until_ms))
    return sorted(found, key=lambda each: (-each.until_ms, each.beacon_agent_id))
