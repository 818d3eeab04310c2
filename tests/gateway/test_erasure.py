"""Somebody is erased while a gateway records what is heard of her badge: nothing of her comes back, nothing is lost."""

import datetime as dt
import threading

import pytest
from sqlalchemy import text

from beacon_agent import wire
from gateway.ingest import Arrived
from server import database
from server.database import Base
from server.erasure import service as erasure
from server.events import signups
from server.presence import joining
from tests.gateway import plant, scene
from tests.gateway.plant import Gateway, Wire

NOW = scene.BEGIN + dt.timedelta(hours=1)
WAITING_MS = 20_000  # a present badge waits that long to be written, and is then written from where it began to
STEPS = 240  # windows of two seconds: eight minutes


@pytest.fixture
def world(house_world: plant.World) -> plant.World:
    """The hall with an event that ana signed up for, and badges of hers and of ben."""
    with database.transaction(house_world.engine) as session:
        badges = house_world.scene.badges
        scene.add_event(session, [(badges[0], "ana"), (badges[1], "ben")])
        signups.sign_up(session, event_id="night", member_id="ana", now=scene.BEGIN)
    return house_world


def log(world: plant.World) -> list[Arrived]:
    reports: list[wire.Report] = [
        scene.report(agent, step * 2 + place + 1, step * 2, [(number, -60 - 5 * place) for number in range(3)])
        for step in range(STEPS)
        for place, agent in enumerate(scene.AGENTS)
    ]
    return plant.deliver(world.scene, reports)


def heard(world: plant.World) -> dict[int, list[tuple[int, int]]]:
    """When each badge was heard by anybody, joined as spans are."""
    found: dict[int, list[tuple[int, int]]] = {}
    with world.engine.connect() as connection:
        for badge_id, from_ms, to_ms in connection.execute(text("SELECT badge_id, from_ms, to_ms FROM span")):
            found.setdefault(badge_id, []).append((from_ms, to_ms))
    return {badge_id: joining.join(spans, 60_000) for badge_id, spans in found.items()}


@pytest.mark.parametrize("after", [1, 40, 120, STEPS - 1])
def test_a_report_that_comes_at_that_moment_brings_nothing_back(world: plant.World, after: int) -> None:
    reports = log(world)
    gateway = Gateway(world.engine, Wire(), "one", NOW)
    begun, done = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for start in range(0, len(reports), 8):
                gateway.take(reports[start : start + 8])
                gateway.worker.flush(everything=start % 24 == 0)
                if start >= after * 2:
                    begun.set()
            gateway.worker.flush(everything=True)
        except BaseException as error:
            failed.append(error)
        finally:
            begun.set()
            done.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(60)
    with database.transaction(world.engine) as session:
        receipt = erasure.erase(session, member_id="ana", now=NOW)
    assert done.wait(60)
    thread.join()
    assert failed == []
    badge, bens = world.scene.badges[:2]
    spans = heard(world)
    mine = sorted(
        part
        for badge_id, parts in spans.items()
        if badge_id == badge or badge_id > max(world.scene.badges)
        for part in parts
    )
    # Hers and the badge's together are what was heard; both have what a gateway kept waiting at that moment.
    assert joining.join(mine, 60_000) == spans[bens]
    assert sum(end - start for start, end in mine) <= spans[bens][0][1] - spans[bens][0][0] + WAITING_MS
    with world.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for row in connection.execute(table.select()):
                assert not any(str(value) == "ana" or str(value) == "member/ana" for value in row), table.name
        checked_in = connection.execute(text("SELECT member_id, badge_id FROM checkin WHERE member_id IS NULL")).all()
        assert [tuple(row) for row in checked_in] == [(None, None)] * receipt.stays["check-ins"]
        # Whoever the gateway checks in from now on: not her.
        assert connection.execute(text("SELECT count(*) FROM member WHERE id = 'ana'")).scalar() == 0
