"""The journey of a trip of two days whose evening is at somebody's home, over the night in which clocks go forward.

Everybody reads the part of town; who was let in the address, from 24 hours before the trip until its end and never
after; who waits, was told no or was not answered, and whoever has the link, never. Who lives there always.
"""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import Page, expect

from server import app as server_app
from server import database
from server.people import access, roles
from server.people import service as people
from server.requests import utc_now
from tests.journeys.conftest import PHONE, House
from tests.server.test_app import addresses

SCREEN = {"width": 1280, "height": 800}
# So odd that whatever holds them has them from the home alone.
STREET, CONTACT, PIN = "77 rue Zaunkoenig, staircase B", "zaunkoenig@example.org", "48.861592, 2.351803"
SECRETS = ("zaunkoenig", "48.861", "48.862", "2.3518")
DISTRICT = "Le Marais"
GUESTS = {"mia": "Mia 🌻", "noa": "Noa Levi", "lea": "Lea Rossi", "tom": "Tom Ward", "ida": "Ida Berg"}
# Who was not let in: waits, was told no, was not answered, keeps the shop of the first day, belongs to nothing.
NOT_IN = ("lea", "tom", "ida", "cleo", "zoe", None)
HALF_AN_HOUR = dt.timedelta(minutes=30)
MONDAY = dt.datetime(2027, 3, 22, 12, tzinfo=dt.UTC)
# Saturday 15:00 in winter's time to Sunday 16:00 in summer's: 24 hours, and none more.
BEGINS = dt.datetime(2027, 3, 27, 14, tzinfo=dt.UTC)
ENDS = dt.datetime(2027, 3, 28, 14, tzinfo=dt.UTC)
TOLD_FROM = BEGINS - dt.timedelta(hours=24)


class Reader:
    """Somebody who reads all that there is, with a browser of hers or as a stranger."""

    def __init__(self, house: House, who: str | None) -> None:
        cookies = {}
        if who is not None:
            with database.transaction(house.engine) as session:
                token = people.sign_in(session, member_id=who, now=house.clock())
            cookies[access.COOKIE] = token
        self._client = httpx2.Client(base_url=house.url, timeout=60, cookies=cookies)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx2.Response:
        return self._client.request(method, path, json=body, headers={"Accept": "text/html, application/json"})

    def read(self, path: str) -> str:
        """All that an answer says, in small letters; what is packed unpacked, lines of calendars joined."""
        answer = self.ask("GET", path)
        if answer.headers.get("content-type") == "application/zip":
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                told = "".join(archive.read(name).decode() for name in archive.namelist())
        else:
            told = answer.text
        told += " ".join(answer.headers.values())
        return told.replace("\r\n ", "").lower()

    def told_by(self, paths: Iterable[str]) -> list[str]:
        """Which of these tell where the home is."""
        tells = re.compile("|".join(map(re.escape, SECRETS)))
        return [path for path in paths if tells.search(self.read(path))]


class Trip:
    """The trip as it was planned. feeds: addresses of calendars by whose they are."""

    def __init__(self, house: House, event: str, home: str, feeds: dict[str, str]) -> None:
        self.house, self.event, self.home, self.feeds = house, event, home, feeds

    def move_to(self, now: dt.datetime) -> None:
        self.house.clock.by = now - utc_now()

    def paths(self, who: str | None) -> list[str]:
        """What somebody looks at, and what programs of hers ask."""
        event, home = self.event, self.home
        of_all = [
            *(f"/g/{event}", f"/g/{event}?lang=zh", f"/g/{event}/event.ics", f"/venues/{home}"),
            *("/venues/shop/calendar.ics", f"/venues/{home}/calendar.ics", f"/venues/{home}/notice"),
        ]
        if who is None:
            return of_all
        hers = [
            *("/", "/inbox", f"/events/{event}", f"/events/{event}/posts", f"/mornings/{event}", "/me", "/new"),
            *("/api/events", f"/api/events/{event}", f"/api/events/{event}/progress", f"/api/events/{event}/sign-up"),
            *("/api/venues", f"/api/venues/{home}", f"/api/venues/{home}/presence", f"/api/events/{event}/export.json"),
            *("/api/me/export", "/api/me/tonight", "/api/me/notifications", "/api/me/check-ins"),
        ]
        return of_all + hers + ([self.feeds[who]] if who in self.feeds else [])

    def everything(self) -> list[str]:
        """Every address that is read, of the API and of pages, as it concerns the trip and the home."""
        names = {"venue_id": self.home, "event_id": self.event, "step_id": f"{self.event}-2", "member_id": "ben"}
        names |= {"plural": "venues", "of_id": self.home, "zone_id": f"{self.home}-everywhere", "level": "0"}
        asked = []
        for method, path in addresses(server_app.create_app(self.house.settings)):
            streams = path.startswith("/api/") and path.endswith("/live")
            if method == "GET" and not streams:
                asked.append(re.sub(r"\{(\w+)(:\w+)?\}", lambda found: names.get(found[1], "1"), path))
        return asked

    def told_to(self, who: str | None, paths: Iterable[str] | None = None) -> set[str]:
        """Where somebody finds the address now; paths: what she looks at, if not what she usually does."""
        with Reader(self.house, who) as reader:
            return set(reader.told_by(self.paths(who) if paths is None else paths))

    def check(self, told: Collection[str], untold: Collection[str | None]) -> None:
        """Wherever it may be told the first find it, and the others nowhere."""
        for one in told:
            found = {f"/events/{self.event}", f"/venues/{self.home}", f"/api/venues/{self.home}", self.feeds[one]}
            assert self.told_to(one, found) == found, one
        for who in untold:
            assert self.told_to(who) == set(), who


