"""A shop whose evening is on, its server in this process at a time that can be moved, and browsers for phones."""

import datetime as dt
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy import Engine

from config import settings as config
from config.settings import Settings
from server import app as server_app
from server import database
from server.doors import service as doors
from server.events import service as events
from server.events import signups
from server.operations import ports
from server.people import access, roles
from server.people import service as people
from server.requests import utc_now
from server.venues import service as venues
from tests import serving
from tests.conftest import Mqtt
from tests.server.pages import browser as chromium

WAIT_MS = 20_000
NAME = "muster.test"  # not loopback's: no browser calls it secure over plain http
PHONE = {"width": 390, "height": 844}
SHOP = (2.34, 48.85)


@dataclass
class Ahead:
    """A clock that goes, so much ahead."""

    by: dt.timedelta = dt.timedelta(0)

    def __call__(self) -> dt.datetime:
        """The time."""
        return utc_now() + self.by


@dataclass
class House:
    """Left Bank Books: Cleo's evening is on, Dora hosts it with her, Ben and Mia signed up."""

    settings: Settings
    engine: Engine
    clock: Ahead
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)

    @property
    def url(self) -> str:
        """By loopback: a secure context."""
        return f"http://127.0.0.1:{self.settings.server.port}"

    @property
    def plain(self) -> str:
        """By a name: none."""
        return f"http://{NAME}:{self.settings.server.port}"

    def serving(self) -> AbstractContextManager[None]:
        """Its server, while the block runs."""
        return serving.serving(server_app.create_app(self.settings, self.clock), self.settings)

    def door(self, kind: str) -> doors.Made:
        """A door of the evening."""
        with database.transaction(self.engine) as session:
            return doors.make(session, kind=kind, name="Front", event_id="night", now=self.clock(), made_by="cleo")

    def phone(self, who: str | None = None, at: str | None = None, **options: object) -> Page:
        """A phone's browser, signed in as somebody; options: of a browser context."""
        context = self.browser.new_context(**{"viewport": PHONE, "locale": "en-GB", **options})  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_MS)
        self.contexts.append(context)
        if who is not None:
            with database.transaction(self.engine) as session:
                token = people.sign_in(session, member_id=who, now=self.clock())
            context.add_cookies([{"name": access.COOKIE, "value": token, "url": at or self.url}])
        return context.new_page()


MEMBERS = {"cleo": "Cléo Martin", "dora": "Dora Lindqvist", "ben": "Ben Okafor", "mia": "Mia 🌻"}


def _furnish(engine: Engine, now: dt.datetime) -> None:
    minute = dt.timedelta(minutes=1)
    with database.transaction(engine) as session:
        for member_id, name in MEMBERS.items():
            people.create(session, id=member_id, name=name)
        venues.create(
            session,
            id="shop",
            name="Left Bank Books",
            time_zone="Europe/Paris",
            owner_id="cleo",
            contact="shop@example.org",
            location=SHOP,
        )
        begins, ends = now - 10 * minute, now + 120 * minute
        step = events.NewStep("Readings", "shop", begins, ends, opens_at=begins - 10 * minute)
        events.create(session, id="night", name="Night of short stories", organizer_id="cleo", steps=[step])
        roles.give(session, member_id="dora", called="Dora", kind="event", of_id="night", by="cleo", now=now)
        for member_id in ("ben", "mia"):
            signups.sign_up(session, event_id="night", member_id=member_id, now=now)


@pytest.fixture(scope="module")
def phones() -> Iterator[Browser]:
    """A browser for which muster.test is this machine."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as play:
        rules = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
        launched = play.chromium.launch(executable_path=chromium.EXECUTABLE, args=[*chromium.FLAGS, rules])
        yield launched
        launched.close()


@pytest.fixture
def house(fresh_database: str, mosquitto: Mqtt, phones: Browser) -> Iterator[House]:
    """The shop; its server does not run yet."""
    port = ports.find_free()
    settings = config.load(
        environment={
            **mosquitto.environment("server"),
            "MUSTER_DATABASE__DSN": fresh_database,
            "MUSTER_SERVER__PORT": str(port),
            "MUSTER_SERVER__PUBLIC_URL": f"http://{NAME}:{port}",
        }
    )
    clock = Ahead()
    engine = database.connect(fresh_database, pool=2)
    try:
        _furnish(engine, clock())
        made = House(settings, engine, clock, phones)
        yield made
        for context in made.contexts:
            context.close()
    finally:
        engine.dispose()


@pytest.fixture
def served(house: House) -> Iterator[House]:
    """The shop, and its server runs."""
    with house.serving():
        yield house
