import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from beacon_agent import wire
from tests.bench import packets
from tests.bench.proxy import Proxy
from tests.processes import wait_until


class Echo:
    """A server that gives back what it gets."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            while data := client.recv(4096):
                client.sendall(data)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed already
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)


@pytest.fixture
def echo() -> Iterator[Echo]:
    echo = Echo()
    yield echo
    echo.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    proxy = Proxy("127.0.0.1", echo.port)
    yield proxy
    proxy.close()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
        yield client


def make_report(seq: int) -> bytes:
    report = wire.Report("door", "be9c4a11", seq, 2000, 4000, wire.Radio.OK, wire.Clock.SYNCED, ())
    payload = wire.sign(bytes(32), wire.encode(report))
    return packets.publish(seq, wire.report_topic(1, "door").encode(), payload)


def pass_through(client: socket.socket, data: bytes) -> None:
    client.sendall(data)
    back = b""
    while len(back) < len(data):
        back += client.recv(4096)
    assert back == data


def test_reports_are_passed_on_and_those_sent_again_are_counted(proxy: Proxy, client: socket.socket) -> None:
    pass_through(client, make_report(1) + packets.puback(b"\0\1") + make_report(2) + make_report(1))
    assert (proxy.reports, proxy.redelivered) == (2, 1)


def test_a_silent_link_holds_back_and_gives_later(proxy: Proxy, client: socket.socket) -> None:
    pass_through(client, make_report(1))
    proxy.fall_silent()
    client.settimeout(0.3)
    client.sendall(make_report(2))
    with pytest.raises(TimeoutError):
        client.recv(1)
    proxy.speak()
    client.settimeout(10)
    assert client.recv(4096)
    wait_until(lambda: proxy.reports == 2, "both were seen")


def test_a_cut_link_closes_connections_and_takes_new_ones(proxy: Proxy, client: socket.socket) -> None:
    pass_through(client, make_report(1))
    proxy.cut()
    assert client.recv(1) == b""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as another:
        pass_through(another, make_report(1))
    assert proxy.redelivered == 1


def test_a_broker_that_is_away_refuses_by_closing(echo: Echo, proxy: Proxy) -> None:
    echo.close()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
        assert client.recv(1) == b""
