"""The fixtures of all tests: no network but loopback, nobody's own settings, nothing left behind."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests import processes
from tests.conftest import NetworkUsed


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "example.org", "::ffff:192.0.2.1"])
def test_a_test_cannot_reach_another_machine(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as sock, pytest.raises(NetworkUsed):
        sock.connect((address, 80))


def test_a_test_reaches_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_settings_of_whoever_runs_the_tests_do_not_matter() -> None:
    assert [name for name in os.environ if name.startswith("MUSTER_")] == []


def test_the_database_has_the_newest_tables_and_extensions(database: str) -> None:
    with psycopg.connect(database) as connection:
        found = {row[0] for row in connection.execute("SELECT extname FROM pg_extension")}
        assert {"postgis", "btree_gist"} <= found
        assert connection.execute("SELECT to_regclass('member') IS NOT NULL").fetchone() == (True,)


@pytest.mark.parametrize("_turn", [1, 2])
def test_what_a_session_did_is_rolled_back(session: Session, _turn: int) -> None:
    assert session.execute(text("SELECT count(*) FROM community WHERE id = 'rolled-back'")).scalar() == 0
    session.execute(text("INSERT INTO community (id, name) VALUES ('rolled-back', 'Rolled back')"))
    session.commit()


def test_a_fresh_database_is_nobody_elses(fresh_database: str, database: str) -> None:
    assert fresh_database != database
    with psycopg.connect(fresh_database) as connection:
        connection.execute("INSERT INTO community (id, name) VALUES ('kept', 'Kept')")
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM community WHERE id = 'kept'").fetchone() == (0,)


def test_a_run_that_leaves_a_process_behind_fails_and_names_it(tmp_path: Path) -> None:
    conftest = Path(__file__).with_name("conftest.py")
    (tmp_path / "conftest.py").write_text(
        f"import sys; sys.path.insert(0, {str(conftest.parents[1])!r})\n"
        "from tests.conftest import pytest_configure, pytest_sessionfinish, pytest_unconfigure\n"
    )
    (tmp_path / "test_it.py").write_text(
        "import subprocess\n"
        "def test_it():\n"
        "    child = subprocess.Popen(['sleep', '600'])\n"
        "    open('pid', 'w').write(str(child.pid)); child.returncode = 0\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, 9)
    assert "1 passed" in ran.stdout
    assert f"left behind: {pid} sleep 600" in ran.stdout
    assert ran.returncode == 1
    processes.wait_until(lambda: not Path(f"/proc/{pid}/fd").exists(), "it is gone")
