"""The reader of codes in a real browser: photos as phones take them, the live camera, the typed field, its words."""

import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from server.pages import render
from tests.server.pages import browser as chromium
from tests.server.pages import codes
from tests.server.pages.conftest import Opener
from tests.server.pages.fixture_server import Running

LINK = "http://192.168.178.21:8080/d/7KX2QF"
PHONE = {"width": 390, "height": 844}


def turned(degrees: float, side: float, x: float = 2000, y: float = 1500) -> tuple[codes.Corner, ...]:
    """The corners of a square around (x, y)."""
    angle = math.radians(degrees)
    arm = side / math.sqrt(2)
    return tuple(
        (x + arm * math.cos(angle + math.radians(at)), y + arm * math.sin(angle + math.radians(at)))
        for at in (225, 315, 45, 135)
    )


PHOTOS = {
    "large": (turned(0, 2600), {}),
    "far away": (turned(0, 420, 1700, 1300), {}),
    "on its side": (turned(90, 1500), {}),
    "upside down": (turned(180, 1500), {}),
    "askew": (turned(33, 1700), {"blur_px": 3}),
    "from the side": (((1200, 700), (2700, 950), (2700, 2150), (1200, 2500)), {}),
    "from below": (((1300, 800), (2700, 800), (3000, 2300), (1000, 2300)), {"blur_px": 2}),
    "in the dark": (turned(8, 1400), {"noise": 90, "blur_px": 3}),
    "upright": (turned(5, 1500, 1500, 2000), {"size": (3000, 4000)}),
    "small file": (turned(0, 300, 320, 240), {"size": (640, 480)}),
}


def choose(page: Page, content: bytes, name: str = "IMG_0001.jpg", kind: str = "image/jpeg") -> None:
    page.locator("input[type=file]").set_input_files(FilePayload(name=name, mimeType=kind, buffer=content))


def listen(page: Page) -> None:
    page.evaluate(
        """() => document.addEventListener("muster:scanned", (event) => {
             event.preventDefault();
             document.documentElement.dataset.heard = event.detail.text;
           })"""
    )


def expect_heard(page: Page, text: str) -> None:
    expect(page.locator("html")).to_have_attribute("data-heard", text)


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_of_a_code_is_read(visit: Opener, name: str) -> None:
    page = visit("/scan", viewport=PHONE)
    corners, how = PHOTOS[name]
    listen(page)
    choose(page, codes.photo(page, LINK, corners, **how))  # type: ignore[arg-type]
    expect_heard(page, LINK)


def test_what_is_read_leads_where_it_leads_on_this_server(visit: Opener) -> None:
    page = visit("/scan", viewport=PHONE)
    choose(page, codes.png(LINK), "code.png", "image/png")
    page.wait_for_url("**/d/7KX2QF")
    expect(page.locator("p")).to_have_text("read 7KX2QF")
    page.goto(page.url.replace("/d/7KX2QF", "/scan"))
    choose(page, codes.png("7kx-2qf"), "code.png", "image/png")
    expect(page).to_have_url(re.compile(r"/d\?code=7kx2qf$"))


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (codes.png("https://elsewhere.example/menu"), "image/png", "belongs to something else"),
        (codes.png("javascript:alert(1)"), "image/png", "belongs to something else"),
        (codes.png("//elsewhere.example/d/7KX2QF"), "image/png", "belongs to something else"),
        (b"this is no picture", "image/jpeg", "no photo we can open"),
        (b"", "image/jpeg", "no photo we can open"),
    ],
)
def test_what_leads_nowhere_is_said(visit: Opener, content: bytes, kind: str, says: str) -> None:
    page = visit("/scan", viewport=PHONE)
    choose(page, content, kind=kind)
    expect(page.locator(".scan-says")).to_contain_text(says)
    assert page.url.endswith("/scan")


def test_a_photo_without_a_code_says_what_to_do_and_another_may_follow(visit: Opener) -> None:
    page = visit("/scan", viewport=PHONE)
    empty = codes.photo(page, LINK, ((0, 0), (1, 0), (1, 1), (0, 1)), size=(1200, 900))
    choose(page, empty)
    expect(page.locator(".scan-says")).to_contain_text("No code to be seen")
    choose(page, codes.png(LINK), "code.png", "image/png")
    page.wait_for_url("**/d/7KX2QF")


def test_without_scripts_the_typed_field_is_all_and_it_works(visit: Opener) -> None:
    page = visit("/scan", viewport=PHONE, java_script_enabled=False)
    expect(page.get_by_text("Take a photo of the code")).to_be_hidden()
    page.get_by_label("Type the six characters").fill("7KX2QF")
    page.get_by_role("button", name="Go on").click()
    expect(page).to_have_url(re.compile(r"/d\?code=7KX2QF$"))


def test_pages_get_the_camera_only_where_their_template_asks_for_it() -> None:
    made = render.environment().from_string('{{ uses("geolocation") }}words')
    answer = render.respond(made, {})
    assert answer.body == b"words"
    assert answer.headers["permissions-policy"] == (
        "camera=(), geolocation=(self), publickey-credentials-create=(), publickey-credentials-get=(), microphone=()"
    )
    assert (
        "geolocation=()" in render.respond(render.environment().from_string("none"), {}).headers["permissions-policy"]
    )
    with pytest.raises(ValueError, match="microphone is none of camera"):
        render.respond(render.environment().from_string('{{ uses("microphone") }}'), {})


@pytest.fixture
def camera(browser: Browser, tmp_path: Path) -> Iterator[Browser]:
    """A browser whose camera sees the code: Chromium plays a file in place of one."""
    film = tmp_path / "code.y4m"
    codes.film(film, LINK)
    flags = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    made = browser.browser_type.launch(executable_path=chromium.EXECUTABLE, args=[*chromium.FLAGS, *flags])
    yield made
    made.close()


def test_the_live_camera_reads_a_code_and_is_closed_again(camera: Browser, running: Running) -> None:
    context = camera.new_context(viewport=PHONE, permissions=["camera"])  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{running.url}/scan")
    listen(page)
    expect(page.locator(".scan-why")).to_be_hidden()
    page.get_by_role("button", name="Scan the code").click()
    expect_heard(page, LINK)
    assert page.evaluate("document.querySelector('video').srcObject") is None
    expect(page.get_by_role("button", name="Scan the code")).to_be_visible()


def test_a_camera_that_is_refused_says_so_and_the_photo_is_there(camera: Browser, running: Running) -> None:
    context = camera.new_context(viewport=PHONE, permissions=[])  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{running.url}/scan")
    page.get_by_role("button", name="Scan the code").click()
    expect(page.locator(".scan-why")).to_contain_text("The camera is closed to this page.")
    expect(page.get_by_text("Take a photo of the code", exact=True)).to_be_visible()
    choose(page, codes.png(LINK), "code.png", "image/png")
    page.wait_for_url("**/d/7KX2QF")


def test_a_machine_without_a_camera_says_so(visit: Opener) -> None:
    page = visit("/scan", viewport=PHONE, permissions=["camera"])
    page.get_by_role("button", name="Scan the code").click()
    expect(page.locator(".scan-why")).to_contain_text("There is no camera here.")
