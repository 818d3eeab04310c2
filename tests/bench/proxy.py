"""The link between agents and broker: a TCP proxy that can be cut or go silent, and that counts the reports it sees."""

import contextlib
import select
import socket
import threading
from collections import Counter

import orjson

from tests.bench import packets

_REPORTS = b"muster/v1/report/"
_BODY = 65  # after the signature and the newline
_TURN_S = 0.05


class Proxy:
    """Listens on a port of its own and passes on to a broker what comes, while the link is whole."""

    def __init__(self, host: str, port: int) -> None:
        """host, port: of the broker, which may be away: then connections are refused by closing them."""
        self._to = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listening.getsockname()[1]
        self._lock = threading.Lock()
        self._seen: Counter[tuple[str, str, int]] = Counter()
        self._generation = 0  # connections of an older one are cut
        self._silent = threading.Event()
        self._closed = False
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        """Closes all connections; new ones are taken at once."""
        self._generation += 1

    def fall_silent(self) -> None:
        """Passes on nothing any more, and closes nothing: what a dead router looks like."""
        self._silent.set()

    def speak(self) -> None:
        """Passes on again, what waited too."""
        self._silent.clear()

    @property
    def reports(self) -> int:
        """How many different reports (agent, boot, seq) were sent."""
        with self._lock:
            return len(self._seen)

    @property
    def redelivered(self) -> int:
        """How many sendings were of a report that had been sent before."""
        with self._lock:
            return self._seen.total() - len(self._seen)

    def close(self) -> None:
        """Ends everything."""
        self._closed = True
        self._generation += 1
        self._silent.clear()
        self._listening.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._closed:
            try:
                readable, _, _ = select.select([self._listening], [], [], _TURN_S)
                if not readable or self._silent.is_set():
                    continue
                client, _ = self._listening.accept()
            except (OSError, ValueError):  # closed
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        generation = self._generation
        with client, contextlib.suppress(OSError, packets.BadPacket), socket.create_connection(self._to, 5) as broker:
            for end in (client, broker):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pump(client, broker, generation)

    def _pump(self, client: socket.socket, broker: socket.socket, generation: int) -> None:
        other = {client: broker, broker: client}
        unread = bytearray()
        while generation == self._generation:
            if self._silent.is_set():
                self._silent_turn()
                continue
            readable, _, _ = select.select([client, broker], [], [], _TURN_S)
            for source in readable:
                data = source.recv(1 << 16)
                if not data:
                    return
                if source is client:
                    unread += data
                    self._count(unread)
                other[source].sendall(data)

    def _silent_turn(self) -> None:
        threading.Event().wait(_TURN_S)

    def _count(self, unread: bytearray) -> None:
        for kind, body in packets.split(unread):
            if kind & 0xF0 != packets.PUBLISH:
                continue
            topic, _, payload = packets.read_publish(kind, body)
            if topic.startswith(_REPORTS):
                report = orjson.loads(payload[_BODY:])
                with self._lock:
                    self._seen[report["agent"], report["boot"], report["seq"]] += 1
