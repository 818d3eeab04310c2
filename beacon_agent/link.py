"""One connection to the broker: a paho client, and what happens to it as events in a queue."""

import dataclasses
import queue
from collections.abc import Callable, Iterable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from beacon_agent import wire

CONNECT_S = 5.0  # a broker that does not even answer in this time is as good as away
GOODBYE_S = 1.0  # the longest wait for a goodbye to be taken: without it the broker says it, as the will


@dataclasses.dataclass(frozen=True, slots=True)
class Login:
    """Where the broker is, and who this agent is there."""

    host: str
    port: int
    keepalive_s: int
    agent: str
    key: bytes


class Link:
    """Its events are tuples, put there by paho's thread: the kind, this link, and what belongs to the kind.

    connected: the broker's answer; disconnected: why; subscribed: a number for answered(), the broker's answers;
    message: the message, and when it came.
    """

    def __init__(
        self, login: Login, will: wire.Status, events: "queue.SimpleQueue[tuple[Any, ...]]", now_ms: Callable[[], float]
    ) -> None:
        """Connects and begins to work; raises OSError or ValueError when the broker cannot be reached.

        will: what the broker says when the connection is lost. now_ms: dates messages.
        """
        self._agent = login.agent
        self._subscribing: dict[int, bool] = {}  # mid -> nothing can be done without it
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"muster-agent-{login.agent}",
            clean_session=True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages_set(1000)  # the flow is ours, exact; paho's own bound would only add a queue
        client.username_pw_set(login.agent, wire.broker_password(login.key))
        client.will_set(wire.status_topic(login.agent), wire.encode_status(will), qos=1, retain=True)
        put = events.put
        client.on_connect = lambda _client, _data, _flags, code, _properties: put(("connected", self, code))
        client.on_disconnect = lambda _client, _data, _flags, code, _properties: put(("disconnected", self, code))
        client.on_subscribe = lambda _client, _data, mid, codes, _properties: put(("subscribed", self, mid, codes))
        client.on_message = lambda _client, _data, message: put(("message", self, message, now_ms()))
        client.connect(login.host, login.port, login.keepalive_s)
        client.loop_start()

    def publish(self, topic: str, payload: bytes) -> None:
        """Sends a message that the broker need not keep."""
        self._client.publish(topic, payload, qos=1)

    def publish_status(self, status: wire.Status) -> mqtt.MQTTMessageInfo:
        """Says how the agent is."""
        return self._client.publish(wire.status_topic(self._agent), wire.encode_status(status), qos=1, retain=True)

    def subscribe(self, topics: Iterable[str], *, vital: bool) -> None:
        """Asks for messages. vital: nothing can be done without them."""
        code, mid = self._client.subscribe([(topic, 1) for topic in topics])
        if code == MQTTErrorCode.MQTT_ERR_SUCCESS and mid is not None:
            self._subscribing[mid] = vital

    def answered(self, mid: int) -> bool:
        """Whether what the broker answers now was vital."""
        return self._subscribing.pop(mid, False)

    def unsubscribe(self, topic: str) -> None:
        """Asks for no more of them."""
        self._client.unsubscribe(topic)

    def hang_up(self, goodbye: wire.Status | None) -> None:
        """Ends the connection properly, after which the broker says no will, with a goodbye of our own."""
        if goodbye is not None:
            sent = self.publish_status(goodbye)
            if sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                sent.wait_for_publish(GOODBYE_S)
        self._client.disconnect()
        self.drop()

    def drop(self) -> None:
        """Lets go of a connection that is lost or of no use."""
        self._client.loop_stop()
