"""The wall and the shop's map in a real browser: what the stream says is seen, without a reload."""

import datetime
import re
import zoneinfo
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.server.pages import scenes
from tests.server.pages.conftest import Opener, Watchman
from tests.server.pages.fixture_server import Running

WALL = "/events/short-stories/live"
SHOP = "/venues/left-bank/live"
VENUE = "venue/left-bank"


def drawn(page: Page) -> Page:
    page.wait_for_selector("#map[data-ready=true]")
    return page


def dot(page: Page, badge: int) -> dict[str, Any] | None:
    found: dict[str, Any] | None = page.evaluate(
        "id => window.muster.dots().find(dot => dot.badge === id) ?? null", badge
    )
    return found


def until_dot(page: Page, badge: int, **facts: object) -> dict[str, Any]:
    """Wait until the badge's dot has these facts and stands still."""
    page.wait_for_function(
        """([id, facts]) => window.muster.dots().some(dot => dot.badge === id && !dot.moving
            && Object.entries(facts).every(([key, value]) => dot[key] === value))""",
        arg=[badge, facts],
    )
    found = dot(page, badge)
    assert found
    return found


def inside(page: Page, place: dict[str, Any], zone: str) -> bool:
    found: bool = page.evaluate(
        """([{x, y}, zone]) => {
          const topic = window.muster.store.topics.get("venue/left-bank");
          const ring = topic.zones.get(zone).area.coordinates[0].map(corner => window.muster.project(corner));
          const xs = ring.map(p => p.x), ys = ring.map(p => p.y);
          return x > Math.min(...xs) && x < Math.max(...xs) && y > Math.min(...ys) && y < Math.max(...ys);
        }""",
        [place, zone],
    )
    return found


def test_a_dot_glides_to_its_new_zone_without_a_reload(visit: Opener, running: Running) -> None:
    page = drawn(visit(WALL))
    page.evaluate("window.notReloaded = true")
    before = until_dot(page, 1, zone="entrance")
    assert inside(page, before, "entrance")
    running.evening.event.push({VENUE: {"badges": [{"id": 1, "zone": "gallery"}]}})
    after = until_dot(page, 1, zone="gallery")
    assert inside(page, after, "gallery")
    assert page.evaluate("window.notReloaded")


def test_with_reduced_motion_a_dot_jumps(visit: Opener, running: Running) -> None:
    page = drawn(visit(WALL, reduced_motion="reduce"))
    until_dot(page, 1, zone="entrance")
    page.evaluate(
        """() => {
          window.passed = new Set();
          window.muster.store.subscribe(() => {
            const dot = window.muster.dots().find(each => each.badge === 1);
            window.passed.add(`${dot.zone} ${Math.round(dot.x)}`);
          });
        }"""
    )
    running.evening.event.push({VENUE: {"badges": [{"id": 1, "zone": "gallery"}]}})
    after = until_dot(page, 1, zone="gallery")
    # In the very turn that brought the news the dot already stood where it stays.
    assert page.evaluate("[...window.passed]") == [f"gallery {round(after['x'])}"]


def test_a_badge_keeps_its_place_while_others_come_and_go(visit: Opener, running: Running) -> None:
    page = drawn(visit(WALL))
    before = until_dot(page, 5, zone="reading")
    now = datetime.datetime.now(datetime.UTC)
    running.evening.event.push(
        {VENUE: {"badges": [scenes.badge(900, "reading", "present", now), {"id": 6, "zone": "gallery"}]}}
    )
    until_dot(page, 900, zone="reading")
    after = until_dot(page, 5, zone="reading")
    assert (after["x"], after["y"]) == (before["x"], before["y"])


def test_the_same_badges_stand_at_the_same_places_on_another_screen(visit: Opener) -> None:
    first = drawn(visit(WALL)).evaluate(
        "window.muster.dots().map(({badge, x, y}) => [badge, Math.round(x), Math.round(y)])"
    )
    second = drawn(visit(WALL)).evaluate(
        "window.muster.dots().map(({badge, x, y}) => [badge, Math.round(x), Math.round(y)])"
    )
    assert first == second


