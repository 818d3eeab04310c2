"""The journey of a bookshop's house: two circles under it, and a stamp rally over six shops that badges check in.

Six keepers, of whom five are asked and say yes; ten people with badges. Four of six stamps make the card full: who has
them takes the reward at the counter once, who has three does not. Who keeps the house sees who came as it may be told.
"""

import datetime as dt
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from server.fans import rounding
from server.people import access
from tests import processes
from tests.conftest import Mqtt
from tests.journeys import parts, rally
from tests.server.pages import browser as chromium

PHONE, SCREEN = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
WAIT_MS = 30_000
COME_S = 60
STEPS = {shop: f"Stamp at {name}" for shop, (name, _, _) in rally.SHOPS.items()}
REWARD = "A book of your choice"
# Where everybody is, one after another: Mia gets five stamps, Ben three, Walker 0 exactly four.
ROUNDS = (
    {"mia": "books", "ben": "books", "w0": "books", "w1": "books"},
    {"mia": "cafe", "ben": "cafe", "w0": "bakery", "w1": "press", "w2": "flowers", "w3": "records", "w4": "records"},
    {"mia": "bakery", "ben": "bakery", "w0": "press", "w5": "cafe", "w6": "cafe", "w7": "cafe", "w2": "cafe"},
    {"mia": "press", "w0": "flowers", "w1": "cafe", "w3": "cafe", "w4": "cafe"},
    {"mia": "records"},
)


