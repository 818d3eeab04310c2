"""The invitation in a real browser: what a script adds, and that nothing is missing without one."""

import pytest
from playwright.sync_api import expect

from tests.server.pages.conftest import Opener


def test_the_line_is_copied_by_one_button(visit: Opener) -> None:
    page = visit("/g/coming")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#line").input_value()
    assert copied.endswith("https://muster.example/g/coming")


def test_without_scripts_all_of_it_can_be_read_and_the_line_selected(visit: Opener) -> None:
    page = visit("/g/coming", java_script_enabled=False)
    for said in ("Café Lumen", "with Cléo Martin", "40 places", "Whatever you like", "(Berlin time)"):
        expect(page.get_by_text(said).first).to_be_visible()
    expect(page.get_by_role("link", name="I'm coming")).to_have_attribute("href", "/events/coming")
    expect(page.get_by_label("A line for your group")).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)


@pytest.mark.parametrize(
    ("zone", "says"),
    [("Europe/Berlin", None), ("Europe/Paris", None), ("Asia/Shanghai", "where you are"), ("UTC", "where you are")],
)
def test_by_whose_clock_is_said_to_who_has_another(visit: Opener, zone: str, says: str | None) -> None:
    hint = visit("/g/coming", timezone_id=zone).locator("[data-zone]")
    if says is None:
        expect(hint).to_be_hidden()
    else:
        expect(hint).to_contain_text("Berlin time")
        expect(hint).to_contain_text(says)


def test_sharing_is_offered_where_the_phone_can(visit: Opener) -> None:
    page = visit("/g/coming")
    can = page.evaluate("'share' in navigator")
    expect(page.locator("[data-share]")).to_be_visible(visible=can)
