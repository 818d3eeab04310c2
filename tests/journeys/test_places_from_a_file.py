"""An operator brings a town's places by a page: with a script the file stays chosen, without one it is chosen twice."""

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from server import database
from tests.journeys.conftest import House
from tests.server.pages.test_imports_page import BOW
from tests.server.venues.test_imports import HALL, KIOSK, STAGE, collection, feature

TOWN = collection(HALL, STAGE, KIOSK)


def opened(house: House, *, scripted: bool = True) -> Page:
    """The page, as Cleo sees it who runs this server."""
    with database.transaction(house.engine) as session:
        session.execute(text("UPDATE member SET operator = true WHERE id = 'cleo'"))
    page = house.phone("cleo", java_script_enabled=scripted)
    page.goto(f"{house.url}/operator/places")
    return page


def choose(page: Page, data: bytes = TOWN) -> None:
    page.get_by_label("The file").set_input_files(
        {"name": "town.geojson", "mimeType": "application/geo+json", "buffer": data}
    )


@pytest.mark.parametrize("scripted", [True, False])
def test_a_town_is_looked_at_and_brought(served: House, scripted: bool) -> None:
    page = opened(served, scripted=scripted)
    choose(page)
    page.get_by_role("button", name="Look what it would bring").click()
    expect(page.get_by_role("heading", name="This file would bring 2 places.")).to_be_visible()
    expect(page.get_by_role("img", name="The footprints from above")).to_be_visible()
    if not scripted:
        choose(page)
    page.get_by_role("button", name="Bring these 2 places").click()
    expect(page.get_by_role("heading", name="2 places came in.")).to_be_visible()
    page.get_by_role("link", name="Kiosk").click()
    expect(page.get_by_role("heading", name="Kiosk")).to_be_visible()


def test_another_file_is_looked_at_first_and_a_broken_one_says_where(served: House) -> None:
    page = opened(served)
    choose(page)
    page.get_by_role("button", name="Look what it would bring").click()
    expect(page.get_by_role("button", name="Bring these 2 places")).to_be_visible()
    choose(page, collection(HALL, feature("bow", BOW, name="Bow")))
    page.get_by_role("button", name="Bring these 2 places").click()
    expect(page.get_by_role("heading", name="1 thing is in the way")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="bow")).to_contain_text("crosses itself")
    choose(page, b"\x89PNG")
    page.get_by_role("button", name="Look what it would bring").click()
    expect(page.get_by_role("alert")).to_contain_text("This is no file of places")


def test_what_is_too_large_is_said_before_it_is_sent(served: House) -> None:
    page = opened(served)
    choose(page, b"{" + b" " * 10_000_000)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.get_by_role("button", name="Look what it would bring").click()
    expect(page.locator("#progress")).to_contain_text("at most 10 MB")
    assert sent == []
