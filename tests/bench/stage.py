"""What a benchmark runs on: PostgreSQL and Mosquitto as `muster up` runs them, in a folder that is thrown away.

PostgreSQL is durable (fsync, full_page_writes and synchronous_commit on, all else at its defaults), or "made durable"
would mean nothing. Settings of the environment reach the gateway, such as MUSTER_GATEWAY__BATCH_REPORTS=800,
but for where database and broker are. Ports are free ones; only processes that were started here are ended.
"""

import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psycopg

from server import database as server_database
from server.fleet import logins
from server.operations import accounts, ports
from server.operations import mosquitto as private_mosquitto
from server.operations import postgres as private_postgres
from tests import processes
from tests.journeys import parts

TEMPLATE = "bench_template"
GENERATOR = "bench"
CHECKOUT = Path(__file__).parents[2]
# The generator stands for all agents: it reports for them and reads what they are told.
_GENERATOR_RIGHTS = [
    {"acltype": kind, "topic": topic, "priority": 0, "allow": True}
    for kind, topic in (
        ("publishClientSend", "muster/v1/report/#"),
        ("subscribePattern", "muster/v1/agent/+/ack"),
        ("publishClientReceive", "muster/v1/agent/+/ack"),
    )
]


class Server(NamedTuple):
    """A server that runs."""

    url: str
    pid: int


@dataclass
class Stage:
    """The engines that run, and how the parts reach them."""

    folder: Path
    cluster: private_postgres.Cluster
    broker: private_mosquitto.Broker
    postgres: "subprocess.Popen[bytes]"
    mosquitto: "subprocess.Popen[bytes]"
    passwords: dict[str, str] = field(default_factory=dict)

    def make_database(self, name: str) -> str:
        """A migrated, empty database; returns its libpq connection string."""
        self.cluster.create_database(name, template=TEMPLATE)
        return self.cluster.conninfo(name)

    def settle_disk(self) -> None:
        """Writes out what is dirty, so that a phase does not pay for the one before."""
        with psycopg.connect(self.cluster.conninfo("postgres", superuser=True), autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def environment(self, part: logins.Part, conninfo: str) -> dict[str, str]:
        """The settings of a gateway or server at this broker and this database."""
        found = {
            "MUSTER_DATABASE__DSN": conninfo,
            "MUSTER_BROKER__HOST": self.broker.host,
            "MUSTER_BROKER__PORT": str(self.broker.port),
            "MUSTER_BROKER__USER": part,
            "MUSTER_BROKER__PASSWORD": self.passwords[part],
            "MUSTER_UP__FOLDER": str(self.folder),
        }
        if part == "server":
            found["MUSTER_BROKER__ADMIN_USER"] = self.broker.admin_user
            found["MUSTER_BROKER__ADMIN_PASSWORD"] = self.broker.admin_password
        return found

    def admit(self) -> None:
        """Makes the logins of gateway, server and generator at the broker."""
        for name in ("gateway", "server", GENERATOR):
            self.passwords[name] = private_postgres.new_password()
        broker = self.broker
        with logins.administer(broker.host, broker.port, broker.admin_user, broker.admin_password) as found:
            found.add_part("gateway", self.passwords["gateway"], "gateway")
            found.add_part("server", self.passwords["server"], "server")
            found._make("Role", [{"rolename": GENERATOR, "acls": _GENERATOR_RIGHTS}])
            role = {"rolename": GENERATOR, "priority": 0}
            client = {"username": GENERATOR, "password": self.passwords[GENERATOR], "roles": [role]}
            found._make("Client", [client])

    @property
    def gateway_log(self) -> Path:
        """What the gateway says; removed before each first start."""
        return self.folder / "gateway.log"

    def await_gateway(self, process: "subprocess.Popen[bytes]") -> None:
        """Waits until a gateway takes reports; fails with what it said when it ends before that."""
        log = self.gateway_log
        for said in (b"connected to the broker", b"took 64 shards"):
            processes.wait_ready(process, lambda said=said: said in log.read_bytes(), log)  # type: ignore[misc]

    @contextlib.contextmanager
    def gateway(
        self, conninfo: str, settings: Mapping[str, str] | None = None, *, profile: Path | None = None
    ) -> Iterator["subprocess.Popen[bytes]"]:
        """One gateway that has taken its shards. profile: where a sampling profiler writes what it saw."""
        module = ["-m", "gateway.main"] if profile is None else ["-m", "tests.bench.sampler", str(profile)]
        environment = self.environment("gateway", conninfo) | dict(settings or {})
        log = self.gateway_log
        log.unlink(missing_ok=True)
        process = processes.start(accounts.with_parent([sys.executable, *module, "run"]), log, environment)
        try:
            self.await_gateway(process)
            yield process
        finally:
            processes.stop(process)

    @contextlib.contextmanager
    def server(self, conninfo: str, module: str | None = None) -> Iterator[Server]:
        """A server that is ready. module: of ours, which runs it in another way."""
        from server.operations import up

        port = ports.find_free()
        environment = self.environment("server", conninfo) | {"MUSTER_SERVER__PORT": str(port)}
        program = [parts.program("muster-server"), "run"] if module is None else [sys.executable, "-m", module]
        command = accounts.with_parent(program)
        with processes.running(
            command, self.folder / "server.log", lambda: up.ask_ready("127.0.0.1", port) == 200, environment=environment
        ) as process:
            yield Server(f"http://127.0.0.1:{port}", process.pid)


@contextlib.contextmanager
def running(under: Path | None = None) -> Iterator[Stage]:
    """PostgreSQL and Mosquitto that are ready; from the main thread alone, since it takes signals.

    under: where the folder is made, such as another disk.
    """
    folder = Path(tempfile.mkdtemp(prefix="muster-bench-", dir=under))
    folder.chmod(0o755)  # as root, other accounts run PostgreSQL and Mosquitto in it
    with contextlib.ExitStack() as stack:
        stack.enter_context(_ended_by_signals())
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        cluster = private_postgres.prepare(
            folder,
            port=ports.find_free(),
            superuser_password=private_postgres.new_password(),
            password=private_postgres.new_password(),
        )
        broker = private_mosquitto.prepare(
            folder, port=ports.find_free(), admin_password=private_postgres.new_password()
        )
        stage = Stage(
            folder,
            cluster,
            broker,
            processes.start(cluster.command, folder / "postgres.log"),
            processes.start(broker.command, folder / "mosquitto.log"),
        )
        # Restarted ones too: whatever the stage holds at the end.
        stack.callback(lambda: processes.stop(stage.mosquitto))
        stack.callback(lambda: processes.stop(stage.postgres, signal.SIGINT))
        processes.wait_ready(stage.postgres, cluster.is_ready, folder / "postgres.log")
        processes.wait_ready(stage.mosquitto, broker.is_ready, folder / "mosquitto.log")
        stage.admit()
        cluster.create_database(TEMPLATE)
        server_database.migrate(cluster.conninfo(TEMPLATE))
        yield stage


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGINT and SIGTERM end a run tidily, also where they were inherited as ignored."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_for_statistics() -> None:
    """PostgreSQL's processes report what they wrote up to a second late."""
    time.sleep(1.2)
