"""What merged windows cost: the recording of 2015-03-07 told in windows of 2, 10, 30 and 60 s, scored."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from beacon_agent import ibeacon, merging, replay, wire
from beacon_agent.clock import RECORDED
from beacon_agent.flow import Flow
from beacon_agent.link import Login
from beacon_agent.merging import Row, Slots
from beacon_agent.packing import Draft
from beacon_agent.publisher import Publisher
from beacon_agent.spool import Spool
from beacon_agent.window import Interest, Window
from server import database
from server.operations import recording
from server.operations.recording import Scanner
from tests import processes
from tests.conftest import Mqtt
from tests.journeys import parts, score
from tests.journeys.score import Score

FILE = "FourScannersRun1-2015-03-07.csv.gz"
WINDOW_MS = 2000
LENGTHS_S = (2, 10, 30, 60)
SETTLED_S = 120
RESEND_S = 5.0
HOLD_REPORTS = 32


def hear(path: Path, scanners: Sequence[str]) -> dict[str, list[Draft]]:
    """The windows of each scanner, as its agent would close them: time is that of all rows."""
    rows = list(replay.in_order(replay.read(path, lambda *_: None)))
    begin_ms = rows[0].at_ms - rows[0].at_ms % WINDOW_MS
    everybody = Interest([(0, b"")])
    windows = {
        scanner: [
            Window(from_ms, from_ms + WINDOW_MS, everybody) for from_ms in range(begin_ms, rows[-1].at_ms, WINDOW_MS)
        ]
        for scanner in scanners
    }
    for row in rows:
        window = windows[row.scanner][(row.at_ms - begin_ms) // WINDOW_MS]
        window.hear(row.at_ms, ibeacon.compose(row.identity, row.power), row.rssi)
    return {
        scanner: [
            Draft(0, window.from_ms, window.to_ms, wire.Radio.OK, 1, wire.RSSI_DBM[0], window.readings())
            for window in found
        ]
        for scanner, found in windows.items()
    }


def merge_all(drafts: Sequence[Draft], length_ms: int) -> list[Draft]:
    """All windows that can be merged to this length, merged."""
    slots, merged = Slots(length_ms), dict(enumerate(drafts))
    for index, draft in enumerate(drafts):
        found = slots.take(Row(index, 1, draft.shard, draft.from_ms, draft.length_ms, draft.rev, draft.rssi_floor))
        if found:
            merged[found[-1].id] = merging.merge([merged.pop(part.id) for part in found])
    return [merged[index] for index in sorted(merged)]


def send(broker: Mqtt, folder: Path, scanner: Scanner, drafts: Sequence[Draft], shard: int) -> Counter[str]:
    """Sends one agent's windows as a replay does, until all are settled; returns what the publisher counted."""
    spool = Spool(folder / scanner.agent_id / "spool.db", 1 << 30, agent=scanner.agent_id)
    login = Login(broker.host, broker.port, 15, scanner.agent_id, scanner.key)
    publisher = Publisher(login, spool, Flow(64, RESEND_S, 1000.0), on_config=lambda _config: None)
    publisher.start()
    until_s = time.monotonic() + SETTLED_S
    for draft in [*drafts, None]:
        if draft is not None:
            publisher.change(spool.add(RECORDED, draft._replace(shard=shard)))
        while spool.reports > (HOLD_REPORTS if draft else 0):
            assert time.monotonic() < until_s, f"{spool.reports} reports of {scanner.agent_id} are not settled"
            time.sleep(0.01)
    publisher.stop(5)
    spool.close()
    return publisher.counts


def count(told: dict[str, list[Draft]]) -> tuple[int, int]:
    """Reports and readings."""
    return sum(map(len, told.values())), sum(len(draft.readings) for drafts in told.values() for draft in drafts)


def prepare(
    running: parts.Parts, broker: Mqtt, facts: recording.Facts, venues: Sequence[str]
) -> dict[str, list[Scanner]]:
    """The scanners of each venue, let in at the broker; waits until the server has told them their configs."""
    engine = database.connect(running.conninfo, pool=1)
    try:
        scanners = {venue: recording.prepare(engine, facts, venue, facts.from_ms) for venue in venues}
        with broker.administer() as logins:
            for found in scanners.values():
                logins.add_agents(recording.logins_of(engine, found))
    finally:
        engine.dispose()
    processes.wait_until(lambda: running.count("SELECT min(config_rev) FROM agent") > 2, "configs are published", 30)
    return scanners


@pytest.fixture
def running(shared_data: Path, fresh_database: str, fresh_mosquitto: Mqtt, tmp_path: Path) -> Iterator[parts.Parts]:
    assert shared_data
    with parts.running(fresh_database, fresh_mosquitto, tmp_path) as found:
        yield found


def test_merging_to_ten_and_thirty_seconds_costs_no_move_and_no_visit(
    running: parts.Parts, fresh_mosquitto: Mqtt, shared_data: Path, tmp_path: Path, show: Callable[[str], None]
) -> None:
    path = shared_data / "summit2015" / FILE
    facts = recording.read_facts(replay.describe(path))
    heard = hear(path, facts.scanners)
    venues = {length_s: f"summit-{length_s}" for length_s in LENGTHS_S}
    scanners = prepare(running, fresh_mosquitto, facts, list(venues.values()))
    told = {
        length_s: {name: merge_all(drafts, length_s * 1000) for name, drafts in heard.items()} for length_s in venues
    }
    with ThreadPoolExecutor(len(venues) * len(heard)) as agents:
        sent = [
            agents.submit(send, fresh_mosquitto, tmp_path, scanner, told[length_s][scanner.name], wire.shard_of(venue))
            for length_s, venue in venues.items()
            for scanner in scanners[venue]
        ]
    assert [agent.result()["refused"] for agent in sent] == [0] * len(sent)
    tables: list[str] = []
    scores: dict[int, Score] = {}
    for length_s, venue in venues.items():
        found = score.score_venue(running.conninfo, venue, path.with_name("truth_03-07.csv"))
        reports, readings = count(told[length_s])
        tables.append(
            f"{FILE}, windows of {length_s} s: {reports} reports, {readings} readings\n{score.draw_table(found)}"
        )
        scores[length_s] = sum(found.values(), Score())
    show("\n".join(tables))
    assert count(told[30])[1] * 4 < count(told[2])[1], "they were merged"
    for length_s in (2, 10, 30):
        assert (scores[length_s].named, scores[length_s].moves) == (12, 12)
        assert scores[length_s].false_departures == 0
    assert scores[2].right == scores[2].windows
    assert running.count("SELECT count(DISTINCT (badge_id, from_ms, to_ms)) FROM visit") == running.count(
        "SELECT count(*) FROM visit WHERE venue_id = 'summit-2'"
    ), "visits are the same to the millisecond, however long the windows"
