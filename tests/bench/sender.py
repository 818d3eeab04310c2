"""Publishes prepared reports as fast as acknowledgements allow: one connection out, one for what is settled."""

import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import orjson

from tests.bench import packets, town
from tests.bench.crowd import BOOT, Chunk, Round
from tests.bench.town import Town

ACKS = "muster/v1/agent/+/ack"
_ACK_START, _ACK_END = len(b"muster/v1/agent/"), -len(b"/ack")
BUFFER_BYTES = 1 << 20  # handed to the kernel at once; more would only wait there
# Nothing was settled for so long although the window was full: the gateway holds acknowledgements back until what it
# coalesces is written, so the window has to be wider to keep it busy.
STALL_S = 0.5
WIDER = 1.25
RESEND_S = 60.0  # the agents' own default


@dataclass(slots=True)
class Sent:
    """What a phase of sending came to. Times: seconds since its first report was sent."""

    reports: int = 0  # settled, each once
    readings: int = 0  # in these
    seconds: float = 0.0  # until the last was settled
    sent: int = 0
    resent: int = 0
    refused: int = 0
    unsettled: int = 0  # given up
    window: int = 0  # how many were in flight at most
    last_to_ms: int = 0
    sending_s: float = 0.0  # until the last was sent
    at_s: list[tuple[float, int, int]] = field(
        default_factory=list
    )  # seconds, settled reports and readings, each second

    def rates(self, held_s: float) -> tuple[float, float]:
        """(reports, readings) settled a second.

        held_s: how long a gateway may hold acknowledgements back. Where sending went on for more than twice that, the
        rate is that between held_s after the beginning and the end of sending: the time in which as many are held
        back as are settled. In a shorter run it is everything by the time to the last.
        """
        inside = [point for point in self.at_s if held_s <= point[0] <= self.sending_s]
        if self.sending_s <= 2 * held_s or len(inside) < 2:
            return self.reports / self.seconds, self.readings / self.seconds
        (first_s, *first), (last_s, *last) = inside[0], inside[-1]
        return (last[0] - first[0]) / (last_s - first_s), (last[1] - first[1]) / (last_s - first_s)


