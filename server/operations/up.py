"""`muster up`: a whole muster in one folder, from an empty one to an address, until it is told to stop."""

import asyncio
import contextlib
import datetime as dt
import http.client
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from config.settings import Settings
from server.fleet import logins
from server.operations import (
    accounts,
    authority,
    disk,
    home,
    lan,
    mosquitto,
    ports,
    postgres,
    restarts,
    stale,
    supervise,
)
from server.operations.progress import Progress
from server.operations.supervise import Crash, Program, StartError, Supervisor

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READY_TIMEOUT_S = 2


class UpError(RuntimeError):
    """muster cannot be started here: the message says what to do."""


# What goes wrong with one clear line; anything else is a fault of ours and may show its traceback.
CLEAR = (
    UpError,
    accounts.AccountError,
    authority.AuthorityError,
    lan.LanError,
    home.HomeError,
    mosquitto.MosquittoError,
    postgres.PostgresError,
    logins.LoginsError,
)


def run(settings: Settings, *, demo: bool, lan: bool = False) -> int:
    """Runs everything until SIGINT, SIGTERM or SIGHUP; returns the exit code, 1 with one line when it cannot start.

    lan: for the local network, with HTTPS; otherwise where the settings say, which is this machine alone.
    """
    progress = Progress()
    folder = Path(settings.up.folder).resolve()
    try:
        with home.locked(folder):
            return asyncio.run(_Up(settings, folder, progress, demo=demo, for_lan=lan).run())
    except StartError as error:
        progress.fail(str(error), error.last_lines)
    except CLEAR as error:
        progress.fail(str(error))
    return 1


def check_ports(settings: Settings) -> None:
    """Raises UpError when a port is taken, naming the setting that chooses another."""
    wanted = {
        "MUSTER_DATABASE__PORT": settings.database.port,
        "MUSTER_BROKER__PORT": settings.broker.port,
        "MUSTER_SERVER__PORT": settings.server.port,
    }
    if settings.server.tls_file:
        wanted["MUSTER_SERVER__HTTPS_PORT"] = settings.server.https_port
    for variable, port in wanted.items():
        twin = next((other for other, value in wanted.items() if value == port and other != variable), None)
        if twin is not None:
            raise UpError(f"{variable} and {twin} are both {port}: give each a port of its own")
        host = settings.server.host if variable.startswith("MUSTER_SERVER__") else ports.LOOPBACK
        if not ports.is_free(port, host):
            raise UpError(
                f"port {port} is taken by another program: set {variable} to a free one, such as {ports.find_free()}"
            )


def check_room(folder: Path) -> None:
    """Raises UpError when the folder's disk is too full to start anything without doing harm."""
    room = disk.look(folder)
    if room.is_full:
        raise UpError(f"{room}: make room, or set MUSTER_UP__FOLDER to a folder on another disk")


