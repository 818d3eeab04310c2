"""The connection to the broker: reports in, acknowledgements and announcements out.

paho speaks MQTT; the loop around it (paho calls it an external one) and the buffer between paho and the socket are
ours. Each call of the system lets the interpreter's lock go, and while the worker computes it takes up to 5 ms to get
it back: paho's own loop makes eight such calls a message, this one three for a whole buffer of messages.
"""

import contextlib
import logging
import random
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from beacon_agent import wire
from config.settings import Broker, Gateway
from gateway.health import Health
from gateway.ingest import Arrived, Inbox

log = logging.getLogger(__name__)

BUFFER_BYTES = 256 * 1024
MOST_READ = 1000  # packets at once, then their PUBACKs go out
MOST_IN_FLIGHT = 1000  # acknowledgements that the broker has not PUBACKed yet
TICK_S = 1.0  # how often keep-alives are looked at
FULL_S = 0.01  # how soon a full inbox is looked at again
# A buffer is read in any case after so long, and dropped if it has to be: the broker's answer to a keep-alive is
# behind the reports, and whoever does not hear it within 15 s believes the broker dead.
HELD_S = 5.0
FIRST_S, MOST_S = 1.0, 15.0  # pauses between attempts to connect, doubled each time and spread by a random factor
CLOSE_S = 1.0


class Buffered:
    """A socket, not blocking, that is read and written in large pieces, and read only while it may be."""

    def __init__(self, plain: socket.socket, may_read: Callable[[], bool]) -> None:
        """Takes the socket over. may_read: asked before each piece."""
        self._plain, self._may_read = plain, may_read
        self._read, self._at = b"", 0
        self._unsent = bytearray()

    @property
    def pending(self) -> int:
        """How many bytes were read from the system and not asked for yet."""
        return len(self._read) - self._at

    @property
    def unsent(self) -> bool:
        """Whether something waits for `flush`."""
        return bool(self._unsent)

    def recv(self, size: int) -> bytes:
        """Up to so many bytes; b"" at the end, BlockingIOError when there are none now or it may not be read."""
        if self._at == len(self._read):
            if not self._may_read():
                raise BlockingIOError
            self._read, self._at = self._plain.recv(BUFFER_BYTES), 0
        found = self._read[self._at : self._at + size]
        self._at += len(found)
        return found

    def send(self, data: bytes | bytearray) -> int:
        """Takes all of it, to be sent with the next `flush`."""
        self._unsent += data
        return len(data)

    def flush(self) -> None:
        """Sends what the system takes now. A broken connection shows itself to whoever reads."""
        with contextlib.suppress(OSError):
            while self._unsent:
                del self._unsent[: self._plain.send(self._unsent)]

    def close(self) -> None:
        """Sends the rest, a farewell at least, and closes once the other end has.

        Closed with something unread, a connection is reset, and what the other end had not read yet is lost.
        """
        with contextlib.suppress(OSError):
            self._plain.settimeout(CLOSE_S)
            self._plain.sendall(self._unsent)
            self._plain.shutdown(socket.SHUT_WR)
            until_s = time.monotonic() + CLOSE_S
            while time.monotonic() < until_s and self._plain.recv(BUFFER_BYTES):
                pass
        self._plain.close()

    def fileno(self) -> int:
        """As of the socket."""
        return self._plain.fileno()

    def setblocking(self, flag: bool) -> None:
        """As of the socket."""
        self._plain.setblocking(flag)


class _Client(mqtt.Client):
    may_read: Callable[[], bool]

    def _create_socket(self) -> Any:
        plain = self._create_socket_connection()
        # Otherwise a small piece waits until the one before is acknowledged, which the other end delays by 40 ms.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Buffered(plain, self.may_read)


