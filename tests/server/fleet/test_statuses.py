"""What agents say of themselves, from a real broker into the table."""

import datetime as dt
import json
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from beacon_agent import wire
from config import settings as config
from server import database as server_database
from server import mqtt
from server.fleet import announce, statuses
from server.fleet import service as fleet
from tests.conftest import Mqtt
from tests.server.places import HOUR, NOW, make_agent, make_cafe, make_members

WaitUntil = Callable[..., None]
TOPIC = wire.status_topic("cafe-door")
ONLINE = wire.encode_status(wire.Status(online=True, boot="aaaaaaaa", conn=1))


@pytest.fixture
def engine_of_its_own(fresh_database: str) -> Iterator[Engine]:
    """A database with the cafe and its agent."""
    engine = server_database.connect(fresh_database, pool=2)
    with server_database.transaction(engine) as session:
        make_members(session)
        make_cafe(session)
        make_agent(session)
    yield engine
    engine.dispose()


def test_what_cannot_be_taken_is_counted_by_reason_and_disturbs_nothing(engine_of_its_own: Engine) -> None:
    taker = statuses.Statuses(engine_of_its_own, lambda: NOW)
    taker.start()
    for topic, payload in (
        (TOPIC, b"{"),
        (TOPIC, json.dumps({"online": True, "boot": "aaaaaaaa", "conn": -1}).encode()),
        (TOPIC, b" " * (wire.MAX_PAYLOAD_BYTES + 1)),
        (TOPIC, b""),
        (wire.status_topic("nobody"), ONLINE),
        (wire.status_topic("Not An Id"), ONLINE),
        (TOPIC, ONLINE),
        (TOPIC, wire.encode_status(wire.Status(online=False, boot="bbbbbbbb", conn=1))),
    ):
        taker.take(topic, payload, False)
    taker.stop()
    assert taker.counters == {
        "not_json": 1,
        "bad_message": 1,
        "too_large": 1,
        "emptied": 1,
        "unknown_agent": 2,
        "taken": 1,
        "outlived": 1,
    }
    with server_database.transaction(engine_of_its_own) as session:
        agent = fleet.get(session, "cafe-door")
        assert agent.status is not None
        assert (agent.status["online"], agent.status_at) == (True, NOW)


def test_a_flood_is_dropped_counted(engine_of_its_own: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statuses, "WAITING_MAX", 2)
    taker = statuses.Statuses(engine_of_its_own, lambda: NOW)
    for _ in range(5):
        taker.take(TOPIC, ONLINE, False)
    assert taker.counters["dropped"] == 3


def test_a_status_travels_and_a_retained_one_says_nothing_about_now(
    engine_of_its_own: Engine, mosquitto: Mqtt, wait_until: WaitUntil
) -> None:
    with server_database.transaction(engine_of_its_own) as session:
        password = wire.broker_password(fleet.get(session, "cafe-door").key)
    with mosquitto.administer() as found:
        found.add_agent("cafe-door", password)
    server = config.load(environment=mosquitto.environment("server")).broker
    agent = mqtt.Connection(
        config.load(
            environment={
                **mosquitto.environment("server"),
                "MUSTER_BROKER__USER": "cafe-door",
                "MUSTER_BROKER__PASSWORD": password,
            }
        ).broker
    )
    agent.start()

    def listen(at: dt.datetime, meanwhile: Callable[[], None]) -> None:
        taker = statuses.Statuses(engine_of_its_own, lambda: at)
        taker.start()
        connection = mqtt.Connection(server)
        connection.subscribe(statuses.PATTERN, taker.take, qos=1)
        connection.start()

        def is_taken() -> bool:
            meanwhile()
            return taker.counters["taken"] > 0

        try:
            wait_until(lambda: connection.is_connected and agent.is_connected, "both at the broker")
            wait_until(is_taken, "the status in the table")
        finally:
            connection.stop()
            taker.stop()

    try:
        # It is sent until it is heard, since nobody says when the subscription holds.
        listen(NOW, lambda: agent.publish(TOPIC, ONLINE, 1, True))
        listen(NOW + HOUR, lambda: None)
    finally:
        agent.publish(TOPIC, b"", 1, True)
        agent.stop()
    with server_database.transaction(engine_of_its_own) as session:
        assert fleet.get(session, "cafe-door").status_at == NOW


def test_an_agent_of_a_restored_database_gets_a_config_that_it_takes(
    engine_of_its_own: Engine, mosquitto: Mqtt, wait_until: WaitUntil
) -> None:
    """Status, table, announcer and config with a real broker: a database made anew knows no rev of its agents."""
    environment = mosquitto.environment("server")
    server = mqtt.Connection(config.load(environment=environment).broker)
    taker = statuses.Statuses(engine_of_its_own, lambda: NOW)
    announcer = announce.Announcer(engine_of_its_own, server, lambda _session, _now: (), 2.0, None)
    with server_database.transaction(engine_of_its_own) as session:
        password = wire.broker_password(fleet.get(session, "cafe-door").key)
    with mosquitto.administer() as found:
        found.add_agent("cafe-door", password)
    agent = mqtt.Connection(
        config.load(
            environment=environment
            | {"MUSTER_BROKER__USER": "cafe-door", "MUSTER_BROKER__PASSWORD": password, "MUSTER_BROKER__ADMIN_USER": ""}
        ).broker
    )
    revs: list[int] = []
    agent.subscribe(
        wire.config_topic("cafe-door"),
        lambda _topic, payload, _kept: revs.append(wire.decode_config(payload).rev),
        qos=1,
    )
    server.subscribe(statuses.PATTERN, taker.take, qos=1)
    taker.start()
    server.start()
    agent.start()
    try:
        wait_until(lambda: server.is_connected and agent.is_connected, "both at the broker")
        announcer.step(NOW)
        wait_until(lambda: revs, "the first config")
        assert revs[-1] < 70
        said = wire.encode_status(wire.Status(online=True, boot="aaaaaaaa", conn=1, rev=70))

        def is_higher() -> bool:
            agent.publish(TOPIC, said, 1, True)
            announcer.step(NOW)
            return revs[-1] > 70

        wait_until(is_higher, "a config that the agent takes")
    finally:
        agent.publish(TOPIC, b"", 1, True)
        agent.stop()
        server.publish(wire.config_topic("cafe-door"), b"", 1, True)
        server.stop()
        taker.stop()
