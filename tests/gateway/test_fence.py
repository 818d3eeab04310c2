"""The fence as a journey: gateways that are paused, lag, take turns or divide the shards, and rows as if none had."""

import contextlib
import datetime as dt
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from beacon_agent import wire
from gateway.ingest import Arrived
from server import database
from server.fleet import service as fleet
from server.venues import service as venues
from tests.conftest import Mqtt
from tests.gateway import evening, scene
from tests.gateway.evening import DOOR, STAGE, Evening
from tests.gateway.house import House

Wait = Callable[..., None]
HALL = wire.shard_of("hall")


@pytest.fixture
def house(fresh_database: str, fresh_mosquitto: Mqtt, tmp_path: Path) -> Iterator[House]:
    house = House(fresh_database, fresh_mosquitto, tmp_path)
    yield house
    house.engine.dispose()


@pytest.fixture
def night(house: House) -> Iterator[Evening]:
    yield from evening.open_in(house)


@contextlib.contextmanager
def holding(house: House, statement: str) -> Iterator[Callable[[], None]]:
    """A transaction that holds what the statement locks; yields what lets go of it."""
    with psycopg.connect(house.conninfo) as connection:
        connection.execute(statement.encode())
        yield connection.rollback


@contextlib.contextmanager
def paused(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """A process that does nothing for as long as the block runs, and would not even notice a signal to end."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def waits_for_a_lock(house: House) -> bool:
    found = house.rows("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
    return found != []


def sits_in_a_transaction(house: House) -> bool:
    found = house.rows(
        "SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()"
        " AND pid <> pg_backend_pid()"
    )
    return found != []


def log_of(house: House, name: str) -> str:
    return (house.folder / f"{name}.log").read_text()


# Before anything was written; and when all is, but the commit.
@pytest.mark.parametrize("table", ["visit", "topic"])
def test_a_gateway_paused_inside_a_batch_is_overtaken_and_wakes_without_harm(
    house: House, night: Evening, wait_until: Wait, table: str
) -> None:
    with house.gateway() as first:
        night.send(0, 30)
        night.await_settled()
        with holding(house, f"LOCK TABLE {table} IN SHARE MODE") as let_go:
            night.send(30, 40)
            wait_until(lambda: waits_for_a_lock(house), "the gateway is inside a batch", 10)
            with paused(first):
                let_go()
                wait_until(lambda: sits_in_a_transaction(house), "its transaction stays open", 10)
                night.send(40, 60)
                assert not night.settled
                with house.gateway("gateway-2") as second:
                    # Nobody told the agents but the new epoch: what the first was about to record came again.
                    night.await_settled()
                    night.send(60, 90)
                    night.await_settled()
                    first.send_signal(signal.SIGCONT)
                    guest = "another gateway's now; going on as a guest"
                    wait_until(lambda: guest in log_of(house, "gateway-1"), "the first notices", 20)
                    wait_until(lambda: house.counters().get("foreign", 0) > 0, "the first is a guest", 20)
                    night.send(90, 110)
                    night.await_settled()
                    second.kill()
                    second.wait()
                # The first alone: nothing that it remembers of the time before counts.
                night.send(110, evening.LASTS_S)
                night.await_settled()
        assert house.rows("SELECT DISTINCT gateway FROM shard") == [("gateway-2",)]
    found = night.tables()
    assert found["checkin"]
    assert found == night.undisturbed()
    assert house.rows("SELECT * FROM refused_report") == []


def test_a_gateway_that_lags_behind_does_no_harm(house: House, night: Evening, wait_until: Wait) -> None:
    with house.gateway() as first:
        night.send(0, 20)
        night.await_settled()
        wait_until(lambda: house.rows("SELECT 1 FROM gateway_health"), "its counters", 10)
        # It stands still over its own counters, while what arrives piles up in its inbox.
        with holding(house, "SELECT * FROM gateway_health WHERE gateway = 'gateway-1' FOR UPDATE") as let_go:
            wait_until(lambda: waits_for_a_lock(house), "the first stands still", 10)
            night.send(20, 60)
            with house.gateway("gateway-2"):
                night.await_settled()
                night.send(60, evening.LASTS_S)
                night.await_settled()
                before = night.tables()
                let_go()
                wait_until(lambda: house.counters().get("received", 0) >= 120, "the first has received all", 20)
                wait_until(
                    lambda: house.counters().get("foreign", 0) >= 100, "the first has worked off what it had", 20
                )
                assert night.tables() == before
                first.send_signal(signal.SIGTERM)
                assert first.wait(20) == 0
    assert night.tables() == before
    assert before == night.undisturbed()


def test_gateways_that_divide_the_shards_share_an_agent_that_moves(
    house: House, night: Evening, wait_until: Wait
) -> None:
    """The hall is the second's, the café the first's; the agent of the stage goes from the one to the other."""
    cafe = wire.shard_of("cafe")
    assert cafe < 0x20 <= HALL
    moved_at = scene.BEGIN + dt.timedelta(seconds=house.offset_s + 80)
    with house.gateway("gateway-1", "00-1f"), house.gateway("gateway-2", "20-3f") as second:
        night.send(0, 80)
        night.await_settled()
        with database.transaction(house.engine) as session:
            venues.create(
                session,
                id="cafe",
                name="The café",
                time_zone="Europe/Paris",
                zones=[venues.NewZone("cafe-room", "room")],
                **scene.KEPT,
            )
            fleet.place(session, agent_id=STAGE, venue_id="cafe", zone_id="cafe-room", since=moved_at, rssi_floor=-90)
        # It does not know yet: its reports take the way of the hall, to a gateway that is a guest in the café.
        night.send(80, 90)
        night.await_settled()
        wait_until(lambda: house.counters("gateway-2").get("foreign", 0) > 0, "the second counts guests' work", 10)
        with house.broker.administer() as logins:
            logins.set_shard(STAGE, wire.shard_name(cafe))
        # Now it does; one late window of the hall goes the old way, and one the new way.
        for at_s in range(90, evening.LASTS_S, 2):
            night.send(at_s, at_s + 2, [DOOR])
            send(night, STAGE, at_s, cafe)
        send(night, STAGE, 40, cafe)
        send(night, STAGE, 42, HALL)
        night.await_settled()
        second.kill()
        second.wait()
        # Without the second, a window of the hall that takes the café's way is recorded all the same.
        night.boxes[STAGE].messages.clear()
        send(night, STAGE, 44, cafe)
        wait_until(lambda: night.boxes[STAGE].done() == {45}, "the first is a guest in the hall", 10)
        assert dict(house.rows("SELECT id, gateway FROM shard WHERE id IN (16, 63)")) == {
            cafe: "gateway-1",
            HALL: "gateway-2",
        }
    found = night.tables()
    assert {row[1] for row in found["visit"]} == {"hall", "cafe"}
    assert found == night.undisturbed()


def send(night: Evening, agent: str, at_s: int, shard: int) -> None:
    payload = night.report(agent, at_s)
    night.sent.append(Arrived(agent, payload))
    night.boxes[agent].send(payload, shard, agent)
