"""The journey of a scanner that goes deaf: its heartbeats cut out of a real recording, through agents to the answer."""

import csv
import datetime as dt
import gzip
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import settings
from server import database
from server.presence import intervals, listening, service
from server.presence.intervals import Interval
from tests.conftest import Mqtt
from tests.journeys import parts

RECORDING = "FourScannersRun1-2015-03-07.csv.gz"
SCANNER = "Room202"
CUT_AFTER_MS, CUT_MS = 360_000, 240_000
WINDOW_MS = 2_000
REPLAY_S = 240


@pytest.fixture
def running(shared_data: Path, fresh_database: str, fresh_mosquitto: Mqtt, tmp_path: Path) -> Iterator[parts.Parts]:
    assert shared_data
    with parts.running(fresh_database, fresh_mosquitto, tmp_path) as found:
        yield found


def cut_heartbeats(recording: Path, copy: Path) -> Interval:
    """Copies a recording without one scanner's heartbeats of some minutes; returns when."""
    with gzip.open(recording, "rt", newline="") as file:
        head, *rows = list(csv.reader(file))
    at, scanner, heartbeat = head.index("time_ms"), head.index("scanner"), head.index("heartbeat")
    begin = min(int(row[at]) for row in rows) + CUT_AFTER_MS
    kept = [
        row
        for row in rows
        if not (row[scanner] == SCANNER and row[heartbeat] == "1" and begin <= int(row[at]) < begin + CUT_MS)
    ]
    assert len(kept) < len(rows)
    with gzip.open(copy, "wt", newline="") as file:
        csv.writer(file).writerows([head, *kept])
    return begin, begin + CUT_MS


def test_a_scanner_whose_heartbeats_are_cut_out_does_not_count_as_listening(
    running: parts.Parts, shared_data: Path, tmp_path: Path, show: Callable[[str], None]
) -> None:
    recording = tmp_path / RECORDING
    cut = cut_heartbeats(shared_data / "summit2015" / RECORDING, recording)
    command = [parts.program("muster"), "replay", str(recording), "--venue", "summit", "--speed", "max"]
    result = subprocess.run(
        command, env=running.environment, capture_output=True, text=True, timeout=REPLAY_S, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    engine = database.connect(running.conninfo, pool=1)
    try:
        with database.transaction(engine) as session:
            rules = settings.load(environment={}).presence
            record = service.load(session, venue_id="summit", now=dt.datetime.now(dt.UTC), presence=rules)
    finally:
        engine.dispose()
    zones = {zone.id: zone.name for zone in record.facts.zones}
    end = service.now_ms_of(record, 0)
    reckoning = listening.reckon(record.ears.values(), end, record.facts.rule)
    deaf = {
        zones[ear.placed[-1].zone_id]: intervals.without(ear.listened, reckoning.ears[agent_id])
        for agent_id, ear in record.ears.items()
    }
    show("\n".join(f"{name}: {[(high - low) / 1000 for low, high in found]} s deaf" for name, found in deaf.items()))
    (found,) = deaf.pop(SCANNER)
    assert abs(found[0] - cut[0]) <= WINDOW_MS
    assert abs(found[1] - cut[1]) <= WINDOW_MS
    assert set(map(tuple, deaf.values())) == {()}