class Link:
    """Subscribes to the shards' reports; connects again by itself, with pauses that grow.

    paho PUBACKs a report once it was put into the inbox or dropped; that says nothing about its fate. While the inbox
    is half full nothing is read, and reports wait at the broker.
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
        self._client = _Client(
            CallbackAPIVersion.VERSION2, client_id=f"muster-gateway-{gateway.id}", clean_session=True
        )
        self._client.may_read = self._may_read
        self._client.username_pw_set(broker.user, broker.password)
        self._client.max_queued_messages_set(100_000)
        self._client.max_inflight_messages_set(MOST_IN_FLIGHT)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._message
        self._client.on_subscribe = self._subscribed
        self._client.on_socket_register_write = lambda *_: self._wake()
        self._client.connect_async(broker.host, broker.port, broker.keepalive_s)
        self._woken, self._waker = socket.socketpair()
        for end in (self._woken, self._waker):
            end.setblocking(False)
        self._stopping = threading.Event()
        self._pause_s = FIRST_S
        self._read_s = time.monotonic()  # when something was read last
        self._thread = threading.Thread(target=self._serve, name="mqtt", daemon=True)

    def start(self) -> None:
        """Connects in the background, again and again until it works."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnects; what was received and not settled comes again."""
        self._stopping.set()
        self._client.disconnect()
        self._wake()
        if self._thread.ident is not None:
            self._thread.join()
        for end in (self._woken, self._waker):
            end.close()

    def publish(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> None:
        """Hands a message to paho's queue."""
        self._client.publish(topic, payload, qos=qos, retain=retain)

    def publish_epochs(self, epochs: Iterable[tuple[int, int]]) -> None:
        """Says (retained) that these shards were taken, so that their agents send again what is not settled."""
        for shard, epoch in epochs:
            self.publish(wire.epoch_topic(shard), b'{"epoch":%d}' % epoch, retain=True)

    # --- the loop --------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                self._client.reconnect()
                self._talk()
            except OSError as error:
                log.warning("the broker cannot be reached: %s; trying again", error)
            except Exception:
                log.exception("the connection to the broker failed; trying again")
            self._stopping.wait(self._pause_s * random.uniform(0.7, 1.3))  # noqa: S311 -- spreads attempts, guards nothing
            self._pause_s = min(self._pause_s * 2, MOST_S)

    def _talk(self) -> None:
        """Reads and writes until the connection ends, and when told to stop until all is written."""
        client = self._client
        while isinstance(connection := client.socket(), Buffered):
            writing = [connection] if connection.unsent or client.want_write() else []
            if self._stopping.is_set() and not writing:
                client.disconnect()  # we were told between two connections: this one knows of no farewell yet
                continue
            reading: list[Buffered | socket.socket] = [self._woken]
            if wanted := self._is_wanted():
                reading.append(connection)
            readable, _, _ = select.select(reading, writing, [], TICK_S if wanted else FULL_S)
            if self._woken in readable:
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(4096)
            if connection in readable:
                self._read(connection)
            client.loop_write()
            connection.flush()
            client.loop_misc()

    def _read(self, connection: Buffered) -> None:
        for _ in range(MOST_READ):
            if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS or not connection.pending:
                return

    def _is_wanted(self) -> bool:
        return self._inbox.has_room or time.monotonic() - self._read_s > HELD_S

    def _may_read(self) -> bool:
        if not self._is_wanted():
            return False
        self._read_s = time.monotonic()
        return True

    def _wake(self) -> None:
        """There is something to write: the loop may be waiting for the broker."""
        if threading.current_thread() is not self._thread:
            with contextlib.suppress(OSError):  # full: it is awake; closed: it has ended
                self._waker.send(b"\0")

    # --- what paho tells ---------------------------------------------------------------------------------------------

    def _connected(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            log.warning("the broker refuses this gateway: %s; check broker.user and broker.password", reason)
            return
        self._pause_s = FIRST_S
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
        if not self._stopping.is_set():
            log.warning("the broker is gone: %s; trying again", reason)

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            _shard, agent = wire.parse_report_topic(message.topic)
        except wire.Unacceptable as error:
            self._health.refuse(error.reason)
            return
        self._health.count("received")
        self._inbox.put(Arrived(agent, bytes(message.payload)))
