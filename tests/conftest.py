"""Fixtures for everybody: a private PostgreSQL with PostGIS, a private Mosquitto, and no network but loopback."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from server import database as server_database
from server.fleet import logins
from server.operations import mosquitto as private_mosquitto
from server.operations import ports
from server.operations import postgres as private_postgres
from tests import processes

# A machine may be slow: a test that takes long is no failure.
hypothesis.settings.register_profile("muster", deadline=None)
hypothesis.settings.load_profile("muster")

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
TEMPLATE = "muster_template"
RUN_FOLDER = "TEST_RUN_FOLDER"
LEFT_S = 5


class NetworkUsed(RuntimeError):
    """A test reached for an address that is not on this machine."""


@pytest.fixture(autouse=True, scope="session")
def _only_loopback() -> Iterator[None]:
    """Lets sockets connect to this machine alone."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def check(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            if not (host.startswith("127.") or host in {"::1", "localhost"}):
                raise NetworkUsed(f"a test may not connect to {host}")

    def guarded_connect(sock: socket.socket, address: Any) -> None:
        check(sock, address)
        connect(sock, address)

    def guarded_connect_ex(sock: socket.socket, address: Any) -> int:
        check(sock, address)
        return connect_ex(sock, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        yield


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the settings of whoever runs the tests out of them."""
    for name in os.environ:
        if name.startswith("MUSTER_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The recordings that lie beside the checkout; tests that need them are skipped without."""
    if not SHARED_DATA.exists():
        pytest.skip("../shared/data is not there")
    return SHARED_DATA


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """The name of this pytest process, different in each xdist worker."""
    return str(getattr(request.config, "workerinput", {}).get("workerid", "main"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--pictures FOLDER` keeps the pictures that journeys take for the documentation."""
    parser.addoption("--pictures", type=Path, metavar="FOLDER", help="keep the documentation's pictures there")


@pytest.fixture
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where a journey puts its pictures: the folder of --pictures, else one that is thrown away."""
    folder: Path = request.config.getoption("--pictures") or tmp_path
    return folder


@pytest.fixture
def show(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """`show(text)`: printed at the end of the run, also out of xdist's workers, whose own output nobody sees."""
    return lambda text: record_property("shown", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests had to show."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, text in getattr(report, "user_properties", ()):
                if name == "shown" and report.when == "call":
                    terminalreporter.write_line(f"\n{text}")


def pytest_configure(config: pytest.Config) -> None:
    """Makes the folder of this test run; xdist's workers inherit its name."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="muster-tests-")
        Path(folder).chmod(0o755)  # other accounts run PostgreSQL and Mosquitto in it
        os.environ[RUN_FOLDER] = folder


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a run whose tests left processes behind: all that they start inherit the folder's name."""
    if hasattr(session.config, "workerinput") or RUN_FOLDER not in os.environ:
        return
    mark = f"{RUN_FOLDER}={os.environ[RUN_FOLDER]}"
    left = processes.list_marked(mark)
    with contextlib.suppress(AssertionError):  # what was just told to end may need a moment
        processes.wait_until(lambda: not processes.list_marked(mark), "all processes have ended", LEFT_S)
        left = {}
    for pid, command in left.items():
        print(f"\nleft behind: {pid} {command}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes the folder of this test run."""
    if not hasattr(config, "workerinput") and RUN_FOLDER in os.environ:
        shutil.rmtree(os.environ.pop(RUN_FOLDER), ignore_errors=True)


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """A folder shared by all workers of one test run, which other accounts may pass through."""
    return Path(os.environ[RUN_FOLDER])


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _shared_cluster(folder: Path) -> Iterator[private_postgres.Cluster]:
    """One cluster for all workers: the first starts it, and stops it when the others have let go of it."""
    described = folder / "cluster.json"

    def describe(port: int, passwords: list[str]) -> private_postgres.Cluster:
        return private_postgres.prepare(
            folder, port=port, superuser_password=passwords[0], password=passwords[1], durable=False
        )

    own = None
    try:
        with (folder / "users").open("w") as users:
            with _locked(folder / "starting"):
                fcntl.flock(users, fcntl.LOCK_SH)
                if described.exists():
                    cluster = describe(**json.loads(described.read_text()))
                else:
                    passwords = [private_postgres.new_password(), private_postgres.new_password()]
                    how: dict[str, Any] = {"port": ports.find_free(), "passwords": passwords}
                    cluster = describe(**how)
                    log = folder / "postgres.log"
                    own = processes.start(cluster.command, log)
                    processes.wait_ready(own, cluster.is_ready, log)
                    cluster.create_database(TEMPLATE)
                    server_database.migrate(cluster.conninfo(TEMPLATE))
                    described.write_text(json.dumps(how))
            yield cluster
    finally:
        if own is not None:
            with _locked(folder / "starting"), _locked(folder / "users"):
                described.unlink(missing_ok=True)
                processes.stop(own, signal.SIGINT)
                shutil.rmtree(folder / "postgres", ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(run_folder: Path) -> Iterator[private_postgres.Cluster]:
    """The private cluster of this test run; its database muster_template holds the migrations."""
    folder = run_folder / "cluster"
    folder.mkdir(mode=0o755, exist_ok=True)  # whichever worker comes first
    with _shared_cluster(folder) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def database(postgres: private_postgres.Cluster, worker: str) -> Iterator[str]:
    """The libpq connection string of this worker's migrated database; leave it as you found it."""
    name = f"muster_{worker}"
    postgres.create_database(name, template=TEMPLATE)
    yield postgres.conninfo(name)
    postgres.drop_database(name)


@pytest.fixture
def fresh_database(postgres: private_postgres.Cluster, worker: str) -> Iterator[str]:
    """The libpq connection string of a migrated database of this test's own, for tests that commit."""
    name = f"muster_{worker}_{secrets.token_hex(4)}"
    postgres.create_database(name, template=TEMPLATE)
    yield postgres.conninfo(name)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def engine(database: str) -> Iterator[Engine]:
    """The engine of this worker's database."""
    engine = server_database.connect(database, pool=2)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session whose transaction is rolled back after the test."""
    with engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()


@dataclass(frozen=True, slots=True)
class Mqtt:
    """A private Mosquitto that runs, and the logins of the parts at it."""

    broker: private_mosquitto.Broker
    process: subprocess.Popen[bytes]
    gateway_password: str
    server_password: str

    @property
    def host(self) -> str:
        """Where it listens."""
        return self.broker.host

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.broker.port

    @contextlib.contextmanager
    def administer(self) -> Iterator[logins.DynamicSecurity]:
        """Its logins, as the administrator."""
        with logins.administer(self.host, self.port, self.broker.admin_user, self.broker.admin_password) as found:
            yield found

    def environment(self, part: logins.Part) -> dict[str, str]:
        """The settings with which a process of this part reaches it."""
        return {
            "MUSTER_BROKER__HOST": self.host,
            "MUSTER_BROKER__PORT": str(self.port),
            "MUSTER_BROKER__USER": part,
            "MUSTER_BROKER__PASSWORD": self.gateway_password if part == "gateway" else self.server_password,
            "MUSTER_BROKER__ADMIN_USER": self.broker.admin_user if part == "server" else "",
            "MUSTER_BROKER__ADMIN_PASSWORD": self.broker.admin_password if part == "server" else "",
        }


@contextlib.contextmanager
def _private_mosquitto(folder: Path) -> Iterator[Mqtt]:
    broker = private_mosquitto.prepare(folder, port=ports.find_free(), admin_password=private_postgres.new_password())
    with processes.running(broker.command, folder / "mosquitto.log", broker.is_ready) as process:
        mqtt = Mqtt(broker, process, private_postgres.new_password(), private_postgres.new_password())
        with mqtt.administer() as found:
            found.add_part("gateway", mqtt.gateway_password, "gateway")
            found.add_part("server", mqtt.server_password, "server")
        yield mqtt


@pytest.fixture(scope="session")
def mosquitto(run_folder: Path, worker: str) -> Iterator[Mqtt]:
    """This worker's private Mosquitto with logins `gateway` and `server`; use agent ids that no other test uses."""
    with _open_folder(run_folder / f"mosquitto-{worker}") as folder, _private_mosquitto(folder) as mqtt:
        yield mqtt


@pytest.fixture
def fresh_mosquitto(run_folder: Path) -> Iterator[Mqtt]:
    """A private Mosquitto of this test's own, for tests that need it empty."""
    name = f"mosquitto-{secrets.token_hex(4)}"
    with _open_folder(run_folder / name) as folder, _private_mosquitto(folder) as mqtt:
        yield mqtt


@contextlib.contextmanager
def _open_folder(folder: Path) -> Iterator[Path]:
    folder.mkdir(mode=0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """`wait_until(condition, what, timeout_s)`: waits for a condition instead of for a time."""
    return processes.wait_until
