"""What arrives while the database is away is bounded in memory: it waits at the broker, and nothing of it is lost."""

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


def test_a_flood_while_the_database_is_away_is_bounded_and_nothing_of_it_lost(
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
        wait_until(lambda: len(box.done()) == REPORTS + 1, "all of it is acknowledged", 60)
        assert "dropped_queue_full" not in house.counters()
        grown_mb = usage.memory_mb(process.pid)[1] - before_mb
        show(f"flood of {flood_mb:.0f} MB into a queue of {QUEUE_MB} MB: grew {grown_mb:.0f} MB")
        assert grown_mb < flood_mb / 2
    box.close()
