"""The demonstration's page in a real browser: you walk, a Pi is killed, the phone beside the map answers."""

import datetime
import math

from playwright.sync_api import Page, Route, expect

from tests.server.pages import scenes
from tests.server.pages.conftest import Opener, Watchman
from tests.server.pages.fixture_server import Running


def ready(page: Page) -> Page:
    page.wait_for_selector("html[data-world=ready]")
    page.wait_for_selector("#map[data-ready=true]")
    return page


def metres_between(a: dict[str, float], b: dict[str, float]) -> float:
    return math.hypot(
        (a["lon"] - b["lon"]) * scenes.METRES_PER_DEGREE_LON, (a["lat"] - b["lat"]) * scenes.METRES_PER_DEGREE_LAT
    )


def until_moved(page: Page, running: Running, before: int = 0) -> dict[str, float]:
    """Wait until the last place that the page sent is the one that it shows."""
    for _ in range(200):
        page.wait_for_timeout(50)
        moves = running.evening.moves
        if len(moves) > before and metres_between(moves[-1], page.evaluate("window.muster.you()")) < 0.01:
            return moves[-1]
    raise AssertionError(f"the page sent {len(running.evening.moves)} places, none of them the last")


def test_the_arrow_keys_walk_you_and_the_server_hears_of_it(visit: Opener, running: Running) -> None:
    page = ready(visit("/demo"))
    start = page.evaluate("window.muster.you()")
    expect(page.locator("#hint")).to_be_visible()
    page.locator("#you").focus()
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    last = until_moved(page, running)
    assert last["lat"] > start["lat"]
    assert abs(metres_between(last, start) - 6.0) < 0.2
    expect(page.locator("#hint")).to_be_hidden()
    page.keyboard.press("Shift+ArrowLeft")
    further = until_moved(page, running, before=len(running.evening.moves))
    assert abs(metres_between(further, last) - 6.0) < 0.2
    assert further["lon"] < last["lon"]


