"""The host's screen: who asks appears by itself, yes and no arrive, and a second host sees what the first one said."""

import datetime as dt
import re

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import text

from server import database
from server.events import signups
from tests.journeys.conftest import House

NOBODY = "Nobody waits."


@pytest.fixture(autouse=True)
def _asks_about_each(served: House) -> None:
    with database.transaction(served.engine) as session:
        signups.set_entry(session, event_id="night", approval=True, now=dt.datetime.now(dt.UTC))


def host(house: House, who: str) -> Page:
    page = house.phone(who)
    page.goto(f"{house.url}/events/night/doors")
    expect(page.locator("html")).to_have_attribute("data-stream", "live")
    return page


def ask(house: House, code: str, name: str) -> Page:
    """Somebody who did not sign up comes to the poster."""
    phone = house.phone()
    phone.goto(f"{house.plain}/d/{code}")
    phone.get_by_label("The name to show").fill(name)
    phone.get_by_role("button", name="I'm here").click()
    phone.wait_for_url("**/asks/*")
    return phone


def test_an_ask_appears_yes_lets_in_and_the_other_host_sees_it_decided(served: House) -> None:
    code = served.door("poster").door.code or ""
    cleo, dora = host(served, "cleo"), host(served, "dora")
    cleo.get_by_label("Somebody new: the name to show").fill("half typ")
    expect(cleo.locator("#asks")).to_contain_text(NOBODY)
    ida, tom = ask(served, code, "Ida"), ask(served, code, "Tom")
    for page in (cleo, dora):
        expect(page.locator("[data-ask]")).to_have_count(2)
    expect(cleo.get_by_label("Somebody new: the name to show")).to_have_value("half typ")
    cleo.locator("[data-ask]", has_text="Ida").get_by_role("button", name="Yes").click()
    expect(ida).to_have_url(re.compile("/check-ins/"))
    expect(ida.locator("main")).to_contain_text("You're in")
    expect(dora.locator("[data-ask]")).to_have_count(1)
    expect(dora.locator("#last")).to_contain_text("Ida")
    expect(dora.locator("[data-inside]")).to_have_text("1")
    dora.locator("[data-ask]", has_text="Tom").get_by_role("button", name="No").click()
    expect(cleo.locator("#asks")).to_contain_text(NOBODY)
    expect(tom.locator("main")).to_contain_text("Cléo Martin")
    expect(tom).to_have_url(re.compile("/asks/"))
    with database.transaction(served.engine) as session:
        rows = session.execute(text("SELECT answer, answered_by FROM ask ORDER BY id"))
        assert [tuple(row) for row in rows] == [("yes", "cleo"), ("no", "dora")]


def test_of_two_hosts_who_answer_at_once_the_second_is_told_who_did(served: House) -> None:
    code = served.door("poster").door.code or ""
    cleo, dora = host(served, "cleo"), host(served, "dora")
    ask(served, code, "Ida")
    for page in (cleo, dora):
        expect(page.locator("[data-ask]")).to_have_count(1)
    # Dora's page has not heard of it yet when she taps.
    dora.route(
        "**/events/night/doors", lambda route: route.abort() if route.request.method == "GET" else route.continue_()
    )
    cleo.get_by_role("button", name="Yes").click()
    expect(cleo.locator("#asks")).to_contain_text(NOBODY)
    dora.unroute("**/events/night/doors")
    dora.locator("[data-ask]").get_by_role("button", name="No", exact=True).click()
    expect(dora.locator("main")).to_contain_text("Cléo Martin answered at")
    with database.transaction(served.engine) as session:
        assert session.scalar(text("SELECT answer FROM ask")) == "yes"


def test_who_asked_between_the_page_and_its_stream_is_shown(served: House) -> None:
    code = served.door("poster").door.code or ""
    page = served.phone("cleo")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile("/api/live"), hold)
    page.goto(f"{served.url}/events/night/doors")
    expect(page.locator("#asks")).to_contain_text(NOBODY)
    ask(served, code, "Ida")
    for route in held:
        route.continue_()
    expect(page.locator("[data-ask]")).to_have_count(1)


def test_a_reading_that_failed_is_made_up_for(served: House) -> None:
    code = served.door("poster").door.code or ""
    page = host(served, "cleo")
    failed: list[str] = []

    def fail(route: Route) -> None:
        failed.append("once")
        route.fulfill(status=503)

    page.route("**/events/night/doors", fail, times=1)
    ask(served, code, "Ida")
    expect(page.locator("[data-ask]")).to_have_count(1)
    assert failed == ["once"]


def test_a_button_under_a_finger_stays_the_same_when_others_ask(served: House) -> None:
    code = served.door("poster").door.code or ""
    page = host(served, "cleo")
    ask(served, code, "Ida")
    button = page.locator("[data-ask]", has_text="Ida").get_by_role("button", name="Yes")
    button.focus()
    element = button.element_handle()
    ask(served, code, "Tom")
    expect(page.locator("[data-ask]")).to_have_count(2)
    assert element.evaluate("button => button.isConnected && document.activeElement === button")
