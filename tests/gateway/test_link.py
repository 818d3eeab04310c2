"""The connection to the broker: every report once and in order, everything said gets out, whatever the sizes."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from beacon_agent import wire
from config import settings
from gateway import link as module
from gateway.health import Health
from gateway.ingest import Inbox
from gateway.link import BUFFER_BYTES, Buffered, Link
from tests.conftest import Mqtt
from tests.gateway.house import Box

Wait = Callable[..., None]
AGENT, PASSWORD, SHARD = "link-door", "p" * 32, 3


@pytest.fixture
def health() -> Health:
    """Counters of link and inbox."""
    return Health()


@pytest.fixture
def inbox(fresh_mosquitto: Mqtt, health: Health) -> Inbox:
    """A gateway's inbox, and a login for an agent."""
    with fresh_mosquitto.administer() as logins:
        logins.add_agent(AGENT, PASSWORD, wire.shard_name(SHARD))
    return Inbox(settings.load(environment={}).gateway, health)


@pytest.fixture
def link(fresh_mosquitto: Mqtt, inbox: Inbox, health: Health, wait_until: Wait) -> Iterator[Link]:
    """A link that hears reports."""
    loaded = settings.load(environment=fresh_mosquitto.environment("gateway"))
    found = Link(loaded.broker, loaded.gateway, inbox, health)
    with ExitStack() as stack:
        stack.callback(found.stop)
        found.start()
        wait_until(found.connected.is_set, "the connection", 10)
        yield found


@pytest.fixture
def box(fresh_mosquitto: Mqtt, inbox: Inbox) -> Iterator[Box]:  # noqa: ARG001 -- makes the login
    """An agent's client that hears its acknowledgements."""
    found = Box(fresh_mosquitto, AGENT, PASSWORD, [wire.ack_topic(AGENT)])
    yield found
    found.close()


def test_reports_of_all_sizes_arrive_once_and_in_order(box: Box, link: Link, inbox: Inbox, wait_until: Wait) -> None:
    assert link.connected.is_set()
    # More than the broker has in flight, so that it goes on only as they are PUBACKed; many of them lie across the
    # edge of a buffer, and some are larger than one.
    sizes = [1, 127, 128, 700, 2_400, 16_383, 16_384, BUFFER_BYTES, 3 * BUFFER_BYTES]
    payloads = [b"%d:" % number + bytes(sizes[number % 7]) for number in range(2_500)]
    payloads += [b"%d:" % number + bytes(sizes[number % 9]) for number in range(2_500, 2_527)]
    taken: list[bytes] = []

    def arrived() -> bool:
        taken.extend(found.payload for found in inbox.take(1000, 0.0))
        return len(taken) >= len(payloads)

    topic = wire.report_topic(SHARD, AGENT)
    for payload in payloads:
        box.client.publish(topic, payload, qos=1)
    wait_until(arrived, "all reports", 60)
    assert taken == payloads


def test_while_nobody_takes_them_reports_wait_at_the_broker_and_none_is_dropped(
    box: Box, link: Link, inbox: Inbox, health: Health, wait_until: Wait
) -> None:
    assert link.connected.is_set()
    payloads = [b"%d:" % number + bytes(60_000) for number in range(600)]  # 36 MB for an inbox of 16
    topic = wire.report_topic(SHARD, AGENT)
    for payload in payloads:
        sent = box.client.publish(topic, payload, qos=1)
    sent.wait_for_publish(30)
    wait_until(lambda: not inbox.has_room, "a half full inbox", 30)
    # It goes on hearing the broker meanwhile: a good while later it is still the same connection.
    received = health.counters()["received"]
    wait_until(lambda: health.counters()["received"] > received, "the next piece", 3 * module.HELD_S)
    taken: list[bytes] = []

    def arrived() -> bool:
        taken.extend(found.payload for found in inbox.take(1000, 0.0))
        return len(taken) >= len(payloads)

    wait_until(arrived, "all reports", 30)
    assert taken == payloads
    assert "dropped_queue_full" not in health.counters()