class Connection:
    """A socket that speaks MQTT and never waits."""

    def __init__(self, host: str, port: int, name: str, user: str, password: str) -> None:
        """Connects; raises ConnectionRefusedError when the broker does not want it."""
        self._socket = socket.create_connection((host, port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self._out = bytearray()
        self._socket.sendall(packets.connect(name, user, password))
        kind, body = self._wait()
        if kind != packets.CONNACK or body[1]:
            self._socket.close()
            raise ConnectionRefusedError(f"the broker does not let {user} in")

    def _wait(self) -> tuple[int, bytes]:
        while True:
            for packet in packets.split(self._received):
                return packet
            self._received += self._receive()

    def _receive(self) -> bytes:
        data = self._socket.recv(1 << 18)
        if not data:
            raise ConnectionResetError("the broker closed the connection")
        return data

    def fileno(self) -> int:
        """For select."""
        return self._socket.fileno()

    def subscribe(self, topic: str) -> None:
        """Subscribes with QoS 1 and waits until that is confirmed."""
        self._socket.sendall(packets.subscribe(1, topic, 1))
        kind, body = self._wait()
        if kind != packets.SUBACK or body[2] > 1:
            raise ConnectionRefusedError(f"the broker lets nobody subscribe to {topic}")

    def go_on(self) -> None:
        """From here on nothing waits."""
        self._socket.setblocking(False)

    @property
    def waiting(self) -> int:
        """Bytes that were not sent yet."""
        return len(self._out)

    def put(self, data: bytes) -> None:
        """Adds to what is sent by `flush`."""
        self._out += data

    def flush(self) -> None:
        """Sends what the kernel takes."""
        if self._out:
            try:
                sent = self._socket.send(self._out)
            except BlockingIOError:
                return
            del self._out[:sent]

    def take(self) -> Iterator[tuple[int, bytes]]:
        """The packets that have arrived."""
        try:
            self._received += self._receive()
        except BlockingIOError:
            return
        yield from packets.split(self._received)

    def close(self) -> None:
        """Says goodbye."""
        self._socket.setblocking(True)
        self._socket.sendall(bytes(self._out) + packets.DISCONNECT)
        self._socket.close()


class Ledger:
    """Which reports were sent and which of them are settled, each counted once."""

    def __init__(self, town_: Town) -> None:
        """Nothing was sent."""
        self._agents = {
            town.zone_id(venue, zone).encode(): venue * town_.zones + zone
            for venue in range(town_.venues)
            for zone in range(town_.zones)
        }
        self._readings: dict[tuple[int, int], tuple[Chunk, int]] = {}
        self.in_flight = 0
        self.refused = 0

    def send(self, chunk: Chunk) -> None:
        """Notes that these are under way."""
        share, rest = divmod(chunk.readings, len(chunk.reports))
        for place, report in enumerate(chunk.reports):
            self._readings[report] = (chunk, share + (place < rest))
        self.in_flight += len(chunk.reports)

    def settle(self, topic: bytes, payload: bytes) -> tuple[int, int]:
        """Takes an acknowledgement; returns how many reports and readings it settled for the first time."""
        ack = orjson.loads(payload)
        agent = self._agents.get(topic[_ACK_START:_ACK_END])
        if agent is None or ack["boot"] != BOOT:
            return 0, 0
        self.refused += len(ack["refused"])
        reports = readings = 0
        for seq in chain(*(range(low, high + 1) for low, high in ack["done"]), map(int, ack["refused"])):
            entry = self._readings.pop((agent, seq), None)
            if entry is not None:
                reports += 1
                readings += entry[1]
        self.in_flight -= reports
        return reports, readings

    def unsettled(self) -> list[Chunk]:
        """The chunks that hold an unsettled report, in the order in which they were sent."""
        return list({id(chunk): chunk for chunk, _ in self._readings.values()}.values())

    def forget(self) -> int:
        """Gives up what is unsettled; returns how many that were."""
        count = self.in_flight
        self._readings.clear()
        self.in_flight = 0
        return count


class Sender:
    """Sends rounds and counts what is settled."""

    def __init__(self, host: str, port: int, user: str, password: str, town_: Town) -> None:
        """Connects twice."""
        self._out = Connection(host, port, "bench-out", user, password)
        self._acks = Connection(host, port, "bench-acks", user, password)
        self._acks.subscribe(ACKS)
        for connection in (self._out, self._acks):
            connection.go_on()
        self._ledger = Ledger(town_)

    def close(self) -> None:
        """Disconnects."""
        self._out.close()
        self._acks.close()

    def send(
        self, rounds: Iterable[Round], *, first: int, most: int, send_s: float, settle_s: float, real_time: bool = False
    ) -> Sent:
        """Sends rounds until they end or for send_s, then waits up to settle_s until all are settled.

        first, most: how many reports are in flight at first, and at most once acknowledgements are held back.
        real_time: each round is sent when its window closes.
        """
        sent, waiting = Sent(window=first), _Queue(rounds)
        started_s = progress_s = settled_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            if now_s - started_s > send_s:
                waiting.stop()
            self._fill(waiting, sent, real_time)
            if not waiting.empty:
                sent.sending_s = now_s - started_s
            if waiting.empty and not self._ledger.in_flight and not self._out.waiting:
                break
            reports, readings = self._turn(waiting.wait_s(real_time))
            now_s = time.monotonic()
            if reports:
                sent.reports += reports
                sent.readings += readings
                progress_s = settled_s = now_s
                if not sent.at_s or now_s - started_s - sent.at_s[-1][0] >= 1:
                    sent.at_s.append((now_s - started_s, sent.reports, sent.readings))
            elif now_s - progress_s > STALL_S and self._ledger.in_flight + waiting.size > sent.window < most:
                sent.window = min(most, round(sent.window * WIDER))
                progress_s = now_s
            if now_s - settled_s > RESEND_S and self._ledger.in_flight:
                sent.resent += self._send_again()
                settled_s = now_s
            if waiting.empty and now_s - started_s > send_s + settle_s:
                break
        sent.seconds = settled_s - started_s
        sent.refused, self._ledger.refused = self._ledger.refused, 0
        sent.unsettled = self._ledger.forget()
        return sent

    def send_uncounted(
        self, rounds: Iterable[Round], counted: Callable[[], int], *, window: int, send_s: float
    ) -> Sent:
        """The same, for send_s, to a subscriber that only counts; counted: how many reports it has got."""
        sent, waiting = Sent(window=window), _Queue(rounds)
        before = counted()
        started_s = moved_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            if now_s - started_s > send_s:
                waiting.stop()
            got = counted() - before
            if got > sent.reports:
                sent.reports, moved_s = got, now_s
            while not waiting.empty and sent.sent - got < window and self._out.waiting < BUFFER_BYTES:
                chunk = waiting.take()
                self._out.put(chunk.data)
                sent.sent += len(chunk.reports)
                sent.readings += chunk.readings
            if waiting.empty and (got == sent.sent or now_s - moved_s > 5):
                break
            self._turn(0.001)
        sent.seconds = moved_s - started_s
        sent.unsettled = sent.sent - sent.reports
        return sent

    def _fill(self, waiting: "_Queue", sent: Sent, real_time: bool) -> None:
        while self._out.waiting < BUFFER_BYTES and not waiting.empty:
            if self._ledger.in_flight and self._ledger.in_flight + waiting.size > sent.window and not real_time:
                return
            if real_time and waiting.due_ms > time.time() * 1000:
                return
            sent.last_to_ms = waiting.due_ms
            chunk = waiting.take()
            self._out.put(chunk.data)
            self._ledger.send(chunk)
            sent.sent += len(chunk.reports)

    def _turn(self, wait_s: float) -> tuple[int, int]:
        """Sends and receives once; returns how many reports and readings were settled."""
        writers = [self._out] if self._out.waiting else []
        readable, _, _ = select.select([self._out, self._acks], writers, [], wait_s)
        self._out.flush()
        reports = readings = 0
        if self._out in readable:
            for _ in self._out.take():
                pass  # the broker's PUBACKs say nothing about a report's fate
        if self._acks in readable:
            for kind, body in self._acks.take():
                if kind & 0xF0 != packets.PUBLISH:
                    continue
                topic, packet_id, payload = packets.read_publish(kind, body)
                if packet_id:
                    self._acks.put(packets.puback(packet_id))
                found = self._ledger.settle(topic, payload)
                reports, readings = reports + found[0], readings + found[1]
            self._acks.flush()
        return reports, readings

    def _send_again(self) -> int:
        chunks = self._ledger.unsettled()
        for chunk in chunks:
            self._out.put(chunk.data)
        return sum(len(chunk.reports) for chunk in chunks)


class _Queue:
    """The chunks of rounds, one after another; a round is made when the one before is gone."""

    def __init__(self, rounds: Iterable[Round]) -> None:
        self._rounds = iter(rounds)
        self._chunks: list[Chunk] = []
        self.due_ms = 0
        self._load()

    def _load(self) -> None:
        for found in self._rounds:
            self._chunks, self.due_ms = list(reversed(found.chunks)), found.to_ms
            return

    @property
    def empty(self) -> bool:
        """Whether all are gone."""
        return not self._chunks

    @property
    def size(self) -> int:
        """How many reports the next chunk has, 0 for none."""
        return len(self._chunks[-1].reports) if self._chunks else 0

    def take(self) -> Chunk:
        """The next chunk."""
        chunk = self._chunks.pop()
        if not self._chunks:
            self._load()
        return chunk

    def stop(self) -> None:
        """No further ones."""
        self._chunks, self._rounds = [], iter(())

    def wait_s(self, real_time: bool) -> float:
        """How long nothing has to be sent."""
        if not real_time or self.empty:
            return 0.05
        return min(0.05, max(0.0, self.due_ms / 1000 - time.time()))
