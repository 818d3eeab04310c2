"""What phones publish: into the tables once, by however many server processes, and nothing stalls or stops them."""

import dataclasses
import datetime as dt
import json
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from config import settings as config
from config.settings import Settings
from server import database
from server.operations import ports
from server.phones.listener import Listener
from server.phones.owntracks import PAYLOAD_MAX_BYTES
from tests.server.phones import scene
from tests.server.phones.scene import MINUTE
from tests.server.places import NOW, make_cafe, make_members

TOPIC = "owntracks/dora/pixel"


@pytest.fixture
def settings(committing_database: str) -> Settings:
    return config.load(environment={"MUSTER_DATABASE__DSN": committing_database})


@pytest.fixture
def engine_of_its_own(settings: Settings) -> Iterator[Engine]:
    """A database with Dora's phone, the cafe's beacon, and a night that she signed up for."""
    engine = database.connect(settings.database.conninfo, pool=4)
    with database.transaction(engine) as session:
        make_members(session)
        make_cafe(session)
        scene.make_phone(session)
        scene.let_use(session)
        scene.make_beacon(session)
        scene.make_night(session)
    yield engine
    engine.dispose()


def listener(engine: Engine, settings: Settings) -> Listener:
    return Listener(engine, lambda: NOW, settings)


def found(engine: Engine, query: str) -> list[tuple[object, ...]]:
    with database.transaction(engine) as session:
        return [tuple(row) for row in session.execute(text(query))]


def test_what_cannot_be_taken_is_counted_and_disturbs_nothing(engine_of_its_own: Engine, settings: Settings) -> None:
    taker = listener(engine_of_its_own, settings)
    for topic, payload in (
        (TOPIC, b"{"),
        (TOPIC, b"\0\xff"),
        (TOPIC, b""),
        (TOPIC, b" " * (PAYLOAD_MAX_BYTES + 1)),
        (TOPIC, scene.body({"_type": "encrypted", "data": "x"})),
        (TOPIC, scene.body(scene.location(desc="\0"))),
        (f"{TOPIC}/event", scene.body(scene.transition("enter", desc="\0"))),
        ("owntracks/dora/other", scene.body(scene.location())),
        ("owntracks/Not An Id/pixel", scene.body(scene.location())),
        ("owntracks/dora", scene.body(scene.location())),
        (f"{TOPIC}/cmd", scene.body({"_type": "cmd", "action": "dump"})),
    ):
        taker.take(topic, payload, False)
    taker.start()
    taker.stop()
    assert dict(taker.counters) == {
        "no_json": 2,
        "too_large": 1,
        "encrypted": 1,
        "location": 1,
        "news": 1,
        "beacon": 1,
        "beacon_unknown": 1,
        "phone_unknown": 1,
        "other_topic": 2,
        "passed_over": 1,
        "messages": 8,
    }
    assert found(engine_of_its_own, "SELECT member_id, source, device FROM position") == [("dora", "phone", "pixel")]


def test_two_processes_that_take_everything_keep_it_once(engine_of_its_own: Engine, settings: Settings) -> None:
    small = dataclasses.replace(settings, phones=dataclasses.replace(settings.phones, batch_messages=5))
    takers = [listener(engine_of_its_own, small) for _ in range(2)]
    messages = [scene.body(scene.location(NOW - MINUTE * number, east=number / 100)) for number in range(30)]
    messages += [scene.body(scene.transition("enter", NOW - 5 * MINUTE)), scene.body(scene.transition("leave"))]
    for taker in takers:
        taker.start()

    def feed(taker: Listener, mine: list[bytes]) -> None:
        for payload in mine:
            taker.take(TOPIC, payload, True)

    feeders = [
        threading.Thread(target=feed, args=(takers[0], messages)),
        threading.Thread(target=feed, args=(takers[1], messages[::-1])),
    ]
    for feeder in feeders:
        feeder.start()
    for feeder in feeders:
        feeder.join()
    for taker in takers:
        taker.stop()
    assert [taker.counters["messages"] for taker in takers] == [32, 32]
    assert sum(taker.counters["failed"] + taker.counters["dropped"] for taker in takers) == 0
    assert found(engine_of_its_own, "SELECT at FROM position") == [(NOW,)]
    rows = found(engine_of_its_own, "SELECT step_id, at, evidence FROM checkin WHERE undone_at IS NULL")
    assert rows == [("night-1", NOW - 5 * MINUTE, "heard")]
    assert found(engine_of_its_own, "SELECT count(*) FROM passage WHERE direction = 'in'") == [(1,)]


def test_a_phone_that_floods_is_not_listened_to_and_the_others_are(
    engine_of_its_own: Engine, settings: Settings
) -> None:
    slow = dataclasses.replace(settings, limits=dataclasses.replace(settings.limits, phone_at_once=3, phone_per_h=1))
    with database.transaction(engine_of_its_own) as session:
        scene.make_phone(session, "ben")
    taker = listener(engine_of_its_own, slow)
    for number in range(10):
        taker.take(TOPIC, scene.body(scene.location(NOW - MINUTE * number)), False)
    taker.take("owntracks/ben/pixel", scene.body(scene.location()), False)
    taker.start()
    taker.stop()
    assert (taker.counters["too_many"], taker.counters["location"]) == (7, 4)


def test_a_full_queue_drops_and_counts(engine_of_its_own: Engine, settings: Settings) -> None:
    small = dataclasses.replace(settings, phones=dataclasses.replace(settings.phones, queue_messages=100))
    taker = listener(engine_of_its_own, small)
    for number in range(103):
        taker.take(TOPIC, scene.body(scene.location(NOW - dt.timedelta(seconds=number))), False)
    assert taker.counters["dropped"] == 3
    taker.start()
    taker.stop()
    assert taker.counters["location"] == 100


def test_it_waits_for_a_database_that_is_away_and_can_still_be_stopped(settings: Settings) -> None:
    away = database.connect(f"host=127.0.0.1 port={ports.find_free()} connect_timeout=1")
    taker = listener(away, settings)
    taker.take(TOPIC, json.dumps(scene.location()).encode(), False)
    taker.start()
    taker.stop()
    assert dict(taker.counters) == {"dropped": 1}
    away.dispose()