def test_what_is_published_does_not_wait_for_the_next_look(
    box: Box, link: Link, monkeypatch: pytest.MonkeyPatch, wait_until: Wait
) -> None:
    monkeypatch.setattr(module, "TICK_S", 3600.0)
    for number in range(20):  # the first may still end a wait of before
        link.publish(wire.ack_topic(AGENT), b"%d" % number)
        wait_until(lambda: len(box.messages) > number, "the acknowledgement", 10)  # noqa: B023 -- asked at once
    assert [payload for _, payload in box.messages] == [b"%d" % number for number in range(20)]


def test_what_was_said_gets_out_before_the_end(box: Box, link: Link, wait_until: Wait) -> None:
    for number in range(500):
        link.publish(wire.ack_topic(AGENT), b"%d" % number)
    link.stop()
    wait_until(lambda: len(box.messages) == 500, "all acknowledgements", 10)
    assert {payload for _, payload in box.messages} == {b"%d" % number for number in range(500)}


def test_told_to_stop_between_two_connections_it_does_not_hold_on_to_the_next(
    fresh_mosquitto: Mqtt, inbox: Inbox, health: Health, wait_until: Wait
) -> None:
    loaded = settings.load(environment=fresh_mosquitto.environment("gateway"))
    link = Link(loaded.broker, loaded.gateway, inbox, health)
    reconnect = link._client.reconnect
    stopping = threading.Thread(target=link.stop, daemon=True)

    def told_meanwhile() -> Any:
        stopping.start()
        wait_until(link._stopping.is_set, "it is told to stop", 10)
        return reconnect()

    link._client.reconnect = told_meanwhile  # type: ignore[method-assign]
    link.start()
    wait_until(lambda: stopping.ident is not None and not stopping.is_alive(), "it has stopped", 10)


def test_it_connects_again_when_the_broker_comes_back(
    fresh_mosquitto: Mqtt, inbox: Inbox, wait_until: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    environment = fresh_mosquitto.environment("gateway")
    away = settings.load(environment={**environment, "MUSTER_BROKER__PORT": str(port)})
    found = Link(away.broker, away.gateway, inbox, Health())
    found.start()
    wait_until(lambda: "the broker cannot be reached" in caplog.text, "the first attempt", 10)
    with socket.create_server(("127.0.0.1", port)) as back:
        connection, _ = back.accept()
        connection.close()
        wait_until(lambda: "the broker is gone" in caplog.text, "the end of the second attempt", 10)
    found.stop()
    assert not found.connected.is_set()


def test_a_socket_is_read_in_pieces_and_written_when_told_to() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    buffered = Buffered(ours, lambda: True)
    with pytest.raises(BlockingIOError):
        buffered.recv(1)
    theirs.sendall(b"0123456789")
    assert (buffered.recv(1), buffered.recv(3), buffered.pending) == (b"0", b"123", 6)
    assert (buffered.recv(100), buffered.pending) == (b"456789", 0)

    assert buffered.send(b"x" * 4_000_000) == 4_000_000
    buffered.flush()
    got = 0  # the system takes less at once
    while got < 4_000_000:
        got += len(theirs.recv(1 << 20))
        buffered.flush()

    buffered.send(b"bye")
    theirs.shutdown(socket.SHUT_WR)
    buffered.close()
    assert theirs.recv(100) == b"bye"
    theirs.close()


def test_a_socket_is_not_read_while_it_may_not_be() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    allowed: list[bool] = [True, False, True]
    buffered = Buffered(ours, lambda: allowed.pop(0))
    theirs.sendall(b"01")
    assert (buffered.recv(1), buffered.recv(1)) == (b"0", b"1")
    theirs.sendall(b"2")
    with pytest.raises(BlockingIOError):
        buffered.recv(1)
    assert buffered.recv(1) == b"2"
    theirs.close()
    buffered.close()


def test_a_socket_whose_peer_is_gone_ends() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    buffered = Buffered(ours, lambda: True)
    theirs.close()
    assert buffered.recv(1) == b""
    buffered.send(b"into the void")
    buffered.flush()
    buffered.close()
