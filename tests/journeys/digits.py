"""Phones that stand together at the shop: they give and take four digits."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.conftest import SHOP, House

METRE = 1 / 111_320  # of latitude, in degrees


def place(metres: float = 0, accuracy: float = 20) -> dict[str, float]:
    return {"longitude": SHOP[0], "latitude": SHOP[1] + metres * METRE, "accuracy": accuracy}


def start(house: House, who: str | None, metres: float = 0, accuracy: float = 20, **options: object) -> Page:
    options = {"geolocation": place(metres, accuracy), "permissions": ["geolocation"], **options}
    page = house.phone(who, None, **options)
    page.goto(f"{house.url}/gather")
    return page


def gather(house: House, who: str = "ben", name: str = "Corner readers") -> tuple[Page, str]:
    page = start(house, who)
    page.get_by_label("What a new circle is called").fill(name)
    page.get_by_role("button", name="Gather here").click()
    expect(page).to_have_url(re.compile("/gather/gather-"))
    digits = page.locator("#digits")
    expect(digits).to_have_text(re.compile(r"^\d{4}$"))
    return page, digits.inner_text()


def type_in(page: Page, digits: str, name: str = "") -> None:
    page.get_by_label("The four digits").fill(digits)
    if name:
        page.get_by_label("The name to show").first.fill(name)
    # What the page said before still stands there until the answer is here.
    with page.expect_navigation():
        page.get_by_role("button", name="I'm in").click()
