"""What is late: within late_s nothing is lost, a venue that was cut off loses nothing, beyond it visits alone grow."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from gateway import tidy
from server import times
from server.presence import joining
from server.presence.trace import BLOCK_MS, Forgotten
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
    gateway.now += dt.timedelta(hours=3)
    gateway.worker.tidy()
    assert _blocks(house_world) < whole
    late = _reports("hall-stage", False, 2)
    gateway.take(plant.deliver(house_world.scene, late))  # type: ignore[arg-type]
    found = plant.tables(house_world.engine)
    assert [row for row in found["visit"] if row[0] == house_world.scene.badges[0]] == expected["visit"]
    assert {row[:2] for row in found["span"]} >= {row[:2] for row in expected["span"]}
    # The first eight and the last two minutes stay, since what is next to them may still come.
    (forgotten,) = _forgotten(house_world)
    assert forgotten == (scene.T0 + 8 * BLOCK_MS, scene.T0 + 38 * BLOCK_MS)
    badge = house_world.scene.badges[0]
    assert [row for row in found["stay"] if row[0] == badge and row[2] < forgotten[1]] == stays


def _forgotten(world: World) -> list[tuple[int, int]]:
    with world.engine.connect() as connection:
        rows = connection.execute(text("SELECT from_ms, to_ms FROM trace_forgotten ORDER BY 1"))
        return [(row.from_ms, row.to_ms) for row in rows]


def test_a_venue_that_was_cut_off_for_a_day_loses_nothing(house_world: World) -> None:
    """Its evening comes a day later, the newest first, for hours; of a moment both agents' within 40 minutes."""
    expected = _expected(house_world)
    gateway = _gateway(house_world, dt.timedelta(days=1))
    for at in range(len(DOOR), 0, -100):
        for reports in (STAGE, DOOR):
            gateway.take(plant.deliver(house_world.scene, reversed(reports[max(0, at - 100) : at])))  # type: ignore[arg-type]
            gateway.now += dt.timedelta(minutes=40)
            gateway.worker.tidy()
    assert _lasting(house_world) == {name: rows for name, rows in expected.items() if name != "trace"}


def test_a_backlog_whose_older_part_comes_after_another_long_cut_loses_nothing(house_world: World) -> None:
    """The newer half, hours of what was heard meanwhile, and only then the older half, cut in the middle of a visit."""
    expected = _expected(house_world)
    gateway = _gateway(house_world, dt.timedelta(hours=5))
    cut = len(DOOR) // 2 - 20
    for part in (slice(cut, None), slice(0, cut)):
        for reports in (DOOR, STAGE):
            gateway.take(plant.deliver(house_world.scene, reversed(reports[part])))  # type: ignore[arg-type]
        gateway.now += dt.timedelta(hours=3)
        hours = round((gateway.now - scene.BEGIN).total_seconds())
        live = [scene.report("hall-door", 90_000 + hours + at, hours + at, [(1, -60)]) for at in range(-60, 0, 10)]
        gateway.take(plant.deliver(house_world.scene, live))
        gateway.worker.tidy()
        assert _forgotten(house_world) != []
    badge = house_world.scene.badges[0]
    for name in ("visit", "stay", "span"):
        found = plant.tables(house_world.engine)[name]
        assert [row for row in found if row[0] == badge] == expected[name], name


def test_what_comes_again_after_it_was_forgotten_changes_nothing(house_world: World) -> None:
    expected = _expected(house_world)
    gateway = _gateway(house_world, dt.timedelta())
    gateway.take(plant.deliver(house_world.scene, [*DOOR, *STAGE]))  # type: ignore[list-item]
    gateway.now += dt.timedelta(hours=3)
    gateway.worker.tidy()
    assert _blocks(house_world) < 80
    gateway.take(plant.deliver(house_world.scene, [*STAGE, *DOOR]))  # type: ignore[list-item]
    assert _lasting(house_world) == {name: rows for name, rows in expected.items() if name != "trace"}


@given(
    st.lists(st.integers(0, 60), unique=True).map(sorted),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=3),
    st.integers(0, 700_000),
    st.integers(0, 70),
)
def test_nothing_goes_that_what_may_still_come_needs(
    old: list[int], gone: list[tuple[int, int]], gap_ms: int, refused: int
) -> None:
    times_gone = joining.join([(low * BLOCK_MS, (low + length) * BLOCK_MS) for low, length in gone], 0)
    forgotten = Forgotten(times_gone)
    found = tidy.forgettable([place * BLOCK_MS for place in old], forgotten, gap_ms, refused * BLOCK_MS)
    came = {*old, *(place for place in range(-20, 100) if place * BLOCK_MS in forgotten)}
    for place in old:
        looked_back_at = not came >= {place + 1, place + 2, place + 3}
        lengthened = any(
            (place - still) * BLOCK_MS < gap_ms + 4 * BLOCK_MS for still in range(-20, place) if still not in came
        )
        assert (place * BLOCK_MS in found) == (place < refused or not (looked_back_at or lengthened))


def _lasting(world: World) -> dict[str, list[tuple[object, ...]]]:
    """All tables but the trace, which is forgotten."""
    return {name: rows for name, rows in plant.tables(world.engine).items() if name != "trace"}


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
    (forgotten,) = _forgotten(house_world)
    assert forgotten[0] == scene.T0 + 8 * BLOCK_MS, "what came before may still come"
    assert forgotten[1] >= oldest_ms - 3_600_000
    gateway.now += dt.timedelta(days=7)
    gateway.worker.tidy()
    assert _blocks(house_world) == 0
    assert [low for low, _ in _forgotten(house_world)] == [0], "what would be refused is one time"
