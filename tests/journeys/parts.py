"""Runs the gateway and the server as real processes for journeys, at a broker and a database of their own."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from server.operations import ports, up
from tests import processes
from tests.conftest import Mqtt


@dataclass(frozen=True, slots=True)
class Parts:
    """A gateway and a server that run."""

    conninfo: str
    folder: Path
    environment: dict[str, str]
    url: str

    def count(self, query: str) -> int:
        """The one number that a query of the database answers."""
        with psycopg.connect(self.conninfo) as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])


def program(name: str) -> str:
    """A console script of this installation."""
    return str(Path(sys.executable).with_name(name))


@contextlib.contextmanager
def running(conninfo: str, mqtt: Mqtt, folder: Path, *, demo: bool = False, public_name: str = "") -> Iterator[Parts]:
    """A gateway and a server that are ready, for as long as the block runs; `environment` is for further processes.

    public_name: the host by which phones reach it.
    """
    port = ports.find_free()
    common = os.environ | {
        "MUSTER_DATABASE__DSN": conninfo,
        "MUSTER_UP__FOLDER": str(folder),
        "MUSTER_SERVER__PORT": str(port),
        "MUSTER_SERVER__DEMO": str(demo),
        "MUSTER_GATEWAY__HEALTH_S": "0.2",
    }
    if public_name:
        common["MUSTER_SERVER__PUBLIC_URL"] = f"http://{public_name}:{port}"
    of_server = common | mqtt.environment("server")
    parts = Parts(conninfo, folder, of_server, f"http://127.0.0.1:{port}")
    with contextlib.ExitStack() as stack:

        def start(name: str, environment: dict[str, str], is_ready: Callable[[], bool]) -> None:
            log = folder / f"{name}.log"
            stack.enter_context(processes.running([program(name), "run"], log, is_ready, environment=environment))

        start(
            "muster-gateway",
            common | mqtt.environment("gateway"),
            lambda: parts.count("SELECT count(*) FROM gateway_health WHERE at > now() - interval '10 s'") > 0,
        )
        start("muster-server", of_server, lambda: up.ask_ready("127.0.0.1", port) == 200)
        yield parts
