"""Faults that once cost more than themselves: poison beside others, commits that fail, tables that are not ready."""

import contextlib
import datetime as dt
import threading
import time
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from beacon_agent import wire
from gateway import tidy
from server import database
from server.fleet import fence
from server.fleet import service as fleet
from server.presence.trace import Forgotten
from server.venues import service as venues
from tests.gateway import plant, scene
from tests.gateway.plant import Gateway, Wire, World

NOW = scene.BEGIN + dt.timedelta(hours=2)


def _second_venue(world: World, *, same_shard: bool) -> None:
    """Another venue with the agent `other`."""
    hall = wire.shard_of("hall")
    name = next(f"venue-{at}" for at in range(10_000) if (wire.shard_of(f"venue-{at}") == hall) == same_shard)
    with database.transaction(world.engine) as session:
        zones = [venues.NewZone(f"z-{name}", "z")]
        venues.create(session, id=name, name=name, time_zone="Europe/Paris", zones=zones, **scene.KEPT)
        world.scene.keys["other"] = fleet.enrol(session, agent_id="other")
        fleet.place(session, agent_id="other", venue_id=name, zone_id=f"z-{name}", since=scene.EARLIER)


def _change(world: World, statement: str) -> None:
    with database.transaction(world.engine) as session:
        session.execute(text(statement))


def _poison(world: World) -> None:
    _change(world, f"ALTER TABLE visit ADD CONSTRAINT poison CHECK (badge_id <> {world.scene.badges[2]})")


BOTH = [scene.report("hall-door", 1, 0, [(2, -60)]), scene.report("other", 2, 0, [(0, -60)])]


@pytest.mark.parametrize("same_shard", [True, False])
def test_poison_at_one_venue_holds_up_no_other(house_world: World, same_shard: bool) -> None:
    _second_venue(house_world, same_shard=same_shard)
    _poison(house_world)
    gateway = Gateway(house_world.engine, Wire(), "gateway-1", NOW)
    for _ in range(2):  # what was asked for again comes again
        gateway.worker.take(plant.deliver(house_world.scene, BOTH))
        gateway.worker.flush(everything=True)
    assert ("other", 2) in gateway.wire.done
    assert gateway.wire.refused == {("hall-door", 1): "unprocessable"}


