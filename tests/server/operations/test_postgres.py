"""The private cluster: found or refused in one clear line, made once, reached by its passwords alone."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from server.operations import ports, postgres
from server.operations.postgres import Cluster, PostgresError
from tests import processes


def fake_postgres(root: Path, major: int, *, postgis: bool) -> Path:
    """A folder that looks like an installed PostgreSQL."""
    binaries = root / str(major) / "bin"
    binaries.mkdir(parents=True)
    share = root / str(major) / "share"
    (share / "extension").mkdir(parents=True)
    if postgis:
        (share / "extension" / "postgis.control").touch()
    for name, says in (("postgres", f"postgres (PostgreSQL) {major}.4 (Debian)"), ("pg_config", str(share))):
        program = binaries / name
        program.write_text(f"#!/bin/sh\necho '{says}'\n")
        program.chmod(0o755)
    return binaries


@contextmanager
def running(cluster: Cluster) -> Iterator[None]:
    log = cluster.data.parents[1] / "log"
    with processes.running(cluster.command, log, cluster.is_ready, signal.SIGINT):
        yield


def test_the_newest_postgresql_with_postgis_is_taken(tmp_path: Path) -> None:
    fake_postgres(tmp_path, 15, postgis=True)
    wanted = fake_postgres(tmp_path, 16, postgis=True)
    fake_postgres(tmp_path, 17, postgis=False)
    assert postgres.find_binaries([tmp_path]) == wanted


def test_the_postgresql_that_made_the_data_is_taken_again(tmp_path: Path) -> None:
    wanted = fake_postgres(tmp_path, 15, postgis=True)
    fake_postgres(tmp_path, 16, postgis=True)
    assert postgres.find_binaries([tmp_path], major=15) == wanted


@pytest.mark.parametrize(
    ("installed", "made_by", "says"),
    [
        ({}, None, "PostgreSQL is missing: install the packages postgresql and postgis (make setup does it)"),
        (
            {15: False},
            None,
            "PostGIS is missing for PostgreSQL 15: install postgresql-15-postgis-3 (make setup does it)",
        ),
        ({13: True}, None, "PostgreSQL 13 is too old: muster needs 15 or newer"),
        ({16: True}, 15, "the data was made by PostgreSQL 15, which is gone: install it, or remove the data"),
    ],
)
def test_what_is_missing_is_one_clear_line(
    tmp_path: Path, installed: dict[int, bool], made_by: int | None, says: str
) -> None:
    for major, postgis in installed.items():
        fake_postgres(tmp_path, major, postgis=postgis)
    with pytest.raises(PostgresError) as caught:
        postgres.find_binaries([tmp_path], made_by)
    assert str(caught.value) == says


def test_a_cluster_is_made_once_keeps_its_data_and_refuses_strangers(run_folder: Path) -> None:
    folder = run_folder / "made-once"
    folder.mkdir(mode=0o755)
    port = ports.find_free()
    cluster = postgres.prepare(folder, port=port, superuser_password="root", password="secret", durable=False)
    with running(cluster):
        cluster.create_database()
        with psycopg.connect(cluster.conninfo()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT ST_MakePoint(1, 2) AS at")
        for user, password in (("muster", "wrong"), ("postgres", "secret"), ("postgres", "")):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(host="127.0.0.1", port=port, dbname="muster", user=user, password=password)
        assert not ports.is_free(port)

    # Another port and another password of the owner: both are settings, not properties of the data.
    again = postgres.prepare(folder, port=ports.find_free(), superuser_password="root", password="other", durable=False)
    with running(again):
        again.create_database()
        with psycopg.connect(again.conninfo()) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1,)


def test_databases_can_be_made_at_once(postgres: Cluster, worker: str) -> None:
    names = [f"at_once_{worker}_{number}" for number in range(8)]
    try:
        with ThreadPoolExecutor(len(names)) as threads:
            list(threads.map(lambda name: postgres.create_database(name, template="muster_template"), names))
        with psycopg.connect(postgres.conninfo(names[-1])) as connection:
            assert connection.execute("SELECT count(*) FROM shard").fetchone() == (64,)
    finally:
        for name in names:
            postgres.drop_database(name)


def test_the_owner_of_the_database_is_no_superuser(database: str) -> None:
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT usesuper FROM pg_user WHERE usename = current_user").fetchone() == (False,)


def test_a_killed_initdb_is_made_again(run_folder: Path) -> None:
    folder = run_folder / "half-made"
    leftover = folder / "postgres" / "cluster.new"
    leftover.mkdir(parents=True)
    (leftover / "PG_VERSION").write_text("15\n")
    cluster = postgres.prepare(folder, port=1, superuser_password="root", password="secret", durable=False)
    assert (cluster.data / "global").is_dir()
    assert not leftover.exists()
