"""The server's connection to a real broker."""

import dataclasses
from collections.abc import Callable, Iterator

import pytest

from config import settings as config
from server import mqtt
from server.operations import ports
from tests.conftest import Mqtt

WaitUntil = Callable[..., None]
TOPIC = "muster/v1/live/venue/mqtt-test"


@pytest.fixture
def broker(mosquitto: Mqtt) -> config.Broker:
    """Where the broker is, as the server."""
    return config.load(environment=mosquitto.environment("server")).broker


@pytest.fixture
def connection(broker: config.Broker) -> Iterator[mqtt.Connection]:
    """A connection that is not started."""
    made = mqtt.Connection(broker)
    yield made
    made.stop()


def test_what_is_subscribed_before_and_after_connecting_arrives(
    connection: mqtt.Connection, wait_until: WaitUntil
) -> None:
    early: list[bytes] = []
    late: list[bytes] = []
    connection.subscribe("muster/v1/live/#", lambda _topic, payload, _retained: early.append(payload))
    connection.start()
    wait_until(lambda: connection.is_connected, "connected")
    connection.subscribe(TOPIC, lambda _topic, payload, _retained: late.append(payload))

    def both() -> bool:
        connection.publish(TOPIC, b"1")
        return bool(early and late)

    wait_until(both, "both subscriptions")


def test_a_taker_that_fails_stops_nothing(
    connection: mqtt.Connection, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[bytes] = []

    def fail(*_: object) -> None:
        raise RuntimeError("no")

    connection.subscribe(TOPIC, fail)
    connection.subscribe(TOPIC, lambda _topic, payload, _retained: taken.append(payload))
    connection.start()

    def heard() -> bool:
        connection.publish(TOPIC, b"1")
        return len(taken) > 2

    wait_until(heard, "the other taker still hears")
    assert "was not taken" in caplog.text


def test_a_wrong_password_is_said_once(
    broker: config.Broker, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    connection = mqtt.Connection(dataclasses.replace(broker, password="wrong"))
    connection.start()
    try:
        wait_until(lambda: "refuses the server" in caplog.text, "told so")
        assert not connection.is_connected
    finally:
        connection.stop()


def test_a_broker_that_is_away_does_not_stop_the_server_from_starting_and_ending(broker: config.Broker) -> None:
    connection = mqtt.Connection(dataclasses.replace(broker, port=ports.find_free()))
    connection.start()
    connection.publish(TOPIC, b"1", qos=1)
    assert not connection.is_connected
    connection.stop()
