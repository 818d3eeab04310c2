"""The pages that are read, in a real browser: at every width, with large text, by keyboard, without scripts."""

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
