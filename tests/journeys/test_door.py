"""The journey of the door: a first evening of forty guests, over radio, HTTP and phones on plain http.

28 signed up, 12 never did; 17 carry a badge; door codes, a volunteer's hand, one check-in taken back, one consent
withdrawn in the middle, one guest erased. At the end every number equals what the script did.
"""

import http.client
import json
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from server.people import access
from tests import processes
from tests.conftest import Mqtt
from tests.journeys import evening, parts
from tests.server.pages import browser as chromium

NAME = "muster.test"
PHONE = {"width": 390, "height": 844}
WAIT_MS = 30_000
CAME = 40


class Phone:
    """Somebody's phone without a screen: it keeps its cookie, and asks over HTTP."""

    def __init__(self, base: str) -> None:
        """base: where the server is."""
        self._at = urlsplit(base).netloc
        self.token = ""

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and what JSON said."""
        connection = http.client.HTTPConnection(self._at, timeout=60)
        try:
            headers = {"Cookie": f"{access.COOKIE}={self.token}"} if self.token else {}
            if body is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            for name, value in answer.getheaders():
                if name.lower() == "set-cookie" and value.startswith(access.COOKIE):
                    self.token = value.partition("=")[2].partition(";")[0]
            said = answer.read()
            is_json = "json" in (answer.getheader("Content-Type") or "")
            return answer.status, json.loads(said) if is_json and said else said.decode()
        finally:
            connection.close()

    def sign_in(self, link: str) -> "Phone":
        """Uses a one-time link."""
        status, _ = self.ask("POST", f"/sign-in/{link}")
        assert status == 303
        return self

    def come(self, code: str, **more: object) -> dict[str, Any]:
        """Comes in by a door's code."""
        status, said = self.ask("POST", "/api/check-ins", {"nonce": secrets.token_hex(16), "code": code, **more})
        assert status == 200, said
        found: dict[str, Any] = said
        return found


@pytest.fixture
def running(fresh_database: str, fresh_mosquitto: Mqtt, tmp_path: Path) -> Iterator[parts.Parts]:
    with parts.running(fresh_database, fresh_mosquitto, tmp_path, public_name=NAME) as found:
        yield found


@contextmanager
def browsing(running: parts.Parts) -> Iterator[Browser]:
    """Browsers for which muster.test is this machine: over plain http, as in a shop's Wi-Fi."""
    port = urlsplit(running.url).port
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium.EXECUTABLE,
            args=[*chromium.FLAGS, f"--host-resolver-rules=MAP {NAME}:{port} 127.0.0.1:{port}"],
        )
        yield browser
        browser.close()


def phone_page(browser: Browser) -> Page:
    return browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, locale="en-GB").new_page()  # type: ignore[arg-type]


def counted(host: Phone) -> list[dict[str, Any]]:
    """All check-ins of the evening as its organizer reads them."""
    status, rows = host.ask("GET", "/api/events/night/check-ins?limit=200")
    assert status == 200
    found: list[dict[str, Any]] = rows
    return found


def standing(host: Phone) -> list[dict[str, Any]]:
    return [row for row in counted(host) if row["undone_at"] is None]


