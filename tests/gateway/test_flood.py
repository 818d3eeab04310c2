"""What arrives while the database is away is bounded in memory; what does not fit is counted and comes again."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from beacon_agent import wire
from server.operations.postgres import Cluster
from tests.bench import usage
from tests.conftest import Mqtt
from tests.gateway import scene
from tests.gateway.house import House

Wait = Callable[..., None]
QUEUE_MB = 8
REPORTS = 600
STRANGERS = 1600  # in each report: some 100 KB of it


@pytest.fixture
def house(fresh_database: str, fresh_mosquitto: Mqtt, tmp_path: Path) -> Iterator[House]:
    house = House(fresh_database, fresh_mosquitto, tmp_path)
    house.settings = {"MUSTER_GATEWAY__QUEUE_MB": str(QUEUE_MB)}
    yield house
    house.engine.dispose()


def crowded(house: House, seq: int) -> bytes:
    """A report of a badge among many strangers."""
    report = scene.report("hall-door", seq, house.offset_s + 2 * (seq % 250), [(0, -60)])
    reading = report.readings[0]
    many = tuple(reading._replace(identity=bytes(16) + number.to_bytes(4, "big")) for number in range(STRANGERS))
    return house.world.arrived(dataclasses.replace(report, readings=(reading, *many))).payload


def test_a_flood_while_the_database_is_away_is_bounded_counted_and_nothing_of_it_lost(
    house: House, postgres: Cluster, wait_until: Wait, show: Callable[[str], None]
) -> None:
    box = house.agent()
    topic = wire.report_topic(wire.shard_of("hall"), "hall-door")
    payloads = {seq: crowded(house, seq) for seq in range(1, REPORTS + 1)}
    flood_mb = sum(map(len, payloads.values())) / 2**20
    assert flood_mb > 5 * QUEUE_MB
    with house.gateway() as process:
        box.send(house.report(REPORTS + 1, 0, [(0, -60)]))
        wait_until(lambda: box.done() == {REPORTS + 1}, "the first", 10)
        before_mb, _ = usage.memory_mb(process.pid)
        name = house.rows("SELECT current_database()")[0][0]
        house.engine.dispose()
        with psycopg.connect(postgres.conninfo("postgres", superuser=True), autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            log = house.folder / "gateway-1.log"
            for payload in payloads.values():
                sent = box.client.publish(topic, payload, qos=1)
            sent.wait_for_publish(30)
            wait_until(lambda: "the database is away" in log.read_text(), "the complaint", 10)
            assert box.done() == {REPORTS + 1}
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        wait_until(lambda: house.counters().get("received", 0) > REPORTS, "all of it has arrived", 30)
        dropped = house.counters()["dropped_queue_full"]
        wait_until(lambda: len(box.done()) >= REPORTS + 1 - dropped, "what fitted is acknowledged", 30)
        assert dropped > REPORTS / 2
        grown_mb = usage.memory_mb(process.pid)[1] - before_mb
        show(f"flood of {flood_mb:.0f} MB into a queue of {QUEUE_MB} MB: grew {grown_mb:.0f} MB, dropped {dropped}")
        assert grown_mb < flood_mb / 2
        # As an agent does: a few in flight, until each is settled.
        left = sorted(payloads.keys() - box.done())
        for some in (left[at : at + 32] for at in range(0, len(left), 32)):
            for seq in some:
                box.send(payloads[seq])
            wait_until(lambda some=some: box.done() >= set(some), "the rest, sent again", 30)
    box.close()
