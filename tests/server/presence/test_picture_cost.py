"""What a second of a watched venue costs: the same after two hours and after a week of coverage."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import SupportsIndex, overload

from config import settings
from server.presence import ears, rule, states
from server.presence.ears import Beacon, Ear, Placed
from server.presence.intervals import EVER_MS, Interval
from server.presence.states import Heard, Memory

RULE = rule.make(settings.load(environment={}).presence, 300)
AGENTS, BADGES, PICTURES = 8, 100, 20
MIN = 60_000
NOW = 2_000_000_000_000
ZONES = [f"zone-{number}" for number in range(AGENTS)]


class Counted(list[Interval]):
    """Runs that count how many of them are looked at."""

    looked_at = 0

    @overload
    def __getitem__(self, place: SupportsIndex, /) -> Interval: ...
    @overload
    def __getitem__(self, place: slice, /) -> list[Interval]: ...
    def __getitem__(self, place: SupportsIndex | slice, /) -> Interval | list[Interval]:
        found = super().__getitem__(place)
        Counted.looked_at += len(found) if isinstance(place, slice) else 1
        return found

    def __iter__(self) -> Iterator[Interval]:
        Counted.looked_at += len(self)
        return super().__iter__()


def broken_runs(hours: int) -> list[Interval]:
    """Coverage with a hole of a window every five minutes, back from now."""
    return [(NOW - (at + 5) * MIN + 2_000, NOW - at * MIN) for at in range(0, hours * 60, 5)]


def venue(hours: int, keep: Callable[[Sequence[Interval]], Sequence[Interval]]) -> tuple[list[Heard], list[Ear]]:
    """Agents that all hear their own and a neighbour's beacon; badges heard a moment ago, others left long since."""
    runs = broken_runs(hours)
    agents = []
    for place, zone in enumerate(ZONES):
        beacons = [Beacon(f"pi-{place}", 0, runs), Beacon(f"pi-{(place + 1) % AGENTS}", 0, runs)]
        ear = ears.make(f"pi-{place}", [Placed(zone, 0, EVER_MS)], runs, beacons, learn_ms=RULE.beacon_gap_ms)
        heard = tuple(beacon._replace(runs=keep(beacon.runs)) for beacon in ear.beacons)
        agents.append(ear._replace(listened=keep(ear.listened), beacons=heard))
    here = [Heard(number, NOW - 30 * MIN, NOW - 5_000 * (number % 12)) for number in range(BADGES)]
    gone = [Heard(BADGES + number, NOW - 90 * MIN, NOW - 60 * MIN) for number in range(BADGES)]
    return here + gone, agents


def draw(badges: list[Heard], agents: list[Ear]) -> None:
    memory = Memory(gone={badge.badge_id for badge in badges[BADGES:]})
    seen = states.picture(badges, agents, ZONES, NOW, RULE, {}, memory)
    assert len(seen.badges) == BADGES
    assert seen.unheard == {}


def test_a_picture_looks_at_no_more_of_the_past_the_longer_it_is(show: Callable[[str], None]) -> None:
    looked_at, times_ms = {}, {}
    for hours in (2, 24, 7 * 24):
        Counted.looked_at = 0
        draw(*venue(hours, Counted))
        looked_at[hours] = Counted.looked_at
        badges, agents = venue(hours, list)
        began = time.perf_counter()
        for _ in range(PICTURES):
            draw(badges, agents)
        times_ms[hours] = (time.perf_counter() - began) * 1000 / PICTURES
    lines = [f"{hours:4d} h: {looked_at[hours]:5d} runs looked at, {times_ms[hours]:.2f} ms" for hours in looked_at]
    show(f"a picture of {BADGES} badges, {AGENTS} agents, a hole in the coverage every 5 min\n" + "\n".join(lines))
    # 84 times the past costs some more steps of each search by halves, not 84 times as much.
    assert 0 < looked_at[2] < looked_at[7 * 24] < 3 * looked_at[2]