def test_poison_at_anothers_venue_ends(house_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _second_venue(house_world, same_shard=False)
    _poison(house_world)
    gateway = Gateway(house_world.engine, Wire(), "gateway-1", NOW)
    Gateway(house_world.engine, Wire(), "gateway-2", NOW)  # takes all shards
    choose, rounds = gateway.worker._choose, []

    def counted(everything: bool) -> Any:
        rounds.append(1)
        assert len(rounds) < 30, "it goes round and round"
        return choose(everything)

    monkeypatch.setattr(gateway.worker, "_choose", counted)
    for _ in range(3):
        gateway.worker.take(plant.deliver(house_world.scene, BOTH))
        gateway.worker.flush()
    assert ("other", 2) in gateway.wire.done
    assert gateway.wire.refused == {("hall-door", 1): "unprocessable"}


def test_a_commit_of_tidying_that_fails_leaves_the_memory_as_the_rows(
    house_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = Gateway(house_world.engine, Wire(), "gateway-1", scene.BEGIN, MUSTER_GATEWAY__COALESCE_S="0")
    for at in range(0, 3 * 3600, 60):
        gateway.now = scene.BEGIN + dt.timedelta(seconds=at + 2)
        gateway.take(plant.deliver(house_world.scene, [scene.report("hall-door", at + 1, at, [(0, -60)])]))
    forget = tidy.forget_traces

    def lose_connection(session: Session, *rest: Any) -> dict[str, Forgotten]:
        grown = forget(session, *rest)
        if grown:
            with psycopg.connect(house_world.conninfo, autocommit=True) as other:
                pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
                other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        return grown

    monkeypatch.setattr(tidy, "forget_traces", lose_connection)
    gateway.worker._persist(threading.Event(), gateway.worker.tidy, tries=1)
    with house_world.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM trace_forgotten")).scalar_one() == 0
    assert _forgotten(gateway) == []
    monkeypatch.undo()
    gateway.worker.tidy()
    assert _forgotten(gateway) != []


def _forgotten(gateway: Gateway) -> list[tuple[int, int]]:
    forgotten = gateway.worker._memory.venues["hall"].forgotten
    assert forgotten is not None
    return forgotten.times()


def test_a_join_gap_that_becomes_shorter_loses_no_readings(house_world: World) -> None:
    gateway = Gateway(house_world.engine, Wire(), "gateway-1", NOW, MUSTER_GATEWAY__COALESCE_S="0")
    gateway.take(plant.deliver(house_world.scene, [scene.report("hall-door", 1, 2, [(0, -60)])]))
    _change(house_world, "UPDATE venue SET join_gap_s = 90")
    _change(house_world, "UPDATE topic SET rev = rev + 1 WHERE name = 'facts'")
    gateway.take(plant.deliver(house_world.scene, [scene.report("hall-door", 2, 130, [(0, -60)])]))
    assert (gateway.wire.refused, len(plant.tables(house_world.engine)["visit"])) == ({}, 2)


def test_tables_that_are_not_ready_are_no_fault_of_a_report(house_world: World) -> None:
    """A migration runs, or the gateway is newer than the database: nothing may be refused for ever because of it."""
    gateway = Gateway(house_world.engine, Wire(), "gateway-1", NOW, MUSTER_GATEWAY__COALESCE_S="0")
    _change(house_world, "ALTER TABLE trace RENAME COLUMN peaks TO loudness")
    batch = plant.deliver(house_world.scene, [scene.report("hall-door", 1, 2, [(0, -60)])])
    with pytest.raises(psycopg.ProgrammingError):
        gateway.take(batch)
    assert gateway.wire.refused == {}
    _change(house_world, "ALTER TABLE trace RENAME COLUMN loudness TO peaks")
    gateway.worker.flush()
    assert gateway.wire.done == {("hall-door", 1)}


def test_a_batch_that_is_tried_again_is_counted_and_gathered_once(
    house_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _second_venue(house_world, same_shard=False)
    gateway = Gateway(house_world.engine, Wire(), "gateway-1", NOW)
    gateway.worker._alone["hall"] = time.monotonic() + 600
    record, tries = gateway.worker._record, []

    def away_once(*arguments: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise psycopg.OperationalError("away")
        return record(*arguments)

    monkeypatch.setattr(gateway.worker, "_record", away_once)
    reports = [scene.report("other", 1, 0, [(0, -60)]), scene.report("hall-door", 2, 0, [(0, -60)])]
    batch = plant.deliver(house_world.scene, reports)
    gateway.worker._persist(threading.Event(), lambda: gateway.worker.take(batch))
    assert gateway.health.counters()["reports"] == 2
    (waiting,) = gateway.worker._gathering.venues.values()
    assert len(waiting.reports) == 1


def test_facts_that_never_rest_end_a_round(house_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway(house_world.engine, Wire(), "gateway-1", NOW, MUSTER_GATEWAY__COALESCE_S="0")
    fresh = gateway.worker._fresh_facts

    def move() -> Any:
        found = fresh()
        _change(house_world, "UPDATE topic SET rev = rev + 1 WHERE name = 'facts'")
        return found

    monkeypatch.setattr(gateway.worker, "_fresh_facts", move)
    gateway.take(plant.deliver(house_world.scene, [scene.report("hall-door", 1, 2, [(0, -60)])]))
    assert gateway.wire.done == set()
    monkeypatch.undo()
    with contextlib.suppress(psycopg.Error):
        gateway.worker._fresh_facts()
    gateway.worker.flush()
    assert gateway.wire.done == {("hall-door", 1)}


def test_a_gateway_that_slept_says_nothing_of_shards_that_are_anothers_since(house_world: World) -> None:
    said = Wire()
    gateway = Gateway(house_world.engine, said, "sleeper", NOW)
    with database.transaction(house_world.engine) as session:
        fence.take(session, "other", [1, 2])
    said.said.clear()
    gateway.worker.publish_epochs()
    topics = {topic for topic, _ in said.said}
    assert topics == {wire.epoch_topic(shard) for shard in range(wire.SHARDS) if shard not in (1, 2)}
