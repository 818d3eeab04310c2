"""Recording: an evening in any order, and what of it is announced."""

import dataclasses
import datetime as dt
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text

from beacon_agent import wire
from gateway.waiting import Gathering
from server import database
from server.badges import service as badges
from server.fleet import service as fleet
from server.venues import service as venues
from tests.gateway import plant, scene
from tests.gateway.plant import Gateway, Wire, World

LATER = scene.BEGIN + dt.timedelta(hours=6)


def _gateway(world: World, **environment: str) -> Gateway:
    return Gateway(world.engine, Wire(), "gateway-1", LATER, **{"MUSTER_GATEWAY__COALESCE_S": "0", **environment})


def _take(gateway: Gateway, world: World, *reports: wire.Report) -> dict[str, dict[str, Any]]:
    """What is announced of these reports, by topic; of what was announced twice, the badges of both."""
    before = len(gateway.wire.said)
    gateway.take(plant.deliver(world.scene, reports))
    found: dict[str, dict[str, Any]] = {}
    for topic, payload in gateway.wire.said[before:]:
        if "/live/" in topic:
            news = json.loads(payload)
            if topic in found and "badges" in news:
                news["badges"] = found[topic].get("badges", []) + news["badges"]
            found[topic] = news
    return found


def _evening(chance: random.Random) -> list[wire.Report]:
    """An hour of reports of both agents about three badges that come, wander, fall silent and leave."""
    reports: list[wire.Report] = []
    rooms = {number: chance.choice(scene.AGENTS) for number in range(3)}
    silent_until = dict.fromkeys(range(3), chance.uniform(0, 600))
    for place, agent in enumerate(scene.AGENTS):
        wander = random.Random(chance.random())
        for step in range(0, 3600, 20):
            heard = []
            for number in range(3):
                if step < silent_until[number]:
                    continue
                if wander.random() < 0.03:
                    rooms[number] = wander.choice(scene.AGENTS)
                if place == 0 and wander.random() < 0.02:
                    silent_until[number] = step + wander.choice([70, 250, 330, 700])
                loud = -55 if rooms[number] == agent else -75
                if wander.random() < 0.7:
                    heard.append((number, loud + wander.randint(-8, 8)))
            if wander.random() < 0.95:
                reports.append(scene.report(agent, len(reports) + 1, step, heard))
    return reports


