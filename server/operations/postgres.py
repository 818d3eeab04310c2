"""Makes and describes a private PostgreSQL cluster with PostGIS in a folder; whoever uses it starts and stops it."""

import re
import secrets
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from server.operations import accounts, ports
from server.operations.accounts import Account

DEBIAN = Path("/usr/lib/postgresql")
# Multiranges and `CREATE DATABASE ... STRATEGY` need 14 and 15; 15 is what the oldest supported Debian brings.
OLDEST_MAJOR = 15
OWNER = "muster"
EXTENSIONS = ("postgis", "btree_gist")
PACKAGES = "install the packages postgresql and postgis (make setup does it)"

_ALWAYS = {
    "listen_addresses": ports.LOOPBACK,
    # Paths of sockets may have 107 bytes at most, folders of checkouts are longer: TCP alone.
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    # Compiling a plan costs more than any query of ours takes.
    "jit": "off",
}
# A cluster that is thrown away anyway: seconds less per test run, everything lost in a power cut.
_THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
}


class PostgresError(RuntimeError):
    """The private PostgreSQL cannot be used: the message says what to do."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A private cluster: where it is, how to start it and how to reach it."""

    data: Path
    binaries: Path
    port: int
    superuser_password: str
    password: str
    account: Account | None
    durable: bool

    @property
    def command(self) -> list[str]:
        """The command that runs the server in the foreground; stop it with SIGINT."""
        settings = {**_ALWAYS, **({} if self.durable else _THROW_AWAY), "port": str(self.port)}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        command = [str(self.binaries / "postgres"), "-D", str(self.data), *options]
        # SIGINT is the fast shutdown: sessions are ended, data is written, nothing waits for clients.
        return accounts.with_parent(command, account=self.account, death_signal="INT")

    def conninfo(self, name: str = OWNER, *, superuser: bool = False) -> str:
        """The libpq connection string of a database, as its owner unless superuser."""
        user = "postgres" if superuser else OWNER
        password = self.superuser_password if superuser else self.password
        return f"host={ports.LOOPBACK} port={self.port} dbname={name} user={user} password={password} connect_timeout=5"

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        try:
            psycopg.connect(self.conninfo("postgres", superuser=True)).close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self, name: str = OWNER, template: str | None = None) -> None:
        """Creates a database of the owner with the extensions that migrations expect; one that exists is kept."""
        with psycopg.connect(self.conninfo("postgres", superuser=True), autocommit=True) as connection:
            # Roles are shared by all databases: two that make one at once would alter the same row. Held until the end.
            connection.execute("SELECT pg_advisory_lock(hashtext('muster databases'))")
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(OWNER)))
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(OWNER), sql.Literal(self.password))
            )
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return
            create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template or "template0")
            )
            if template:
                create += sql.SQL(" STRATEGY file_copy")
            connection.execute(create)
        if template:
            return
        with psycopg.connect(self.conninfo(name, superuser=True)) as connection:
            for extension in EXTENSIONS:
                connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))

    def drop_database(self, name: str) -> None:
        """Drops a database, ending whoever is connected to it."""
        with psycopg.connect(self.conninfo("postgres", superuser=True), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def find_binaries(roots: Iterable[Path] | None = None, major: int | None = None) -> Path:
    """The folder of the newest PostgreSQL that has PostGIS, of exactly `major` if given.

    roots: folders that hold `<major>/bin`, Debian's unless given; beyond them pg_config of PATH is asked.
    Raises PostgresError with what to install.
    """
    candidates = [path for root in roots or [DEBIAN] for path in root.glob("*/bin") if (path / "postgres").exists()]
    if roots is None and (config := shutil.which("pg_config")):
        found = Path(_ask(config, "--bindir"))
        if (found / "postgres").exists() and found not in candidates:
            candidates.append(found)
    if not candidates:
        raise PostgresError(f"PostgreSQL is missing: {PACKAGES}")
    versions = {path: read_major(path) for path in candidates}
    if major is not None:
        versions = {path: version for path, version in versions.items() if version == major}
        if not versions:
            raise PostgresError(
                f"the data was made by PostgreSQL {major}, which is gone: install it, or remove the data"
            )
    newest = max(versions.values())
    versions = {path: version for path, version in versions.items() if version >= OLDEST_MAJOR}
    if not versions:
        raise PostgresError(f"PostgreSQL {newest} is too old: muster needs {OLDEST_MAJOR} or newer")
    with_postgis = {path: version for path, version in versions.items() if _has_postgis(path)}
    if not with_postgis:
        raise PostgresError(
            f"PostGIS is missing for PostgreSQL {newest}: install postgresql-{newest}-postgis-3 (make setup does it)"
        )
    return max(with_postgis, key=with_postgis.__getitem__)


def read_major(binaries: Path) -> int:
    """The major version of a PostgreSQL, such as 15."""
    found = re.search(r"\d+", _ask(str(binaries / "postgres"), "--version"))
    if found is None:
        raise PostgresError(f"{binaries / 'postgres'} does not say its version: {PACKAGES}")
    return int(found[0])


def prepare(
    folder: Path,
    *,
    port: int,
    superuser_password: str,
    password: str,
    durable: bool = True,
    roots: Iterable[Path] | None = None,
) -> Cluster:
    """Makes the cluster in `folder`/postgres unless it is there already, and describes it.

    durable: False only for clusters that are thrown away. Raises PostgresError or accounts.AccountError.
    """
    account = accounts.service_account("postgres")
    home = accounts.make_folder(folder, "postgres", account)
    data = home / "cluster"
    made = data / "PG_VERSION"
    binaries = find_binaries(roots, int(made.read_text().strip()) if made.exists() else None)
    if not made.exists():
        _initialise(binaries, data, superuser_password, account, durable=durable)
    return Cluster(data, binaries, port, superuser_password, password, account, durable)


def new_password() -> str:
    """A password that needs no quoting anywhere."""
    return secrets.token_hex(16)


def _initialise(binaries: Path, data: Path, password: str, account: Account | None, *, durable: bool) -> None:
    unfinished = data.with_name("cluster.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    password_file = data.with_name("password")
    accounts.write_private(password_file, password + "\n", account)
    command = [str(binaries / "initdb"), "-D", str(unfinished), "-U", "postgres", "--pwfile", str(password_file)]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
    if not durable:
        command.append("--no-sync")
    try:
        result = subprocess.run(
            accounts.with_parent(command, account=account, death_signal="KILL"),
            capture_output=True,
            text=True,
            check=False,
            cwd=data.parent,
        )
    finally:
        password_file.unlink()
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise PostgresError(f"PostgreSQL's initdb failed in {unfinished}: {reason}")
    unfinished.rename(data)  # a killed initdb leaves nothing that looks finished


def _has_postgis(binaries: Path) -> bool:
    config = binaries / "pg_config"
    if config.exists():
        share = Path(_ask(str(config), "--sharedir"))
    else:
        share = Path("/usr/share/postgresql") / binaries.parent.name
    return (share / "extension" / "postgis.control").exists()


def _ask(program: str, question: str) -> str:
    return subprocess.run([program, question], capture_output=True, text=True, check=True).stdout.strip()
