"""A database, a broker, the scene's world and gateway processes on them, for tests of the whole gateway."""

import contextlib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine, text

from beacon_agent import wire
from server import database
from tests import processes
from tests.conftest import Mqtt
from tests.gateway import scene

GATEWAY = [sys.executable, "-m", "gateway.main", "run"]


class Box:
    """A client at the broker that keeps what it receives."""

    def __init__(self, broker: Mqtt, user: str, password: str, topics: Sequence[str]) -> None:
        """Connects and subscribes."""
        self.messages: list[tuple[str, bytes]] = []
        self.epoch = b""
        self.sent: dict[int, tuple[str, bytes]] = {}  # by number, what was sent as an agent
        self._subscribed = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"test-{user}-{id(self)}")
        self.client.username_pw_set(user, password)
        self.client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in topics])
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = lambda _c, _d, message: self._take(message.topic, bytes(message.payload))
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        assert self._subscribed.wait(10)

    def _take(self, topic: str, payload: bytes) -> None:
        self.messages.append((topic, payload))
        if topic.startswith("muster/v1/shard/"):
            # As an agent does: what is not settled is sent again when the shard has another epoch than before.
            known, self.epoch = self.epoch, payload
            if known in (b"", payload):
                return
            for seq in self.sent.keys() - self.done() - self.refused().keys():
                self.client.publish(*self.sent[seq], qos=1)

    def acks(self) -> list[wire.Ack]:
        """The acknowledgements received so far."""
        return [wire.decode_ack(payload) for topic, payload in self.messages if topic.endswith("/ack")]

    def done(self) -> set[int]:
        """The numbers that were acknowledged as committed."""
        return {seq for ack in self.acks() for low, high in ack.done for seq in range(low, high + 1)}

    def refused(self) -> dict[int, str]:
        """The numbers that were refused, with their reasons."""
        return {seq: reason for ack in self.acks() for seq, reason in ack.refused.items()}

    def send(self, payload: bytes, shard: int | None = None, agent: str = "hall-door") -> None:
        """Publishes a payload as a report."""
        shard = wire.shard_of("hall") if shard is None else shard
        topic = wire.report_topic(shard, agent)
        with contextlib.suppress(ValueError, KeyError, TypeError):
            self.sent[json.loads(payload.partition(b"\n")[2])["seq"]] = (topic, payload)
        self.client.publish(topic, payload, qos=1).wait_for_publish(10)

    def close(self) -> None:
        """Disconnects."""
        self.client.disconnect()
        self.client.loop_stop()


class House:
    """A database, a broker, a world, and gateways to start on them."""

    def __init__(self, conninfo: str, broker: Mqtt, folder: Path) -> None:
        """Builds the world with reports dated now."""
        self.broker, self.folder, self.conninfo = broker, folder, conninfo
        self.engine: Engine = database.connect(conninfo, pool=2)
        with database.transaction(self.engine) as session:
            self.world = scene.build(session)
            self.keys = self.world.keys
            session.execute(text("UPDATE placement SET valid = tstzrange('2020-01-01', NULL)"))
            session.execute(text("UPDATE identity SET valid = tstzrange('2020-01-01', NULL)"))
        with broker.administer() as logins:
            for agent, key in self.keys.items():
                logins.add_agent(agent, wire.broker_password(key), wire.shard_name(wire.shard_of("hall")))
        offset_s = time.time() - scene.BEGIN.timestamp() - 600
        self.offset_s = offset_s - offset_s % 2
        self.coalesce_s = "0"  # everything at once, as after a badge came
        self.settings: dict[str, str] = {}  # further ones of its gateways, by their variables

    def report(self, seq: int, at_s: float, heard: Sequence[tuple[int, int]] = (), agent: str = "hall-door") -> bytes:
        """A signed report of a window ten minutes ago and at_s later."""
        return self.world.arrived(scene.report(agent, seq, self.offset_s + at_s, heard)).payload

    def agent(self, agent: str = "hall-door") -> Box:
        """A client with an agent's login that hears its own acknowledgements and sends again when it must."""
        topics = [wire.ack_topic(agent), wire.epoch_topic(wire.shard_of("hall"))]
        return Box(self.broker, agent, wire.broker_password(self.keys[agent]), topics)

    @contextlib.contextmanager
    def gateway(self, name: str = "gateway-1", shards: str = "00-3f") -> Iterator[subprocess.Popen[bytes]]:
        """A running gateway process."""
        environment = {
            **self.broker.environment("gateway"),
            "MUSTER_DATABASE__DSN": self.conninfo,
            "MUSTER_GATEWAY__ID": name,
            "MUSTER_GATEWAY__SHARDS": shards,
            "MUSTER_GATEWAY__HEALTH_S": "0.2",
            "MUSTER_GATEWAY__COALESCE_S": self.coalesce_s,
            **self.settings,
        }
        log = self.folder / f"{name}.log"
        before = len(log.read_bytes()) if log.exists() else 0  # of one that ran under this name

        def works() -> bool:
            said = log.read_bytes()[before:]
            return b"connected to the broker" in said and re.search(rb"took \d+ shards", said) is not None

        with processes.running(GATEWAY, log, works, environment=environment) as process:
            yield process

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def counters(self, gateway: str = "gateway-1") -> dict[str, Any]:
        """What the gateway counted."""
        found = self.rows(f"SELECT counters FROM gateway_health WHERE gateway = '{gateway}'")
        return dict(found[0][0]) if found else {}
