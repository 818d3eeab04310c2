"""The journey of a newcomer in the demonstration: she drags herself into the café, is checked in, and kills a Pi."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from config import settings
from server import database
from server.operations.demo import neighbourhood, seed
from tests import processes
from tests.conftest import Mqtt
from tests.journeys import parts
from tests.server.pages import browser as chromium

BOOKSHOP = "left-bank-books"
CAFE, CAFE_BACK = "kettle-and-crumb", (52.0, 23.0)
# Twelve agents and three programs start on a machine that does other things as well.
START_S = 120
# What the demonstration remembers is of yesterday and before.
# At gatherings: her stamp card at the café has days of its own.
CAME = "SELECT count(*) FROM checkin WHERE step_id IS NOT NULL AND recorded_at > now() - interval '1 hour'"
WAIT_MS = 60_000


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

    def event_at(self, venue: str) -> str:
        """The event of tonight that has a step there."""
        events = self.get("/api/events")
        tonight = [e for e in events if e["id"].startswith(tuple(one.kind for one in seed.EVENING))]
        found: str = next(e["id"] for e in tonight if any(step["venue"] == venue for step in e["steps"]))
        return found

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def running(fresh_database: str, fresh_mosquitto: Mqtt, tmp_path: Path) -> Iterator[parts.Parts]:
    engine = database.connect(fresh_database, pool=1)
    seed.seed(engine, settings.load(environment=fresh_mosquitto.environment("server")), dt.datetime.now(dt.UTC))
    engine.dispose()
    with (
        parts.running(fresh_database, fresh_mosquitto, tmp_path, demo=True) as found,
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


def _open_demonstration(page: Page, url: str) -> None:
    """From the front door, by the words on the buttons, as a newcomer would."""
    page.goto(url)
    page.get_by_role("button", name="I'm going out").click()
    page.wait_for_selector("html[data-world=ready]")
    page.wait_for_selector("#map[data-ready=true]")


def _drag_you(page: Page, lon: float, lat: float) -> None:
    """With the mouse, in a few steps."""
    you = page.locator("#you").bounding_box()
    assert you is not None
    canvas = page.locator("#map").bounding_box()
    assert canvas is not None
    to = page.evaluate("place => window.muster.project(place)", [lon, lat])
    page.mouse.move(you["x"] + you["width"] / 2, you["y"] + you["height"] / 2)
    page.mouse.down()
    page.mouse.move(canvas["x"] + to["x"], canvas["y"] + to["y"], steps=12)
    page.mouse.up()


def _let_things_happen(page: Page, running: parts.Parts, you: Visitor) -> None:
    """Each by its own switch: a line is cut, a badge is left behind, a crowd comes."""
    wait = processes.wait_until
    # Without the Internet the café is unknown, and nothing of what was heard meanwhile is lost.
    page.get_by_role("button", name="Cut off Kettle & Crumb").click()
    wait(lambda: you.zone(CAFE, "cafe-back")["state"] == "unknown", "a café that nobody hears of", START_S)
    assert you.zone(BOOKSHOP, "books-reading")["state"] == "covered"
    cut_at_ms = running.count("SELECT max(to_ms) FROM coverage WHERE agent_id LIKE 'cafe-%'")
    page.get_by_role("button", name="Reconnect Kettle & Crumb").click()
    wait(lambda: you.zone(CAFE, "cafe-back")["state"] == "covered", "the café again", START_S)
    whole = f"""SELECT count(DISTINCT agent_id) FROM coverage
        WHERE agent_id LIKE 'cafe-%' AND from_ms < {cut_at_ms - 1000} AND to_ms > {cut_at_ms + 1000}"""
    wait(lambda: running.count(whole) == 3, "the time without the Internet, listened to without a hole", START_S)

    # A badge that was left behind is heard where it lies, wherever its owner is.
    page.get_by_role("button", name="Leave it in the café").click()
    page.get_by_role("button", name="Back to the street").click()
    wait(lambda: you.zone(CAFE, "cafe-tables")["count"] >= 1, "the badge on the table", START_S)
    page.get_by_role("button", name="Pick it up again").click()

    # A crowd comes to the bookshop, uninvited, and is checked in like everybody.
    before = running.count(CAME)
    page.get_by_role("button", name="Call them").click()
    crowd = """SELECT count(DISTINCT member_id) FROM visit JOIN pairing USING (badge_id)
        WHERE member_id LIKE 'crowd-%'"""
    wait(lambda: running.count(crowd) >= 20, "a crowd in the bookshop", START_S)
    came = "SELECT count(*) FROM checkin WHERE member_id LIKE 'crowd-%' AND NOT signed_up"
    wait(lambda: running.count(came) >= 20, "the crowd, checked in", 2 * START_S)
    assert running.count(CAME) >= before + 20


def test_a_newcomer_walks_into_the_cafe_is_checked_in_by_her_badge_and_sees_a_dead_pi_as_unknown(
    running: parts.Parts, you: Visitor, pictures: Path, show: Callable[[str], None]
) -> None:
    wait = processes.wait_until
    agents = """SELECT count(DISTINCT agent_id) FROM coverage
        WHERE agent_id LIKE '%-pi' AND to_ms > 1000 * (extract(epoch FROM now()) - 600)"""
    wait(lambda: running.count(agents) == len(neighbourhood.PIS), "every Pi listens", START_S)
    wait(lambda: running.count(CAME) >= 3, "people who came by themselves", START_S)
    mine = f"{CAME} AND member_id = 'you'"
    assert running.count(mine) == 0
    with chromium.launched() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="dark")
        page.set_default_timeout(WAIT_MS)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        _open_demonstration(page, running.url)
        phone = page.frame_locator("iframe")
        expect(phone.get_by_text("We don't hear badge M-001 yet.")).to_be_visible()

        # Dragged into the café: the row is there in time, and the phone says so without a reload.
        begun_s = time.monotonic()
        _drag_you(page, *neighbourhood.to_lon_lat(*CAFE_BACK))
        wait(lambda: running.count(mine) == 1, "your check-in", START_S)
        show(f"dragged into the café and checked in after {time.monotonic() - begun_s:.1f} s")
        assert running.count(f"{mine} AND evidence = 'beacon'") == 1
        expect(phone.get_by_role("heading", name="You're in")).to_be_visible()
        wait(lambda: you.zone(CAFE, "cafe-back")["count"] >= 1, "you on the map")
        # She was dropped beside a Pi, which is no click on it.
        assert not page.evaluate("document.activeElement.id").startswith("kill-")
        page.screenshot(path=pictures / "demonstration.png", animations="disabled")

        # Its Pi is killed: unknown since then, with the last count. Revived, everything is as before.
        assert you.zone(CAFE, "cafe-back")["state"] == "covered"
        kill = page.locator("#pis > *").filter(has_text="Back room").get_by_role("button")
        kill.click()
        wait(lambda: you.zone(CAFE, "cafe-back")["state"] == "unknown", "an unknown room", START_S)
        room = you.zone(CAFE, "cafe-back")
        assert room["since"] is not None
        assert room["last_count"] >= 1
        assert you.zone(CAFE, "cafe-bar")["state"] == "covered"
        expect(page.get_by_text("unknown since").first).to_be_visible()
        kill.click()
        wait(lambda: you.zone(CAFE, "cafe-back")["state"] == "covered", "the room again", START_S)
        wait(lambda: you.zone(CAFE, "cafe-back")["count"] >= 1, "you in it again", START_S)

        # What a host sees on the wall.
        page.goto(f"{running.url}/events/{you.event_at(BOOKSHOP)}/live", wait_until="domcontentloaded")
        page.wait_for_selector("#map[data-ready=true]")
        expect(page.get_by_text("Just arrived")).to_be_visible()
        page.screenshot(path=pictures / "live-map.png")

        # Back in the street, more happens.
        page.goto(f"{running.url}/demo", wait_until="domcontentloaded")
        page.wait_for_selector("html[data-world=ready]")
        _let_things_happen(page, running, you)
        assert complaints == []

    # Nobody was checked in twice, nothing was refused, no stranger has left a Pi.
    assert running.count(mine) == 1
    assert running.count("SELECT count(*) FROM refused_report") == 0
    unregistered = "SELECT coalesce(sum((counters->>'readings_unregistered')::bigint), 0) FROM gateway_health"
    assert running.count(unregistered) == 0
