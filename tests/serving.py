"""The whole server in this process: its own app on a real socket, for tests that set its time or add a page."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import uvicorn
from fastapi import FastAPI

from config.settings import Settings
from server import app as server_app
from server import main
from tests import processes


class _InThread(main.Server):
    """The server as it is, but for signals: they belong to the process, and that is the test's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def serving(app: FastAPI, settings: Settings) -> Iterator[None]:
    """Serves on the ports of the settings, over HTTPS too where they name a certificate, while the block runs."""
    with ExitStack() as stack:
        plain = stack.enter_context(main.listen(settings.server.host, settings.server.port))
        secured = None
        if settings.server.tls_file:
            at = stack.enter_context(main.listen(settings.server.host, settings.server.https_port))
            secured = main.Secured(at, main.secure(settings.server.tls_file))
        how = uvicorn.Config(app, log_config=None, lifespan="on", ws="none", timeout_graceful_shutdown=main.STOP_S)
        server = _InThread(how, lambda: server_app.end_streams(app), secured)
        running = threading.Thread(target=server.run, args=([plain],), name="server")
        running.start()
        try:
            processes.wait_until(lambda: server.started or not running.is_alive(), "the server serves")
            assert server.started, "the server did not start"
            yield
        finally:
            server.should_exit = True
            server_app.end_streams(app)
            running.join()
