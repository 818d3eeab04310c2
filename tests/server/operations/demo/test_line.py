"""Tests of a venue's line to the broker, with a real listener at its end."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from server.operations.demo.line import Line

WAIT_S = 10


class Echo:
    """Sends back what it gets."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            while piece := client.recv(1000):
                client.sendall(piece)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def line() -> Iterator[Line]:
    echo = Echo()
    made = Line("127.0.0.1", echo.port)
    yield made
    made.close()
    echo.close()


def connect(line: Line) -> socket.socket:
    return socket.create_connection(("127.0.0.1", line.port), WAIT_S)


def is_ended(end: socket.socket) -> bool:
    with contextlib.suppress(ConnectionError):
        return end.recv(1) == b""
    return True


def test_what_comes_passes_both_ways(line: Line) -> None:
    with connect(line) as one, connect(line) as other:
        one.sendall(b"one")
        other.sendall(b"other")
        assert (one.recv(10), other.recv(10)) == (b"one", b"other")


def test_cut_it_ends_all_connections_and_every_new_one_until_it_is_mended(line: Line) -> None:
    with connect(line) as before:
        before.sendall(b"one")
        assert before.recv(10) == b"one"
        line.cut()
        line.cut()
        assert is_ended(before)
        assert not line.whole
    with connect(line) as during:
        assert is_ended(during)
    line.mend()
    with connect(line) as after:
        after.sendall(b"again")
        assert after.recv(10) == b"again"


def test_while_the_broker_is_away_connections_end_and_the_line_lives_on() -> None:
    echo = Echo()
    line = Line("127.0.0.1", echo.port)
    echo.close()
    with connect(line) as end:
        assert is_ended(end)
    line.close()
    with pytest.raises(OSError, match="refused"):
        connect(line)
