"""A volunteer's phone in a doorway without a network: nobody it lets in is lost, doubled, or told to have come late."""

import datetime as dt

from playwright.sync_api import Page, Route, expect
from sqlalchemy import text

from server import database
from tests import processes
from tests.journeys.conftest import House


def passed(house: House) -> list[tuple[str, list[str]]]:
    """Who came in by a door, in the order in which the server was told, and what is remarkable of it.

    Not by their times: each is corrected by how long its own way to the server took.
    """
    with database.transaction(house.engine) as session:
        rows = session.execute(
            text(
                "SELECT member.name, passage.flags FROM passage JOIN member ON member.id = passage.member_id"
                " ORDER BY passage.id"
            )
        )
        return [(row.name, list(row.flags)) for row in rows]


def volunteer(house: House, base: str | None = None) -> Page:
    """The phone, over plain http as in a shop's Wi-Fi, or where `base` says."""
    page = house.phone()
    page.goto(f"{base or house.plain}/door/{house.door('volunteer').token}")
    assert page.evaluate("isSecureContext") is (base is not None)
    return page


def let_in(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_label("the name to show").fill(name)
        page.get_by_role("button", name="Let them in").click()


def cut(page: Page, *, off: bool = True) -> None:
    page.context.set_offline(off)


def test_who_is_let_in_with_a_network_is_in_and_stands_in_the_list(served: House) -> None:
    page = volunteer(served)
    let_in(page, "Ida")
    expect(page.locator("#done")).to_have_text("Ida is in.")
    expect(page.locator("#waiting")).to_be_hidden()
    expect(page.locator(".recent")).to_contain_text("Ida")
    page.locator(".recent").get_by_role("button", name="Take it back").click()
    expect(page.locator(".recent")).to_contain_text("taken back")


def test_who_leaves_is_out_and_may_come_in_again(served: House) -> None:
    page = volunteer(served)
    let_in(page, "Ida Bell")
    expect(page.locator("#done")).to_have_text("Ida Bell is in.")
    page.get_by_label("The first two letters").fill("id")
    page.get_by_role("button", name="Look").click()
    page.get_by_role("button", name="They leave").click()
    expect(page.locator("#done")).to_have_text("Ida Bell is out.")
    expect(page.locator(".hits")).to_contain_text("left; let in again")
    page.locator(".hits").get_by_role("button", name="Ida Bell").click()
    expect(page.locator("#done")).to_have_text("Ida Bell is in.")
    expect(page.locator(".hits")).to_contain_text("in since")


def test_whom_a_phone_let_in_without_a_network_is_kept_over_a_reload_and_sent_once(served: House) -> None:
    page = volunteer(served, served.url)  # by loopback: below the test itself asks, which knows no other name
    cut(page)
    let_in(page, "Ida", "Tom", "Ida")  # two of one name are two
    expect(page.locator("#done")).to_have_text("Ida is in. Kept on this phone until there is a network.")
    expect(page.locator("#waiting")).to_have_text("3 are waiting to be sent")
    assert passed(served) == []

    # The page loads anew while answers are lost on their way back: what arrived is sent again, and nobody comes twice.
    lost: list[str] = []

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()
        lost.append(route.request.post_data or "")

    page.route("**/api/check-ins", lose)
    cut(page, off=False)
    page.reload()
    expect(page.locator("#waiting")).to_have_text("3 are waiting to be sent")
    processes.wait_until(lambda: [page.title(), *lost][1:], "one was sent")
    assert [name for name, _ in passed(served)] == ["Ida"]
    page.unroute_all(behavior="ignoreErrors")  # the next try may be on its way already
    page.reload()
    expect(page.locator("#waiting")).to_be_hidden()
    page.reload()
    assert [name for name, _ in passed(served)] == ["Ida", "Tom", "Ida"]
    assert page.evaluate("localStorage.length && JSON.parse(localStorage.getItem(localStorage.key(0)))") == []


def test_what_is_told_an_hour_later_is_flagged_late_and_counts_from_when_it_was(served: House) -> None:
    page = volunteer(served)
    page.clock.install()
    page.reload()
    cut(page)
    let_in(page, "Ida")
    hour = dt.timedelta(hours=1)
    served.clock.by += hour
    page.clock.fast_forward("01:00:00")
    cut(page, off=False)
    page.clock.fast_forward(10_000)
    expect(page.locator("#waiting")).to_be_hidden()
    assert passed(served) == [("Ida", ["late"])]
    with database.transaction(served.engine) as session:
        at, told = session.execute(text("SELECT at, recorded_at FROM passage")).one()
    assert hour - dt.timedelta(minutes=2) < told - at < hour + dt.timedelta(minutes=2)


def test_a_server_that_cannot_take_one_takes_the_others_and_her_later(served: House) -> None:
    page = volunteer(served)
    cut(page)
    let_in(page, "Ida", "Tom")
    page.route(
        "**/api/check-ins",
        lambda route: route.fulfill(status=503) if "Ida" in (route.request.post_data or "") else route.continue_(),
    )
    cut(page, off=False)
    expect(page.locator("#waiting")).to_have_text("1 is waiting to be sent")
    assert [name for name, _ in passed(served)] == ["Tom"]
    page.unroute("**/api/check-ins")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#waiting")).to_be_hidden()
    assert [name for name, _ in passed(served)] == ["Tom", "Ida"]


def test_a_sign_in_page_of_a_cafe_is_no_answer(served: House) -> None:
    page = volunteer(served)
    page.route("**/api/check-ins", lambda route: route.fulfill(status=200, body="<html>Free Wi-Fi</html>"))
    let_in(page, "Ida")
    expect(page.locator("#done")).to_contain_text("Kept on this phone")
    page.unroute("**/api/check-ins")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#waiting")).to_be_hidden()
    assert [name for name, _ in passed(served)] == ["Ida"]


def test_a_line_that_died_without_a_word_is_told_soon_and_given_up(served: House) -> None:
    page = volunteer(served)
    page.clock.install()
    page.reload()
    page.route("**/api/check-ins", lambda _: None)  # never answered
    let_in(page, "Ida", "Tom")
    page.clock.run_for(2500)
    expect(page.locator("#done")).to_have_text("Tom is in. Kept on this phone until there is a network.")
    page.unroute("**/api/check-ins")
    page.clock.run_for(20_000)
    expect(page.locator("#waiting")).to_be_hidden()
    assert sorted(name for name, _ in passed(served)) == ["Ida", "Tom"]


def test_a_phone_that_lends_no_room_keeps_them_while_the_page_is_open(served: House) -> None:
    page = volunteer(served)
    page.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };")
    page.reload()
    cut(page)
    let_in(page, "Ida", "Tom")
    expect(page.locator("#waiting")).to_have_text("2 are waiting to be sent")
    cut(page, off=False)
    expect(page.locator("#waiting")).to_be_hidden()
    assert [name for name, _ in passed(served)] == ["Ida", "Tom"]


