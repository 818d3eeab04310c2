"""The publisher with a real Mosquitto: nothing is lost whatever dies, and only what is settled is forgotten."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from beacon_agent import wire
from beacon_agent.flow import Flow
from beacon_agent.link import Login
from beacon_agent.publisher import Publisher
from beacon_agent.spool import Spool
from tests.beacon_agent.conftest import (
    AGENT,
    DATED,
    KEY,
    SHARD,
    Broker,
    TinyGateway,
    make_draft,
    make_reading,
    wait_for,
)
from tests.conftest import Mqtt

BADGE = bytes.fromhex("daf246cef20111e4b116123b93f75cba000e0001")
CONFIG = wire.Config(3, SHARD, ((0, BADGE[:16]),))


class Bench:
    """A spool and its publisher."""

    def __init__(
        self, folder: Path, port: int, *, agent: str = AGENT, resend_s: float = 60.0, in_flight: int = 64
    ) -> None:
        self._index = 0
        self.spool = Spool(folder / "spool.db", 1 << 24, agent=agent)
        self.configs: list[wire.Config] = []
        self.publisher = Publisher(
            Login("127.0.0.1", port, 5, agent, KEY),
            self.spool,
            Flow(in_flight, resend_s, 10_000.0),
            on_config=self.configs.append,
            epoch_jitter_s=0.1,
            backoff_s=(0.05, 0.2),
        )

    def add(self, count: int = 1, *, publishing: bool = False) -> None:
        for _ in range(count):
            self._index += 1
            draft = make_draft(self._index, make_reading())
            self.publisher.change(self.spool.add(DATED, draft, publishing=publishing))


@pytest.fixture
def bench(tmp_path: Path, broker: Broker) -> Iterator[Bench]:
    bench = Bench(tmp_path, broker.port)
    yield bench
    bench.publisher.stop(0)
    bench.spool.close()


def test_reports_are_settled_and_leave_the_spool(bench: Bench, gateway: TinyGateway) -> None:
    bench.add(5)
    bench.publisher.start()
    bench.add(5)
    wait_for(lambda: bench.spool.reports == 0)
    assert sorted(report.seq for report in gateway.reports) == list(range(1, 11))
    assert len({report.from_ms for report in gateway.reports}) == 10
    assert bench.publisher.counts["settled"] == 10


def test_a_refused_report_leaves_the_spool_and_is_counted(bench: Bench, gateway: TinyGateway) -> None:
    gateway.refuse = "future"
    bench.publisher.start()
    bench.add()
    wait_for(lambda: bench.spool.reports == 0)
    assert bench.publisher.counts["refused"] == 1


def test_no_more_than_the_bound_is_in_flight_and_the_newest_went_first(
    tmp_path: Path, broker: Broker, gateway: TinyGateway
) -> None:
    gateway.acknowledge = False
    bench = Bench(tmp_path, broker.port, in_flight=4)
    bench.add(10)
    bench.publisher.start()
    wait_for(lambda: len(gateway.payloads) == 4)
    times = [report.from_ms for report in gateway.reports]
    assert times == sorted(times, reverse=True)
    assert [report.seq for report in gateway.reports] == [1, 2, 3, 4], "a number is taken when it is published"
    gateway.acknowledge = True
    for report in gateway.reports:
        gateway.settle(report)
    wait_for(lambda: bench.spool.reports == 0)
    assert len(gateway.payloads) == 10
    bench.publisher.stop(1)
    bench.spool.close()


def test_what_is_not_acknowledged_is_sent_again_byte_for_byte(
    tmp_path: Path, broker: Broker, gateway: TinyGateway
) -> None:
    gateway.acknowledge = False
    bench = Bench(tmp_path, broker.port, resend_s=0.3)
    bench.publisher.start()
    bench.add()
    wait_for(lambda: len(gateway.payloads) >= 3)
    assert len(set(gateway.payloads)) == 1
    bench.publisher.stop(0)
    bench.spool.close()


def test_a_report_that_cannot_be_read_for_a_moment_is_sent_when_it_can(
    tmp_path: Path, broker: Broker, gateway: TinyGateway
) -> None:
    bench = Bench(tmp_path, broker.port, resend_s=0.3)
    bench.add()
    store = bench.spool._store
    with store.lock:
        store.connection.execute("ALTER TABLE spooled RENAME TO hidden")
    bench.publisher.start()
    wait_for(lambda: bench.spool.counts["unreadable"] > 0)
    with store.lock:
        store.connection.execute("ALTER TABLE hidden RENAME TO spooled")
    wait_for(lambda: bench.spool.reports == 0)
    assert len(gateway.payloads) == 1
    bench.publisher.stop(1)
    bench.spool.close()


def test_another_epoch_of_the_shard_makes_it_send_again_at_once(bench: Bench, gateway: TinyGateway) -> None:
    gateway.acknowledge = False
    topic = wire.epoch_topic(SHARD)
    gateway.client.publish(topic, b'{"epoch":1}', qos=1, retain=True).wait_for_publish()
    gateway.configure(CONFIG)
    bench.publisher.start()
    bench.add()
    wait_for(lambda: bench.configs and len(gateway.payloads) == 1)
    gateway.client.publish(topic, b"no json", qos=1).wait_for_publish()
    gateway.client.publish(topic, b'{"epoch":1}', qos=1).wait_for_publish()
    wait_for(lambda: bench.publisher.counts["bad_messages"] == 1)
    assert len(gateway.payloads) == 1, "the same epoch is no news"
    gateway.client.publish(topic, b'{"epoch":2}', qos=1, retain=True).wait_for_publish()
    wait_for(lambda: len(gateway.payloads) == 2, within_s=10)


def test_the_first_gateway_that_comes_is_sent_what_found_nobody_before(bench: Bench, gateway: TinyGateway) -> None:
    gateway.acknowledge = False
    gateway.configure(CONFIG)
    bench.publisher.start()
    bench.add()
    wait_for(lambda: bench.configs and len(gateway.payloads) == 1)
    gateway.client.publish(wire.epoch_topic(SHARD), b'{"epoch":1}', qos=1, retain=True).wait_for_publish()
    wait_for(lambda: len(gateway.payloads) == 2, within_s=10)


def test_a_broker_that_is_killed_and_started_again_loses_nothing(
    tmp_path: Path, broker: Broker, gateway: TinyGateway
) -> None:
    bench = Bench(tmp_path, broker.port, resend_s=1.0)  # the agent may be back before the gateway is
    bench.publisher.start()
    bench.add(3)
    wait_for(lambda: bench.spool.reports == 0)
    first = gateway.status()
    broker.kill()
    wait_for(lambda: not gateway.client.is_connected())
    bench.add(20)
    broker.start()
    wait_for(lambda: bench.spool.reports == 0)
    assert {report.seq for report in gateway.reports} == set(range(1, 24))
    bench.publisher.stop(1)
    bench.spool.close()
    later = gateway.status()
    while later.online or later.conn == first.conn:
        later = gateway.status()
    assert later.boot == first.boot
    assert later.conn > first.conn


def test_an_agent_that_starts_before_its_broker_finds_it(
    tmp_path: Path, broker_to_be: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path, broker_to_be.port)
    bench.publisher.start()
    bench.add()
    wait_for(lambda: "cannot be reached" in caplog.text)
    broker_to_be.start()
    gateway = TinyGateway(broker_to_be.port)
    wait_for(lambda: gateway.latest and gateway.latest.online)  # retained, if the agent was sooner
    bench.add()
    bench.publisher.stop(5)
    wait_for(lambda: gateway.latest and not gateway.latest.online)
    gateway.close()
    bench.spool.close()


def test_a_gateway_that_was_away_gets_what_it_missed(tmp_path: Path, broker: Broker, gateway: TinyGateway) -> None:
    """Published and PUBACKed while no gateway listened: only the end-to-end acknowledgement counts."""
    gateway.client.unsubscribe("muster/v1/report/#")
    bench = Bench(tmp_path, broker.port, resend_s=0.5)
    bench.publisher.start()
    bench.add(5)
    wait_for(lambda: bench.publisher.counts["sent"] >= 5)
    assert bench.spool.reports == 5
    gateway.client.subscribe("muster/v1/report/#", 1)
    wait_for(lambda: bench.spool.reports == 0)
    bench.publisher.stop(0)
    bench.spool.close()


def test_only_a_higher_config_is_taken(bench: Bench, gateway: TinyGateway) -> None:
    bench.publisher.start()
    gateway.configure(CONFIG)
    wait_for(lambda: bench.configs == [CONFIG])
    gateway.configure(wire.Config(2, 5, ()))
    newer = wire.Config(4, SHARD, ())
    gateway.configure(newer)
    wait_for(lambda: bench.configs == [CONFIG, newer])
    assert bench.publisher.config == newer
    while gateway.status().rev != 4:
        pass


def test_a_bad_config_is_rejected_once_and_for_all(bench: Bench, gateway: TinyGateway, tmp_path: Path) -> None:
    bench.publisher.start()
    gateway.configure(CONFIG)
    wait_for(lambda: bench.configs)
    bad = json.loads(wire.encode_config(CONFIG)) | {"rev": 9, "patterns": "all"}
    gateway.client.publish(wire.config_topic(AGENT), json.dumps(bad), qos=1, retain=True).wait_for_publish()
    status = gateway.status()
    while status.rejected_rev != 9:
        status = gateway.status()
    assert status.rev == 3
    bench.publisher.stop(0)
    bench.spool.close()
    again = Bench(tmp_path, bench.publisher._login.port)
    assert again.publisher.config == CONFIG, "the last good one is remembered"
    again.publisher.start()
    gateway.configure(wire.Config(9, SHARD, ()))
    gateway.configure(wire.Config(10, SHARD, ()))
    wait_for(lambda: again.configs)
    assert [config.rev for config in again.configs] == [10]
    again.publisher.stop(0)
    again.spool.close()


def test_a_death_is_told_by_the_will_and_a_goodbye_by_the_agent(
    tmp_path: Path, broker: Broker, gateway: TinyGateway
) -> None:
    bench = Bench(tmp_path, broker.port)
    bench.publisher.start()
    assert gateway.status().online
    link = bench.publisher._link
    assert link is not None
    sock = link._client.socket()
    assert isinstance(sock, socket.socket)
    sock.shutdown(socket.SHUT_RDWR)
    will = gateway.status()
    assert (will.online, will.conn) == (False, 1)
    back = gateway.status()
    assert (back.online, back.conn) == (True, 2)
    bench.publisher.stop(1)
    goodbye = gateway.status()
    assert (goodbye.online, goodbye.conn) == (False, 2)
    bench.spool.close()


def test_a_message_that_is_none_disturbs_nothing(bench: Bench, gateway: TinyGateway) -> None:
    bench.publisher.start()
    assert gateway.status().online
    for payload in (b"", b"[]", b'{"boot":"x"}', b"\xff" * 100):
        gateway.client.publish(wire.ack_topic(AGENT), payload, qos=1).wait_for_publish()
        gateway.client.publish(wire.config_topic(AGENT), payload, qos=1).wait_for_publish()
    bench.add()
    wait_for(lambda: bench.spool.reports == 0)
    assert bench.publisher.counts["bad_messages"] == 7


def test_a_broker_that_refuses_the_login_is_asked_again(
    tmp_path: Path, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    broker.kill()
    config = tmp_path / "mosquitto.conf"
    config.write_text(config.read_text().replace("allow_anonymous true", "allow_anonymous false"))
    broker.start()
    bench = Bench(tmp_path, broker.port)
    bench.publisher.start()
    wait_for(lambda: "enrolled" in caplog.text)
    broker.kill()
    config.write_text(config.read_text().replace("allow_anonymous false", "allow_anonymous true"))
    broker.start()
    gateway = TinyGateway(broker.port)
    bench.add()
    wait_for(lambda: bench.spool.reports == 0)
    assert caplog.text.count("enrolled") == 1, "said once"
    bench.publisher.stop(1)
    gateway.close()
    bench.spool.close()


def log_in(mqtt: Mqtt, user: str, password: str) -> Client:
    client = Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(user, password)
    client.connect(mqtt.host, mqtt.port)
    client.loop_start()
    wait_for(client.is_connected)
    return client


def test_an_agent_with_its_own_login_reports_also_where_it_may_not_read_its_shards_topic(
    tmp_path: Path, mosquitto: Mqtt
) -> None:
    agent = "publisher-rights"
    with mosquitto.administer() as logins:
        logins.add_agent(agent, wire.broker_password(KEY))  # not placed yet: no shard's topic may be read
    gateway = log_in(mosquitto, "gateway", mosquitto.gateway_password)
    server = log_in(mosquitto, "server", mosquitto.server_password)
    arrived: list[bytes] = []
    gateway.on_message = lambda _client, _data, message: arrived.append(bytes(message.payload))
    gateway.subscribe(f"muster/v1/report/+/{agent}", 1)
    topic = wire.config_topic(agent)
    server.publish(topic, wire.encode_config(CONFIG), qos=1, retain=True).wait_for_publish()
    bench = Bench(tmp_path, mosquitto.port, agent=agent, resend_s=0.5)
    bench.publisher.start()
    wait_for(lambda: bench.configs == [CONFIG])
    bench.add()
    wait_for(lambda: arrived)
    report = wire.decode(wire.verify(KEY, arrived[0]))
    ack = wire.Ack(report.boot, ((report.seq, report.seq),), {}, 0)
    gateway.publish(wire.ack_topic(agent), wire.encode_ack(ack), qos=1)
    wait_for(lambda: bench.spool.reports == 0)
    bench.publisher.stop(1)
    bench.spool.close()
    server.publish(topic, b"", qos=1, retain=True).wait_for_publish()
    for client in (gateway, server):
        client.disconnect()
        client.loop_stop()
