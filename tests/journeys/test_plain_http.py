"""The journey of phones on a shop's Wi-Fi: over plain http nothing breaks, over HTTPS nothing is missing.

A name that is not loopback's is what makes the difference: browsers call http://127.0.0.1 secure and http://muster.test
not. The browser with HTTPS trusts this machine's own authority and nothing else besides what it always does: it is told
by NSS's database, where Chromium on Linux looks for what its owner trusts, so that names, dates and constraints are
really checked.
"""

import dataclasses
import datetime as dt
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect, sync_playwright

from config import settings as config
from server import app as server_app
from server import database
from server.operations import authority, ports
from server.people import service as people
from tests import serving
from tests.conftest import Mqtt
from tests.server.pages import browser as chromium
from tests.server.pages import codes

NAME, ADDRESS = "muster.test", IPv4Address("192.168.178.21")
LOCAL_NAME = "shop.local"
PHONE = {"width": 390, "height": 844}
WAIT_MS = 20_000


@dataclasses.dataclass(frozen=True, slots=True)
class Lan:
    """A server of a demonstration with an authority of its own."""

    port: int
    https_port: int
    authority: Path

    @property
    def plain(self) -> str:
        return f"http://{NAME}:{self.port}"

    @property
    def secure(self) -> str:
        return f"https://{LOCAL_NAME}:{self.https_port}"


@pytest.fixture
def lan(fresh_database: str, mosquitto: Mqtt, tmp_path: Path) -> Iterator[Lan]:
    """The whole server over HTTP and HTTPS; its page /d reads codes."""
    engine = database.connect(fresh_database, pool=1)
    with database.transaction(engine) as session:
        people.create(session, id="you", name="Robin", about="You carry a badge.", demo_order=1)
    engine.dispose()
    file, _ = authority.prepare(tmp_path / "authority", [ADDRESS], "shop", dt.datetime.now(dt.UTC))
    port, https_port = ports.find_free(), ports.find_free()
    settings = config.load(
        environment={
            **mosquitto.environment("server"),
            "MUSTER_DATABASE__DSN": fresh_database,
            "MUSTER_SERVER__DEMO": "true",
            "MUSTER_SERVER__PUBLIC_URL": f"http://{NAME}:{port}",
            "MUSTER_SERVER__PORT": str(port),
            "MUSTER_SERVER__TLS_FILE": str(file),
            "MUSTER_SERVER__HTTPS_PORT": str(https_port),
        }
    )
    with serving.serving(server_app.create_app(settings), settings):
        yield Lan(port, https_port, tmp_path / "authority" / authority.AUTHORITY)


def trust(home: Path, authority_file: Path | None) -> None:
    """Makes a browser's home that trusts this authority, or none."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    subprocess.run(["certutil", "-N", "-d", f"sql:{store}", "--empty-password"], check=True)
    if authority_file is not None:
        add = ["certutil", "-A", "-d", f"sql:{store}", "-n", "muster", "-t", "C,,", "-i", str(authority_file)]
        subprocess.run(add, check=True)


@contextmanager
def browsing(chrome: BrowserType, home: Path, rules: str, *flags: str) -> Iterator[Browser]:
    """A browser for which these names are this machine."""
    browser = chrome.launch(
        executable_path=chromium.EXECUTABLE,
        args=[*chromium.FLAGS, f"--host-resolver-rules={rules}", *flags],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
    )
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def chrome() -> Iterator[BrowserType]:
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as play:
        yield play.chromium


def rules(lan: Lan) -> str:
    """The names of the local network, as its own mDNS would tell them."""
    return ", ".join(
        f"MAP {name}:{port} 127.0.0.1:{port}"
        for name in (NAME, LOCAL_NAME, str(ADDRESS), "other.local")
        for port in (lan.port, lan.https_port)
    )


def sign_in(page: Page, base: str) -> None:
    page.goto(f"{base}/sign-in")
    page.get_by_role("button", name="Robin").click()
    page.wait_for_url(f"{base}/")


def capabilities(page: Page) -> dict[str, str]:
    """What the page's own module says is missing, and why."""
    found: dict[str, str] = page.evaluate(
        """async () => {
             const { src } = document.querySelector("script[src$='scan.js']");
             const found = await import(src.replace("scan.js", "capable.js"));
             const all = ["camera", "location", "worker", "passkeys"].map((name) => [name, found[name]()]);
             return Object.fromEntries(all.filter(([, { there }]) => !there).map(([name, { why }]) => [name, why]));
           }"""
    )
    return found


