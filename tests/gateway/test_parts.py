"""A venue's log that comes in parts, days apart, each in an order of its own: the tables are those of the whole log.

Of what was heard in a minute the whole comes within late_s of the part that came before; nothing else is bounded.
"""

import datetime as dt
import random
from collections import defaultdict
from typing import NamedTuple

import pytest

from beacon_agent import wire
from tests.gateway import plant, scene
from tests.gateway.plant import Gateway, Wire, World
from tests.gateway.test_algebra import reference

LENGTH_S = 10
WINDOWS = 300
HOUR_S = 3600
WHOLE_S = WINDOWS * LENGTH_S
LATE_S = plant.load().gateway.late_s


class Arrival(NamedTuple):
    """When a report comes, in seconds after the evening."""

    at_s: float
    report: wire.Report


def _walk(chance: random.Random) -> list[wire.Report]:
    """Fifty minutes of both agents: badges change their zone, fall silent, go and come back."""
    reports: list[wire.Report] = []
    zone, silent_until = [0, 1, 0], [0, 0, 0]
    noise = chance.choice([0, 3, 6])
    for window in range(WINDOWS):
        for badge in range(3):
            if chance.random() < 0.03:
                zone[badge] = 1 - zone[badge]
            if chance.random() < 0.03:
                silent_until[badge] = window + chance.choice([2, 8, 25, 29, 31, 60])
        for place, agent in enumerate(scene.AGENTS):
            heard = [
                (badge, round(chance.gauss(-55 if zone[badge] == place else -75, noise)))
                for badge in range(3)
                if window >= silent_until[badge] and chance.random() < 0.8
            ]
            reports.append(scene.report(agent, len(reports) + 1, window * LENGTH_S, heard, length_s=LENGTH_S))
    return reports


def _arrivals(chance: random.Random, reports: list[wire.Report]) -> list[Arrival]:
    """The log cut into parts, which come in any order, each in an order of its own, hours or a day after another."""
    cuts = sorted(chance.sample(range(1, WINDOWS), chance.choice([0, 1, 1, 2, 3])))
    parts = list(zip([0, *cuts], [*cuts, WINDOWS], strict=True))
    chance.shuffle(parts)
    found: list[Arrival] = []
    at_s = 0.0
    for low, high in parts:
        moments = list(range(low, high))
        how = chance.choice(["newest first", "newest first", "oldest first", "any"])
        if how == "any":
            chance.shuffle(moments)
        elif how == "newest first":
            moments.reverse()
        # A minute counts as arrived with the last of it, so that it comes within late_s itself.
        pace_s = chance.choice([0, 0, 10] if how == "any" else [0, 0, 30, 120])
        lags_s = [chance.choice([0, 0, 60, 0.9 * LATE_S]) for _ in scene.AGENTS]
        came = [
            Arrival(at_s + place * pace_s + lags_s[scene.AGENTS.index(report.agent)], report)
            for place, moment in enumerate(moments)
            for report in reports[2 * moment : 2 * moment + 2]
        ]
        found += came
        at_s = max(arrival.at_s for arrival in came) + chance.choice([600, 3 * HOUR_S, 3 * HOUR_S, 26 * HOUR_S])
    # Some come again, at any time.
    found += [Arrival(chance.uniform(one.at_s, at_s), one.report) for one in chance.sample(found, len(found) // 10)]
    return sorted(found, key=lambda arrival: arrival.at_s)


@pytest.mark.parametrize("seed", range(10))
def test_parts_that_are_days_apart_give_the_tables_of_the_whole_log(house_world: World, seed: int) -> None:
    chance = random.Random(seed)
    reports = _walk(chance)
    expected = reference(house_world.engine, house_world.scene, reports)
    evening = scene.BEGIN + dt.timedelta(seconds=WHOLE_S)
    shard = wire.shard_name(wire.shard_of("hall"))  # tidying the 63 others takes time
    gateway = Gateway(house_world.engine, Wire(), "gateway-1", evening, MUSTER_GATEWAY__SHARDS=shard)
    batches: dict[int, list[wire.Report]] = defaultdict(list)
    for at_s, report in _arrivals(chance, reports):
        batches[int(at_s // 600)].append(report)
    for number, batch in sorted(batches.items()):
        gateway.now = evening + dt.timedelta(seconds=number * 600)
        gateway.worker.tidy()
        if chance.random() < 0.1:
            gateway.worker._memory = gateway.worker._new_memory()
        for start in range(0, len(batch), 40):
            gateway.worker.take(plant.deliver(house_world.scene, batch[start : start + 40]))
            gateway.worker.flush(everything=chance.random() < 0.5)
        gateway.worker.flush(everything=True)
    found = plant.tables(house_world.engine)
    for name, rows in expected.items():
        assert found[name] == rows, (name, seed, sorted(set(found[name]) ^ set(rows))[:6])
