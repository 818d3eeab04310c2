"""The logins at a real Mosquitto: everybody has exactly the rights of docs/protocol.md."""

import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from server.fleet import logins
from server.fleet.logins import AgentLogin, LoginsError
from server.operations import mosquitto as private_mosquitto
from tests import processes
from tests.conftest import Mqtt

ANSWER_S = 10


class Listener:
    """A client that notes what it is told."""

    def __init__(self, mqtt: Mqtt, user: str | None, password: str = "") -> None:
        self.messages: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self.connected: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.granted: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.ended: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        if user is not None:
            self.client.username_pw_set(user, password)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.client.on_disconnect = self._on_disconnect
        self.client.connect(mqtt.host, mqtt.port)
        self.client.loop_start()

    def _on_connect(self, _c: Client, _u: object, _f: object, reason: Any, _p: object) -> None:
        self.connected.put(not reason.is_failure)

    def _on_subscribe(self, _c: Client, _u: object, _mid: int, reasons: list[Any], _p: object) -> None:
        self.granted.put(not reasons[0].is_failure)

    def _on_message(self, _c: Client, _u: object, message: MQTTMessage) -> None:
        self.messages.put((message.topic, bytes(message.payload)))

    def _on_disconnect(self, _c: Client, _u: object, _f: object, _r: object, _p: object) -> None:
        self.ended.put(True)

    def subscribe(self, topic: str) -> bool:
        """Whether the broker grants it."""
        self.client.subscribe(topic, qos=1)
        return self.granted.get(timeout=ANSWER_S)

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """Returns when the broker has taken it, or has dropped it silently (MQTT 3.1.1 has no other no)."""
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(ANSWER_S)

    def topics(self) -> list[str]:
        """The topics of what came until now."""
        found = []
        while not self.messages.empty():
            found.append(self.messages.get()[0])
        return found


@contextmanager
def connected(mqtt: Mqtt, user: str, password: str) -> Iterator[Listener]:
    """A client that the broker took."""
    listener = Listener(mqtt, user, password)
    try:
        assert listener.connected.get(timeout=ANSWER_S), f"{user} was refused"
        yield listener
    finally:
        listener.client.disconnect()
        listener.client.loop_stop()


def is_refused(mqtt: Mqtt, user: str | None, password: str = "") -> bool:
    listener = Listener(mqtt, user, password)
    try:
        return not listener.connected.get(timeout=ANSWER_S)
    finally:
        listener.client.disconnect()
        listener.client.loop_stop()


@pytest.fixture(scope="module")
def two_agents(mosquitto: Mqtt) -> Mqtt:
    with mosquitto.administer() as found:
        found.add_agents([AgentLogin("logins-a", "secret-a", "2a"), AgentLogin("logins-b", "secret-b", "2b")])
    return mosquitto


def say_everything(mqtt: Mqtt, about: str) -> None:
    """The gateway and the server publish on every topic about an agent."""
    with connected(mqtt, "gateway", mqtt.gateway_password) as gateway:
        gateway.publish(f"muster/v1/agent/{about}/ack", "{}")
        for shard in ("2a", "2b"):
            gateway.publish(f"muster/v1/shard/{shard}", '{"epoch":1}', retain=True)
        gateway.publish("muster/v1/live/venue/cafe", "{}")
    with connected(mqtt, "server", mqtt.server_password) as server:
        server.publish(f"muster/v1/agent/{about}/config", "{}", retain=True)


def test_nobody_anonymous_and_nobody_with_a_wrong_password_gets_in(two_agents: Mqtt) -> None:
    assert is_refused(two_agents, None)
    assert is_refused(two_agents, "logins-a", "secret-b")
    assert is_refused(two_agents, "nobody", "secret-a")


def test_an_agent_that_subscribes_to_everything_gets_nothing_that_is_not_its_own(two_agents: Mqtt) -> None:
    with connected(two_agents, "logins-a", "secret-a") as agent:
        for topic in ("#", "muster/#", "muster/v1/agent/+/ack", "$SYS/#", "muster/v1/agent/logins-b/config"):
            assert not agent.subscribe(topic), topic
        assert agent.subscribe("muster/v1/agent/logins-a/ack")
        say_everything(two_agents, "logins-b")
        say_everything(two_agents, "logins-a")
        assert agent.messages.get(timeout=ANSWER_S)[0] == "muster/v1/agent/logins-a/ack"
        assert agent.topics() == []


def test_an_agent_reads_its_ack_its_config_and_its_shard(two_agents: Mqtt) -> None:
    say_everything(two_agents, "logins-a")
    with connected(two_agents, "logins-a", "secret-a") as agent:
        assert not agent.subscribe("muster/v1/shard/2b")
        assert agent.subscribe("muster/v1/agent/logins-a/config")
        assert agent.messages.get(timeout=ANSWER_S)[0] == "muster/v1/agent/logins-a/config"
        assert agent.subscribe("muster/v1/shard/2a")
        assert agent.messages.get(timeout=ANSWER_S)[0] == "muster/v1/shard/2a"