def test_without_a_network_the_page_stays_whatever_is_tapped(served: House) -> None:
    """A browser's own page about a lost network has no way back to the door."""
    page = volunteer(served)
    page.get_by_label("The first two letters").fill("be")
    cut(page)
    page.get_by_role("button", name="Look").click()
    expect(page.locator("#done")).to_contain_text("There is no network, so this has to wait.")
    cut(page, off=False)
    page.get_by_role("button", name="Look").click()
    page.locator(".hits").get_by_role("button", name="Ben Okafor").click()
    expect(page.locator("#done")).to_have_text("Ben Okafor is in.")
    expect(page.locator(".hits")).to_contain_text("in since")


def test_who_was_refused_stays_to_be_read_when_others_follow(served: House) -> None:
    page = volunteer(served)
    cut(page)
    page.evaluate(
        """() => {
             const key = `muster-door-${document.getElementById("main").dataset.token.slice(0, 12)}`;
             const entry = { member: "nobody", nonce: "0123456789abcdef", at: new Date().toISOString() };
             localStorage.setItem(key, JSON.stringify([{ entry, name: "Old" }]));
           }"""
    )
    let_in(page, "Ida")
    cut(page, off=False)
    expect(page.locator("#waiting")).to_be_hidden()
    expect(page.locator("#done")).to_contain_text("Old: ")
    expect(page.locator("#done")).to_contain_text("Ida is in.")
    assert [name for name, _ in passed(served)] == ["Ida"]