class _Up:
    """One run of `muster up`."""

    def __init__(self, settings: Settings, folder: Path, progress: Progress, *, demo: bool, for_lan: bool) -> None:
        self._settings = settings
        self._folder = folder
        self._progress = progress
        self._demo = demo
        self._for_lan = for_lan
        self._logs = folder / "log"
        self._supervisor = Supervisor(folder / "pids.json", self._show)
        self._restarts = restarts.Journal(folder)
        self._stopping = False

    async def run(self) -> int:
        told = asyncio.Event()

        def tell() -> None:
            if told.is_set():  # a second time: whoever asks is in a hurry
                self._supervisor.hurry()
            told.set()

        # Explicitly, since whoever started us may have told us to ignore them (a shell does so with `&`).
        for number in STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, tell)
        starting = asyncio.create_task(self._start())
        waiting = asyncio.create_task(told.wait())
        try:
            await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await waiting
        except ExceptionGroup as group:
            raise _first(group) from None
        finally:
            self._stopping = True
            starting.cancel()
            waiting.cancel()
            await asyncio.wait({starting, waiting})
            if told.is_set():
                self._progress.say("stopping ...")
            await self._supervisor.stop()
            self._restarts.remove()
        self._progress.say("muster has stopped.")
        return 0

    async def _start(self) -> None:
        settings, folder = self._settings, self._folder
        if settings.database.dsn:
            raise UpError("muster up makes a database of its own: unset database.dsn, or run the parts themselves")
        check_room(folder)
        network = None
        if self._for_lan:
            settings, network = await asyncio.to_thread(lan.prepare, folder, settings, dt.datetime.now(dt.UTC))
        self._logs.mkdir(exist_ok=True)
        ended = await asyncio.to_thread(stale.end_stale, folder / "pids.json")
        if ended:
            self._progress.say(f"ended what an earlier run had left behind: {', '.join(ended)}")
        check_ports(settings)
        made = home.read_secrets(folder)
        of_server = home.write_settings(folder, settings, made, demo=self._demo)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._start_database(of_server, made))
            group.create_task(self._start_broker(made))
        gateway_ready = _GatewayReady(of_server)
        async with asyncio.TaskGroup() as group:
            seeding = group.create_task(self._seed(of_server))
            group.create_task(self._start_part("gateway", "muster-gateway", "run", gateway_ready))
            group.create_task(self._start_part("server", "muster-server", "run", _ServerReady(settings)))
        if self._demo:
            await self._start_part("world", "muster", "world", supervise.always_ready)
        self._progress.greet(network.own_url if network else of_server.server.url, seeding.result())
        if network:
            lan.show(self._progress, network)
        self._progress.say_how_to_stop(self._logs)

    async def _start_database(self, settings: Settings, made: home.Secrets) -> None:
        with self._progress.step("database"):
            cluster = await asyncio.to_thread(
                lambda: postgres.prepare(
                    self._folder,
                    port=settings.database.port,
                    superuser_password=made.superuser,
                    password=made.database,
                )
            )
            await self._supervisor.start(
                Program(
                    "database",
                    cluster.command,
                    self._logs / "database.log",
                    is_ready=cluster.is_ready,
                    stop_signal=signal.SIGINT,
                    stop_s=30,  # writes what is dirty in memory to the disk
                    ready_s=600,  # after a kill or a power cut it works off its log first, on an SD card up to 1 GB
                )
            )
            await asyncio.to_thread(cluster.create_database)
            await asyncio.to_thread(migrate, settings)

    async def _start_broker(self, made: home.Secrets) -> None:
        with self._progress.step("broker"):
            broker = await asyncio.to_thread(
                lambda: mosquitto.prepare(self._folder, port=self._settings.broker.port, admin_password=made.admin)
            )
            await self._supervisor.start(
                Program("broker", broker.command, self._logs / "broker.log", is_ready=broker.is_ready)
            )
            await asyncio.to_thread(_add_parts, broker, made)

    async def _seed(self, settings: Settings) -> list[str]:
        if not self._demo:
            return []
        with self._progress.step("neighbourhood"):
            return await asyncio.to_thread(seed, settings)

    async def _start_part(self, name: str, script: str, argument: str, is_ready: Callable[[], bool]) -> None:
        file = self._folder / (home.GATEWAY_SETTINGS if name == "gateway" else home.SETTINGS)
        with self._progress.step(name):
            await self._supervisor.start(
                Program(
                    name,
                    accounts.with_parent([str(Path(sys.executable).with_name(script)), argument]),
                    self._logs / f"{name}.log",
                    environment=home.environment_of_parts(file),
                    is_ready=is_ready,
                )
            )

    def _show(self, crash: Crash) -> None:
        if self._stopping:
            return
        self._restarts.note(crash.name, crash.how, time.time())
        with contextlib.suppress(OSError):  # whoever reads what we print may be gone, or its disk full
            self._progress.show_crash(crash)


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """The first of several failures: the others are mostly its consequences."""
    found = group.exceptions[0]
    return _first(found) if isinstance(found, ExceptionGroup) else found


def migrate(settings: Settings) -> None:
    """Brings the database to the newest migration."""
    from server import database

    database.migrate(settings.database.conninfo)


def seed(settings: Settings) -> list[str]:
    """Makes the demonstration neighbourhood unless it is there; the names one can sign in as."""
    from server import database
    from server.operations.demo import seed as demonstration

    engine = database.connect(settings.database.conninfo, pool=1)
    try:
        return demonstration.seed(engine, settings, dt.datetime.now(dt.UTC))
    finally:
        engine.dispose()


def _add_parts(broker: mosquitto.Broker, made: home.Secrets) -> None:
    with logins.administer(broker.host, broker.port, broker.admin_user, broker.admin_password) as administration:
        administration.add_part("gateway", made.gateway, "gateway")
        administration.add_part("server", made.server, "server")


class _GatewayReady:
    """Whether the gateway has written its counters since we began to wait: it does so once it owns its shards."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._since = dt.datetime.now(dt.UTC)

    def __call__(self) -> bool:
        try:
            with psycopg.connect(self._settings.database.conninfo, connect_timeout=READY_TIMEOUT_S) as connection:
                found = connection.execute(
                    "SELECT 1 FROM gateway_health WHERE gateway = %s AND at >= %s",
                    [self._settings.gateway.id, self._since],
                ).fetchone()
        except psycopg.Error:
            return False
        return found is not None


class _ServerReady:
    """Whether the server says that it is ready."""

    def __init__(self, settings: Settings) -> None:
        self._host = settings.server.host.replace("0.0.0.0", ports.LOOPBACK)  # noqa: S104 -- any address includes ours
        self._port = settings.server.port

    def __call__(self) -> bool:
        return ask_ready(self._host, self._port) == 200


def ask_ready(host: str, port: int) -> int:
    """The HTTP status of /readyz, 0 when nobody answers."""
    connection = http.client.HTTPConnection(host, port, timeout=READY_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
