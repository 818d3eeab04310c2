"""What one agent is to a venue: where it stood, when its radio listened, and which fixed beacons it heard; pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from server.presence import intervals
from server.presence.intervals import EVER_MS, Interval


class Placed(NamedTuple):
    """An agent's time in one zone of the venue, [from_ms, to_ms)."""

    zone_id: str
    from_ms: int
    to_ms: int


class Beacon(NamedTuple):
    """The fixed beacon of an agent as another (or itself) heard it from one place.

    placed_from_ms: since when the hearing one stood there. runs: when it was heard, joined over heard_gap_s, merged.
    known_ms: since when the hearing one is known to hear it, None if it is not (`make` finds that out).
    """

    agent_id: str
    placed_from_ms: int
    runs: Sequence[Interval]
    known_ms: int | None = None


class Ear(NamedTuple):
    """One agent at the venue. Make it with `make`, which puts in order what the fields promise.

    placed: ascending. listened: when its radio did, as it says, merged. beacons: those that it heard. shown: when its
    own beacon was registered, merged.
    """

    agent_id: str
    placed: Sequence[Placed]
    listened: Sequence[Interval]
    beacons: Sequence[Beacon] = ()
    shown: Sequence[Interval] = ((0, EVER_MS),)

    @property
    def stood(self) -> list[Interval]:
        """When it stood at the venue, in whatever zone, merged."""
        return intervals.merge((place.from_ms, place.to_ms) for place in self.placed)

    def place_at(self, at_ms: int) -> Placed | None:
        """Where it stood at that moment."""
        return next((place for place in self.placed if place.from_ms <= at_ms < place.to_ms), None)


def make(
    agent_id: str,
    placed: Iterable[Placed],
    listened: Iterable[Interval],
    beacons: Iterable[Beacon] = (),
    shown: Iterable[Interval] = ((0, EVER_MS),),
    learn_ms: int = 0,
) -> Ear:
    """An ear out of intervals in any order, overlapping or not.

    learn_ms: a beacon that was heard for as long in one run is known. One steady run makes it so, not many short ones:
    a neighbour that is heard now and then proves nothing by its silence.
    """
    return Ear(
        agent_id,
        tuple(sorted(placed, key=lambda place: place.from_ms)),
        intervals.merge(listened),
        tuple(_heard(beacon, intervals.merge(beacon.runs), learn_ms) for beacon in beacons),
        intervals.merge(shown),
    )


def listen(ear: Ear, run: Interval) -> Ear:
    """The ear when it listened in this time, too."""
    return ear._replace(listened=intervals.add(ear.listened, run))


def hear_beacon(ear: Ear, beacon_agent_id: str, run: Interval, learn_ms: int) -> Ear:
    """The ear when it heard an agent's beacon in this time, too; unchanged when it did not stand here then."""
    place = ear.place_at(run[0])
    if place is None:
        return ear
    for at, beacon in enumerate(ear.beacons):
        if (beacon.agent_id, beacon.placed_from_ms) == (beacon_agent_id, place.from_ms):
            grown = _grown(beacon, run, learn_ms)
            return ear._replace(beacons=(*ear.beacons[:at], grown, *ear.beacons[at + 1 :]))
    return ear._replace(beacons=(*ear.beacons, _grown(Beacon(beacon_agent_id, place.from_ms, []), run, learn_ms)))


def _heard(beacon: Beacon, runs: Sequence[Interval], learn_ms: int) -> Beacon:
    return beacon._replace(runs=runs, known_ms=next((low for low, high in runs if high - low >= learn_ms), None))


def _grown(beacon: Beacon, run: Interval, learn_ms: int) -> Beacon:
    runs = intervals.add(beacon.runs, run)
    whole = intervals.around(runs, run[0])
    known = [] if beacon.known_ms is None else [beacon.known_ms]
    if whole is not None and whole[1] - whole[0] >= learn_ms:
        known.append(whole[0])
    return beacon._replace(runs=runs, known_ms=min(known, default=None))
