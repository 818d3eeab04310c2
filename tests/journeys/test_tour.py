"""The journey of a newcomer through what communities do: each stop of the start page is there in one tap."""

import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from config import settings
from server import database
from server.operations.demo import seed, tales
from server.pages import tour
from tests.conftest import Mqtt
from tests.journeys import parts
from tests.server.pages import browser as chromium

WIDTH, HEIGHT = 390, 844
WAIT_MS = 60_000
# What the documentation shows of it: a stop, and what its picture is called.
SHOWN = {"rally": "gathering", "report": "report", "proposal": "proposal"}
QUALITY = 82


@pytest.fixture
def running(fresh_database: str, fresh_mosquitto: Mqtt, tmp_path: Path) -> Iterator[parts.Parts]:
    engine = database.connect(fresh_database, pool=1)
    seed.seed(engine, settings.load(environment=fresh_mosquitto.environment("server")), dt.datetime.now(dt.UTC))
    engine.dispose()
    with parts.running(fresh_database, fresh_mosquitto, tmp_path, demo=True) as found:
        yield found


def _keep(picture: bytes, path: Path) -> None:
    Image.open(io.BytesIO(picture)).convert("RGB").save(path, "WEBP", quality=QUALITY, method=6)


def _follow(page: Page, url: str, role: str) -> int:
    """One tap on the start page; the status of what came."""
    page.context.clear_cookies()
    page.goto(url)
    # The page that comes has loaded: what answered is not yet what is drawn.
    with (
        page.expect_event("load"),
        page.expect_response(lambda answer: answer.request.is_navigation_request() and answer.status != 303) as came,
    ):
        page.locator(f".tour button[value='{role}']").click()
    return came.value.status


def test_a_newcomer_finds_everything_in_one_tap(running: parts.Parts, pictures: Path) -> None:
    with chromium.launched() as browser:
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=2, color_scheme="light"
        )
        page.set_default_timeout(WAIT_MS)
        page.goto(running.url)
        roles = page.eval_on_selector_all(".tour button", "stops => stops.map(stop => stop.value)")
        assert roles == list(tour.STOPS)
        for role in roles:
            assert _follow(page, running.url, role) == 200, role
            assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH, role
            assert page.locator(".chip").filter(has_text="Simulated").count(), role
            # Where somebody lives is told to guests, a day before; the trip is next week.
            assert tales.TRIP.address not in page.content(), role
            if role in SHOWN:
                _keep(page.screenshot(animations="disabled"), pictures / f"{SHOWN[role]}.webp")

        # One yes of hers, and the dinner happens again.
        _follow(page, running.url, "morning")
        page.get_by_role("button", name="Yes").click()
        expect(page.get_by_text("It happens again")).to_be_visible()

        # What is sent on.
        _follow(page, running.url, "rally")
        address = page.url.replace("/events/", "/g/") + "/picture.png?lang=en"
        answer = page.request.get(address)
        assert answer.status == 200
        _keep(answer.body(), pictures / "share.webp")
