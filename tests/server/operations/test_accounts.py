"""Services run under accounts of their own, keep their data where these can reach it, and die with their parent."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from server.operations import accounts
from server.operations.accounts import AccountError
from tests import processes

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs services under other accounts")


@as_root
def test_root_runs_a_service_under_its_account() -> None:
    account = accounts.service_account("postgres")
    assert account is not None
    said = subprocess.run(
        accounts.with_parent(["id", "-un"], account=account), capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "postgres"


def test_what_was_started_for_a_parent_that_is_dead_by_now_does_not_run() -> None:
    command = accounts.with_parent(["echo", "still here"])
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "still here\n"
    # Another parent than the one it was made for, as the one that adopts an orphan.
    orphan = subprocess.run(["sh", "-c", '"$@"; :', "sh", *command], capture_output=True, text=True, check=False)
    assert orphan.stdout == ""


@as_root
def test_a_missing_account_is_one_clear_line() -> None:
    with pytest.raises(AccountError, match=r"^the account nobody-here is missing: install"):
        accounts.service_account("nobody-here")


def test_an_ordinary_user_runs_services_as_herself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert accounts.service_account("nobody-here") is None


@as_root
def test_data_lies_in_the_folder_when_its_account_can_enter_it(run_folder: Path) -> None:
    account = accounts.service_account("postgres")
    data = accounts.make_folder(run_folder / "open", "data", account)
    assert data == run_folder / "open" / "data"
    assert pwd.getpwuid(data.stat().st_uid).pw_name == "postgres"


@as_root
def test_data_lies_elsewhere_with_a_note_below_a_closed_home(
    tmp_path: Path, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "ELSEWHERE", run_folder / "elsewhere")
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    account = accounts.service_account("postgres")
    data = accounts.make_folder(closed / ".muster", "data", account)
    assert data.is_relative_to(run_folder / "elsewhere")
    assert str(data) in (closed / ".muster" / "data.txt").read_text()
    assert accounts.make_folder(closed / ".muster", "data", account) == data
    assert subprocess.run(accounts.with_parent(["test", "-w", str(data)], account=account), check=False).returncode == 0
    shutil.rmtree(data)


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AccountError, match="cannot be made: Not a directory"):
        accounts.make_folder(tmp_path / "file" / "folder", "data", None)


def test_a_command_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    command = ["sh", "-c", f"echo $$ > {note}.new; mv {note}.new {note}; exec sleep 600"]
    run = f"from server.operations import accounts as a; import subprocess; subprocess.run(a.with_parent({command!r}))"
    parent = subprocess.Popen([sys.executable, "-c", run])
    try:
        processes.wait_until(note.exists, "the command runs")
    finally:
        parent.kill()
        parent.wait()
    processes.wait_until(lambda: not Path(f"/proc/{note.read_text().strip()}/fd").exists(), "the command is gone")
