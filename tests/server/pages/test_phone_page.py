"""The phone page in a real browser: before the door, in, refused, taken back."""

import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from server import clocks
from tests.server.pages import scenes
from tests.server.pages.conftest import Opener, Watchman
from tests.server.pages.fixture_server import Running

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}}
ME = "member/robin"


@pytest.fixture
def page(visit: Opener) -> Page:
    opened = visit("/tonight", **PHONE)
    opened.wait_for_selector("html[data-in]")
    return opened


def test_before_the_door_it_says_what_to_do(page: Page) -> None:
    expect(page.get_by_role("heading", name="Walk in. Your badge does the rest.")).to_be_visible()
    expect(page.locator("#in")).to_be_hidden()
    expect(page.locator("[data-event=open-mic]")).to_contain_text("doors open at")


def test_you_are_in_the_moment_the_badge_was_heard(page: Page, running: Running) -> None:
    now = datetime.datetime.now(datetime.UTC)
    running.evening.let_in(now)
    expect(page.get_by_role("heading", name="You're in")).to_be_visible()
    expect(page.locator("#in-sentence")).to_contain_text("by your badge, at the bar")
    expect(page.locator("#in-where")).to_contain_text("Café Lumen · until")
    expect(page.locator("#wait")).to_be_hidden()
    expect(page.locator("[data-event=open-mic]")).to_be_hidden()


def test_what_goes_on_for_days_says_the_day_on_which_it_ends(page: Page, running: Running) -> None:
    now = datetime.datetime.now(datetime.UTC)
    running.evening.let_in(now)
    (checkin,) = running.evening.me.topics[ME]["checkins"]
    ends_at = now + datetime.timedelta(days=9)
    running.evening.me.push(
        {ME: {"checkins": [{**checkin, "step": {**checkin["step"], "ends_at": scenes.text(ends_at)}}]}}
    )
    day = clocks.until(ends_at, now, scenes.TIME_ZONE)
    assert len(day) > len("20:00")
    expect(page.locator("#in-where")).to_have_text(f"Café Lumen · until {day}")


def test_a_checkin_that_was_taken_back_is_said_and_the_door_waits_again(page: Page, running: Running) -> None:
    running.evening.let_in(datetime.datetime.now(datetime.UTC))
    expect(page.locator("#in")).to_be_visible()
    checkins = [{**each, "undone": True} for each in running.evening.me.topics[ME]["checkins"]]
    running.evening.me.push({ME: {"checkins": checkins}})
    expect(page.locator("#in")).to_be_hidden()
    expect(page.locator("#wait")).to_be_visible()
    expect(page.locator("#earlier-list")).to_contain_text("taken back")


def test_who_was_not_there_takes_the_check_in_back_after_being_asked_once(page: Page, running: Running) -> None:
    running.evening.let_in(datetime.datetime.now(datetime.UTC))
    page.get_by_role("button", name="Not you?").click()
    expect(page.locator("#undo")).to_contain_text("will not check you in again")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("#undo")).to_be_hidden()
    assert running.evening.undone == []
    page.get_by_role("button", name="Not you?").click()
    page.get_by_role("button", name="Take it back").click()
    expect(page.locator("#in")).to_be_hidden()
    expect(page.locator("#earlier-list")).to_contain_text("taken back")
    assert running.evening.undone == [7]


def test_a_refusal_is_a_sentence_to_act_on(page: Page, running: Running) -> None:
    refusal = {
        "event": {"id": "open-mic", "name": "Open mic"},
        "step": {"id": "evening"},
        "code": "not_open_yet",
        "sentence": "Doors open at 19:00; come in then, your badge will do.",
        "at": scenes.text(datetime.datetime.now(datetime.UTC)),
    }
    running.evening.me.push({ME: {"refusals": [refusal]}})
    expect(page.locator("#refusals")).to_contain_text("Doors open at 19:00; come in then")


def test_a_broken_line_is_told_and_mended(page: Page, running: Running, watchman: Watchman) -> None:
    watchman.expected = ("503",)
    running.evening.me.break_off()
    expect(page.locator("#paused")).to_contain_text("Paused since")
    running.evening.me.mend()
    expect(page.locator("#paused")).to_be_hidden()


def test_without_a_badge_it_says_where_to_get_one(visit: Opener) -> None:
    page = visit("/tonight-without-badge", **PHONE)
    expect(page.get_by_role("heading", name="You have no badge yet.")).to_be_visible()
