"""Tests of `muster replay` with real agents, broker, gateway and server."""

import csv
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from server.operations import ports
from tests import processes
from tests.conftest import Mqtt
from tests.journeys import parts

HEADER = "time_ms,scanner,uuid,major,minor,rssi,calibrated_power,heartbeat"
UUID, BEACON = "DAF246CE836311E4B116123B93F75CBA", "DAF246CEF20111E4B116123B93F75CBA"
FROM_MS = 1_425_757_568_000
REPLAY_S = 120
TABLES = "span, visit, stay, trace, coverage, badge, identity, agent, placement, zone, refused_report"


def write_recording(path: Path, seconds: int = 120) -> Path:
    """Badge 5 is a minute in the hall, then in the yard; badge 6 is in the yard; the hall's own beacon ticks."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(HEADER.split(","))
        for second in range(seconds):
            at_ms = FROM_MS + second * 1000
            near, far = ("Hall", "Yard") if second < seconds / 2 else ("Yard", "Hall")
            rows.writerow([at_ms, near, UUID, 1, 5, -60, -62, 0])
            rows.writerow([at_ms + 1, far, UUID, 1, 5, -85, -62, ""])
            rows.writerow([at_ms + 2, "Yard", UUID, 1, 6, -70, -62, 0])
            rows.writerow([at_ms + 3, "Hall", BEACON, 201, 20, -30, 0, 1])
    return path


@pytest.fixture
def running(fresh_database: str, fresh_mosquitto: Mqtt, tmp_path: Path) -> Iterator[parts.Parts]:
    with parts.running(fresh_database, fresh_mosquitto, tmp_path) as found:
        yield found


def replay(file: Path, venue: str, environment: dict[str, str], *options: str) -> "subprocess.CompletedProcess[str]":
    command = [parts.program("muster"), "replay", str(file), "--venue", venue, *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=REPLAY_S, check=False)


def read_tables(conninfo: str) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(conninfo) as connection:
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table}".encode()).fetchall(), key=repr)
            for table in TABLES.split(", ")
        }


def read_stays(conninfo: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(
            "SELECT badge.label, zone.name, stay.from_ms FROM stay JOIN badge ON badge.id = stay.badge_id"
            " JOIN zone ON zone.id = stay.zone_id ORDER BY badge.label, stay.from_ms"
        ).fetchall()


def test_a_recording_becomes_visits_and_stays_and_again_changes_nothing(running: parts.Parts, tmp_path: Path) -> None:
    file = write_recording(tmp_path / "walk.csv")
    first = replay(file, "house", running.environment, "--speed", "max")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "480 of 480 rows" in first.stdout
    assert "house: 2 badges, 2 visits, 3 stays" in first.stdout
    assert "refused reports: none" in first.stdout
    assert f"live map: {running.url}/venues/house/live" in first.stdout
    (in_hall, in_yard, other) = read_stays(running.conninfo)
    assert in_hall[:3] == ("1/5", "Hall", FROM_MS)
    assert in_yard[:2] == ("1/5", "Yard")
    assert abs(in_yard[2] - (FROM_MS + 60_000)) <= 15_000
    assert other == ("1/6", "Yard", FROM_MS + 2)
    before = read_tables(running.conninfo)
    again = replay(file, "house", running.environment, "--speed", "max")
    assert again.returncode == 0, again.stdout + again.stderr
    after = read_tables(running.conninfo)
    # The server counts a config's revisions; nothing else may differ.
    assert {table: rows for table, rows in after.items() if table != "agent"} == {
        table: rows for table, rows in before.items() if table != "agent"
    }
    assert len(after["agent"]) == 2


def test_ctrl_c_stops_it_leaving_no_agent_and_the_next_run_completes_it(running: parts.Parts, tmp_path: Path) -> None:
    file = write_recording(tmp_path / "walk.csv")
    command = [parts.program("muster"), "replay", str(file), "--venue", "house", "--speed", "2"]
    process = subprocess.Popen(command, env=running.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        processes.wait_until(lambda: running.count("SELECT count(*) FROM visit") > 0, "a first visit", REPLAY_S)
        pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(pids) == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    finally:
        processes.stop(process)
    assert process.stdout is not None
    said = process.stdout.read().decode()
    process.stdout.close()
    assert "stopped" in said
    assert "Traceback" not in said
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    completed = replay(file, "house", running.environment, "--speed", "max")
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert [stay[:2] for stay in read_stays(running.conninfo)] == [("1/5", "Hall"), ("1/5", "Yard"), ("1/6", "Yard")]


def test_a_shifted_recording_happens_now(running: parts.Parts, tmp_path: Path) -> None:
    file = write_recording(tmp_path / "walk.csv", seconds=10)
    result = replay(file, "house", running.environment, "--shift-to-now")
    assert result.returncode == 0, result.stdout + result.stderr
    age_s = "SELECT extract(epoch FROM now()) - max(to_ms) / 1000 FROM visit"
    assert -1 < running.count(age_s) < REPLAY_S
    assert running.count("SELECT max(to_ms) - min(from_ms) FROM visit") > 8000


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "does not exist"),
        ("", "is no recording"),
        ("a,b,c\n1,2,3\n", "is no recording"),
        (HEADER.replace("minor", "beacon_minor") + "\n", "is no recording"),
        (HEADER + "\n", "no row"),
        (HEADER + "\n1,Hall,not-hex,1,5,-60,-62,0\n", "no row"),
        ("\x1f\x8bnot really gzip", "cannot be read"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_line(tmp_path: Path, content: str | None, says: str) -> None:
    file = tmp_path / "walk.csv"
    if content is not None:
        file.write_text(content, encoding="latin-1")
    result = replay(file, "house", dict(os.environ))
    assert result.returncode == 2
    assert re.fullmatch(r"muster: [^\n]+\n", result.stderr), result.stderr
    assert says in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "nan", "inf", "1e9"])
def test_an_impossible_speed_is_refused(tmp_path: Path, speed: str) -> None:
    result = replay(write_recording(tmp_path / "walk.csv", 1), "house", dict(os.environ), f"--speed={speed}")
    assert result.returncode == 2
    assert "must be a number above 0, or max" in result.stderr


def test_what_happens_now_happens_at_its_own_speed(tmp_path: Path) -> None:
    file = write_recording(tmp_path / "walk.csv", 1)
    result = replay(file, "house", dict(os.environ), "--shift-to-now", "--speed", "2")
    assert result.returncode == 2
    assert re.fullmatch(r"muster: --shift-to-now is for speed 1[^\n]+\n", result.stderr)


def test_without_a_database_it_says_so_in_one_line(tmp_path: Path) -> None:
    file = write_recording(tmp_path / "walk.csv", 1)
    result = replay(file, "house", os.environ | {"MUSTER_DATABASE__PORT": str(ports.find_free())})
    assert result.returncode == 1
    assert re.fullmatch(r"muster: [^\n]+\n", result.stderr), result.stderr


def test_an_impossible_venue_is_refused_in_one_line(tmp_path: Path, database: str) -> None:
    file = write_recording(tmp_path / "walk.csv", 1)
    result = replay(file, "No Id", os.environ | {"MUSTER_DATABASE__DSN": database})
    assert result.returncode == 2
    assert re.fullmatch(r"muster: [^\n]+\n", result.stderr), result.stderr


def test_while_a_part_is_away_it_says_which_and_a_second_one_stays_out(
    fresh_database: str, fresh_mosquitto: Mqtt, tmp_path: Path
) -> None:
    file = write_recording(tmp_path / "walk.csv", 10)
    environment = os.environ | fresh_mosquitto.environment("server")
    environment |= {"MUSTER_DATABASE__DSN": fresh_database, "MUSTER_UP__FOLDER": str(tmp_path)}
    impatient = (
        "from server.operations import main, replay\n"
        "replay.HINT_AFTER_S = 1\n"
        f"exit(main.main(['replay', {str(file)!r}, '--venue', 'lonely', '--speed', 'max']))"
    )
    log = tmp_path / "said"
    process = processes.start([sys.executable, "-c", impatient], log, environment)
    try:
        processes.wait_until(lambda: "does muster-server run?" in log.read_text(), "a hint", REPLAY_S)
        second = replay(file, "lonely", environment, "--speed", "max")
        assert second.returncode == 1
        assert "another muster-agent works in" in second.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 130
    finally:
        processes.stop(process)