@pytest.mark.parametrize("seed", range(4))
def test_an_evening_in_any_order_gives_the_same_tables(house_world: World, seed: int) -> None:
    chance = random.Random(seed)
    reports = _evening(chance)
    _gateway(house_world).take(plant.deliver(house_world.scene, reports))
    expected = plant.tables(house_world.engine)
    assert len(expected["stay"]) > 8
    plant.empty(house_world.conninfo)
    shuffled = [*reports, *chance.sample(reports, len(reports) // 3)]
    chance.shuffle(shuffled)
    gateway = _gateway(house_world, MUSTER_GATEWAY__COALESCE_S=chance.choice(["0", "15"]))
    while shuffled:
        size = chance.choice([1, 5, 30, 100])
        gateway.take(plant.deliver(house_world.scene, shuffled[:size]))
        del shuffled[:size]
    gateway.worker.flush(everything=True)
    assert plant.tables(house_world.engine) == expected


def test_the_same_report_again_changes_no_row(house_world: World) -> None:
    gateway = _gateway(house_world)
    report = scene.report("hall-door", 1, 0, [(0, -60)])
    first = _take(gateway, house_world, report)
    before = plant.tables(house_world.engine)
    again = _take(gateway, house_world, report)
    assert plant.tables(house_world.engine) == before
    topic = wire.live_topic("venue", "hall")
    assert first[topic]["badges"] == again[topic]["badges"]
    assert again[topic]["coverage"] == []


def test_a_report_between_two_visits_makes_them_one_and_keeps_the_older_row(house_world: World) -> None:
    gateway = _gateway(house_world)
    _take(gateway, house_world, scene.report("hall-door", 1, 0, [(0, -60)]))
    _take(gateway, house_world, scene.report("hall-door", 2, 500, [(0, -60)]))
    rows = _visits(house_world)
    assert len(rows) == 2
    said = _take(gateway, house_world, scene.report("hall-stage", 3, 250, [(0, -60)]))
    ((visit_id, from_ms, to_ms),) = _visits(house_world)
    assert visit_id == min(row[0] for row in rows)
    assert (from_ms, to_ms) == (scene.T0 + 500, scene.T0 + 501_000)
    assert said[wire.live_topic("venue", "hall")]["badges"][0]["from"] == scene.T0 + 500


def _visits(world: World) -> Sequence[tuple[int, int, int]]:
    with world.engine.connect() as connection:
        rows = connection.execute(text("SELECT id, from_ms, to_ms FROM visit ORDER BY from_ms"))
        return [(row[0], row[1], row[2]) for row in rows]


def test_what_changes_an_older_visit_is_announced_as_to_be_read_again(house_world: World) -> None:
    gateway = _gateway(house_world)
    topic = wire.live_topic("venue", "hall")
    assert _take(gateway, house_world, scene.report("hall-door", 2, 2000, [(0, -60)]))[topic]["badges"]
    assert set(_take(gateway, house_world, scene.report("hall-door", 1, 0, [(0, -60)]))[topic]) == {"rev"}


def test_an_agent_that_moved_tells_both_venues_what_it_listened_to(house_world: World) -> None:
    with database.transaction(house_world.engine) as session:
        zones = [venues.NewZone("yard-all", "everywhere")]
        venues.create(session, id="yard", name="Yard", time_zone="Europe/Paris", zones=zones, **scene.KEPT)
        moved_at = scene.BEGIN + dt.timedelta(seconds=4)
        fleet.place(session, agent_id="hall-door", venue_id="yard", zone_id="yard-all", since=moved_at)
    gateway = _gateway(house_world)
    said = _take(gateway, house_world, *(scene.report("hall-door", at, at * 2) for at in (0, 1, 2, 3) if at))
    assert [said[wire.live_topic("venue", venue)]["coverage"] for venue in ("hall", "yard")] == [
        [{"agent": "hall-door", "from": scene.T0 + 2000, "to": scene.T0 + 4000}],
        [{"agent": "hall-door", "from": scene.T0 + 4000, "to": scene.T0 + 8000}],
    ]


def test_a_badge_moves_to_the_zone_that_hears_it_best(house_world: World) -> None:
    reports = [scene.report("hall-door", step + 1, step * 2, [(0, -55 if step < 15 else -80)]) for step in range(30)]
    reports += [
        scene.report("hall-stage", step + 101, step * 2, [(0, -80 if step < 15 else -55)]) for step in range(30)
    ]
    said = _take(_gateway(house_world), house_world, *reports)
    assert [row[3] for row in plant.tables(house_world.engine)["stay"]] == ["hall-door", "hall-stage"]
    badge, *again = said[wire.live_topic("venue", "hall")]["badges"]
    assert [zone for _, zone in badge["stays"]] == ["hall-door", "hall-stage"]
    assert [[zone for _, zone in later["stays"]] for later in again] == [["hall-stage"]]  # once more with the whole


def test_who_arrives_is_told_before_what_could_wait_is_written(house_world: World) -> None:
    gateway = _gateway(house_world)
    _take(gateway, house_world, *(scene.report("hall-door", 1 + step, step * 2, [(0, -60)]) for step in range(10)))
    gateway.worker.flush(everything=True)
    said, done = gateway.wire.said, gateway.wire.done
    said.clear()
    done.clear()
    going_on = [scene.report("hall-door", 1 + step, step * 2, [(0, -60)]) for step in range(10, 21)]
    gateway.take(plant.deliver(house_world.scene, [*going_on, scene.report("hall-door", 99, 42, [(1, -60)])]))
    assert len(done) == 12, "so long a time is written as a whole"
    first, *_, last = [json.loads(payload) for topic, payload in said if topic == wire.live_topic("venue", "hall")]
    assert [badge["badge"] for badge in first["badges"]] == [house_world.scene.badges[1]]
    assert {badge["badge"] for badge in last["badges"]} == set(house_world.scene.badges[:2])


@pytest.mark.parametrize("waits", [True, False])
def test_a_reading_that_was_in_time_is_late_once_her_other_badge_was_asked_about(
    house_world: World, waits: bool
) -> None:
    """Two badges of one member, heard for 40 s and twice for a moment; what lies between makes it ninety."""
    with database.transaction(house_world.engine) as session:
        first, second, _ = house_world.scene.badges
        scene.add_event(session, [(first, "ana")])
        badges.pair(session, badge_id=second, member_id="ana", since=scene.EARLIER)
    gateway = _gateway(house_world)
    patient = dataclasses.replace(plant.load().gateway, coalesce_s=1000)  # of event time, too
    gateway.worker._gathering = Gathering(dataclasses.replace(plant.load(), gateway=patient))

    def take(badge: int, *at_s: float) -> None:
        reports = [scene.report("hall-door", 100 * badge + round(at), at, [(badge, -60)]) for at in at_s]
        gateway.take(plant.deliver(house_world.scene, reports))

    take(0, 60)
    take(0, 130)
    gateway.worker.flush(everything=True)  # recorded and not asked about: nothing can come of it before 141 s
    if waits:
        take(0, 70)
    take(1, 0, 40)  # arrives, so it is recorded alone
    if not waits:
        take(0, 70)
    gateway.worker.flush(everything=True)
    found = plant.tables(house_world.engine)["checkin"]
    assert [(member, at) for _, member, _, at, *_ in found] == [("ana", scene.BEGIN + dt.timedelta(seconds=110))]


def test_a_refused_report_is_set_aside_once(house_world: World) -> None:
    gateway = _gateway(house_world)
    for _ in range(2):
        _take(gateway, house_world, scene.report("hall-door", 9, 9 * 3600))
    with house_world.engine.connect() as connection:
        rows = connection.execute(text("SELECT agent_id, boot, seq, reason FROM refused_report")).all()
    assert [tuple(row) for row in rows] == [("hall-door", scene.BOOT, 9, "future")]
    assert gateway.wire.refused == {("hall-door", 9): "future"}
