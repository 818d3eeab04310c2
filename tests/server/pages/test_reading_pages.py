"""The pages that are read, in a real browser: at every width, with large text, by keyboard, without scripts."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.server.pages.conftest import Opener, Watchman

PAGES = [
    "/",
    "/nothing-yet",
    "/welcome",
    "/sign-in",
    "/sign-in-by-link",
    "/sign-in/fresh",
    "/sign-in/used",
    "/tonight",
    "/api-docs",
    "/trust",
    "/trusted",
    "/trust-nobody",
    "/trust-not-needed",
    "/scan",
    "/g/coming",
    "/g/over",
    "/g/cancelled",
    "/g/rally",
    "/g/members",
    "/calendars",
    "/new",
]
WRONG = [f"/went-wrong/{status}" for status in (401, 403, 404, 500)]


def overflow_px(page: Page) -> int:
    found: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return found


@pytest.mark.parametrize("path", PAGES + WRONG)
def test_it_fits_a_small_phone_and_doubled_text_and_has_one_heading(visit: Opener, path: str) -> None:
    page = visit(path, viewport={"width": 320, "height": 640})
    assert overflow_px(page) <= 0
    expect(page.locator("h1")).to_have_count(1)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.evaluate("document.documentElement.style.fontSize = '32px'")
    assert overflow_px(page) <= 0


@pytest.mark.parametrize("path", [*PAGES, "/events/short-stories/live", "/venues/left-bank/live", "/demo"])
def test_everything_that_can_be_pressed_has_a_name_and_is_large_enough(visit: Opener, path: str) -> None:
    page = visit(path, viewport={"width": 390, "height": 844})
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, a.btn, a.round, a.home, .person")].filter(each => {
             const {width, height} = each.getBoundingClientRect();
             const named = (each.getAttribute("aria-label") || each.textContent).trim().length > 0;
             return width > 0 && (!named || width < 43.5 || height < 43.5);
           }).map(each => each.outerHTML)"""
    )
    assert small == []


@pytest.mark.parametrize("name", ["Bo", "Maximiliane von der Hohenburg", "欧阳诗雨"])
@pytest.mark.parametrize("width", [320, 360, 390])
def test_all_that_is_pressed_in_the_bar_stands_in_one_row(visit: Opener, width: int, name: str) -> None:
    page = visit("/calendars", viewport={"width": width, "height": 640})
    page.locator(".bar a.name").evaluate("(link, name) => { link.textContent = name; }", name)
    middles = page.evaluate(
        """() => [...document.querySelectorAll(".bar a, .bar button")].map(each => {
             const { top, height, left, right } = each.getBoundingClientRect();
             return [Math.round(top + height / 2), left, right];
           })"""
    )
    assert len(middles) == 5
    assert len({middle for middle, *_ in middles}) == 1
    rights = [0.0, *(right for *_, right in middles)]
    assert all(right <= left + 0.5 for right, (_, left, _) in zip(rights, middles, strict=False)), middles
    assert overflow_px(page) <= 0


def test_somewhere_else_is_asked_only_there_and_a_tap_on_the_map_is_its_pin(visit: Opener) -> None:
    page = visit("/new", viewport={"width": 390, "height": 844})
    place = page.locator("input[name=place]")
    expect(place).to_be_hidden()
    page.locator("select[name=venue]").select_option("")
    expect(place).to_be_visible()
    page.get_by_text("Put a pin on the map").click()
    page.locator("#pin-map canvas").wait_for()
    expect(page.locator(".known")).to_have_text("Left Bank Books")
    page.locator("#pin-map").click(position={"x": 60, "y": 60})
    expect(page.locator("#pin")).to_have_value(re.compile(r"^48\.85\d{4}, 2\.34\d{4}$"))
    assert overflow_px(page) <= 0


def test_without_scripts_somewhere_else_is_typed(visit: Opener) -> None:
    page = visit("/new", viewport={"width": 320, "height": 640}, java_script_enabled=False)
    expect(page.locator("input[name=place]")).to_be_visible()
    page.get_by_text("Put a pin on the map").click()
    expect(page.locator("#pin")).to_be_visible()
    expect(page.locator("#pin-map")).to_be_hidden()


def test_a_name_is_chosen_by_keyboard(visit: Opener) -> None:
    page = visit("/sign-in")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    person = page.get_by_role("button", name="Ana Marković")
    person.focus()
    expect(person).to_have_attribute("value", "ana")


def test_opening_a_one_time_link_uses_nothing_up(visit: Opener) -> None:
    page = visit("/sign-in/fresh")
    form = page.locator("main form")
    expect(form).to_have_attribute("method", "post")
    expect(form.get_by_role("button", name="Sign in as Ana Marković")).to_be_visible()


def test_without_scripts_a_live_page_says_what_it_needs(visit: Opener) -> None:
    page = visit("/venues/left-bank/live", java_script_enabled=False)
    expect(page.get_by_role("heading", name="Left Bank Books")).to_be_visible()
    expect(page.get_by_text("The live picture needs JavaScript to move.")).to_be_visible()


def test_the_system_chooses_light_or_dark_and_the_reader_may_change_it(visit: Opener) -> None:
    page = visit("/welcome", color_scheme="dark")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_role("button", name="Change between light and dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_the_security_policy_forbids_what_is_not_ours(visit: Opener, watchman: Watchman) -> None:
    watchman.expected = ("Content Security Policy",)
    page = visit("/welcome")
    page.evaluate(
        """() => { const script = document.createElement("script"); script.textContent = "window.broken = true";
             document.body.append(script); }"""
    )
    assert page.evaluate("window.broken") is None
