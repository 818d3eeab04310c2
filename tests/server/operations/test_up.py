"""`muster up` as people run it: from nothing to an address, through crashes and kills, and nothing left behind."""

import contextlib
import ipaddress
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from config import settings as config
from server.operations import home, networks, ports, postgres, up
from tests import processes
from tests.server.operations.test_postgres import fake_postgres

ROOT = Path(__file__).parents[3]
MUSTER = str(Path(sys.executable).with_name("muster"))
# A first start takes 5 to 10 s on an idle machine of two cores; two workers of pytest and other work make it slower.
START_S = 180
STOP_S = 90


@dataclass
class Run:
    """A `muster up` that was started, and what it printed."""

    process: subprocess.Popen[bytes]
    output: Path
    mark: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def said(self) -> str:
        return self.output.read_text()

    def left(self) -> dict[int, str]:
        """All processes that descend from it, whoever their parent is now."""
        return processes.list_marked(self.mark)

    def wait_for(self, text: str, timeout_s: float = START_S) -> None:
        processes.wait_until(
            lambda: text in self.said or self.process.poll() is not None, f"it says {text!r}", timeout_s
        )
        assert text in self.said, self.said

    def end(self, with_signal: signal.Signals) -> int:
        self.process.send_signal(with_signal)
        return self.process.wait(STOP_S)


def free_ports() -> dict[str, str]:
    names = ("MUSTER_SERVER__PORT", "MUSTER_BROKER__PORT", "MUSTER_DATABASE__PORT")
    return {name: str(ports.find_free()) for name in names}


@contextlib.contextmanager
def start(folder: Path, command: list[str], environment: Mapping[str, str], cwd: Path | None = None) -> Iterator[Run]:
    """Starts it as a shell does with `&`: with SIGINT ignored. Whatever is left at the end is killed."""
    output = folder / f"output-{secrets.token_hex(2)}"
    mark = f"STARTED_BY_TEST={secrets.token_hex(8)}"
    name, _, value = mark.partition("=")
    with output.open("wb") as file:
        process = subprocess.Popen(
            ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command],
            env={**environment, name: value},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    run = Run(process, output, mark, environment)
    try:
        yield run
    finally:
        if process.poll() is None:
            processes.stop(process)
        processes.wait_until(lambda: not run.left(), f"nothing left of {command}", STOP_S)


def start_up(folder: Path, *options: str, **settings: str) -> contextlib.AbstractContextManager[Run]:
    folder.mkdir(mode=0o755, exist_ok=True)
    environment = {**os.environ, **free_ports(), "MUSTER_UP__FOLDER": str(folder / "up"), **settings}
    return start(folder, [MUSTER, "up", *options], environment)


