"""The command muster-server, as a process."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from pathlib import Path

import httpx2
import psycopg
import pytest

from server import database as server_database
from server import main as server_main
from server import requests
from server.operations import authority, ports
from server.operations import postgres as private_postgres
from server.people import service as people
from tests import processes
from tests.conftest import Mqtt
from tests.server.places import make_cafe, make_members

COMMAND = [sys.executable, "-m", "server.main"]
# Three seconds are promised and one is taken; this is for a machine that runs all tests at once. That nothing had to be
# waited for is told by the log.
STOP_S = 10


@pytest.fixture
def people_in(fresh_database: str) -> str:
    """A database with the cafe and its people."""
    engine = server_database.connect(fresh_database, pool=1)
    with server_database.transaction(engine) as session:
        make_members(session)
        make_cafe(session)
    engine.dispose()
    return fresh_database


def call(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs muster-server to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextlib.contextmanager
def serving(
    database: str,
    mosquitto: Mqtt,
    folder: Path,
    command: list[str] | None = None,
    more: Mapping[str, str] | None = None,
) -> Iterator[tuple["subprocess.Popen[bytes]", str, Path]]:
    """A server that runs: its process, its address and its log."""
    port = ports.find_free()
    environment = {
        **os.environ,
        **mosquitto.environment("server"),
        "MUSTER_DATABASE__DSN": database,
        "MUSTER_SERVER__PORT": str(port),
        **(more or {}),
    }
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command or [*COMMAND, "run"], env=environment, stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{port}"
        processes.wait_ready(process, lambda: is_ready(url), log)
        yield process, url, log
    finally:
        processes.stop(process)


def is_ready(url: str) -> bool:
    """Whether /readyz says so."""
    try:
        return httpx2.get(f"{url}/readyz").status_code == 200
    except httpx2.HTTPError:
        return False


def test_it_serves_and_ends_with_nothing_to_complain_of(people_in: str, mosquitto: Mqtt, tmp_path: Path) -> None:
    with serving(people_in, mosquitto, tmp_path) as (process, url, log):
        assert httpx2.get(f"{url}/healthz").json() == {"alive": True}
        assert httpx2.get(f"{url}/").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) == 0
        assert "Traceback" not in log.read_text()


def test_it_ends_though_the_database_is_gone(
    people_in: str, postgres: private_postgres.Cluster, mosquitto: Mqtt, tmp_path: Path
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(people_in)["dbname"]
    with serving(people_in, mosquitto, tmp_path) as (process, _url, log):
        processes.wait_until(lambda: "Starting worker" in log.read_text(), "background work has begun")
        with psycopg.connect(postgres.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        process.send_signal(signal.SIGTERM)
        assert process.wait(2 * STOP_S) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_open_streams_do_not_hold_it_and_ignored_signals_are_heard(
    people_in: str, mosquitto: Mqtt, tmp_path: Path, number: signal.Signals
) -> None:
    link = call("signin", "ben", MUSTER_DATABASE__DSN=people_in).stdout.strip()
    ignoring = f"import signal, runpy; signal.signal({number.value}, signal.SIG_IGN)\n"
    ignoring += "import os, sys; os.execv(sys.executable, [sys.executable, '-m', 'server.main', 'run'])"
    with (
        serving(people_in, mosquitto, tmp_path, [sys.executable, "-c", ignoring]) as (process, url, log),
        httpx2.Client(base_url=url) as browser,
    ):
        assert browser.post(link.partition("8080")[2]).status_code == 303
        with browser.stream("GET", "/api/venues/cafe/live", timeout=20) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("event: snapshot")
            process.send_signal(number)
            assert process.wait(STOP_S) == 0
            with contextlib.suppress(httpx2.HTTPError):
                assert len(list(lines)) < 100
        said = log.read_text()
        assert "Traceback" not in said
        assert "exceeded" not in said  # nothing was cut off after a time of grace


def test_it_serves_https_beside_http_and_streams_end_on_both(people_in: str, mosquitto: Mqtt, tmp_path: Path) -> None:
    file, _ = authority.prepare(tmp_path / "authority", [IPv4Address("192.168.178.21")], "shop", requests.utc_now())
    port = ports.find_free()
    link = call("signin", "ben", MUSTER_DATABASE__DSN=people_in).stdout.strip()
    trusting = ssl.create_default_context(cafile=str(tmp_path / "authority" / authority.AUTHORITY))
    more = {"MUSTER_SERVER__TLS_FILE": str(file), "MUSTER_SERVER__HTTPS_PORT": str(port)}
    with (
        serving(people_in, mosquitto, tmp_path, more=more) as (process, url, log),
        httpx2.Client(base_url=f"https://127.0.0.1:{port}", verify=trusting) as browser,
    ):
        named = {"sni_hostname": "192.168.178.21"}
        with pytest.raises(httpx2.ConnectError, match="IP address mismatch"):
            browser.get("/healthz")
        assert browser.get("/healthz", extensions=named).json() == {"alive": True}
        with pytest.raises(httpx2.HTTPError):
            httpx2.get(f"http://127.0.0.1:{port}/healthz")
        with pytest.raises(httpx2.ConnectError, match="self-signed certificate"):
            httpx2.get(f"https://127.0.0.1:{port}/healthz")
        assert httpx2.get(f"{url}/healthz").json() == {"alive": True}
        assert browser.post(link.partition("8080")[2], extensions=named).status_code == 303
        with browser.stream("GET", "/api/venues/cafe/live", timeout=20, extensions=named) as stream:
            assert next(stream.iter_lines()).startswith("event: snapshot")
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_S) == 0
        assert "Traceback" not in log.read_text()


def test_what_https_cannot_be_served_with_is_one_line(people_in: str, tmp_path: Path) -> None:
    (tmp_path / "broken.pem").write_text("no certificate")
    for file in ("broken.pem", "missing.pem"):
        more = {"MUSTER_SERVER__PORT": str(ports.find_free()), "MUSTER_SERVER__HTTPS_PORT": str(ports.find_free())}
        ended = call("run", MUSTER_DATABASE__DSN=people_in, MUSTER_SERVER__TLS_FILE=str(tmp_path / file), **more)
        assert ended.returncode == 1
        (line,) = ended.stderr.splitlines()[-1:]
        assert line.startswith("muster-server: server.tls_file ")
        assert file in line


def test_a_taken_port_of_https_names_its_own_setting(people_in: str, tmp_path: Path) -> None:
    file, _ = authority.prepare(tmp_path, [IPv4Address("192.168.178.21")], "shop", requests.utc_now())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        more = {
            "MUSTER_SERVER__PORT": str(ports.find_free()),
            "MUSTER_SERVER__HTTPS_PORT": str(taken.getsockname()[1]),
        }
        ended = call("run", MUSTER_DATABASE__DSN=people_in, MUSTER_SERVER__TLS_FILE=str(file), **more)
    assert ended.returncode == 1
    assert "set MUSTER_SERVER__HTTPS_PORT to another port" in ended.stderr


def test_a_taken_port_is_one_line_that_says_what_to_do(people_in: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = call("run", MUSTER_DATABASE__DSN=people_in, MUSTER_SERVER__PORT=str(port))
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert f"127.0.0.1:{port}" in line
    assert "MUSTER_SERVER__PORT" in line


def test_a_database_that_is_away_is_one_line() -> None:
    port = ports.find_free()
    for command in (["run"], ["signin", "ana"]):
        ended = call(*command, MUSTER_DATABASE__PORT=str(port))
        assert ended.returncode == 1
        (line,) = ended.stderr.splitlines()
        assert f"the database is not reachable at 127.0.0.1:{port}" in line


def test_tables_that_are_not_there_are_one_line(postgres: private_postgres.Cluster, worker: str) -> None:
    name = f"bare_{worker}"
    postgres.create_database(name)
    ended = call("run", MUSTER_DATABASE__DSN=postgres.conninfo(name))
    postgres.drop_database(name)
    assert ended.returncode == 1
    assert ended.stderr == "muster-server: the database has not the newest tables: run `muster db migrate`\n"


def test_a_wrong_setting_is_one_line() -> None:
    ended = call("run", MUSTER_SERVER__PORT="eighty")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("muster-server: server.port is 'eighty' (from MUSTER_SERVER__PORT)")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [[], ["run"], ["signin"]])
def test_every_command_has_help_with_an_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        server_main.main([*command, "--help"])
    assert ended.value.code == 0
    assert "example" in capsys.readouterr().out


def test_a_printed_link_signs_in_once(
    people_in: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MUSTER_DATABASE__DSN", people_in)
    assert server_main.main(["signin", "Ana Moreno"]) == 0
    said = capsys.readouterr()
    assert "signs Ana Moreno in once" in said.err
    assert said.out.startswith("http://127.0.0.1:8080/sign-in/")
    token = said.out.strip().rpartition("/")[2]
    engine = server_database.connect(people_in, pool=1)
    with server_database.transaction(engine) as session:
        assert people.use_link(session, token=token, now=requests.utc_now()) == "ana"
    engine.dispose()


def test_an_unknown_name_is_one_line_with_near_ones(
    people_in: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MUSTER_DATABASE__DSN", people_in)
    assert server_main.main(["signin", "Dora Lindquist"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "muster-server: Nobody here is called 'Dora Lindquist': did you mean dora (Dora Lindqvist)?"
    ]


def test_the_first_operator_can_be_made(
    people_in: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MUSTER_DATABASE__DSN", people_in)
    assert server_main.main(["signin", "eve", "--new", "Eve Adeyemi", "--operator"]) == 0
    assert server_main.main(["signin", "eve", "--new", "Eve Again"]) == 1
    assert "There is a member eve already." in capsys.readouterr().err
    with psycopg.connect(people_in) as connection:
        assert connection.execute("SELECT operator FROM member WHERE id = 'eve'").fetchone() == (True,)
