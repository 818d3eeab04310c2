"""What is noted of parts that ended by themselves, and what the doctor says of it and of the disk."""

import datetime as dt
import json
import os
from pathlib import Path

import pytest

from config import settings
from config.settings import Settings
from server.operations import accounts, disk, doctor, restarts
from server.operations.doctor import Finding

NOW = dt.datetime(2026, 3, 13, 18, 0, tzinfo=dt.UTC)
NOW_S = NOW.timestamp()


def of(folder: Path) -> Settings:
    return settings.load(environment={"MUSTER_UP__FOLDER": str(folder), "MUSTER_DATABASE__PORT": "1"})


def findings(folder: Path, part: str) -> list[Finding]:
    return [finding for finding in doctor.examine(of(folder), NOW) if finding.part == part]


def test_each_end_is_counted_and_read_by_part(tmp_path: Path) -> None:
    journal = restarts.Journal(tmp_path)
    assert restarts.read(tmp_path) == {}
    journal.note("gateway", "was ended by SIGKILL", NOW_S - 30)
    journal.note("broker", "ended with exit code 1", NOW_S - 20)
    journal.note("gateway", "ended with exit code 3", NOW_S - 12)
    assert restarts.read(tmp_path) == {
        "gateway": restarts.Restarts(2, NOW_S - 12, "ended with exit code 3"),
        "broker": restarts.Restarts(1, NOW_S - 20, "ended with exit code 1"),
    }


def test_a_new_run_begins_without_what_was_noted_of_a_killed_one(tmp_path: Path) -> None:
    restarts.Journal(tmp_path).note("gateway", "was ended by SIGKILL", NOW_S)
    restarts.Journal(tmp_path)
    assert restarts.read(tmp_path) == {}


@pytest.mark.parametrize("content", ["", "[1]", '{"gateway": 3}', '{"gateway": {"times": 1}}'])
def test_a_damaged_note_says_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / restarts.FILE).write_text(content)
    assert restarts.read(tmp_path) == {}


def test_what_could_not_be_noted_is_counted_in_the_next_note(tmp_path: Path) -> None:
    journal = restarts.Journal(tmp_path)
    blocked = tmp_path / f"{restarts.FILE}.new"
    blocked.mkdir()  # as little to be written as on a full disk, also for root
    journal.note("gateway", "was ended by SIGKILL", NOW_S)
    assert restarts.read(tmp_path) == {}
    blocked.rmdir()
    journal.note("gateway", "was ended by SIGKILL", NOW_S)
    assert restarts.read(tmp_path)["gateway"].times == 2


def test_the_doctor_says_what_was_restarted_and_which_log_to_read(tmp_path: Path) -> None:
    assert findings(tmp_path, "restarts") == []
    journal = restarts.Journal(tmp_path)
    for ago_s in (300, 60, 12):
        journal.note("gateway", "was ended by SIGKILL", NOW_S - ago_s)
    journal.note("broker", "ended with exit code 1", NOW_S - 7200)
    gateway, broker = findings(tmp_path, "restarts")
    assert gateway.found == "gateway was restarted 3 times, last 12 s ago: it was ended by SIGKILL"
    assert (gateway.well, gateway.advice) == (False, f"read the end of {tmp_path}/log/gateway.log")
    assert broker.found == "broker was restarted once, last 2 h ago: it ended with exit code 1"
    assert (broker.well, broker.advice) == (True, "")


def test_the_doctor_says_how_full_the_disk_is_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "LOW_BYTES", 1)
    (well,) = findings(tmp_path / "not-made-yet", "disk")
    assert (well.well, well.advice) == (True, "")
    assert well.found.endswith(f"are free where {tmp_path}/not-made-yet lies")
    free = os.statvfs(tmp_path)
    monkeypatch.setattr(disk, "LOW_BYTES", free.f_blocks * free.f_frsize + 1)
    (low,) = findings(tmp_path, "disk")
    assert not low.well
    assert low.advice.startswith("make room there: without it nothing is recorded, and agents keep what they hear")
    assert "for 3 days at the most (agent.spool_max_age_s)" in low.advice


def test_the_doctor_looks_at_the_disk_where_the_data_really_is(tmp_path: Path) -> None:
    (tmp_path / "postgres.txt").write_text("elsewhere")
    _, elsewhere = findings(tmp_path, "disk")
    assert elsewhere.found.endswith(f"are free where {accounts.ELSEWHERE} lies")


def test_what_is_noted_is_one_whole_file(tmp_path: Path) -> None:
    restarts.Journal(tmp_path).note("gateway", "was ended by SIGKILL", NOW_S)
    assert [path.name for path in tmp_path.iterdir()] == [restarts.FILE]
    assert json.loads((tmp_path / restarts.FILE).read_text())["gateway"]["times"] == 1
