"""A private Mosquitto, and a gateway small enough to read: it takes reports and acknowledges them."""

import contextlib
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from beacon_agent import wire
from beacon_agent.clock import Dating
from beacon_agent.packing import Draft

KEY = bytes(range(32))
AGENT = "cafe-door"
SHARD = 0x10
BEGIN_MS = 1_763_805_600_000
DATED = Dating("this-boot", BEGIN_MS - 60_000, wire.Clock.SYNCED)
UNDATED = Dating("this-boot", None, wire.Clock.UNKNOWN)


def make_reading(number: int = 1, first_ms: int = 0, last_ms: int = 1, rssi: int = -70, count: int = 1) -> wire.Reading:
    """A reading of the badge of this number."""
    return wire.Reading(bytes([number] * 20), first_ms, last_ms, count, float(rssi), rssi, -59)


def make_draft(index: int, *readings: wire.Reading, begin_ms: int = BEGIN_MS, length_ms: int = 2000) -> Draft:
    """The window of this number that was listened to throughout."""
    from_ms = begin_ms + index * length_ms
    return Draft(SHARD, from_ms, from_ms + length_ms, wire.Radio.OK, 1, wire.RSSI_DBM[0], readings)


def wait_for(condition: Callable[[], object], within_s: float = 20.0) -> None:
    """Waits until the condition holds; fails when it does not in time."""
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, "it did not happen in time"
        time.sleep(0.02)


class Broker:
    """A Mosquitto of this test alone, on a free port of loopback; may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._file = folder / "mosquitto.conf"
        self._file.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self._process = subprocess.Popen(
            ["/usr/sbin/mosquitto", "-c", str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

        def answers() -> bool:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return True
            return False

        wait_for(answers)

    def kill(self) -> None:
        """Kills it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def broker_to_be(tmp_path: Path) -> Iterator[Broker]:
    """A Mosquitto that the test starts."""
    broker = Broker(tmp_path)
    yield broker
    broker.kill()


@pytest.fixture
def broker(broker_to_be: Broker) -> Broker:
    """A running Mosquitto."""
    broker_to_be.start()
    return broker_to_be


class TinyGateway:
    """Keeps the payloads of an agent's reports and acknowledges each, if it is told to."""

    def __init__(self, port: int, *, acknowledge: bool = True) -> None:
        self.acknowledge = acknowledge
        self.refuse: str | None = None
        self.payloads: list[bytes] = []
        self.probes = 0
        self.ahead_ms = 0
        self.statuses: queue.SimpleQueue[wire.Status] = queue.SimpleQueue()
        self.latest: wire.Status | None = None  # retained ones, too
        self._listens = threading.Event()
        self._topic = wire.status_topic(AGENT)
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="tiny-gateway")
        self.client.reconnect_delay_set(0.1, 0.2)  # type: ignore[arg-type]
        self.client.on_connect = self._subscribe
        self.client.on_message = self._take
        self.client.on_subscribe = lambda *_: self._listens.set()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self._listens.wait(20)

    def _subscribe(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([("muster/v1/report/#", 1), (self._topic, 1)])

    def _take(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        payload = bytes(message.payload)
        if message.topic == self._topic:
            self.latest = wire.decode_status(payload)
            if not message.retain:
                self.statuses.put(self.latest)
            return
        shard, agent = wire.parse_report_topic(message.topic)
        assert (shard, agent) == (SHARD, AGENT)
        report = wire.decode(wire.verify(KEY, payload))
        if wire.is_probe(report):
            self.probes += 1
        else:
            self.payloads.append(payload)
        if self.acknowledge or wire.is_probe(report):
            self.settle(report)

    def settle(self, report: wire.Report) -> None:
        """Acknowledges one report."""
        done = () if self.refuse else ((report.seq, report.seq),)
        refused = {report.seq: self.refuse} if self.refuse else {}
        ack = wire.Ack(report.boot, done, refused, time.time_ns() // 1_000_000 + self.ahead_ms)
        self.client.publish(wire.ack_topic(AGENT), wire.encode_ack(ack), qos=1)

    def configure(self, config: wire.Config) -> None:
        """Retains a config."""
        self.client.publish(wire.config_topic(AGENT), wire.encode_config(config), qos=1, retain=True).wait_for_publish()

    @property
    def reports(self) -> list[wire.Report]:
        """Everything taken so far, repetitions included."""
        return [wire.decode(wire.verify(KEY, payload)) for payload in list(self.payloads)]

    def status(self, within_s: float = 20.0) -> wire.Status:
        """The next status that is published."""
        return self.statuses.get(timeout=within_s)

    def close(self) -> None:
        """Disconnects."""
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def gateway(broker: Broker) -> Iterator[TinyGateway]:
    """A gateway that acknowledges at once."""
    gateway = TinyGateway(broker.port)
    yield gateway
    gateway.close()
