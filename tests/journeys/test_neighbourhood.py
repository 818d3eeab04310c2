"""The journey of a newcomer in the demonstration: "You" walk into the café and are checked in; a Pi is killed."""

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from config import settings
from server import database
from server.operations.demo import neighbourhood, seed
from tests import processes
from tests.conftest import Mqtt
from tests.journeys import parts

CAFE, CAFE_BACK = "kettle-and-crumb", (52.0, 23.0)
# What the issue promises.
CHECKED_IN_WITHIN_S = 20
# Twelve agents and three programs start on a machine that does other things as well.
START_S = 120


class Visitor:
    """A browser of somebody who signed in."""

    def __init__(self, url: str, member: str) -> None:
        self._client = httpx2.Client(base_url=url, timeout=30)
        assert self._client.post("/sign-in", data={"member": member}).status_code == 303

    def get(self, path: str) -> Any:
        response = self._client.get(path)
        response.raise_for_status()
        return response.json()

    def post(self, path: str, body: dict[str, Any]) -> None:
        self._client.post(path, json=body).raise_for_status()

    def zone(self, venue: str, zone: str) -> dict[str, Any]:
        found: dict[str, Any] = next(z for z in self.get(f"/api/venues/{venue}/presence")["zones"] if z["id"] == zone)
        return found

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def running(fresh_database: str, mosquitto: Mqtt, tmp_path: Path) -> Iterator[parts.Parts]:
    engine = database.connect(fresh_database, pool=1)
    seed.seed(engine, settings.load(environment=mosquitto.environment("server")), dt.datetime.now(dt.UTC))
    engine.dispose()
    with (
        parts.running(fresh_database, mosquitto, tmp_path, demo=True) as found,
        processes.running(
            [parts.program("muster"), "world"], tmp_path / "world.log", lambda: True, environment=found.environment
        ),
    ):
        yield found


@pytest.fixture
def you(running: parts.Parts) -> Iterator[Visitor]:
    visitor = Visitor(running.url, "you")
    yield visitor
    visitor.close()


def test_you_are_checked_in_by_your_badge_and_a_dead_pi_is_unknown_and_not_an_empty_room(
    running: parts.Parts, you: Visitor
) -> None:
    wait = processes.wait_until
    agents = "SELECT count(DISTINCT agent_id) FROM coverage WHERE agent_id LIKE '%-pi'"
    wait(lambda: running.count(agents) == len(neighbourhood.PIS), "every Pi listens", START_S)
    wait(lambda: running.count("SELECT count(*) FROM checkin") >= 3, "people who came by themselves", START_S)
    mine = "SELECT count(*) FROM checkin WHERE member_id = 'you'"
    assert running.count(mine) == 0

    # Dragged into the café.
    lon, lat = neighbourhood.to_lon_lat(*CAFE_BACK)
    begun_s = time.monotonic()
    you.post("/api/demo/you", {"lon": lon, "lat": lat})
    wait(lambda: running.count(mine) == 1, "your check-in", START_S)
    assert time.monotonic() - begun_s < CHECKED_IN_WITHIN_S
    assert running.count("SELECT count(*) FROM checkin WHERE member_id = 'you' AND evidence = 'beacon'") == 1
    wait(lambda: you.zone(CAFE, "cafe-back")["count"] >= 1, "you on the map")

    # Its Pi is killed: unknown since then, with the last count. Revived, everything is as before.
    assert you.zone(CAFE, "cafe-back")["state"] == "covered"
    you.post("/api/demo/agents/cafe-back-pi", {"running": False})
    wait(lambda: you.zone(CAFE, "cafe-back")["state"] == "unknown", "an unknown room", START_S)
    room = you.zone(CAFE, "cafe-back")
    assert room["since"] is not None
    assert room["last_count"] >= 1
    assert you.zone(CAFE, "cafe-bar")["state"] == "covered"
    you.post("/api/demo/agents/cafe-back-pi", {"running": True})
    wait(lambda: you.zone(CAFE, "cafe-back")["state"] == "covered", "the room again", START_S)
    wait(lambda: you.zone(CAFE, "cafe-back")["count"] >= 1, "you in it again", START_S)

    # Nobody was checked in twice, nothing was refused, no stranger has left a Pi.
    assert running.count(mine) == 1
    assert running.count("SELECT count(*) FROM refused_report") == 0
    unregistered = "SELECT coalesce(sum((counters->>'readings_unregistered')::bigint), 0) FROM gateway_health"
    assert running.count(unregistered) == 0
