"""Takes reports from MQTT into a bounded queue; what does not fit is dropped, counted, and sent again by its agent."""

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from beacon_agent import wire
from config.settings import Broker, Gateway
from gateway.health import Health

log = logging.getLogger(__name__)


class Arrived(NamedTuple):
    """One message as it came."""

    agent: str
    payload: bytes


class Inbox:
    """A queue bounded in messages and bytes, filled by the MQTT thread and emptied in batches."""

    def __init__(self, limits: Gateway, health: Health) -> None:
        """limits: queue_reports and queue_mb."""
        self._limits = limits
        self._health = health
        self._queue: queue.SimpleQueue[Arrived] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._bytes = 0

    def put(self, arrived: Arrived) -> bool:
        """Takes a message if there is room; a dropped one is counted and never acknowledged, so it comes again."""
        size = len(arrived.payload)
        with self._lock:
            full = (
                self._queue.qsize() >= self._limits.queue_reports or self._bytes + size > self._limits.queue_mb * 2**20
            )
            if not full:
                self._bytes += size
        if full:
            self._health.count("dropped_queue_full")
            return False
        self._queue.put(arrived)
        return True

    def take(self, most: int, wait_s: float) -> list[Arrived]:
        """Waits up to half a second for a first message, then gathers more for wait_s, at the most `most`."""
        batch: list[Arrived] = []
        try:
            batch.append(self._queue.get(timeout=0.5))
            until = time.monotonic() + wait_s
            while len(batch) < most:
                batch.append(self._queue.get(timeout=max(0.0, until - time.monotonic())))
        except queue.Empty:
            pass
        with self._lock:
            self._bytes -= sum(len(arrived.payload) for arrived in batch)
        return batch


class Link:
    """The connection to the broker: subscribes to the shards' reports, publishes acknowledgements and announcements.

    paho PUBACKs a report once it was put into the inbox or dropped; that says nothing about its fate. It reconnects by
    itself with a growing pause.
    """

    def __init__(self, broker: Broker, gateway: Gateway, inbox: Inbox, health: Health) -> None:
        """Does not connect yet."""
        self._inbox, self._health = inbox, health
        owned = gateway.owned
        self._topics = (
            [("muster/v1/report/+/+", 1)]
            if len(owned) == wire.SHARDS
            else [(f"muster/v1/report/{wire.shard_name(shard)}/+", 1) for shard in sorted(owned)]
        )
        self.connected = threading.Event()
        self.on_connected: Callable[[], None] = lambda: None
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"muster-gateway-{gateway.id}", clean_session=True
        )
        self._client.username_pw_set(broker.user, broker.password)
        # paho doubles the pause and adds no jitter: a first one of our own spreads those who lost the broker together.
        first_s = random.uniform(0.7, 1.3)  # noqa: S311 -- spreads attempts, guards nothing
        self._client.reconnect_delay_set(min_delay=first_s, max_delay=15)  # type: ignore[arg-type]
        self._client.max_queued_messages_set(100_000)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._message
        self._client.on_subscribe = self._subscribed
        self._address = (broker.host, broker.port, broker.keepalive_s)

    def start(self) -> None:
        """Connects in the background, again and again until it works."""
        host, port, keepalive_s = self._address
        self._client.connect_async(host, port, keepalive_s)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnects; what was received and not settled comes again."""
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> None:
        """Hands a message to paho's queue."""
        self._client.publish(topic, payload, qos=qos, retain=retain)

    def publish_epochs(self, epochs: Iterable[tuple[int, int]]) -> None:
        """Says (retained) that these shards were taken, so that their agents send again what is not settled."""
        for shard, epoch in epochs:
            self.publish(wire.epoch_topic(shard), b'{"epoch":%d}' % epoch, retain=True)

    def _connected(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            log.warning("the broker refuses this gateway: %s; check broker.user and broker.password", reason)
            return
        client.subscribe(self._topics)
        self.connected.set()
        log.info("connected to the broker")
        self.on_connected()

    def _subscribed(
        self, _client: mqtt.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            log.error("the broker lets this gateway read no reports: give its login the rights of docs/protocol.md")

    def _disconnected(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self.connected.clear()
        log.warning("the broker is gone: %s; trying again", reason)

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            _shard, agent = wire.parse_report_topic(message.topic)
        except wire.Unacceptable as error:
            self._health.refuse(error.reason)
            return
        self._health.count("received")
        self._inbox.put(Arrived(agent, bytes(message.payload)))