def test_every_dot_stands_in_its_zone_and_clear_of_its_name(visit: Opener) -> None:
    page = drawn(visit(WALL))
    dots = page.evaluate("window.muster.dots()")
    assert len(dots) == 48
    assert all(inside(page, each, each["zone"]) for each in dots)
    hidden = page.evaluate(
        """() => {
          const map = document.getElementById("map").getBoundingClientRect();
          const names = [...document.querySelectorAll(".plate")].map(each => each.getBoundingClientRect());
          const under = (x, y) => names.some(
            ({left, right, top, bottom}) => x > left && x < right && y > top && y < bottom);
          return window.muster.dots().filter(({x, y}) => under(x + map.x, y + map.y)).length;
        }"""
    )
    assert hidden == 0


def test_a_deaf_pi_says_what_it_no_longer_hears(visit: Opener, running: Running) -> None:
    page = drawn(visit("/venues/left-bank/live"))
    since = scenes.text(datetime.datetime.now(datetime.UTC))
    deaf = {"state": "deaf", "since": since}
    running.evening.venue.push(
        {VENUE: {"agents": [{"id": "pi-gallery", **deaf, "unheard": ["pi-gallery"]}]}},
    )
    row = page.locator("#pis li", has_text="Pi, Gallery")
    expect(row).to_contain_text("deaf since")
    expect(row).to_contain_text("It no longer hears its own beacon. Look after this Pi.")
    neighbour = {"id": "pi-gallery", **deaf, "unheard": ["pi-gallery", "pi-reading"]}
    running.evening.venue.push({VENUE: {"agents": [neighbour]}})
    expect(row).to_contain_text("It no longer hears the beacon of pi-reading.")
    expect(page.locator("#visits")).to_have_text("118")


def test_an_arrival_appears_in_list_figure_and_curve_and_is_told(visit: Opener, running: Running) -> None:
    page = drawn(visit(WALL))
    expect(page.locator("#here")).to_have_text("42")
    expect(page.locator("#arrivals li")).to_have_count(42)
    now = datetime.datetime.now(datetime.UTC)
    topic = running.evening.event.topics["event/short-stories"]
    arrival = {
        "id": 99,
        "name": "Noor",
        "initials": "N",
        "badge": 80,
        "at": scenes.text(now),
        "evidence": "beacon",
        "note": "first time",
    }
    running.evening.event.push(
        {
            "event/short-stories": {
                "arrivals": [{**arrival, "undone": False, "late": None}],
                "figures": {"arrived": 45, "here": 43, "expected": 8},
                "curve": [*topic["curve"], [scenes.text(now), 45]],
            }
        }
    )
    first = page.locator("#arrivals li").first
    expect(first).to_contain_text("Noor")
    expect(first).to_contain_text("first time")
    expect(page.locator("#here")).to_have_text("43")
    expect(page.locator("#here-of")).to_contain_text("57 signed up · 8 still expected")
    expect(page.locator("#curve")).to_have_attribute("data-last", "45")
    expect(page.locator("#say")).to_contain_text("Noor has arrived")


def test_what_the_room_is_asked_stands_on_the_wall_and_goes(visit: Opener, running: Running) -> None:
    page = drawn(visit(WALL))
    asked = page.locator("#pulse")
    expect(asked).to_be_hidden()
    question = {"id": 1, "question": "Another <b>round</b> of stories?", "choices": ["Yes, please", "Time for bed"]}

    def ask(**more: object) -> None:
        found = {**question, "open": True, "answers": 4, "counts": None, "needed": 5, **more}
        running.evening.event.push({"event/short-stories": {"pulse": found}})

    ask()
    expect(asked.locator("h2")).to_have_text("Another <b>round</b> of stories?")
    expect(asked).to_contain_text("4 answers · shown from 5 on")
    ask(answers=12, counts=[9, 3])
    expect(asked.locator("li").first).to_have_text("Yes, please9")
    assert page.eval_on_selector_all("#pulse progress", "bars => bars.map(bar => bar.value / bar.max)") == [1, 1 / 3]
    ask(answers=12, counts=[9, 3], open=False)
    expect(asked).to_contain_text("The room was asked")
    running.evening.event.push({"event/short-stories": {"pulse": None}})
    expect(asked).to_be_hidden()


