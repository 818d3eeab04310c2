"""One browser for the module, one fresh server and page per test, and an eye on what a page must never do."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests.server.pages import browser as chromium
from tests.server.pages.fixture_server import Running

WAIT_MS = 20_000  # two cores draw WebGL in software while other tests run
VIEWPORT = {"width": 1180, "height": 740}  # a small laptop: every pixel is drawn by the processor here

Opener = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=WAIT_MS)
    with chromium.launched() as launched:
        yield launched


@pytest.fixture
def running() -> Iterator[Running]:
    server = Running()
    server.start()
    yield server
    server.stop()


class Watchman:
    """What pages said and asked for that they should not have."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.complaints: list[str] = []
        self.abroad: list[str] = []
        self.expected: tuple[str, ...] = ()

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"thrown: {error}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(part in message.text for part in self.expected):
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.home}/", "data:", f"blob:{self.home}")):
            self.abroad.append(request.url)


@pytest.fixture
def watchman(running: Running) -> Iterator[Watchman]:
    """After each browser test: nothing complained (which covers the security policy), and nothing left this machine."""
    made = Watchman(running.url)
    yield made
    assert made.complaints == []
    assert made.abroad == []


@pytest.fixture
def visit(browser: Browser, running: Running, watchman: Watchman) -> Iterator[Opener]:
    """Opens a path; keywords are those of a browser context."""
    contexts: list[BrowserContext] = []

    def opener(path: str, **options: object) -> Page:
        context = browser.new_context(**{"viewport": VIEWPORT, "reduced_motion": "no-preference", **options})  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        watchman.watch(page)
        page.goto(f"{running.url}{path}")
        return page

    yield opener
    for context in contexts:
        context.close()