def test_an_evening_of_forty_is_counted_to_the_person(running: parts.Parts, tmp_path: Path, pictures: Path) -> None:
    night = evening.prepare(running.conninfo)
    members = [f"m{number}" for number in range(evening.SIGNED_UP)]
    walk_ins = [f"m{evening.SIGNED_UP + number}" for number in range(evening.WALK_INS_WITH_BADGE)]
    by_badge, by_code = members[: evening.WITH_BADGE], members[evening.WITH_BADGE :]
    host = Phone(running.url).sign_in(night.links["cleo"])
    doors = {}
    for kind in ("poster", "screen", "volunteer"):
        status, doors[kind] = host.ask("POST", "/api/events/night/doors", {"kind": kind, "name": kind.title()})
        assert status == 201, doors[kind]
    poster = doors["poster"]["code"]

    with evening.listening(running, night, tmp_path) as room, browsing(running) as browser:
        wall = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB").new_page()
        base = f"http://{NAME}:{urlsplit(running.url).port}"
        host_link = Phone(running.url).sign_in(night.links[by_code[0]])  # a member who is known on her phone
        wall.context.add_cookies([{"name": access.COOKIE, "value": host.token, "url": base}])
        wall.goto(f"{base}/events/night/live")

        # 1. Seventeen walk in with a badge; nobody taps anything.
        room.enter(*by_badge, *walk_ins)
        processes.wait_until(
            lambda: len(standing(host)) == evening.WITH_BADGE + evening.WALK_INS_WITH_BADGE, "badges checked in", 90
        )
        shown = wall.locator("#arrivals").get_by_text("Member 03 Ångström")
        expect(shown.first).to_be_visible()

        # 2. Somebody unknown: scans the poster, types a name, taps once: two taps.
        stranger = phone_page(browser)
        stranger.goto(f"{base}/d/{poster}")
        assert stranger.evaluate("isSecureContext") is False
        stranger.get_by_label("The name to show").tap()
        stranger.keyboard.type("Zoë 佐伊 🎈")
        stranger.get_by_role("button", name="I'm here").tap()
        expect(stranger.get_by_role("heading", name="You're in")).to_be_visible()
        stranger.screenshot(path=pictures / "door-in.png")

        # 3. A member known on her phone: one button.
        known = phone_page(browser)
        known.context.add_cookies([{"name": access.COOKIE, "value": host_link.token, "url": base}])
        known.goto(f"{base}/d/{poster}")
        known.get_by_role("button", name="I'm here").first.tap()
        expect(known.get_by_role("heading", name="You're in")).to_be_visible()

        # 4. The other members by the poster, each tapping twice; six strangers by the screen, one of them to be erased.
        for member_id in by_code[1:]:
            phone = Phone(running.url).sign_in(night.links[member_id])
            first = phone.come(poster)
            again = phone.come(poster)
            assert (first["result"], again["result"]) == ("in", "already")
            assert first["check_in"] == again["check_in"]
        strangers = []
        for number in range(7):
            status, screen = host.ask("GET", f"/api/screens/{doors['screen']['link'].rpartition('/')[2]}")
            assert status == 200, screen
            phone = Phone(running.url)
            assert phone.come(screen["code"], name=f"Guest {number}")["result"] == "in"
            strangers.append(phone)

        # 5. One by a volunteer's hand, on a phone without an account.
        volunteer = phone_page(browser)
        volunteer.goto(doors["volunteer"]["link"])
        volunteer.get_by_label("Somebody new: the name to show").fill("Old Mr Haas")
        volunteer.get_by_role("button", name="Let them in").tap()
        expect(volunteer.get_by_role("status").filter(has_text="Old Mr Haas").first).to_be_visible()
        processes.wait_until(lambda: len(standing(host)) == CAME, "forty are in", 60)

        # 6. One consent is withdrawn: her name is gone from the organizer's wall at once, she still counts.
        paused = Phone(running.url).sign_in(night.links["m3"])
        status, said = paused.ask("PUT", "/api/me/pause")
        assert status == 200, said
        expect(shown).to_have_count(0)
        names = {row["name"] for row in standing(host)}
        assert "Member 03 Ångström" not in names
        assert "Member 04 Ångström" in names

        # 7. One is taken back by the host; what was heard before does not bring her back.
        room.leave("m5")
        row = next(row for row in standing(host) if row["member"] == "m5")
        status, _ = host.ask("POST", f"/api/check-ins/{row['id']}/undo")
        assert status == 204

        # 8. One guest is erased: nothing says any more who it was, and the number stays.
        status, receipt = strangers[0].ask("DELETE", "/api/me", {"name": "guest 0"})
        assert status == 200, receipt
        assert strangers[0].ask("GET", "/api/me")[0] == 401

        # The end: every number equals the script's.
        processes.wait_until(lambda: len(standing(host)) == CAME - 1, "one is taken back")
        expect(wall.locator("#here-of")).to_contain_text("28 signed up")
        rows = counted(host)
        assert len(rows) == CAME
        now = standing(host)
        assert Counter(row["evidence"] for row in now) == {
            "beacon": evening.WITH_BADGE + evening.WALK_INS_WITH_BADGE - 1,
            "poster": len(by_code) + 1,
            "screen": 7,
            "manual": 1,
        }
        assert sum(row["signed_up"] for row in now) == evening.SIGNED_UP - 1
        # Names: of who signed up or came by an act of her own; none of badges that walked in, the paused, the erased.
        assert sum(row["name"] is not None for row in now) == (evening.SIGNED_UP - 2) + 1 + 6 + 1
        assert "Guest 0" not in {row["name"] for row in now}
        status, exported = host.ask("GET", "/api/events/night/export.csv")
        assert status == 200
        assert "Guest 0" not in exported
        assert "Guest 1" in exported
        assert running.count("SELECT count(*) FROM member WHERE name = 'Guest 0'") == 0
        assert running.count("SELECT count(*) FROM checkin WHERE member_id IS NULL") == 1
        assert running.count("SELECT count(*) FROM passage") == len(by_code) + 1 + 7 + 1
        wall.screenshot(path=pictures / "door-wall.png")


@pytest.mark.parametrize("keeps", [True, False], ids=["keeps", "keeps-nothing"])
def test_a_volunteers_phone_without_a_network_loses_nobody(running: parts.Parts, keeps: bool) -> None:
    night = evening.prepare(running.conninfo)
    host = Phone(running.url).sign_in(night.links["cleo"])
    status, door = host.ask("POST", "/api/events/night/doors", {"kind": "volunteer", "name": "Side door"})
    assert status == 201, door
    with browsing(running) as browser:
        page = phone_page(browser)
        if not keeps:
            # As a phone does that is full, or that keeps nothing for pages.
            page.add_init_script("Storage.prototype.setItem = () => { throw new Error('no room'); };")
        page.goto(door["link"])
        page.context.set_offline(True)
        for name in ("Mia", "Max"):
            page.get_by_label("Somebody new: the name to show").fill(name)
            page.get_by_role("button", name="Let them in").tap()
            expect(page.locator("#done")).to_contain_text(f"{name} is in. Kept on this phone")
        expect(page.locator("#waiting")).to_contain_text("2 are waiting")
        page.context.set_offline(False)
        expect(page.locator("#waiting")).to_be_hidden()
    assert sorted(row["name"] for row in standing(host)) == ["Max", "Mia"]
