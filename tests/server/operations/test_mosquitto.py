"""The private Mosquitto: found or refused in one clear line, its logins kept."""

import stat
from pathlib import Path

import pytest

from server.fleet import logins
from server.operations import mosquitto, ports
from server.operations.mosquitto import MosquittoError
from tests import processes


def test_a_missing_mosquitto_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_arguments, **_options: None)
    with pytest.raises(MosquittoError, match=r"^Mosquitto is missing: install the package mosquitto \(make setup"):
        mosquitto.find_binary()


def test_an_old_mosquitto_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "mosquitto"
    old.write_text("#!/bin/sh\necho 'mosquitto version 1.6.12'\nexit 3\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(MosquittoError, match=r"mosquitto is too old: muster needs Mosquitto 2\.0 or newer$"):
        mosquitto.find_binary()


def test_a_missing_plugin_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(MosquittoError, match=r"^Mosquitto's mosquitto_dynamic_security.so is missing"):
        mosquitto.find_plugin([str(tmp_path)])


def test_its_files_are_for_its_account_alone_and_its_logins_are_kept(run_folder: Path) -> None:
    folder = run_folder / "kept-logins"
    folder.mkdir(mode=0o755)
    for turn in ("first", "second"):
        broker = mosquitto.prepare(folder, port=ports.find_free(), admin_password="secret")
        for name in ("mosquitto.conf", "dynamic-security.json"):
            assert stat.S_IMODE((broker.folder / name).stat().st_mode) == 0o600
        with (
            processes.running(broker.command, folder / f"{turn}.log", broker.is_ready),
            logins.administer(broker.host, broker.port, broker.admin_user, "secret") as administration,
        ):
            if turn == "first":
                administration.add_agent("door", "door-secret")
            assert administration.list_agents() == {"door"}