def test_an_arrival_that_was_taken_back_is_struck_out(visit: Opener, running: Running) -> None:
    page = drawn(visit(WALL))
    running.evening.event.push({"event/short-stories": {"arrivals": [{"id": 42, "undone": True}]}})
    expect(page.locator("#arrivals li.undone")).to_contain_text("taken back")


def test_a_zone_that_nobody_hears_is_dashed_and_says_since_when(visit: Opener) -> None:
    page = drawn(visit(WALL))
    courtyard = page.locator('.plate[data-zone="left-bank/courtyard"]')
    expect(courtyard).to_have_attribute("data-state", "unknown")
    since = page.evaluate("window.muster.store.topics.get('venue/left-bank').zones.get('courtyard').since")
    local = datetime.datetime.fromisoformat(since).astimezone(zoneinfo.ZoneInfo(scenes.TIME_ZONE))
    expect(courtyard).to_contain_text(f"unknown since {local:%H:%M} · last count 5")
    expect(page.locator("#chips")).to_contain_text(f"Courtyard unknown since {local:%H:%M}")
    expect(page.locator("#chips")).to_contain_text("6 of 7 Pis listening")
    assert [each["state"] for each in page.evaluate("window.muster.zones()") if each["zone"] == "courtyard"] == [
        "unknown"
    ]
    plates = page.evaluate("window.muster.plates()")
    assert plates.pop("left-bank/courtyard") == "dashed"
    assert plates == {f"left-bank/{room}": "plain" for room in scenes.SHOP_ROOMS if room != "courtyard"}
    states = page.evaluate("window.muster.dots().filter(dot => dot.zone === 'courtyard').map(dot => dot.state)")
    assert states == ["unknown"] * 5


def test_a_zone_becomes_unknown_and_known_again_by_deltas(visit: Opener, running: Running) -> None:
    page = drawn(visit(WALL))
    now = scenes.text(datetime.datetime.now(datetime.UTC))
    gallery = page.locator('.plate[data-zone="left-bank/gallery"]')
    expect(gallery).to_contain_text("3")
    running.evening.event.push(
        {VENUE: {"zones": [{"id": "gallery", "state": "unknown", "since": now, "last_count": 3}]}}
    )
    expect(gallery).to_contain_text("last count 3")
    page.wait_for_function("() => window.muster.plates()['left-bank/gallery'] === 'dashed'")
    running.evening.event.push({VENUE: {"zones": [{"id": "gallery", "state": "covered", "since": None, "count": 2}]}})
    expect(gallery).not_to_contain_text("unknown")
    expect(gallery).to_contain_text("2")


def test_more_than_forty_in_a_zone_are_heat_and_a_number(visit: Opener, running: Running) -> None:
    page = drawn(visit(WALL))
    now = datetime.datetime.now(datetime.UTC)
    crowd = [scenes.badge(1000 + i, "reading", "present", now) for i in range(60)]
    running.evening.event.push({VENUE: {"badges": crowd, "zones": [{"id": "reading", "count": 87}]}})
    page.wait_for_function("() => window.muster.zones().some(zone => zone.zone === 'reading' && zone.heat)")
    assert page.evaluate("window.muster.dots().filter(dot => dot.zone === 'reading').length") == 0
    expect(page.locator('.plate[data-zone="left-bank/reading"]')).to_contain_text("87")


def test_who_left_a_while_ago_is_not_drawn(visit: Opener, running: Running) -> None:
    page = drawn(visit(WALL))
    until_dot(page, 48, state="left")
    long_ago = scenes.text(datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5))
    running.evening.event.push({VENUE: {"badges": [{"id": 48, "state_since": long_ago}]}})
    page.wait_for_function("() => !window.muster.dots().some(dot => dot.badge === 48)")


def test_the_picture_says_since_when_it_is_paused_and_comes_back(
    visit: Opener, running: Running, watchman: Watchman
) -> None:
    watchman.expected = ("503",)
    page = drawn(visit(WALL))
    banner = page.locator("#paused")
    expect(banner).to_be_hidden()
    running.evening.event.break_off()
    expect(banner).to_have_text(re.compile(r"Live picture paused since \d\d:\d\d - trying again"))
    assert page.evaluate("document.documentElement.dataset.stream") == "paused"
    running.evening.event.topics[VENUE]["badges"][0]["zone"] = "counter"  # what happened while nobody looked
    running.evening.event.mend()
    expect(banner).to_be_hidden()
    until_dot(page, 1, zone="counter")


