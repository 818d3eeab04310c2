"""Gateways in this process on a real database, with a link that keeps what they say: to be crashed at any point."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Engine, text

from beacon_agent import wire
from config import settings
from config.settings import Settings
from gateway.health import Health
from gateway.ingest import Arrived, Inbox
from gateway.worker import Worker
from server.presence import trace
from tests.gateway import scene

TABLES = {
    "span": "SELECT badge_id, placement_id, from_ms, to_ms FROM span ORDER BY 1, 2, 3",
    "visit": "SELECT badge_id, venue_id, from_ms, to_ms FROM visit ORDER BY 1, 2, 3",
    "stay": "SELECT badge_id, venue_id, from_ms, zone_id FROM stay ORDER BY 1, 2, 3",
    "coverage": "SELECT agent_id, placement_id, from_ms, to_ms FROM coverage ORDER BY 1, 2, 3",
    "beacon_span": "SELECT beacon_agent_id, placement_id, from_ms, to_ms FROM beacon_span ORDER BY 1, 2, 3",
    "checkin": "SELECT step_id, member_id, badge_id, at, evidence, signed_up FROM checkin ORDER BY 1, 2",
    "refusal": "SELECT member_id, step_id, code, first_at, last_at, sentence FROM refusal ORDER BY 1, 2, 3",
}


class World(NamedTuple):
    """A database with the scene's world in it."""

    conninfo: str
    engine: Engine
    scene: scene.Scene


class Crash(BaseException):
    """The process is killed here."""


class Wire:
    """Takes what a gateway publishes; can be told to crash instead of letting acknowledgements out."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self.done: set[tuple[str, int]] = set()
        self.refused: dict[tuple[str, int], str] = {}
        self.said: list[tuple[str, bytes]] = []
        self.crash_at_ack = False

    def publish(self, topic: str, payload: bytes, **_how: object) -> None:
        """Keeps a message."""
        if topic.endswith("/ack"):
            if self.crash_at_ack:
                raise Crash
            ack = wire.decode_ack(payload)
            agent = topic.split("/")[3]
            self.done |= {(agent, seq) for low, high in ack.done for seq in range(low, high + 1)}
            self.refused |= {(agent, seq): reason for seq, reason in ack.refused.items()}
        self.said.append((topic, payload))

    def publish_epochs(self, epochs: Iterable[tuple[int, int]]) -> None:
        """Keeps them."""
        for shard, epoch in epochs:
            self.publish(wire.epoch_topic(shard), b'{"epoch":%d}' % epoch, retain=True)


class Gateway:
    """One gateway; `worker` does the work, `crash_at_commit` kills it before its next commit."""

    def __init__(self, engine: Engine, wire_: Wire, name: str, now: dt.datetime, **environment: str) -> None:
        """environment: MUSTER_... settings without the prefix."""
        self.name, self.wire, self.now = name, wire_, now
        loaded = load(MUSTER_GATEWAY__ID=name, **environment)
        health = Health()
        self.worker = Worker(loaded, engine, Inbox(loaded.gateway, health), wire_, health, lambda: self.now)  # type: ignore[arg-type]
        self.health = health
        self.crash_at_commit = False
        recorder = self.worker._recorder
        record = recorder.record

        def record_or_crash(*arguments: Any) -> Any:
            recorded = record(*arguments)
            if self.crash_at_commit:
                raise Crash
            return recorded

        recorder.record = record_or_crash  # type: ignore[method-assign, assignment]
        self.worker.take_shards()

    def take(self, batch: Sequence[Arrived]) -> None:
        """Takes a batch in and records what cannot wait."""
        self.worker.take(batch)
        self.worker.flush()


def load(**environment: str) -> Settings:
    """The settings with these changes (MUSTER_... names)."""
    return settings.load(environment=environment)


def tables(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """What is recorded."""
    with engine.connect() as connection:
        found = {name: [tuple(row) for row in connection.execute(text(query))] for name, query in TABLES.items()}
        rows = connection.execute(text("SELECT placement_id, block_ms, peaks FROM trace ORDER BY 1, 2"))
        found["trace"] = [(row[0], row[1], *sorted(trace.unpack(bytes(row[2]), 12).items())) for row in rows]
    return found


def empty(conninfo: str) -> None:
    """Forgets all that was recorded, and keeps the world."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        names = ", ".join([*TABLES, "trace", "trace_forgotten", "refused_report"])
        connection.execute(f"TRUNCATE {names} CASCADE".encode())


def deliver(world: scene.Scene, reports: Iterable[wire.Report]) -> list[Arrived]:
    """The reports, signed, as MQTT brings them."""
    return [world.arrived(report) for report in reports]