class Town:
    """The street with its server, and a browser for each who looks at pages."""

    def __init__(self, running: parts.Parts, street: rally.Street, browser: Browser) -> None:
        self.running, self.street, self._browser = running, street, browser
        self._pages: dict[str, Page] = {}

    def page(self, who: str) -> Page:
        if who not in self._pages:
            context = self._browser.new_context(viewport=PHONE, locale="en-GB")  # type: ignore[arg-type]
            context.set_default_timeout(WAIT_MS)
            cookie = {"name": access.COOKIE, "value": self.street.tokens[who], "url": self.running.url}
            context.add_cookies([cookie])  # type: ignore[list-item]
            self._pages[who] = context.new_page()
        return self._pages[who]

    def open(self, who: str, path: str) -> Page:
        page = self.page(who)
        page.goto(self.running.url + path)
        return page

    def ask(self, who: str, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        cookies = {access.COOKIE: self.street.tokens[who]}
        with httpx2.Client(base_url=self.running.url, timeout=WAIT_MS / 1000, cookies=cookies) as client:
            answer = client.request(method, path, json=body)
            return answer.status_code, answer.json() if answer.content else None

    def came(self) -> set[tuple[str, str]]:
        """Who came where, by the badge."""
        query = """
            SELECT member_id, venue.id FROM checkin JOIN step ON step.id = checkin.step_id
            JOIN venue ON venue.id = step.venue_id WHERE checkin.undone_at IS NULL AND evidence = 'beacon'
        """
        with psycopg.connect(self.running.conninfo) as connection:
            return {(member, venue) for member, venue in connection.execute(query).fetchall()}


@pytest.fixture
def town(fresh_database: str, fresh_mosquitto: Mqtt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    # Nobody waits a minute and a half at a counter in a test.
    monkeypatch.setenv("MUSTER_CHECKIN__DWELL_SIGNED_UP_S", "2")
    monkeypatch.setenv("MUSTER_CHECKIN__DWELL_WALK_IN_S", "3")
    expect.set_options(timeout=WAIT_MS)
    with parts.running(fresh_database, fresh_mosquitto, tmp_path) as running, chromium.launched() as browser:
        yield Town(running, rally.prepare(fresh_database), browser)


def look(page: Page, pictures: Path, name: str) -> None:
    """Takes its picture on a phone and on a screen; nothing stands beyond the edge of either."""
    for size in (SCREEN, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], name
        page.screenshot(path=pictures / f"rally-{name}-{size['width']}.png", full_page=True, animations="disabled")


def found_house(town: Town) -> str:
    """Cléo founds the bookshop's house; everybody follows, and two circles form under it."""
    cleo = town.open("cleo", "/communities")
    cleo.get_by_label("Its name").fill("Friends of Left Bank")
    cleo.get_by_text("Or a house: you publish, others follow").click()
    cleo.get_by_text("You or your place publish and decide").click()
    cleo.get_by_label("Whose house it is").select_option("books")
    cleo.get_by_role("button", name="Found it").click()
    expect(cleo.locator("main")).to_contain_text("Left Bank Books publishes and decides here.")
    house = cleo.url.rpartition("/")[2]
    for member_id in rally.WALKERS.keys() - {"mia", "ben"}:
        assert town.ask(member_id, "PUT", f"/api/communities/{house}/membership")[0] == 204
    for member_id, circle in (("ben", "Crime on Mondays"), ("mia", "Poems aloud")):
        assert town.ask(member_id, "POST", "/api/communities", {"name": circle, "under": house})[0] == 403
        page = town.open(member_id, f"/communities/{house}")
        page.get_by_role("button", name="Follow").click()
        page.get_by_label("Form a circle").fill(circle)
        page.get_by_role("button", name="Form it").click()
        expect(page.get_by_role("heading", name=circle)).to_be_visible()
        expect(page.locator("main")).to_contain_text("Formed under Friends of Left Bank")
    cleo.reload()
    for circle in ("Crime on Mondays", "Poems aloud"):
        expect(cleo.get_by_role("link", name=circle)).to_be_visible()
    expect(cleo.locator(".belong .num")).to_have_text("11")
    return house


def ask_keepers(town: Town) -> None:
    """Cléo asks at the five other shops, and each keeper says yes."""
    for shop, (name, keeper, _) in rally.SHOPS.items():
        if keeper == "cleo":
            continue
        cleo = town.open("cleo", f"/venues/{shop}/welcome")
        cleo.get_by_label("What would you like to hold here?").fill("A stamp rally past six shops.")
        cleo.get_by_role("button", name="Ask them").click()
        expect(cleo.get_by_role("heading", name="You have asked.")).to_be_visible()
        page = town.open(keeper, "/inbox")
        page.get_by_role("link", name=f"Cléo Martin asks to hold gatherings at {name}").click()
        expect(page.locator("main")).to_contain_text("A stamp rally past six shops.")
        page.get_by_role("button", name="Yes, they may").click()
        expect(page.get_by_text("may gather here", exact=True)).to_be_visible()


def plan_rally(town: Town, house: str) -> str:
    """One screen for the first step, five more of them, four of six to complete, and a card."""
    cleo = town.open("cleo", "/new")
    wall = dt.datetime.now(zoneinfo.ZoneInfo("Europe/Paris")) + dt.timedelta(minutes=20)  # doors are open by then

    def fill_step(name: str, shop: str) -> None:
        cleo.get_by_label("What is it called?").fill(name)
        cleo.get_by_label("Day", exact=True).fill(wall.date().isoformat())
        cleo.get_by_label("Begins at").fill(f"{wall:%H:%M}")
        cleo.get_by_label("Where?").select_option(shop)

    fill_step("Six small shops", "books")
    cleo.get_by_text("More", exact=True).click()
    cleo.get_by_label("How long").select_option("4")
    cleo.get_by_label("For whom?").select_option(house)
    cleo.get_by_label("What it is about").fill("Come past six small shops. Your badge collects the stamps.")
    cleo.get_by_role("button", name="Announce it").click()
    expect(cleo.get_by_role("heading", name="It's out. Tell the others:")).to_be_visible()
    event = cleo.url.rpartition("/")[2].partition("?")[0]
    for shop in [shop for shop in rally.SHOPS if shop != "books"]:
        cleo.goto(f"{town.running.url}/events/{event}/steps")
        fill_step(STEPS[shop], shop)
        cleo.get_by_label("How long").select_option("4")
        cleo.get_by_role("button", name="Add it").click()
        expect(cleo.get_by_role("heading", name=STEPS[shop])).to_be_visible()
    cleo.get_by_label("How many of them make it complete").select_option("4")
    cleo.get_by_role("button", name="Keep this").click()
    expect(cleo.get_by_label("How many of them make it complete")).to_have_value("4")
    cleo.goto(f"{town.running.url}/events/{event}/stamps")
    expect(cleo.locator("main form")).to_contain_text("Full with 4 stamps, as its steps say.")
    cleo.get_by_label("What is it good for?").fill(REWARD)
    cleo.get_by_role("button", name="Make the card").click()
    expect(cleo.get_by_role("heading", name=REWARD)).to_be_visible()
    return event


def sign_up(town: Town, event: str) -> None:
    """Mia and Ben by the invitation's page, the walkers by a program of theirs; Walker 7 never does."""
    for member_id in ("mia", "ben"):
        page = town.open(member_id, f"/g/{event}")
        page.get_by_role("link", name="I'm coming").click()
        page.get_by_role("button", name="I'm coming").click()
        expect(page.locator("main")).to_contain_text("You're going.")
    for number in range(7):
        assert town.ask(f"w{number}", "PUT", f"/api/events/{event}/sign-up", {})[0] == 200


def figure(page: Page, words: str) -> str:
    """A big figure of who comes."""
    return page.locator(".figures .card").filter(has_text=words).locator(".num").inner_text()


def by_the_community(town: Town, house: str) -> str:
    """What is told of the eight whom the house brought: its secret offset may leave four, too few to be told."""
    with psycopg.connect(town.running.conninfo) as connection:
        secret: bytes = connection.execute("SELECT secret FROM fan_rounding").fetchall()[0][0]
    offset = rounding.offset_of(secret, f"community/{house}/quarter/way community")
    return "5 or more" if 8 - offset >= rounding.K else "fewer than told"


def test_a_rally_over_six_shops_is_stamped_by_badges_and_rewarded_once(
    town: Town, tmp_path: Path, pictures: Path
) -> None:
    wait = processes.wait_until
    house = found_house(town)
    refused = {"id": "trap", "name": "Trap", "venue": "cafe"}
    times = {"starts_at": "2030-01-01T10:00:00Z", "ends_at": "2030-01-01T11:00:00Z"}
    status, said = town.ask("cleo", "POST", "/api/events", {"name": "Trap", "steps": [refused | times]})
    assert (status, said["code"]) == (403, "not_your_venue")
    ask_keepers(town)
    event = plan_rally(town, house)
    sign_up(town, event)
    cleo = town.page("cleo")

    with rally.listening(town.running, town.street, tmp_path) as walk:
        listening = "SELECT count(DISTINCT agent_id) FROM coverage"
        wait(lambda: town.running.count(listening) == len(rally.SHOPS), "six Pis listen", COME_S)
        expected: set[tuple[str, str]] = set()
        for number, where in enumerate(ROUNDS):
            walk.go(where)
            if number == 0:
                walk.pass_by("w6", "press")  # on her way somewhere else: nobody comes by passing a door
            expected |= set(where.items())
            wait(lambda: town.came() >= expected, f"who came in round {number}", COME_S)  # noqa: B023 -- at once
            if number == 0:
                # Four came, one of whom lets the house see her name: three are too few to be told.
                mia = town.open("mia", "/me/consent")
                mia.get_by_role("button", name="Friends of Left Bank: show my name").click()
                cleo.goto(f"{town.running.url}/communities/{house}/fans")
                expect(cleo.locator("#named-title + ul li")).to_have_count(1)
                assert figure(cleo, "people came") == "1"
        walk.go({})
    assert town.came() == expected

    # The rally's page says how far each is.
    mia, ben = town.open("mia", f"/events/{event}"), town.open("ben", f"/events/{event}")
    expect(ben.locator(".progress")).to_contain_text("3 of 4")
    expect(ben.locator(".progress")).not_to_contain_text("· complete")
    expect(ben.get_by_text("You were here")).to_have_count(3)
    expect(mia.get_by_text("You were here")).to_have_count(5)
    expect(mia.locator(".progress")).to_contain_text("5 of 6 · complete")
    look(mia, pictures, "page-complete")
    look(ben, pictures, "page-under-way")
    progress = {
        who: town.ask(who, "GET", f"/api/events/{event}/progress")[1]["complete"] for who in ("mia", "ben", "w0")
    }
    assert progress == {"mia": True, "ben": False, "w0": True}

    # The cards have stamped themselves: Ben's is not full, Mia's is, and shows a code.
    ben = town.open("ben", "/me/stamps")
    expect(ben.get_by_role("img", name="3 of 4 stamps")).to_be_visible()
    expect(ben.get_by_role("button", name="Show at the counter")).to_have_count(0)
    card = town.ask("ben", "GET", "/api/me/stamps")[1][0]["card"]["id"]
    status, said = town.ask("ben", "POST", f"/api/me/stamps/{card}/code")
    assert (status, said["code"]) == (409, "card_not_full")
    look(ben, pictures, "card-under-way")
    mia = town.open("mia", "/me/stamps")
    expect(mia.get_by_role("img", name="4 of 4 stamps")).to_be_visible()
    look(mia, pictures, "card-full")
    mia.get_by_role("button", name="Show at the counter").click()
    code = mia.locator(".shown-code").inner_text()
    look(mia, pictures, "card-shown")

    # The reward is given once, at the host's counter and no other.
    assert town.ask("karl", "GET", f"/api/stamp-codes/{code}")[0] == 403
    cleo.goto(f"{town.running.url}/stamps")
    cleo.get_by_label("The six signs on her phone").fill(code.lower())
    cleo.get_by_role("button", name="Look it up").click()
    expect(cleo.get_by_role("button", name="Redeem it now")).to_be_visible()  # the answer is there, and names nobody
    expect(cleo.get_by_text("Mia")).to_have_count(0)
    look(cleo, pictures, "counter")
    cleo.get_by_role("button", name="Redeem it now").click()
    expect(cleo.get_by_role("status")).to_contain_text("Redeemed at")
    look(cleo, pictures, "counter-redeemed")
    assert town.ask("cleo", "POST", f"/api/stamp-codes/{code}/redeem")[0] == 200  # the same tap again: as then
    assert town.running.count("SELECT count(*) FROM stamp_redemption") == 1
    mia.goto(f"{town.running.url}/me/stamps")
    expect(mia.locator(".stamp-card")).to_contain_text("Redeemed on")
    status, said = town.ask("mia", "POST", f"/api/me/stamps/{card}/code")
    assert (status, said["code"]) == (409, "redeemed_already")

    # Who keeps the house: Mia by name, the other nine as "5 or more"; what fewer than five did is not told.
    cleo.goto(f"{town.running.url}/communities/{house}/fans")
    for words in ("people came", "for the first time"):
        assert figure(cleo, words).startswith("6+")
    assert figure(cleo, "drifting away").startswith("–")
    expect(cleo.locator("#named-title + ul")).to_contain_text("Mia 🌻")
    brought = cleo.locator("section", has=cleo.locator("#brought-title"))
    told = by_the_community(town, house)
    expect(brought.locator("div", has_text="the community itself")).to_contain_text(told)
    expect(brought.locator("div", has_text="they walked by")).to_contain_text("fewer than told")
    for name in rally.WALKERS.keys() - {"mia"}:
        expect(cleo.get_by_text(rally.WALKERS[name])).to_have_count(0)
    look(cleo, pictures, "fans")
    cleo.goto(f"{town.running.url}/communities/{house}")
    look(cleo, pictures, "house")

    # The keeper of the café sees her own guests as numbers; the house's are not hers, nor a circle's the house's.
    karl = town.open("karl", "/venues/cafe/fans")
    assert figure(karl, "people came").startswith("5+")  # of nine
    expect(karl.get_by_text("Mia")).to_have_count(0)
    assert town.ask("karl", "GET", f"/api/communities/{house}/fans")[0] == 403
    circle = next(one for one in town.ask("ben", "GET", "/api/communities")[1] if one["name"] == "Crime on Mondays")
    assert town.ask("cleo", "GET", f"/api/communities/{circle['id']}/fans")[1]["code"] == "houses_only"
