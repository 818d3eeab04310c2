"""Sends one message over HTTP: to the address that was looked at, for a bounded time, following nobody."""

import contextlib
import http.client
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from server.outward import addresses
from server.texts import later

TIMEOUT_S = 10.0  # Standard Webhooks asks for 15 to 30; ours hold a thread of two, and a group's bot answers within one
ANSWER_MAX_BYTES = 4096  # more is neither read nor needed
ANSWER_SHOWN = 200
PRIVATE = later("Its name leads into a private network, and this server does not send there.")


class Answer(NamedTuple):
    """What came back. status: None when nothing did, and why not. text: its first signs."""

    status: int | None
    text: str
    why: str | None
    took_ms: int
    retry_after_s: int | None = None


def post(url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool) -> Answer:
    """Posts the body; whatever goes wrong is in the answer."""
    begun = time.monotonic()
    try:
        with _Deadline(begun + TIMEOUT_S) as deadline:
            found = _post(url, body, headers, allow_private, deadline)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(None, "", _explain(error, time.monotonic() - begun), _ms(begun))
    return found._replace(took_ms=_ms(begun))


class _Refused(ValueError):
    """The address is not one to send to."""


class _Deadline:
    """Ends a connection when its time is over, however it dribbles on: a timeout of a socket begins anew each time."""

    def __init__(self, until: float) -> None:
        self._until = until
        self._timer: threading.Timer | None = None
        self._watched: socket.socket | None = None

    def __enter__(self) -> "_Deadline":
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None and self._watched is not None:
            self._timer.cancel()
            self._timer.join()
            self._watched.close()

    @property
    def left_s(self) -> float:
        return max(0.001, self._until - time.monotonic())

    def watch(self, connected: socket.socket) -> None:
        watched = connected.dup()  # TLS takes the socket itself over

        def end() -> None:
            with contextlib.suppress(OSError):
                watched.shutdown(socket.SHUT_RDWR)

        self._watched = watched
        self._timer = threading.Timer(self.left_s, end)
        self._timer.daemon = True
        self._timer.start()


def _post(url: str, body: bytes, headers: Mapping[str, str], allow_private: bool, deadline: _Deadline) -> Answer:
    parts = urlsplit(addresses.check_url(url, allow_private=True))
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    with contextlib.ExitStack() as held:
        plain = held.enter_context(_connect(host, port, allow_private, deadline))
        deadline.watch(plain)
        link = held.enter_context(_tls().wrap_socket(plain, server_hostname=host)) if secure else plain
        http_link = http.client.HTTPConnection(host, port)
        http_link.sock = link  # what is connected already is not connected again: no name is looked up twice
        target = parts.path or "/"
        http_link.request(
            "POST",
            f"{target}?{parts.query}" if parts.query else target,
            body,
            {
                "Host": parts.netloc,
                "Content-Type": "application/json",
                "User-Agent": "muster",
                "Connection": "close",
                **headers,
            },
        )
        response = http_link.getresponse()
        text = response.read(ANSWER_MAX_BYTES).decode(errors="replace")
        asked = response.headers.get("Retry-After", "")
        return Answer(response.status, text, None, 0, int(asked) if asked.isdecimal() and len(asked) < 10 else None)


@contextlib.contextmanager
def _connect(host: str, port: int, allow_private: bool, deadline: _Deadline) -> Iterator[socket.socket]:
    """A connection to the first address of this name that answers; all of them have to be public."""
    found = _look_up(host, port, deadline)
    if not allow_private and not all(addresses.is_public(ipaddress.ip_address(one.partition("%")[0])) for one in found):
        raise _Refused
    failure: OSError | None = None
    for address in dict.fromkeys(found):
        try:
            connected = socket.create_connection((address, port), timeout=deadline.left_s)
        except OSError as error:
            failure = error
            continue
        with connected:
            yield connected
        return
    raise failure or OSError("no address")


def _look_up(host: str, port: int, deadline: _Deadline) -> list[str]:
    """What a name means; whose servers of names are slow on purpose holds a thread, and not the one that sends."""
    found: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put([str(entry[4][0]) for entry in entries])
        except (OSError, UnicodeError) as error:
            found.put(error if isinstance(error, OSError) else OSError("no name"))

    threading.Thread(target=ask, name="name", daemon=True).start()
    try:
        answer = found.get(timeout=deadline.left_s)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, OSError):
        raise answer
    return answer


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _explain(error: Exception, took_s: float) -> str:
    if isinstance(error, _Refused):
        return PRIVATE
    if isinstance(error, TimeoutError) or took_s >= TIMEOUT_S - 0.01:
        return later("It did not answer in time.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return later("Its certificate is not one that can be trusted.")
    if isinstance(error, socket.gaierror):
        return later("Nobody knows its name.")
    if isinstance(error, ConnectionRefusedError):
        return later("Nobody listens there.")
    return later("The connection broke.")


def _ms(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