def who(page: Page) -> int:
    status: int = page.evaluate("fetch('/api/me').then(answer => answer.status)")
    return status


def test_over_plain_http_a_photo_or_six_characters_take_the_place_of_the_camera(
    chrome: BrowserType, lan: Lan, tmp_path: Path
) -> None:
    trust(tmp_path / "home", None)
    with browsing(chrome, tmp_path / "home", rules(lan)) as browser:
        page = browser.new_context(viewport=PHONE).new_page()  # type: ignore[arg-type]
        page.goto(f"{lan.plain}/d")
        assert page.evaluate("isSecureContext") is False
        expect(page.get_by_role("button", name="Scan the code")).to_be_hidden()
        expect(page.locator(".scan-why")).to_contain_text("gives the camera only to addresses with https")
        expect(page.get_by_label("Type the six characters")).to_be_visible()

        corners = ((1200, 700), (2700, 950), (2700, 2150), (1200, 2500))
        link = f"{lan.plain}/d/7KX2QF"
        # A canvas of an insecure page draws as well; the photo is taken in it.
        taken = codes.photo(page, link, corners, blur_px=2)
        with page.expect_navigation(url="**/d/7KX2QF"):
            page.locator("input[type=file]").set_input_files(
                {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": taken}
            )

        page.goto(f"{lan.plain}/d")
        page.get_by_role("link", name="How to get there").click()
        expect(page.get_by_role("heading", name="Let your phone trust this muster")).to_be_visible()
        expect(page.locator(".done .btn")).to_contain_text(str(lan.https_port))

        page.goto(f"{lan.plain}/d")
        assert capabilities(page) == {
            "camera": "Your browser gives the camera only to addresses with https. Take a photo of the code instead.",
            "location": "Your browser gives the location only to addresses with https.",
            "worker": "Pages that work without a network need an address with https.",
            "passkeys": "Your browser keeps passkeys only for addresses with https.",
        }


def test_https_by_the_private_authority_is_a_secure_context_and_both_sign_ins_work_in_one_browser(
    chrome: BrowserType, lan: Lan, tmp_path: Path
) -> None:
    trust(tmp_path / "home", lan.authority)
    plain = f"http://{LOCAL_NAME}:{lan.port}"
    film = tmp_path / "code.y4m"
    codes.film(film, f"{lan.plain}/d/7KX2QF")
    camera = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    with browsing(chrome, tmp_path / "home", rules(lan), *camera) as browser:
        context = browser.new_context(viewport=PHONE, permissions=["camera"])  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{lan.secure}/d")
        assert page.evaluate("isSecureContext") is True
        assert capabilities(page) == {}
        with page.expect_navigation(url="**/d/7KX2QF"):
            page.get_by_role("button", name="Scan the code").click()
        assert page.url.startswith(lan.secure), "a code that says http does not lead out of https"

        sign_in(page, lan.secure)
        sign_in(page, plain)
        kept = {cookie["name"]: cookie["secure"] for cookie in context.cookies()}
        assert kept == {"__Host-muster_session": True, "muster_session": False}
        for base in (lan.secure, plain):
            page.goto(f"{base}/trust")
            assert who(page) == 200
        page.goto(f"{lan.secure}/trust")
        expect(page.get_by_text("nothing is left to do in this browser")).to_be_visible()

        page.goto(f"https://{ADDRESS}:{lan.https_port}/d")
        assert page.evaluate("isSecureContext") is True
        assert list(capabilities(page)) == ["passkeys"], "they are kept for a name, never for a number"
        with pytest.raises(Exception, match="ERR_CERT_COMMON_NAME_INVALID"):
            page.goto(f"https://other.local:{lan.https_port}/trust")


def test_a_browser_that_was_not_told_does_not_trust_it(chrome: BrowserType, lan: Lan, tmp_path: Path) -> None:
    trust(tmp_path / "home", None)
    with browsing(chrome, tmp_path / "home", rules(lan)) as browser:
        page = browser.new_page()
        with pytest.raises(Exception, match="ERR_CERT_AUTHORITY_INVALID"):
            page.goto(f"{lan.secure}/trust")