def make_home(house: House) -> str:
    """Ben's, as he types it."""
    ben = house.phone("ben")
    ben.goto(f"{house.url}/venues/new")
    ben.get_by_label("What is it called?").fill("Ben's kitchen")
    ben.get_by_label("Where is it?").fill(PIN)
    ben.get_by_label("It is somebody's home").check()
    ben.get_by_label("Part of town, for a home").fill(DISTRICT)
    ben.get_by_role("button", name="Make this place").click()
    ben.get_by_label("Address", exact=True).fill(STREET)
    ben.get_by_label("How to reach who is responsible").fill(CONTACT)
    ben.get_by_role("button", name="Keep this").click()
    expect(ben).to_have_url(re.compile("saved=true"))
    return ben.url.rpartition("/venues/")[2].partition("/")[0]


def plan_trip(house: House, home: str) -> str:
    """Ben's: Saturday from the shop, the evening at his home for two, Sunday from the shop again."""
    with Reader(house, "ben") as asking, Reader(house, "cleo") as keeper:
        assert asking.ask("PUT", "/api/venues/shop/welcome", {"reason": "A walk"}).is_success
        assert keeper.ask("PUT", "/api/venues/shop/welcomes/ben", {"welcome": True}).is_success
    ben = house.phone("ben")
    ben.goto(f"{house.url}/new")

    def fill_step(name: str, venue: str, day: str, time: str, hours: str) -> None:
        ben.get_by_label("What is it called?").fill(name)
        ben.get_by_label("Day", exact=True).fill(day)
        ben.get_by_label("Begins at").fill(time)
        ben.get_by_label("Where?").select_option(venue)
        ben.get_by_label("How long").select_option(hours)

    ben.get_by_text("More", exact=True).click()
    fill_step("Two days by the river", "shop", "2027-03-27", "15:00", "3")
    ben.get_by_label("What kind").select_option("trip")
    ben.get_by_label("I say yes or no to everybody who wants to come").check()
    ben.get_by_role("button", name="Announce it").click()
    expect(ben.get_by_role("heading", name="It's out. Tell the others:")).to_be_visible()
    event = ben.url.rpartition("/")[2].partition("?")[0]
    for name, venue, day, time, hours, places in (
        ("Dinner", home, "2027-03-27", "19:00", "4", "2"),
        ("Boats", "shop", "2027-03-28", "10:00", "6", ""),
    ):
        ben.goto(f"{house.url}/events/{event}/steps")
        fill_step(name, venue, day, time, hours)
        ben.get_by_label("How many places").fill(places)
        ben.get_by_role("button", name="Add it").click()
        expect(ben.get_by_role("heading", name=name)).to_be_visible()
    return event


def let_in(house: House, event: str) -> None:
    """Five ask to come. Ben says yes to three, for two of whom there is room, and no to one."""
    for who in GUESTS:
        with Reader(house, who) as guest:
            answer = guest.ask("PUT", f"/api/events/{event}/sign-up", {})
            assert (answer.status_code, answer.json()["state"]) == (200, "asked")
    ben = house.phone("ben")
    ben.goto(f"{house.url}/events/{event}/people")
    for who, said in (("mia", "Yes"), ("noa", "Yes"), ("lea", "Yes"), ("tom", "No")):
        row = ben.locator("li", has_text=GUESTS[who])
        row.get_by_role("button", name=said, exact=True).click()
        expect(ben.locator("section[aria-labelledby=asked-title] li", has_text=GUESTS[who])).to_have_count(0)
    states = {}
    for who in GUESTS:
        with Reader(house, who) as guest:
            states[who] = guest.ask("GET", f"/api/events/{event}/sign-up").json()["state"]
    assert states == {"mia": "going", "noa": "going", "lea": "waiting", "tom": "declined", "ida": "asked"}


def plan(house: House) -> Trip:
    """All that is there on the Monday before."""
    house.clock.by = MONDAY - utc_now()
    with database.transaction(house.engine) as session:
        for who, name in {**GUESTS, "zoe": "Zoë"}.items():
            if who != "mia":
                people.create(session, id=who, name=name)
    home = make_home(house)
    event = plan_trip(house, home)
    with database.transaction(house.engine) as session:
        roles.give(session, member_id="dora", called="Dora", kind="event", of_id=event, by="ben", now=house.clock())
    let_in(house, event)
    feeds = {}
    for who in (*GUESTS, "ben", "dora"):
        with Reader(house, who) as reader:
            feeds[who] = "/calendars/" + reader.ask("POST", "/api/me/calendar").json()["address"].rpartition("/")[2]
    return Trip(house, event, home, feeds)


