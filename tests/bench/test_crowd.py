from itertools import pairwise

import psycopg
import pytest

from beacon_agent import wire
from tests.bench import packets, town
from tests.bench.crowd import Crowd, Habits, Reporter, Round
from tests.bench.sender import Ledger
from tests.bench.town import Town

SMALL = Town(venues=3, present=20, spare=5, zones=4)
BEGIN_MS = 1_700_000_000_000 // 30_000 * 30_000


def read(found: Round, size: Town) -> list[wire.Report]:
    """The reports of a round, verified as a gateway does."""
    reports = []
    for chunk in found.chunks:
        buffer = bytearray(chunk.data)
        for kind, body in packets.split(buffer):
            topic, _, payload = packets.read_publish(kind, body)
            _, agent = wire.parse_report_topic(topic.decode())
            reports.append(wire.decode(wire.verify(town.key(size, agent), payload)))
            assert reports[-1].agent == agent
        assert not buffer
    return reports


@pytest.mark.parametrize("length_ms", [2_000, 30_000])
def test_every_agent_reports_each_window_with_what_a_gateway_takes(length_ms: int) -> None:
    reporter = Reporter(Crowd(SMALL), chunk_reports=5)
    rounds = list(reporter.rounds(3, BEGIN_MS, length_ms))
    for seq, found in enumerate(rounds, 1):
        reports = read(found, SMALL)
        assert [(report.agent, report.seq) for report in reports] == [
            (town.zone_id(venue, zone), seq) for venue in range(3) for zone in range(4)
        ]
        assert {(report.from_ms, report.to_ms) for report in reports} == {(found.from_ms, found.to_ms)}
        assert found.readings == sum(len(report.readings) for report in reports)
        assert found.reports == 12
    assert [later.from_ms - earlier.from_ms for earlier, later in pairwise(rounds)] == [length_ms] * 2


def test_a_badge_is_heard_best_in_its_own_zone_and_by_two_or_three_agents() -> None:
    crowd = Crowd(SMALL)
    heard: dict[bytes, dict[str, int]] = {}
    for report in read(Reporter(crowd).round(BEGIN_MS, 2_000), SMALL):
        for reading in report.readings:
            heard.setdefault(reading.identity, {})[report.agent] = reading.rssi_max
    assert heard.keys() == {town.identity(badge) for here in crowd.here for badge in here}
    for venue, here in enumerate(crowd.here):
        for badge in here:
            by = heard[town.identity(badge)]
            assert max(by, key=by.__getitem__) == town.zone_id(venue, crowd.zone[badge])
            assert len(by) in (2, 3)
    assert {len(by) for by in heard.values()} == {2, 3}


def test_who_leaves_is_replaced_and_comes_back_last() -> None:
    crowd = Crowd(SMALL, Habits(turnover_per_min=0.5))
    before = [set(here) for here in crowd.here]
    arrived, _ = crowd.pass_time(60)
    assert len(arrived) == 30
    assert len(set(arrived[:15])) == 15  # five a venue were away, none of them comes twice before all came once
    for venue, here in enumerate(crowd.here):
        assert len(set(here)) == 20
        assert {SMALL.venue_of(badge) for badge in here} == {venue}
    assert before != [set(here) for here in crowd.here]


def test_people_walk_to_the_next_zone_as_often_as_they_should() -> None:
    crowd = Crowd(SMALL, Habits(moves_every_s=60))
    zones = list(crowd.zone)
    _, moved = crowd.pass_time(60)
    assert len(moved) == 60
    badge, zone = moved[-1]
    assert crowd.zone[badge] == zone
    assert crowd.zone != zones


def test_the_same_seed_makes_the_same_evening() -> None:
    first, second = (list(Reporter(Crowd(SMALL)).rounds(3, BEGIN_MS, 2_000)) for _ in range(2))
    assert first == second


def test_a_report_is_counted_once_however_often_it_is_acknowledged() -> None:
    (found,) = Reporter(Crowd(SMALL)).rounds(1, BEGIN_MS, 2_000)
    ledger = Ledger(SMALL)
    for chunk in found.chunks:
        ledger.send(chunk)
    assert ledger.in_flight == 12
    counts = [
        ledger.settle(wire.ack_topic(town.zone_id(venue, zone)).encode(), payload)
        for payload in (b'{"boot":"be9c4a11","done":[[1,1]],"refused":{},"now":1}',) * 2
        for venue in range(3)
        for zone in range(4)
    ]
    assert (sum(reports for reports, _ in counts), sum(readings for _, readings in counts)) == (12, found.readings)
    assert (ledger.in_flight, ledger.unsettled()) == (0, [])


def test_acknowledgements_of_others_settle_nothing_and_refusals_are_counted() -> None:
    (found,) = Reporter(Crowd(SMALL)).rounds(1, BEGIN_MS, 2_000)
    ledger = Ledger(SMALL)
    for chunk in found.chunks:
        ledger.send(chunk)
    topic = wire.ack_topic(town.zone_id(0, 0)).encode()
    assert ledger.settle(topic, b'{"boot":"00000000","done":[[1,1]],"refused":{},"now":1}') == (0, 0)
    assert ledger.settle(b"muster/v1/agent/stranger/ack", b'{"boot":"be9c4a11","done":[[1,1]],"refused":{}}') == (0, 0)
    assert ledger.settle(topic, b'{"boot":"be9c4a11","done":[],"refused":{"1":"future"},"now":1}')[0] == 1
    assert ledger.refused == 1
    assert len(ledger.unsettled()) == 1
    assert ledger.forget() == 11


def test_the_town_is_built_with_everybody_in_it(fresh_database: str) -> None:
    from server.requests import utc_now

    town.build(fresh_database, SMALL, utc_now())
    counts = {"venue": 3, "zone": 12, "agent": 12, "placement": 12, "badge": 75, "identity": 75, "pairing": 75}
    counts |= {"member": 76, "event": 3, "step": 3, "sign_up": 38}
    with psycopg.connect(fresh_database) as connection:
        for table, wanted in counts.items():
            row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
            assert row == (wanted,), table
