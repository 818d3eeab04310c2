"""A stranger signs in by a code, adds a passkey, and comes back with it: Chromium, HTTP and mail for real."""

import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from aiosmtpd.controller import Controller
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text

from config import settings
from server import database
from server.app import create_app, end_streams
from server.operations import ports
from tests.conftest import Mqtt
from tests.processes import wait_until
from tests.server.pages import browser as chromium

WAIT_S = 30.0
PHONE = {"width": 390, "height": 844}
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class PostOffice:
    """A mail server that keeps the codes that arrive."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's
        found = re.search(rb"Subject: (\d{6}) is your code", envelope.content)
        assert found is not None
        self.codes.append(found[1].decode())
        return "250 taken"


@pytest.fixture
def post_office() -> Iterator[tuple[PostOffice, int]]:
    made, port = PostOffice(), ports.find_free()
    controller = Controller(made, hostname="127.0.0.1", port=port)
    controller.start()
    yield made, port
    controller.stop()


@pytest.fixture
def url(fresh_database: str, mosquitto: Mqtt, post_office: tuple[PostOffice, int]) -> Iterator[str]:
    """A server of this test's own, by the name localhost: browsers keep no passkeys for numbers."""
    port = ports.find_free()
    environment = {
        **mosquitto.environment("server"),
        "MUSTER_DATABASE__DSN": fresh_database,
        "MUSTER_SERVER__PORT": str(port),
        "MUSTER_MAIL__HOST": "127.0.0.1",
        "MUSTER_MAIL__PORT": str(post_office[1]),
        "MUSTER_MAIL__SECURITY": "none",
        "MUSTER_MAIL__SENDER": "muster@example.org",
    }
    app = create_app(settings.load(environment=environment))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", ws="none"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the server started", WAIT_S)
    yield f"http://localhost:{port}"
    end_streams(app)
    server.should_exit = True
    thread.join(WAIT_S)
    assert not thread.is_alive()


@pytest.fixture
def context() -> Iterator[BrowserContext]:
    with chromium.launched() as launched:
        context = launched.new_context(viewport=PHONE)  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_S * 1000)
        expect.set_options(timeout=WAIT_S * 1000)
        yield context
        context.close()


def _hold_authenticator(page: Page) -> tuple[Any, str]:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return session, made["authenticatorId"]


def test_a_stranger_gets_in_by_mail_and_back_in_by_passkey(
    url: str, context: BrowserContext, post_office: tuple[PostOffice, int], fresh_database: str, pictures: Path
) -> None:
    page = context.new_page()
    page.goto(f"{url}/sign-in?next=/me")
    page.get_by_label("Your e-mail address").fill("Li.Wei@example.org")
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    wait_until(lambda: post_office[0].codes, "the letter arrived", WAIT_S)
    page.get_by_label("The six digits").fill(post_office[0].codes[0])
    page.get_by_role("button", name="Go on").click()
    session, authenticator = _hold_authenticator(page)
    page.get_by_label("The name to show").fill("Li Wei 李薇")
    page.get_by_role("button", name="Keep it").click()
    page.wait_for_url(f"{url}/me")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("button", name="Remove")).to_be_visible()
    page.screenshot(path=pictures / "account.png", full_page=True)

    page.get_by_role("button", name="Sign out here").click()
    page.wait_for_url(f"{url}/")
    assert page.request.get(f"{url}/api/me").status == 401
    page.goto(f"{url}/sign-in?next=/me")  # the browser offers it by itself, in the field for the address
    page.wait_for_url(f"{url}/me")
    assert page.request.get(f"{url}/api/me").json()["name"] == "Li Wei 李薇"

    # A copy of the key counts from where it was made: it is found out.
    engine = database.connect(fresh_database, pool=1)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT sign_count FROM passkey")).scalar_one() > 0
        connection.execute(text("UPDATE passkey SET sign_count = 1000"))
    engine.dispose()
    context.clear_cookies()
    session.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": authenticator, "enabled": False})
    page.goto(f"{url}/sign-in")
    session.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": authenticator, "enabled": True})
    page.get_by_role("button", name="Use a passkey instead").click()
    expect(page.get_by_text("counts backwards")).to_be_visible()
    assert page.request.get(f"{url}/api/me").status == 401


def test_without_a_secure_context_the_page_says_why_and_everything_else_works(
    url: str, context: BrowserContext, post_office: tuple[PostOffice, int]
) -> None:
    page = context.new_page()
    page.goto(f"{url.replace('localhost', '127.0.0.1')}/sign-in?next=/me")
    expect(page.get_by_role("button", name="Use a passkey instead")).to_be_hidden()
    page.get_by_label("Your e-mail address").fill("bo@example.org")
    page.get_by_role("button", name="Send me a code").click()
    wait_until(lambda: post_office[0].codes, "the letter arrived", WAIT_S)
    page.get_by_label("The six digits").fill(post_office[0].codes[0])
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Passkeys are kept for a name")).to_be_visible()
    expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
