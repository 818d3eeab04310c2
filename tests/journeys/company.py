"""A circle of the shop's people for journeys: each has one phone, and all that they do they do on its pages."""

import datetime as dt
import re
import zoneinfo

from playwright.sync_api import Page, expect

from server import database
from server.people import service as people
from tests.journeys.conftest import MEMBERS, House

PARIS = zoneinfo.ZoneInfo("Europe/Paris")
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)


def go_to(house: House, at: dt.datetime) -> None:
    """The time of everything is `at` now."""
    house.clock.by += at - house.clock()


def next_monday(now: dt.datetime) -> dt.datetime:
    """Ten in the morning of the next Monday, by the shop's clock."""
    there = now.astimezone(PARIS)
    return (there + (7 - there.weekday()) * DAY).replace(hour=10, minute=0, second=0, microsecond=0)


def come_in(page: Page, house: House, code: str) -> None:
    """Somebody types the code of a door and is in."""
    page.goto(f"{house.url}/d")
    page.locator("input[name=code]").fill(code)
    page.locator("input[name=code]").press("Enter")
    page.get_by_role("button", name="I'm here").first.click()
    expect(page.locator("h1")).to_have_text("You're in")


def open_door(page: Page, event: str, kind: str) -> None:
    """A host makes a door of a gathering, and is where its code or its link stands."""
    page.goto(f"{event}/doors")
    page.locator("select[name=kind]").select_option(kind)
    page.get_by_role("button", name="Make it").click()


class Circle:
    """`Slow readers`, founded by Ben; on Monday at ten everybody joined it."""

    def __init__(self, house: House, *others: str) -> None:
        """others: who joins; who is not known to the house yet is made known."""
        self.house = house
        go_to(house, next_monday(house.clock()))
        with database.transaction(house.engine) as session:
            for name in others:
                if name.lower() not in MEMBERS:
                    people.create(session, id=name.lower(), name=name)
        self._names = ("Ben", *others)
        self.sign_in()
        ben = self.of("Ben")
        ben.goto(f"{house.url}/communities")
        ben.get_by_label("Its name").fill("Slow readers")
        ben.get_by_role("button", name="Found it").click()
        expect(ben.locator("h1")).to_have_text("Slow readers")
        self.url = ben.url
        for name in others:
            self.at(name, "").get_by_role("button", name="Join").click()
        expect(self.at("Ben", "").locator(".belong")).to_contain_text(f"{len(others) + 1} belong to it")

    def sign_in(self) -> None:
        """Everybody signs in; it holds for a month."""
        self._phones = {name: self.house.phone(name.lower()) for name in self._names}

    def of(self, name: str) -> Page:
        """Somebody's phone."""
        return self._phones[name]

    def at(self, name: str, path: str) -> Page:
        """Somebody's phone at a page of the circle."""
        page = self.of(name)
        page.goto(self.url + path)
        return page

    def inbox(self, name: str) -> Page:
        """Somebody's phone at what she should know."""
        page = self.of(name)
        page.goto(f"{self.house.url}/inbox")
        return page

    def plan(self, name: str, title: str, begins: dt.datetime) -> str:
        """Somebody announces a gathering of the circle, at a place that hears nobody; its address."""
        page = self.of(name)
        page.goto(f"{self.house.url}/new")
        page.get_by_label("What is it called?").fill(title)
        page.get_by_label("Day", exact=True).fill(f"{begins:%Y-%m-%d}")
        page.get_by_label("Begins at").fill(f"{begins:%H:%M}")
        if page.locator("select[name=venue]").count():  # places that she knows already
            page.locator("select[name=venue]").select_option("Somewhere else")
        page.locator("input[name=place]").fill("The old bridge")
        page.get_by_text("More", exact=True).click()
        page.get_by_role("combobox", name="For whom?").select_option("Slow readers")
        page.get_by_label("By which clock").fill("Europe/Paris")
        page.get_by_role("button", name="Announce it").click()
        expect(page).to_have_url(re.compile("/events/"))
        return page.url.partition("?")[0]

    def gather(self, host: str, event: str, *who: str) -> None:
        """The host opens a door, and these come in by the code on its screen."""
        page = self.of(host)
        open_door(page, event, "screen")
        screen = self.house.phone()
        screen.goto(page.locator("code.link").inner_text())
        for name in who:
            come_in(self.of(name), self.house, screen.locator("#code").inner_text())
        screen.context.close()
