"""A receiver of webhooks on loopback, which answers as a test tells it and remembers what came."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Came:
    """A request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """answer: makes status, headers and body of what came, in the order in which it came."""

    url: str = ""
    came: list[Came] = field(default_factory=list)
    answer: Callable[[Came], tuple[int, dict[str, str], bytes]] = lambda _: (200, {}, b"")

    def says(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answers so from now on."""
        self.answer = lambda _: (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@contextmanager
def listening(port: int = 0) -> Iterator[Receiver]:
    """A receiver that listens for as long as the block runs."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came = Came(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            receiver.came.append(came)
            status, headers, answer = receiver.answer(came)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Says nothing: who asked may be gone."""

    with Server(("127.0.0.1", port), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