def test_who_is_signed_out_is_told_and_not_tried_again(visit: Opener, watchman: Watchman) -> None:
    watchman.expected = ("401",)
    page = visit("/nothing-yet")
    page.route("**/api/events/*/live", lambda route: route.fulfill(status=401, body=""))
    page.goto(page.url.replace("/nothing-yet", WALL))
    expect(page.locator("#paused")).to_contain_text("You are signed out")
    assert page.evaluate("document.documentElement.dataset.stream") == "signed_out"


def test_the_organizer_finds_a_name_under_the_pointer_and_others_a_number(visit: Opener) -> None:
    page = drawn(visit(WALL))
    box = page.locator("#map").bounding_box()
    assert box
    for badge, words in ((1, "Li Wei"), (2, "Badge 2")):
        place = until_dot(page, badge)
        page.mouse.move(box["x"] + place["x"], box["y"] + place["y"])
        expect(page.locator("#map-tip")).to_contain_text(words)
        expect(page.locator("#map-tip")).to_contain_text("Entrance · here")


def test_the_arrow_keys_go_from_dot_to_dot(visit: Opener) -> None:
    page = drawn(visit(WALL))
    page.locator(".map-over").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator("#map-tip").inner_text()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#map-tip")).not_to_have_text(first)
    page.keyboard.press("Escape")
    expect(page.locator("#map-tip")).to_be_hidden()


def test_the_shop_sees_numbers_and_no_names(visit: Opener) -> None:
    page = drawn(visit(SHOP))
    expect(page.locator("#here")).to_have_text("42")
    place = until_dot(page, 1)
    box = page.locator("#map").bounding_box()
    assert box
    page.mouse.move(box["x"] + place["x"], box["y"] + place["y"])
    expect(page.locator("#map-tip")).to_contain_text("Badge 1")
    assert "Li Wei" not in page.content()


def test_the_list_says_what_the_map_shows(visit: Opener) -> None:
    page = drawn(visit(WALL))
    button = page.get_by_role("button", name="As a list")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    reading = page.locator('#rooms-body tr[data-zone="left-bank/reading"]')
    expect(reading).to_contain_text("27")
    expect(reading).to_contain_text("25 here · 2 away")
    expect(page.locator('#rooms-body tr[data-zone="left-bank/courtyard"]')).to_contain_text("unknown since")


def test_an_empty_venue_without_a_plan_is_one_plate_that_says_what_will_come(visit: Opener, running: Running) -> None:
    page = drawn(visit("/venues/new/live"))
    assert [each["zone"] for each in page.evaluate("window.muster.zones()")] == ["everywhere"]
    expect(page.locator("#map-empty")).to_contain_text("Nobody yet. The first badge you hear will appear here.")
    now = datetime.datetime.now(datetime.UTC)
    running.evening.empty.push(
        {
            "venue/new": {
                "badges": [scenes.badge(1, "everywhere", "present", now)],
                "zones": [{"id": "everywhere", "count": 1}],
            }
        }
    )
    expect(page.locator("#map-empty")).to_be_hidden()
    until_dot(page, 1, zone="everywhere")


def test_without_webgl_the_list_takes_the_maps_place(visit: Opener, watchman: Watchman) -> None:
    watchman.expected = ("WebGL", "webgl")
    page = visit("/nothing-yet")
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto(page.url.replace("/nothing-yet", SHOP))
    expect(page.locator("body")).to_have_class(re.compile("no-map"))
    expect(page.locator('#rooms-body tr[data-zone="left-bank/reading"]')).to_contain_text("27")
    expect(page.get_by_text("This browser cannot draw the map.")).to_be_visible()


@pytest.mark.parametrize("path", [WALL, SHOP])
def test_nothing_is_cut_off_at_any_size(visit: Opener, path: str) -> None:
    page = drawn(visit(path))
    for width, height in ((320, 640), (390, 844), (1440, 900), (3840, 2160)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, width
        expect(page.locator("#here")).to_be_in_viewport()


def test_the_wall_is_dark_until_somebody_wants_it_light(visit: Opener) -> None:
    page = drawn(visit(WALL, color_scheme="light"))
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_role("button", name="Change between light and dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