def muster(run: Run, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Another `muster` in the folder of a running one, as from a second terminal."""
    environment = {**os.environ, "MUSTER_UP__FOLDER": run.environment["MUSTER_UP__FOLDER"]}
    return subprocess.run([MUSTER, *arguments], env=environment, capture_output=True, text=True, check=False)


def first_address(said: str) -> str:
    found = re.search(r"https?://\S+|\d+\.\d+\.\d+\.\d+:\d+", said)
    assert found is not None
    return found[0]


def listening() -> set[str]:
    """The IPv4 addresses and ports of this machine that take connections."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {f"{ipaddress.IPv4Address(bytes.fromhex(host)[::-1])}:{int(port, 16)}" for host, port in ends}


def read_pids(folder: Path) -> dict[str, int]:
    return {name: trace["pid"] for name, trace in json.loads((folder / "pids.json").read_text()).items()}


def test_up_runs_everything_shows_a_crash_and_stops_on_ctrl_c_though_it_was_ignored(run_folder: Path) -> None:
    folder = run_folder / "up-demo"
    with start_up(folder, "--demo") as run:
        run.wait_for("muster is running")
        assert first_address(run.said) == f"http://127.0.0.1:{run.environment['MUSTER_SERVER__PORT']}"
        run.wait_for("sign in as: Robin (that is you), Amina Haddad", 5)
        assert up.ask_ready("127.0.0.1", int(run.environment["MUSTER_SERVER__PORT"])) == 200

        def all_is_well() -> bool:
            return muster(run, "doctor").returncode == 0

        processes.wait_until(all_is_well, "the doctor finds all parts well", 60)

        again = subprocess.run([MUSTER, "up"], env=dict(run.environment), capture_output=True, text=True, check=False)
        assert again.returncode == 1
        assert again.stderr.startswith("muster: muster already runs in ")
        assert again.stderr.count("\n") == 1

        broken = read_pids(folder / "up")["gateway"]
        os.kill(broken, signal.SIGKILL)
        run.wait_for("gateway was ended by SIGKILL, starting it again in 0.5 s", 20)
        assert "  | " in run.said.partition("gateway was ended")[0], "the last lines of its log come first"
        processes.wait_until(
            lambda: read_pids(folder / "up").get("gateway", broken) != broken, "the gateway runs again", 60
        )
        assert run.end(signal.SIGINT) == 0
        run.wait_for("muster has stopped.", 5)
        assert run.left() == {}


def test_up_runs_again_after_everything_was_killed(run_folder: Path) -> None:
    folder = run_folder / "up-killed"
    with start_up(folder, "--no-demo") as run:
        run.wait_for("muster is running")
        pids = read_pids(folder / "up")
        assert set(pids) == {"database", "broker", "gateway", "server"}
        run.process.kill()
        run.process.wait()
    with start_up(folder, "--no-demo", **free_ports()) as again:
        again.wait_for("muster is running")
        found = muster(again, "doctor")
        assert found.returncode == 0, found.stdout
        assert again.end(signal.SIGTERM) == 0
        assert again.left() == {}
    assert not (folder / "up" / "pids.json").exists()


def test_up_serves_the_local_network_when_it_is_asked_to(run_folder: Path) -> None:
    found = networks.addresses()
    if not found:
        pytest.skip("this machine is on no network")
    folder = run_folder / "up-lan"
    https = str(ports.find_free())
    with start_up(folder, "--no-demo", MUSTER_UP__LAN="true", MUSTER_SERVER__HTTPS_PORT=https) as run:
        run.wait_for("everybody on this network can open it")
        port = run.environment["MUSTER_SERVER__PORT"]
        assert first_address(run.said) == f"http://127.0.0.1:{port}"
        assert f"phones on this network: http://{found[0]}:{port}" in run.said
        assert {f"0.0.0.0:{port}", f"0.0.0.0:{https}"} <= listening()
        assert f"127.0.0.1:{run.environment['MUSTER_DATABASE__PORT']}" in listening(), "the rest stays on loopback"
        assert f"127.0.0.1:{run.environment['MUSTER_BROKER__PORT']}" in listening()
        assert "fingerprint to compare there: " in run.said
        assert run.end(signal.SIGTERM) == 0
    with start_up(folder, "--no-demo", MUSTER_SERVER__HTTPS_PORT=https) as alone:
        alone.wait_for("Ctrl-C stops everything")
        assert "phones on this network" not in alone.said
        assert f"127.0.0.1:{alone.environment['MUSTER_SERVER__PORT']}" in listening()
        assert not any(address.endswith(f":{https}") for address in listening())
        assert alone.end(signal.SIGTERM) == 0


def test_a_taken_port_of_https_is_one_line(run_folder: Path) -> None:
    if not networks.addresses():
        pytest.skip("this machine is on no network")
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = str(taken.getsockname()[1])
        with start_up(run_folder / "up-https", "--no-demo", "--lan", MUSTER_SERVER__HTTPS_PORT=port) as run:
            assert run.process.wait(START_S) == 1
    assert run.said.startswith(f"muster: port {port} is taken by another program: set MUSTER_SERVER__HTTPS_PORT")
    assert run.said.count("\n") == 1


def test_a_damaged_authority_is_one_line(run_folder: Path) -> None:
    if not networks.addresses():
        pytest.skip("this machine is on no network")
    folder = run_folder / "up-damaged"
    (folder / "up" / "authority").mkdir(parents=True)
    (folder / "up" / "authority" / "authority.pem").touch()
    with start_up(folder, "--no-demo", "--lan") as run:
        assert run.process.wait(START_S) == 1
    assert re.fullmatch(r"muster: \S+/authority.pem is damaged: put it back, or remove it .*\n", run.said)


def test_up_stops_when_told_while_it_starts(run_folder: Path) -> None:
    with start_up(run_folder / "up-hasty", "--no-demo") as run:
        processes.wait_until(lambda: len(run.left()) > 1, "it has begun to start something", START_S)
        assert run.end(signal.SIGTERM) == 0
        assert run.left() == {}


@pytest.mark.parametrize("variable", ["MUSTER_SERVER__PORT", "MUSTER_BROKER__PORT", "MUSTER_DATABASE__PORT"])
def test_a_taken_port_is_one_line_that_names_the_setting(run_folder: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with start_up(run_folder / f"up-{variable}", "--no-demo", **{variable: port}) as run:
            assert run.process.wait(START_S) == 1
    assert run.said.startswith(f"muster: port {port} is taken by another program: set {variable} to a free one")
    assert run.said.count("\n") == 1


def test_one_port_for_two_parts_is_one_line(run_folder: Path) -> None:
    port = str(ports.find_free())
    with start_up(run_folder / "up-twins", MUSTER_SERVER__PORT=port, MUSTER_BROKER__PORT=port) as run:
        assert run.process.wait(START_S) == 1
    assert f"are both {port}: give each a port of its own" in run.said


def test_a_wrong_setting_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    with start_up(tmp_path / "wrong", MUSTER_SERVER__PORT="many") as run:
        assert run.process.wait(START_S) == 2
    assert run.said == "muster: server.port is 'many' (from MUSTER_SERVER__PORT): it must be a whole number\n"


def test_a_missing_postgis_is_one_line(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    binaries = fake_postgres(tmp_path, 15, postgis=False)
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")  # its pg_config is asked, not the machine's own
    settings = config.load(environment={**free_ports(), "MUSTER_UP__FOLDER": str(run_folder / "up-without")})
    assert up.run(settings, demo=False) == 1
    assert capsys.readouterr().err == (
        "muster: PostGIS is missing for PostgreSQL 15: install postgresql-15-postgis-3 (make setup does it)\n"
    )


def test_a_database_of_ones_own_is_refused(tmp_path: Path) -> None:
    with start_up(tmp_path / "dsn", MUSTER_DATABASE__DSN="dbname=mine") as run:
        assert run.process.wait(START_S) == 1
    assert "muster up makes a database of its own" in run.said


def test_only_the_server_may_administer_the_broker(run_folder: Path) -> None:
    folder = run_folder / "up-rights"
    folder.mkdir()
    home.write_settings(folder, config.load(environment={}), home.read_secrets(folder), demo=False)
    assert config.load(folder / home.SETTINGS, {}).broker.admin_password
    assert not config.load(folder / home.GATEWAY_SETTINGS, {}).broker.admin_password


@dataclass(frozen=True)
class User:
    """An ordinary account, made for a test."""

    name: str
    uid: int
    gid: int
    home: Path

    def command(self, *words: str) -> list[str]:
        """Runs words as this user, without any right to become another."""
        identity = ["--reuid", str(self.uid), "--regid", str(self.gid), "--clear-groups", "--no-new-privs"]
        return ["setpriv", *identity, "--", *words]


@pytest.fixture
def user(run_folder: Path) -> Iterator[User]:
    """An ordinary user of this machine who may do nothing special."""
    if os.geteuid() != 0:
        pytest.skip("only root can make another user")
    name = f"muster-{secrets.token_hex(4)}"
    place = run_folder / name
    subprocess.run(["useradd", "--create-home", "--home-dir", place, "--shell", "/bin/sh", name], check=True)
    entry = pwd.getpwnam(name)
    yield User(name, entry.pw_uid, entry.pw_gid, place)
    subprocess.run(["userdel", "--remove", name], check=True, capture_output=True)


def python_for(user: User) -> str:
    """A Python that this user may run as well."""
    for python in (Path(sys.executable).resolve(), *sorted(Path("/usr/bin").glob("python3.1[123]"))):
        if subprocess.run(user.command("test", "-x", str(python)), check=False).returncode == 0:
            return str(python)
    raise AssertionError("this machine has no Python that an ordinary user may run")


def test_make_up_works_for_an_ordinary_user_without_sudo(user: User) -> None:
    checkout = user.home / "muster"
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout / name)
    plain = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(user.home),
        "LANG": "C.UTF-8",
        "PYTHON": python_for(user),
    }
    # Everything is installed already, by root from root's caches. The files of the virtual environment may be links
    # into those, so that the user gets its folders alone (Python writes there what it has compiled).
    subprocess.run(
        [checkout / "config/deploy/setup.sh", "up"],
        env={**os.environ, "PYTHON": plain["PYTHON"]},
        stdin=subprocess.DEVNULL,
        check=True,
    )
    owner = f"{user.uid}:{user.gid}"
    venv = checkout / ".venv"
    subprocess.run(["find", venv, "-type", "d", "-exec", "chown", owner, "{}", "+"], check=True)
    subprocess.run(["find", user.home, "-path", venv, "-prune", "-o", "-exec", "chown", owner, "{}", "+"], check=True)

    with start(user.home, user.command("make", "up"), {**plain, **free_ports()}, cwd=checkout) as run:
        run.wait_for("muster is running")
        assert first_address(run.said) == f"http://127.0.0.1:{run.environment['MUSTER_SERVER__PORT']}"
        assert up.ask_ready("127.0.0.1", int(run.environment["MUSTER_SERVER__PORT"])) == 200
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in read_pids(checkout / ".muster").values()}
        assert owners == {user.uid}
        run.end(signal.SIGTERM)
        processes.wait_until(lambda: not run.left(), "everything has ended", STOP_S)
        assert "muster has stopped." in run.said
