""" "I'm here" by one position of a phone, at a place where no Pi listens: in, or why not."""

import datetime as dt
import re

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import text

from server import database
from tests.journeys.conftest import SHOP, House

HERE = {"longitude": SHOP[0], "latitude": SHOP[1], "accuracy": 20}


def tonight(house: House, base: str, **options: object) -> Page:
    page = house.phone("ben", at=base, **options)
    page.goto(f"{base}/tonight")
    expect(page.locator("#card-here")).to_be_visible()
    return page


def arrived(house: House) -> list[tuple[str, str]]:
    with database.transaction(house.engine) as session:
        return [tuple(row) for row in session.execute(text("SELECT member_id, evidence FROM checkin"))]


def test_the_page_may_ask_for_the_place_and_no_other_frame(served: House) -> None:
    page = served.phone("ben")
    answer = page.goto(f"{served.url}/tonight")
    assert answer is not None
    assert "geolocation=(self)" in answer.headers["permissions-policy"]


def test_who_stands_there_is_in_with_one_tap(served: House) -> None:
    page = tonight(served, served.url, geolocation=HERE, permissions=["geolocation"])
    page.locator("#card-here").click()
    expect(page).to_have_url(re.compile("/check-ins/"))
    expect(page.locator("main")).to_contain_text("You're in")
    assert arrived(served) == [("ben", "phone")]


def test_who_taps_before_the_stream_has_said_anything_is_in_too(served: House) -> None:
    page = served.phone("ben", geolocation=HERE, permissions=["geolocation"])
    page.route("**/api/me/live*", lambda route: route.abort())
    page.goto(f"{served.url}/tonight")
    page.locator("#card-here").click()
    expect(page).to_have_url(re.compile("/check-ins/"))
    assert arrived(served) == [("ben", "phone")]


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({**HERE, "accuracy": 900}, "900 m"),
        ({**HERE, "latitude": SHOP[1] + 0.02}, "away"),
        ({**HERE, "accuracy": 9000}, ""),
        ({"longitude": 0, "latitude": 0, "accuracy": 20}, ""),
    ],
)
def test_a_place_that_proves_nothing_is_told_and_a_better_one_lets_in(
    served: House, place: dict[str, float], says: str
) -> None:
    page = tonight(served, served.url, geolocation=place, permissions=["geolocation"])
    page.locator("#card-here").click()
    expect(page.locator("#card-says")).not_to_be_empty()
    expect(page.locator("#card-says")).not_to_contain_text("looking where it is")
    expect(page.locator("#card-says")).to_contain_text(says)
    assert arrived(served) == []
    page.context.set_geolocation(HERE)  # type: ignore[arg-type]
    page.locator("#card-here").click()
    expect(page).to_have_url(re.compile("/check-ins/"))
    assert arrived(served) == [("ben", "phone")]


def test_who_keeps_her_place_to_herself_is_told_what_to_do(served: House) -> None:
    page = tonight(served, served.url, permissions=[])
    page.locator("#card-here").click()
    expect(page.locator("#card-says")).to_have_text(
        "Your phone keeps its place to itself. Allow it for this page, or use the door code."
    )
    expect(page.locator("#card-here")).to_be_enabled()
    expect(page.locator("#card-code")).to_be_visible()
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation(HERE)  # type: ignore[arg-type]
    page.locator("#card-here").click()
    expect(page).to_have_url(re.compile("/check-ins/"))


def test_without_a_secure_context_it_says_why_and_how_to_get_there(served: House) -> None:
    page = tonight(served, served.plain, geolocation=HERE, permissions=["geolocation"])
    assert page.evaluate("isSecureContext") is False
    page.locator("#card-here").click()
    expect(page.locator("#card-says")).to_contain_text("Your browser gives the location only to addresses with https.")
    expect(page.locator("#card-says a")).to_have_attribute("href", "/trust")
    assert arrived(served) == []
    page.locator("#card-code").click()
    expect(page).to_have_url(re.compile("/d$"))


def test_a_phone_whose_clock_is_an_hour_off_is_in_all_the_same(served: House) -> None:
    page = served.phone("ben", geolocation=HERE, permissions=["geolocation"])
    served.clock.by = dt.timedelta(hours=1)
    page.goto(f"{served.url}/tonight")
    page.locator("#card-here").click()
    expect(page).to_have_url(re.compile("/check-ins/"))


def test_a_lost_answer_is_tried_again_and_is_one_coming(served: House) -> None:
    page = tonight(served, served.url, geolocation=HERE, permissions=["geolocation"])

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/api/check-ins", lose, times=1)
    page.locator("#card-here").click()
    expect(page.locator("#in")).to_be_visible()
    assert arrived(served) == [("ben", "phone")]
