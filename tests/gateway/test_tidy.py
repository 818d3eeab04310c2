"""What is late: within late_s nothing is lost, a venue that was cut off loses nothing, beyond it visits alone grow."""

import datetime as dt

from sqlalchemy import text

from server import times
from tests.gateway import plant, scene
from tests.gateway.plant import Gateway, Wire, World

MINUTE_S = 60
EVENING_S = 40 * MINUTE_S


def _reports(agent: str, louder: bool, first: int) -> list[object]:
    """Badge 0 in both zones' hearing for 40 minutes; every ten minutes it changes its zone."""
    reports: list[object] = []
    for step in range(0, EVENING_S, 4):
        near = (step // 600 % 2 == 0) == louder
        reports.append(scene.report(agent, first + step, step, [(0, -50 if near else -80)]))
    return reports


DOOR, STAGE = _reports("hall-door", True, 1), _reports("hall-stage", False, 2)


def _gateway(world: World, after: dt.timedelta) -> Gateway:
    now = scene.BEGIN + dt.timedelta(seconds=EVENING_S) + after
    return Gateway(world.engine, Wire(), "gateway-1", now, MUSTER_GATEWAY__COALESCE_S="0")


def _expected(world: World) -> dict[str, list[tuple[object, ...]]]:
    gateway = _gateway(world, dt.timedelta())
    gateway.take(plant.deliver(world.scene, [*DOOR, *STAGE]))  # type: ignore[list-item]
    found = plant.tables(world.engine)
    plant.empty(world.conninfo)
    assert [row[3] for row in found["stay"]] == ["hall-door", "hall-stage"] * 2
    return found


def _blocks(world: World) -> int:
    with world.engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM trace")).scalar_one())


def test_what_is_two_hours_late_still_corrects_stays(house_world: World) -> None:
    expected = _expected(house_world)
    gateway = _gateway(house_world, dt.timedelta())
    gateway.take(plant.deliver(house_world.scene, DOOR))  # type: ignore[arg-type]
    gateway.now += dt.timedelta(hours=2)
    gateway.worker.tidy()
    gateway.take(plant.deliver(house_world.scene, reversed(STAGE)))  # type: ignore[arg-type]
    assert plant.tables(house_world.engine) == expected


def test_what_is_three_hours_late_lets_visits_grow_and_leaves_stays_alone(house_world: World) -> None:
    expected = _expected(house_world)
    gateway = _gateway(house_world, dt.timedelta())
    gateway.take(plant.deliver(house_world.scene, DOOR))  # type: ignore[arg-type]
    stays = plant.tables(house_world.engine)["stay"]
    whole = _blocks(house_world)
    for _ in range(2):
        # Only what arrives tells that time goes on: a venue that is cut off keeps its trace.
        gateway.now += dt.timedelta(hours=3)
        gateway.take(plant.deliver(house_world.scene, [scene.report("hall-door", 90_001, 3 * 3600, [(1, -60)])]))
        gateway.worker.tidy()
    assert _blocks(house_world) < whole
    late = _reports("hall-stage", False, 2)
    gateway.take(plant.deliver(house_world.scene, late))  # type: ignore[arg-type]
    found = plant.tables(house_world.engine)
    assert [row for row in found["visit"] if row[0] == house_world.scene.badges[0]] == expected["visit"]
    assert {row[:2] for row in found["span"]} >= {row[:2] for row in expected["span"]}
    kept_ms = _kept_ms(house_world)
    assert kept_ms > scene.T0
    assert [row for row in found["stay"] if row[2] < kept_ms and row[0] == 1] == [row for row in stays if row[0] == 1]


def _kept_ms(world: World) -> int:
    with world.engine.connect() as connection:
        return int(connection.execute(text("SELECT from_ms FROM trace_kept")).scalar_one())


def test_a_venue_that_was_cut_off_for_a_day_loses_nothing(house_world: World) -> None:
    """Its evening comes a day later, the newest first, for hours; of a moment both agents' within 40 minutes."""
    expected = _expected(house_world)
    gateway = _gateway(house_world, dt.timedelta(days=1))
    for at in range(len(DOOR), 0, -100):
        for reports in (STAGE, DOOR):
            gateway.take(plant.deliver(house_world.scene, reversed(reports[max(0, at - 100) : at])))  # type: ignore[arg-type]
            gateway.now += dt.timedelta(minutes=40)
            gateway.worker.tidy()
    assert plant.tables(house_world.engine) == expected


def test_the_trace_of_an_ordinary_day_is_short(house_world: World) -> None:
    gateway = _gateway(house_world, dt.timedelta())
    for hour in range(12):
        gateway.now = scene.BEGIN + dt.timedelta(hours=hour + 1)
        batch = [
            scene.report("hall-door", hour * 3600 + step + 1, hour * 3600 + step, [(0, -60)])
            for step in range(0, 3600, 60)
        ]
        gateway.take(plant.deliver(house_world.scene, batch))
        gateway.worker.tidy()
    assert 150 <= _blocks(house_world) <= 250
    oldest_ms = times.to_ms(gateway.now) - 3 * 3600_000
    with house_world.engine.connect() as connection:
        assert connection.execute(text("SELECT min(block_ms) FROM trace")).scalar_one() >= oldest_ms - 3_600_000
