"""The server's connection to the broker: publishes, and hands what arrives to whoever asked for it."""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, topic_matches_sub
from paho.mqtt.enums import CallbackAPIVersion

from config.settings import Broker

log = logging.getLogger(__name__)

RECONNECT_S = (1, 30)  # at once after a restart of the broker, and not a flood while it is away
CONNECT_TIMEOUT_S = 5

# Takes topic, payload, and whether the broker had kept it (then it says nothing about now); called in paho's thread.
Taker = Callable[[str, bytes, bool], None]


@dataclass(frozen=True, slots=True)
class _Subscription:
    pattern: str
    qos: int
    take: Taker


class Connection:
    """One connection with a clean session, which comes back by itself and then subscribes again."""

    def __init__(self, broker: Broker) -> None:
        """Does not connect yet: call `start`."""
        self._broker = broker
        self._subscriptions: list[_Subscription] = []
        self._greetings: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._refusal = ""
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.connect_timeout = CONNECT_TIMEOUT_S
        # paho doubles the pause and adds no jitter: a first one of our own spreads those who lost the broker together.
        first_s = RECONNECT_S[0] * random.uniform(0.7, 1.3)  # noqa: S311 -- spreads attempts, guards nothing
        self._client.reconnect_delay_set(first_s, RECONNECT_S[1])  # type: ignore[arg-type]
        if broker.user:
            self._client.username_pw_set(broker.user, broker.password)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._take

    @property
    def is_connected(self) -> bool:
        """Whether the broker is reachable and has let us in."""
        return self._client.is_connected()

    def subscribe(self, pattern: str, take: Taker, qos: int = 0) -> None:
        """Hands what arrives on topics of this pattern to `take`, from now on and after each reconnect."""
        with self._lock:
            self._subscriptions.append(_Subscription(pattern, qos, take))
        if self.is_connected:
            self._client.subscribe(pattern, qos)

    def on_connect(self, greet: Callable[[], None]) -> None:
        """Calls this after each connect, in paho's thread: what was published before may be gone with the broker."""
        with self._lock:
            self._greetings.append(greet)

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Publishes; with qos 1 it waits in memory for a broker that is away, with qos 0 it is lost then."""
        self._client.publish(topic, payload, qos, retain)

    def start(self) -> None:
        """Connects in the background; a broker that is away is tried again."""
        self._client.connect_async(self._broker.host, self._broker.port, self._broker.keepalive_s)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnects."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: Client, _userdata: object, _flags: object, reason: Any, _properties: object) -> None:
        where = f"{self._broker.host}:{self._broker.port}"
        if reason.is_failure:
            # It is tried again for ever; once is enough to be told.
            if str(reason) != self._refusal:
                log.error("the broker at %s refuses the server: %s (check broker.user, broker.password)", where, reason)
            self._refusal = str(reason)
            return
        self._refusal = ""
        log.info("connected to the broker at %s", where)
        with self._lock:
            subscriptions, greetings = list(self._subscriptions), list(self._greetings)
        for subscription in subscriptions:
            client.subscribe(subscription.pattern, subscription.qos)
        for greet in greetings:
            greet()

    def _disconnected(
        self, _client: Client, _userdata: object, _flags: object, reason: Any, _properties: object
    ) -> None:
        if reason.is_failure and not self._refusal:
            log.warning("lost the broker at %s:%d: %s", self._broker.host, self._broker.port, reason)

    def _take(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        with self._lock:
            takers = [found.take for found in self._subscriptions if topic_matches_sub(found.pattern, message.topic)]
        for take in takers:
            try:
                take(message.topic, bytes(message.payload), message.retain)
            except Exception:
                log.exception("what arrived on %s was not taken", message.topic)