def look(page: Page, pictures: Path, name: str) -> None:
    """Takes its picture on a phone and on a screen; nothing stands beyond the edge of either."""
    for size in (SCREEN, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], name
        page.screenshot(path=pictures / f"trip-{name}-{size['width']}.png", full_page=True, animations="disabled")


def pictures_of(trip: Trip) -> list[bytes]:
    """The picture to post in both languages, as a stranger, a guest and who lives there get it."""
    drawn = []
    for who in (None, "mia", "ben"):
        with Reader(trip.house, who) as reader:
            for lang in ("en", "zh"):
                answer = reader.ask("GET", f"/g/{trip.event}/picture.png?lang={lang}")
                assert answer.headers["content-type"] == "image/png"
                drawn.append(answer.content)
    return drawn


def test_a_home_on_a_trip_is_told_to_its_guests_around_it_and_never_after(served: House, pictures: Path) -> None:
    trip = plan(served)
    event = f"/events/{trip.event}"

    # Five days before. The two days stand there with their dates, the home with its part of town.
    stranger = served.phone()
    stranger.goto(f"{served.url}/g/{trip.event}")
    expect(stranger.locator(".facts")).to_contain_text("Sat 27 Mar 15:00 to Sun 28 Mar 16:00")
    steps = stranger.locator(".steps li")
    expect(steps.nth(1)).to_contain_text(re.compile(r"19:00.*Sat 27 Mar.*Dinner.*Ben's kitchen.*Le Marais", re.DOTALL))
    expect(steps.nth(2)).to_contain_text(re.compile(r"10:00.*Sun 28 Mar.*Boats", re.DOTALL))
    look(stranger, pictures, "invitation")
    mia = served.phone("mia")
    mia.goto(served.url + event)
    dinner = mia.locator(".step", has_text="Dinner")
    expect(dinner).to_contain_text(DISTRICT)
    expect(dinner).to_contain_text("from a day before it begins, until the end")
    expect(mia.locator(".step .date b")).to_have_text(["27", "27", "28"])
    look(mia, pictures, "before")
    trip.check(["ben", "dora"], ["mia", "lea", None])
    drawn = pictures_of(trip)
    assert drawn[0::2] == [drawn[0]] * 3
    assert drawn[1::2] == [drawn[1]] * 3
    (pictures / "trip-share-en.png").write_bytes(drawn[0])
    (pictures / "trip-share-zh.png").write_bytes(drawn[1])

    # Not yet, half an hour too early; then the guests are told, and nobody else, in nothing that there is.
    trip.move_to(TOLD_FROM - HALF_AN_HOUR)
    trip.check(["ben", "dora"], ["mia", None])
    trip.move_to(TOLD_FROM + HALF_AN_HOUR)
    trip.check(["ben", "dora", "mia", "noa"], NOT_IN)
    for who in ("lea", None):
        assert trip.told_to(who, trip.everything()) == set(), who
    mia.reload()
    expect(dinner).to_contain_text(STREET)
    expect(dinner.get_by_role("link", name="Ben's kitchen")).to_have_attribute("href", re.compile("^geo:48.861592"))
    look(mia, pictures, "told")
    # What she hands on says no more than before, though she knows.
    mia.goto(f"{served.url}/g/{trip.event}")
    expect(mia.get_by_text(DISTRICT).first).to_be_visible()
    expect(mia.get_by_text("Zaunkoenig")).to_have_count(0)
    assert pictures_of(trip) == drawn
    with Reader(served, "mia") as reader:
        feed = reader.read(trip.feeds["mia"])
    assert "dtstart;tzid=europe/paris:20270327t190000" in feed
    assert "dtstart;tzid=europe/paris:20270328t100000" in feed
    assert "dtend;tzid=europe/paris:20270328t160000" in feed

    # On Sunday clocks have gone forward: the trip is on until 16:00 by the clock on the wall.
    trip.move_to(ENDS - HALF_AN_HOUR)
    trip.check(["ben", "mia", "noa"], ["lea", "cleo"])
    trip.move_to(ENDS + HALF_AN_HOUR)
    trip.check(["ben", "dora"], ["mia", "noa", None])
    trip.move_to(ENDS + dt.timedelta(days=14))
    trip.check(["ben", "dora"], [])
    assert trip.told_to("mia", trip.everything()) == set()
    mia.goto(served.url + event)
    expect(mia.locator("main")).to_contain_text(DISTRICT)
    look(mia, pictures, "after")
    ben = served.phone("ben")
    ben.goto(served.url + event)
    expect(ben.locator(".step", has_text="Dinner")).to_contain_text(STREET)
    look(ben, pictures, "home")
