"""Facts told for the past while a gateway works: the tables are those of a world in which it had always been so."""

import datetime as dt
import random
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from beacon_agent import wire
from gateway.ingest import Arrived
from server import database
from server.corrections import placing
from server.corrections import service as corrections
from server.events import service as events
from server.events import signups
from server.fleet.placements import Wanted
from server.venues import service as venues
from tests.gateway import plant, scene
from tests.gateway.plant import Gateway, Wire

PRESENCE = plant.load().presence
NOW = scene.BEGIN + dt.timedelta(hours=6)
# In a silence longer than any gap, so that readings and spans are cut at the same place.
MOVED_S, SILENT_UNTIL_S = 250, 340


def at(seconds: float) -> dt.datetime:
    return scene.BEGIN + dt.timedelta(seconds=seconds)


@pytest.fixture
def world(house_world: plant.World) -> plant.World:
    """The hall with an event that ana signed up for; the yard with one of its own; nobody holds the third badge yet."""
    with database.transaction(house_world.engine) as session:
        badges = house_world.scene.badges
        scene.add_event(session, [(badges[0], "ana"), (badges[1], "ben")])
        venues.create(
            session,
            id="yard",
            name="Yard",
            time_zone="Europe/Paris",
            zones=[venues.NewZone("yard-all", "everywhere")],
            **scene.KEPT,
        )
        step = events.NewStep(
            id="barbecue-1", name="All", venue_id="yard", starts_at=at(300), ends_at=at(7200), opens_at=at(0)
        )
        events.create(session, id="barbecue", name="Barbecue", organizer_id="host", steps=[step])
        for event_id in ("night", "barbecue"):
            signups.sign_up(session, event_id=event_id, member_id="ana", now=scene.BEGIN)
    return house_world


def log(world: plant.World) -> list[Arrived]:
    """Both agents hear the badges for ten minutes, with a silence in between."""
    chance = random.Random(7)
    reports: list[wire.Report] = []
    for step in range(300):
        at_s = step * 2
        if 180 <= at_s < SILENT_UNTIL_S:
            continue
        for agent, loud in (("hall-door", -60), ("hall-stage", -72)):
            heard = [(number, loud + chance.randint(-5, 5)) for number in range(3) if chance.random() < 0.7]
            reports.append(scene.report(agent, len(reports) + 1, at_s, heard))
    return plant.deliver(world.scene, reports)


def correct(world: plant.World) -> None:
    """The door stood in the yard since the silence; the third badge is Ben's, and was from the beginning."""
    with database.transaction(world.engine) as session:
        wanted = Wanted("hall-door", "yard", "yard-all", at(MOVED_S))
        placing.place(session, wanted=wanted, presence=PRESENCE, now=NOW)
    with database.transaction(world.engine) as session:
        _claim(session, world)


def _claim(session: Session, world: plant.World) -> None:
    corrections.pair(session, badge_id=world.scene.badges[2], member_id="ben", since=at(0), presence=PRESENCE, now=NOW)


def told_first(world: plant.World, reports: list[Arrived]) -> dict[str, list[tuple[object, ...]]]:
    """The tables of a gateway that has known the facts, which are corrected already, from the beginning."""
    plant.empty(world.conninfo)
    gateway = Gateway(world.engine, Wire(), "other", NOW)
    gateway.take(reports)
    gateway.worker.flush(everything=True)
    return plant.tables(world.engine)


@pytest.mark.parametrize("known", [0.3, 0.6, 1.0])
def test_what_came_before_and_after_a_correction_gives_the_same(world: plant.World, known: float) -> None:
    reports = log(world)
    gateway, cut = Gateway(world.engine, Wire(), "one", NOW), round(known * len(reports))
    for start in range(0, cut, 50):
        gateway.take(reports[start : min(start + 50, cut)])
    gateway.worker.flush(everything=True)
    correct(world)
    gateway.take([*reports[cut:], *reports[: cut // 2]])
    gateway.worker.flush(everything=True)
    found = plant.tables(world.engine)
    expected = told_first(world, reports)
    for name, rows in expected.items():
        assert found[name] == rows, name
    assert {row[:2] for row in found["checkin"]} == {
        ("night-1", "ana"),
        ("night-1", "ben"),
        ("barbecue-1", "ana"),
        ("barbecue-1", "ben"),
    }
    assert {row[1] for row in found["visit"]} == {"hall", "yard"}


def test_a_correction_while_batches_go_through_is_as_one_before_or_after(world: plant.World) -> None:
    reports = log(world)
    gateway = Gateway(world.engine, Wire(), "one", NOW)
    done = threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for start in range(0, len(reports), 20):
                gateway.take(reports[start : start + 20])
                gateway.worker.flush(everything=start % 60 == 0)
            gateway.worker.flush(everything=True)
        except BaseException as error:
            failed.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=work)
    thread.start()
    correct(world)
    assert done.wait(60)
    thread.join()
    assert failed == []
    # What waited and was judged by the older placement was asked for again: its agents send it once more.
    gateway.take(reports)
    gateway.worker.flush(everything=True)
    assert plant.tables(world.engine) == told_first(world, reports)
    with world.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM placement WHERE agent_id = 'hall-door'")).scalar() == 2
