"""Tests of how agents are started as child processes."""

import subprocess
from pathlib import Path

from config import settings
from server.operations import agents

BROKER = settings.load(environment={"MUSTER_BROKER__PORT": "1234"}).broker


def test_an_agent_knows_its_broker_id_and_key_and_no_other_secret_of_ours(tmp_path: Path) -> None:
    known = agents.environment_of(
        "cafe-pi",
        bytes(range(32)),
        tmp_path,
        BROKER,
        {
            "PATH": "/bin",
            "MUSTER_CONFIG": "/etc/muster.toml",
            "MUSTER_DATABASE__PASSWORD": "secret",
            "MUSTER_BROKER__ADMIN_PASSWORD": "secret",
            "MUSTER_BROKER__PASSWORD": "secret",
            "MUSTER_BROKER__KEEPALIVE_S": "20",
        },
    )
    assert known == {
        "PATH": "/bin",
        "MUSTER_BROKER__HOST": "127.0.0.1",
        "MUSTER_BROKER__PORT": "1234",
        "MUSTER_BROKER__KEEPALIVE_S": "20",
        "MUSTER_AGENT__ID": "cafe-pi",
        "MUSTER_AGENT__KEY": bytes(range(32)).hex(),
        "MUSTER_AGENT__FOLDER": str(tmp_path),
        "MUSTER_AGENT__CLOCK": "system",
    }


def test_every_agent_has_a_folder_of_its_own(tmp_path: Path) -> None:
    homes = {agents.make_home(tmp_path, agent_id) for agent_id in ("a", "b", "a")}
    assert homes == {tmp_path / "agents" / "a", tmp_path / "agents" / "b"}
    assert all(home.is_dir() for home in homes)


def test_the_program_is_the_one_installed_beside_this_python() -> None:
    result = subprocess.run([agents.program(), "--help"], capture_output=True, text=True, check=True)
    assert "muster-agent" in result.stdout


def test_a_log_begins_anew_and_whoever_still_writes_the_old_one_does_not_spoil_it(tmp_path: Path) -> None:
    with agents.begin_log(tmp_path) as old:
        old.write(b"before\n")
        with agents.begin_log(tmp_path) as new:
            old.write(b"still\n")
            new.write(b"now\n")
    assert (tmp_path / "log").read_bytes() == b"now\n"