def test_dragging_you_into_the_cafe_sends_the_way_and_not_every_pixel(visit: Opener, running: Running) -> None:
    page = ready(visit("/demo"))
    you = page.locator("#you").bounding_box()
    box = page.locator("#map").bounding_box()
    assert you
    assert box
    target = page.evaluate("place => window.muster.project(place)", scenes.place(16, 55))
    page.mouse.move(you["x"] + you["width"] / 2, you["y"] + you["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + target["x"], box["y"] + target["y"], steps=60)
    page.mouse.up()
    last = until_moved(page, running)
    lon, lat = scenes.place(16, 55)
    assert metres_between(last, {"lon": lon, "lat": lat}) < 0.5
    assert len(running.evening.moves) < 60
    assert page.evaluate("window.muster.dots().length") == 23  # the map itself was not dragged, and nobody else moved


def test_no_place_overtakes_an_older_one_on_the_way(visit: Opener, running: Running) -> None:
    page = ready(visit("/demo"))
    held: list[Route] = []
    slow = [True]
    page.route("**/you", lambda route: held.append(route) if slow else route.continue_())
    page.locator("#you").focus()
    page.keyboard.press("ArrowUp")
    while not held:
        page.wait_for_timeout(20)
    for _ in range(3):
        page.keyboard.press("ArrowUp")
        page.wait_for_timeout(250)  # longer than the page waits between two places
    assert len(held) == 1
    slow.clear()
    held[0].continue_()
    until_moved(page, running)


def test_whoever_cannot_drag_walks_by_a_button(visit: Opener, running: Running) -> None:
    page = ready(visit("/demo"))
    page.get_by_role("button", name="Walk into Café Lumen").click()
    expect(page.locator("#say")).to_have_text("You walk into Café Lumen.")
    east_m, north_m = 0.0, 0.0
    for _ in range(200):
        page.wait_for_timeout(50)
        if running.evening.moves:
            last = running.evening.moves[-1]
            east_m = (last["lon"] - scenes.HERE[0]) * scenes.METRES_PER_DEGREE_LON
            north_m = (last["lat"] - scenes.HERE[1]) * scenes.METRES_PER_DEGREE_LAT
            if 10 < east_m < 30 and 50 < north_m < 64:
                break
    assert 10 < east_m < 30
    assert 50 < north_m < 64


def test_the_phone_beside_the_map_says_that_you_are_in(visit: Opener, running: Running) -> None:
    page = ready(visit("/demo"))
    phone = page.frame_locator(".phone iframe")
    expect(phone.get_by_text("Walk in. Your badge does the rest.")).to_be_visible()
    page.wait_for_function("() => frames[0].document.documentElement.dataset.stream === 'live'")
    running.evening.let_in(datetime.datetime.now(datetime.UTC))
    expect(phone.get_by_text("You're in", exact=True)).to_be_visible()
    expect(phone.locator("#in-sentence")).to_contain_text("by your badge, at the bar")


def test_a_killed_pi_turns_its_room_unknown_and_comes_back(visit: Opener, running: Running) -> None:
    page = ready(visit("/demo"))
    page.get_by_role("button", name="Kill this Pi: Pi, Bar").click()
    expect(page.locator("#pi-pi-bar")).to_contain_text("killed")
    assert running.evening.switched == [("pi-bar", False)]
    since = scenes.text(datetime.datetime.now(datetime.UTC))
    running.evening.demo.push(
        {
            "venue/cafe": {
                "agents": [{"id": "pi-bar", "state": "silent", "since": since}],
                "zones": [{"id": "bar", "state": "unknown", "since": since, "last_count": 5}],
            }
        }
    )
    expect(page.locator("#chips")).to_contain_text("Bar unknown since")
    expect(page.locator("#pi-pi-bar")).to_contain_text("silent since")
    page.get_by_role("button", name="Bring it back: Pi, Bar").click()
    expect(page.locator("#pi-pi-bar")).not_to_contain_text("killed")
    assert running.evening.switched[-1] == ("pi-bar", True)


def test_a_lost_switch_is_told_and_changes_nothing(visit: Opener, watchman: Watchman) -> None:
    watchman.expected = ("503",)
    page = ready(visit("/demo"))
    page.route("**/api/demo/agents/*", lambda route: route.fulfill(status=503, body=""))
    page.get_by_role("button", name="Kill this Pi: Pi, Bar").click()
    expect(page.locator("#say")).to_have_text("That did not arrive. Try again in a moment.")
    expect(page.locator("#pi-pi-bar")).not_to_contain_text("killed")


def test_the_page_says_that_it_is_simulated_and_shows_one_place_at_a_wish(visit: Opener) -> None:
    page = ready(visit("/demo"))
    expect(page.locator("#simulated")).to_have_text("Simulated demonstration · 23 people, 5 Pis")
    before = page.evaluate("window.muster.dots().find(dot => dot.venue === 'workshop').x")
    page.locator("#places").get_by_role("button", name="Aunt Chen's kitchen").click()
    page.wait_for_function(
        "before => window.muster.dots().find(dot => dot.venue === 'workshop').x !== before", arg=before
    )
    expect(page.locator("#places").get_by_role("button", name="Aunt Chen's kitchen")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_what_can_happen_has_a_switch_each_that_says_what_it_did(visit: Opener, running: Running) -> None:
    page = ready(visit("/demo"))
    page.get_by_role("button", name="Leave it in the café").click()
    expect(page.locator("#say")).to_have_text("Your badge lies in the café. Walk on without it.")
    assert running.evening.world["you"]["left"] is True
    page.get_by_role("button", name="Pick it up again").click()
    expect(page.get_by_role("button", name="Leave it in the café")).to_be_visible()
    page.get_by_role("button", name="Call them").click()
    expect(page.get_by_role("button", name="They are here")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Cut off Café Lumen").click()
    expect(page.locator("#say")).to_have_text("Café Lumen has no Internet now.")
    # The world mends it by itself: the switch follows.
    for venue in running.evening.world["venues"]:
        venue["online"] = True
    expect(page.get_by_role("button", name="Cut off Café Lumen")).to_have_attribute(
        "aria-pressed", "false", timeout=15_000
    )


def test_who_may_not_switch_sees_what_could_happen_to_her_badge_alone(visit: Opener, running: Running) -> None:
    running.evening.world["may_switch"] = False
    page = ready(visit("/demo"))
    expect(page.get_by_role("button", name="Leave it in the café")).to_be_visible()
    expect(page.locator("#crowd button")).to_be_hidden()
    expect(page.locator("#lines button")).to_have_count(0)
