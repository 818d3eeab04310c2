"""A real server on a free port of this machine, with the real broker and the real database behind it."""

import asyncio
import contextlib
import datetime as dt
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from config import settings
from server import database, requests
from server.app import create_app, end_streams
from server.live import news
from server.live.hub import Hub
from server.operations import ports
from server.people import access
from server.people import service as people
from tests.conftest import Mqtt
from tests.processes import wait_until

WAIT_S = 20


class Stream:
    """A browser's side of a stream, read in a thread of its own."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.comments = 0
        self.ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        kind = ""
        with contextlib.suppress(httpx2.HTTPError):
            for line in self.response.iter_lines():
                if line.startswith(":"):
                    self.comments += 1
                elif line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self.events.append((kind, json.loads(line.removeprefix("data: "))))
        self.ended = True

    def wait(self, condition: Callable[[], object], what: str, timeout_s: float = WAIT_S) -> None:
        wait_until(condition, f"{what}; events so far: {self.events}", timeout_s)

    def snapshot(self) -> dict[str, Any]:
        self.wait(lambda: self.events, "the first event")
        kind, data = self.events[0]
        assert kind == "snapshot"
        return data

    def topic(self, name: str) -> dict[str, Any]:
        """The topic as a browser has it after all events so far."""
        known: dict[str, Any] = {}
        for kind, data in list(self.events):
            if kind == "snapshot":
                known = {}
            if name not in data["topics"]:
                continue
            for key, value in data["topics"][name].items():
                if key in ("zones", "agents", "badges", "arrivals"):
                    entries = known.setdefault(key, {})
                    for entry in value:
                        entries[entry["id"]] = {**entries.get(entry["id"], {}), **entry}
                else:
                    known[key] = value
        return known

    def badge(self, venue_id: str, badge_id: int) -> dict[str, Any]:
        found: dict[str, Any] = self.topic(f"venue/{venue_id}").get("badges", {}).get(badge_id, {})
        return found

    def close(self) -> None:
        # Closing alone would not wake the thread that waits for more.
        with contextlib.suppress(OSError):
            self.response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._thread.join(WAIT_S)
        self.response.close()


@dataclass
class Ahead:
    """How much later it is at the server than here."""

    by: dt.timedelta = dt.timedelta(0)


class Site:
    """The running server, and the means to act on it from outside."""

    def __init__(self, url: str, app: FastAPI, engine: Engine, broker: Mqtt, ahead: Ahead) -> None:
        self.url = url
        self.ahead = ahead
        self.engine = engine
        self.hub: Hub = app.state.hub
        self.hub_engine: Engine = self.hub._work.engine
        self._closing = contextlib.ExitStack()
        self._gateway = Client(CallbackAPIVersion.VERSION2)
        self._gateway.username_pw_set("gateway", broker.gateway_password)
        self._gateway.connect(broker.host, broker.port)
        self._gateway.loop_start()

    def sign_in(self, member_id: str) -> httpx2.Client:
        with database.transaction(self.engine) as session:
            token = people.sign_in(session, member_id=member_id, now=requests.utc_now())
        return self._client({access.COOKIE: token})

    def stranger(self) -> httpx2.Client:
        return self._client({})

    def _client(self, cookies: dict[str, str]) -> httpx2.Client:
        limits = httpx2.Limits(max_connections=200)
        return self._closing.enter_context(
            httpx2.Client(base_url=self.url, cookies=cookies, timeout=WAIT_S, limits=limits, trust_env=False)
        )

    def watch(self, client: httpx2.Client, path: str, **query: list[str]) -> Stream:
        response = self._closing.enter_context(client.stream("GET", path, params=query))
        assert response.status_code == 200, response.read()
        stream = Stream(response)
        self._closing.callback(stream.close)
        return stream

    def announce(self, name: str, payload: dict[str, Any] | bytes) -> None:
        """What a gateway publishes after its commit."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._gateway.publish(news.mqtt_topic(name), body).wait_for_publish(WAIT_S)

    def change(self) -> contextlib.AbstractContextManager[Session]:
        return database.transaction(self.engine)

    def close(self) -> None:
        self._closing.close()
        self._gateway.disconnect()
        self._gateway.loop_stop()


@contextlib.contextmanager
def _running(conninfo: str, mosquitto: Mqtt) -> Iterator[Site]:
    environment = {**mosquitto.environment("server"), "MUSTER_DATABASE__DSN": conninfo}
    ahead = Ahead()
    app = create_app(settings.load(environment=environment), lambda: requests.utc_now() + ahead.by)
    port = ports.find_free()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", ws="none"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    wait_until(lambda: server.started and app.state.broker.is_connected, "the server started", WAIT_S)
    engine = database.connect(conninfo, pool=2)
    site = Site(f"http://127.0.0.1:{port}", app, engine, mosquitto, ahead)
    try:
        yield site
    finally:
        site.close()
        end_streams(app)
        server.should_exit = True
        thread.join(WAIT_S)
        engine.dispose()
        assert not thread.is_alive()


@pytest.fixture
def site(fresh_database: str, mosquitto: Mqtt) -> Iterator[Site]:
    """A server of this test's own."""
    with _running(fresh_database, mosquitto) as site:
        yield site


@pytest.fixture
def second_site(site: Site, fresh_database: str, mosquitto: Mqtt) -> Iterator[Site]:
    """Another server of the same muster, which hears of the first through the broker alone."""
    del site
    with _running(fresh_database, mosquitto) as site:
        yield site
