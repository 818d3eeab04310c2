"""The journey of a host: she signs in by her link, opens the live map, and sees a recording walk through her rooms."""

import csv
import datetime as dt
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from server import database
from server.badges import service as badges
from server.events import service as events
from server.events import signups
from server.people import service as people
from server.venues import service as venues
from tests import processes
from tests.conftest import Mqtt
from tests.journeys import parts
from tests.server.pages import browser as chromium

BEGIN = dt.datetime(2026, 3, 13, 18, 30, tzinfo=dt.UTC)
LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
UUID = "daf246cef20111e4b116123b93f75cba"
WALKS_AT_S, LENGTH_S = 60, 150
SPEED = 6  # 150 recorded seconds in 25
WAIT_MS = 60_000


def _write_recording(file: Path) -> None:
    """Two rooms, two badges: 1 lies in the west room, 2 walks from the west room to the east room after a minute."""
    chance = random.Random(5)
    begin_ms = round(BEGIN.timestamp() * 1000)
    with file.open("w", newline="") as output:
        rows = csv.writer(output)
        rows.writerow(["time_ms", "scanner", "uuid", "major", "minor", "rssi", "calibrated_power", "heartbeat"])
        for second in range(LENGTH_S):
            for minor in (1, 2):
                near = "east" if minor == 2 and second >= WALKS_AT_S else "west"
                for scanner in ("west", "east"):
                    rssi = (-58 if scanner == near else -82) + chance.randint(-4, 4)
                    at_ms = begin_ms + second * 1000 + chance.randint(0, 900)
                    rows.writerow([at_ms, scanner, UUID.upper(), 0, minor, rssi, -59, ""])


def _room(west: float) -> dict[str, Any]:
    ring = [[west, 45.0], [west + 0.0002, 45.0], [west + 0.0002, 45.0002], [west, 45.0002], [west, 45.0]]
    return {"type": "Polygon", "coordinates": [ring]}


def _make_world(conninfo: str) -> None:
    """Two rooms with a plan, their host, a guest who signed up and carries badge 2, a stranger's badge 1, an event."""
    engine = database.connect(conninfo, pool=1)
    with database.transaction(engine) as session:
        people.create(session, id="mei", name="Mei Tanaka")
        people.create(session, id="ana", name="Ana Moreno")
        rooms = [
            venues.NewZone("rooms-west", "West room", area=_room(-30.0)),
            venues.NewZone("rooms-east", "East room", area=_room(-29.9998)),
        ]
        venues.create(session, id="rooms", name="Two rooms", time_zone="Europe/Paris", zones=rooms, replayed=True)
        held = [
            badges.register(session, identity=bytes.fromhex(f"{UUID}0000{minor:04x}"), since=LONG_AGO)
            for minor in (1, 2)
        ]
        badges.pair(session, badge_id=held[1], member_id="ana", since=LONG_AGO)
        step = events.NewStep("All of it", "rooms", BEGIN + dt.timedelta(minutes=10), BEGIN + dt.timedelta(hours=2))
        events.create(session, id="reading", name="A reading", organizer_id="mei", steps=[step])
        signups.sign_up(session, event_id="reading", member_id="ana", now=BEGIN)
    engine.dispose()


@pytest.fixture
def running(fresh_database: str, fresh_mosquitto: Mqtt, tmp_path: Path) -> Iterator[parts.Parts]:
    """Gateway and server on a world of two rooms."""
    _make_world(fresh_database)
    with parts.running(fresh_database, fresh_mosquitto, tmp_path) as found:
        yield found


def _dots(page: Page) -> dict[int, dict[str, Any]]:
    return {dot["badge"]: dot for dot in page.evaluate("window.muster.dots()")}


def test_a_host_sees_a_badge_change_its_room_and_its_holder_arrive_without_a_reload(
    running: parts.Parts, tmp_path: Path
) -> None:
    recording = tmp_path / "rooms.csv"
    _write_recording(recording)
    link = subprocess.run(
        [parts.program("muster-server"), "signin", "Mei Tanaka"],
        env=running.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    address = next(word for word in link.split() if word.startswith("http"))
    replay = [parts.program("muster"), "replay", str(recording), "--venue", "rooms", "--speed", str(SPEED)]
    log = tmp_path / "replay.log"
    with chromium.launched() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(WAIT_MS)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.get_by_role("button", name="Sign in as Mei Tanaka").click()
        page.get_by_role("link", name="Not now").click()
        expect(page.get_by_text("Good to see you")).to_be_visible()
        page.goto(f"{running.url}/events/reading/live", wait_until="domcontentloaded")
        expect(page.get_by_text("Nobody yet").first).to_be_visible()
        page.evaluate("window.notReloaded = true")
        expect(page.get_by_text("Ana Moreno")).to_have_count(0)
        process = processes.start(replay, log, running.environment)
        try:
            page.wait_for_function("() => window.muster.dots().some(dot => dot.zone === 'rooms-west')")
            walker = 2
            processes.wait_until(lambda: _dots(page).get(walker, {}).get("zone") == "rooms-west", "in the west", 60)
            processes.wait_until(lambda: _dots(page)[walker]["zone"] == "rooms-east", "in the east room", 60)
            assert _dots(page)[1]["zone"] == "rooms-west"
            expect(page.get_by_text("Ana Moreno").first).to_be_visible(timeout=WAIT_MS)
            assert page.evaluate("window.notReloaded") is True
            assert process.wait(90) == 0, log.read_text()
        finally:
            processes.stop(process)
        assert complaints == []
    assert running.count("SELECT count(*) FROM checkin") == 1
    assert running.count("SELECT count(*) FROM stay WHERE badge_id = 2") == 2
