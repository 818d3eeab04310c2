"""The tablet at the door: its code changes, a dead one is never shown, and it is back by itself once the server is."""

import datetime as dt
import re

import pytest
from playwright.sync_api import Page, expect

from server import database
from server.doors import codes, service
from server.errors import MusterError
from tests.journeys.conftest import House

TURN_MS = 30_000
STALE = re.compile(r"\bstale\b")


@pytest.fixture
def made(house: House) -> service.Made:
    return house.door("screen")


def tablet(house: House, made: service.Made) -> Page:
    """The page, with a clock that the test moves; it stands at the server's time."""
    page = house.phone(viewport={"width": 1280, "height": 800})
    page.clock.install()
    page.goto(f"{house.plain}/screen/{made.token}")
    return page


def later(house: House, page: Page, ms: int) -> None:
    """Time passes at both ends, in the browser turn by turn."""
    house.clock.by += dt.timedelta(milliseconds=ms)
    page.clock.run_for(ms)


def shown(page: Page) -> str:
    return page.locator("#code").inner_text()


def left(page: Page) -> int:
    """How many milliseconds the code has, which may have come late in its turn: one turn later it is dead."""
    ms: int = page.locator("main").evaluate("main => new Date(main.dataset.until) - new Date(main.dataset.now)")
    return ms


def accepted(house: House, made: service.Made, code: str) -> bool:
    with database.transaction(house.engine) as session:
        try:
            return service.by_code(session, code, house.clock()).door.id == made.door.id
        except MusterError:
            return False


def test_the_code_changes_and_each_that_is_shown_lets_in(house: House, made: service.Made) -> None:
    with house.serving():
        page = tablet(house, made)
        seen = []
        for _ in range(3):
            code = shown(page)
            assert codes.read(code) is not None
            assert accepted(house, made, code)
            seen.append(code)
            later(house, page, TURN_MS)
            expect(page.locator("#code")).not_to_have_text(code)
            expect(page.locator("#picture svg")).to_be_visible()
        assert len(set(seen)) == 3
        assert not accepted(house, made, seen[0])
        expect(page.locator("#paused")).to_be_hidden()


def test_a_server_that_is_gone_is_told_a_dead_code_is_taken_away_and_it_comes_back(
    house: House, made: service.Made
) -> None:
    with house.serving():
        page = tablet(house, made)
        code = shown(page)
        left_ms = left(page)
    later(house, page, left_ms + 3000)
    # The last code is still taken for one turn: it stays, with a word.
    expect(page.locator("#paused")).to_contain_text("trying again")
    assert shown(page) == code
    expect(page.locator("html")).not_to_have_class(STALE)
    later(house, page, 2 * TURN_MS)
    expect(page.locator("html")).to_have_class(STALE)
    expect(page.locator("#picture svg")).to_have_count(0)
    expect(page.locator("#picture")).to_be_hidden()
    expect(page.locator("#code")).to_be_hidden()
    expect(page.locator("main")).not_to_contain_text(code)
    expect(page.locator("#paused")).to_contain_text("No code at the moment: since ")
    assert not accepted(house, made, code)
    with house.serving():
        # As often as it takes a server to be there.
        for _ in range(20):
            page.clock.run_for(2500)
            if page.locator("#code").is_visible():
                break
        expect(page.locator("html")).not_to_have_class(STALE)
        expect(page.locator("#paused")).to_be_hidden()
        expect(page.locator("#picture svg")).to_be_visible()
        assert accepted(house, made, shown(page))


def test_a_line_that_died_without_a_word_takes_the_code_away_too(house: House, made: service.Made) -> None:
    with house.serving():
        page = tablet(house, made)
        page.route("**/api/screens/**", lambda _: None)  # never answered
        later(house, page, 3 * TURN_MS)
        expect(page.locator("html")).to_have_class(STALE)
        expect(page.locator("#picture svg")).to_have_count(0)
        page.unroute("**/api/screens/**")
        page.clock.run_for(12_000)
        expect(page.locator("html")).not_to_have_class(STALE)
        assert accepted(house, made, shown(page))


def test_a_network_that_flickers_does_not_make_it_ask_more_often(house: House, made: service.Made) -> None:
    with house.serving():
        page = tablet(house, made)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        code = shown(page)
        page.evaluate("for (let i = 0; i < 20; i += 1) dispatchEvent(new Event('online'))")
        page.wait_for_load_state("networkidle")
        asked.clear()
        later(house, page, TURN_MS)
        expect(page.locator("#code")).not_to_have_text(code)
        page.wait_for_load_state("networkidle")
        # Once; each answer that is slower than the clock we moved is asked for again after 10 s. Not 21 times.
        assert len([url for url in asked if "/api/screens/" in url]) <= 6


def test_a_page_of_something_else_in_between_does_not_close_it(house: House, made: service.Made) -> None:
    """A router's own "not found" is not the host who closed the door."""
    with house.serving():
        page = tablet(house, made)
        page.route("**/api/screens/**", lambda route: route.fulfill(status=404, body="<h1>Router</h1>"))
        later(house, page, left(page) + 3000)
        expect(page.locator("#paused")).to_contain_text("trying again")
        page.unroute("**/api/screens/**")
        page.clock.run_for(3000)
        expect(page.locator("#paused")).to_be_hidden()


def test_a_door_that_the_host_closed_says_so(house: House, made: service.Made) -> None:
    with house.serving():
        page = tablet(house, made)
        with database.transaction(house.engine) as session:
            service.revoke(session, door_id=made.door.id, now=house.clock(), by="cleo")
        later(house, page, TURN_MS + 1000)
        expect(page.locator("#code")).to_have_count(0)
        expect(page.locator("main")).to_contain_text("closed")