def test_an_agent_writes_its_own_reports_and_status_and_nothing_else(two_agents: Mqtt) -> None:
    with (
        connected(two_agents, "gateway", two_agents.gateway_password) as gateway,
        connected(two_agents, "server", two_agents.server_password) as server,
        connected(two_agents, "logins-a", "secret-a") as agent,
    ):
        assert gateway.subscribe("muster/v1/report/#")
        for about in ("logins-a", "logins-b"):  # other tests' agents have left statuses at this broker
            assert server.subscribe(f"muster/v1/agent/{about}/status")
        agent.publish("muster/v1/report/2a/logins-b", "forged")
        agent.publish("muster/v1/agent/logins-b/status", "forged")
        agent.publish("muster/v1/agent/logins-a/ack", "forged")
        agent.publish("muster/v1/shard/2a", "forged")
        agent.publish("muster/v1/report/2a/logins-a", "own")
        agent.publish("muster/v1/agent/logins-a/status", "own")
        assert gateway.messages.get(timeout=ANSWER_S) == ("muster/v1/report/2a/logins-a", b"own")
        assert server.messages.get(timeout=ANSWER_S) == ("muster/v1/agent/logins-a/status", b"own")
        assert gateway.topics() == []
        assert server.topics() == []


def test_the_parts_read_and_write_what_the_protocol_says_and_nothing_else(two_agents: Mqtt) -> None:
    with (
        connected(two_agents, "gateway", two_agents.gateway_password) as gateway,
        connected(two_agents, "server", two_agents.server_password) as server,
    ):
        for topic in ("muster/v1/live/#", "muster/v1/shard/#", "owntracks/#"):
            assert server.subscribe(topic), topic
        for topic in ("muster/v1/report/#", "#", logins.ANSWERS):
            assert not server.subscribe(topic), topic
        for topic in ("owntracks/#", "muster/v1/agent/+/config", "#", logins.ANSWERS):
            assert not gateway.subscribe(topic), topic


def test_another_shard_and_another_password_take_the_place_of_the_old_ones(mosquitto: Mqtt) -> None:
    with mosquitto.administer() as found:
        found.add_agent("logins-moves", "first", "01")
        found.set_shard("logins-moves", "02")
        with connected(mosquitto, "logins-moves", "first") as agent:
            assert agent.subscribe("muster/v1/shard/02")
            assert not agent.subscribe("muster/v1/shard/01")
        found.set_shard("logins-moves", None)
        with connected(mosquitto, "logins-moves", "first") as agent:
            assert not agent.subscribe("muster/v1/shard/02")
            assert agent.subscribe("muster/v1/agent/logins-moves/ack")
        found.add_agent("logins-moves", "second", "03")
        assert is_refused(mosquitto, "logins-moves", "first")
        with connected(mosquitto, "logins-moves", "second") as agent:
            assert agent.subscribe("muster/v1/shard/03")


def test_a_removed_agent_is_disconnected_and_refused_and_may_come_back(mosquitto: Mqtt) -> None:
    with mosquitto.administer() as found:
        found.add_agent("logins-goes", "secret")
        with connected(mosquitto, "logins-goes", "secret") as agent:
            found.remove_agent("logins-goes")
            assert agent.ended.get(timeout=ANSWER_S)
        assert "logins-goes" not in found.list_agents()
        assert is_refused(mosquitto, "logins-goes", "secret")
        found.remove_agent("logins-goes")
        found.add_agent("logins-goes", "secret")
        with connected(mosquitto, "logins-goes", "secret"):
            assert "logins-goes" in found.list_agents()


def test_two_who_administer_at_once_do_not_take_each_others_answers(fresh_mosquitto: Mqtt) -> None:
    wanted = [AgentLogin(f"pi-{number}", "p" * 32, "01") for number in range(3)]

    def make(_: int) -> None:
        with fresh_mosquitto.administer() as administration:
            for _again in range(10):
                administration.add_agents(wanted)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(make, range(4)))
    with fresh_mosquitto.administer() as administration:
        assert administration.list_agents() == {agent.agent_id for agent in wanted}


def test_the_shard_of_an_agent_without_a_login_is_refused(mosquitto: Mqtt) -> None:
    with mosquitto.administer() as found, pytest.raises(LoginsError, match="logins-nobody"):
        found.set_shard("logins-nobody", "00")


def test_who_is_no_administrator_cannot_make_logins(two_agents: Mqtt) -> None:
    for user, password in (("logins-a", "secret-a"), ("server", two_agents.server_password), ("admin", "wrong")):
        with (
            pytest.raises(LoginsError, match="cannot be administered"),
            logins.administer(two_agents.host, two_agents.port, user, password),
        ):
            pass


def test_a_broker_that_is_away_is_one_clear_line() -> None:
    with (
        pytest.raises(LoginsError, match=r"^the broker at 127.0.0.1:1 is not reachable: "),
        logins.administer("127.0.0.1", 1, "admin", "secret"),
    ):
        pass


def test_two_hundred_agents_are_made_at_once_and_survive_a_killed_broker(fresh_mosquitto: Mqtt) -> None:
    agents = [AgentLogin(f"pi-{number}", f"secret-{number}", f"{number % 64:02x}") for number in range(200)]
    with fresh_mosquitto.administer() as found:
        found.add_agents(agents)
    fresh_mosquitto.process.kill()
    fresh_mosquitto.process.wait()
    broker = private_mosquitto.prepare(
        fresh_mosquitto.broker.folder.parent,
        port=fresh_mosquitto.port,
        admin_password=fresh_mosquitto.broker.admin_password,
    )
    log = broker.folder.parent / "again.log"
    with processes.running(broker.command, log, broker.is_ready):
        with fresh_mosquitto.administer() as found:
            assert found.list_agents() == {agent.agent_id for agent in agents}
        with connected(fresh_mosquitto, "pi-199", "secret-199") as agent:
            assert agent.subscribe("muster/v1/shard/07")
