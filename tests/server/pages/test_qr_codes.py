"""QR codes over HTTP, and read back by the reader that phones use here."""

import base64

import pytest

from server import qr
from tests.server.conftest import As
from tests.server.pages.conftest import Opener

HOME = "http://127.0.0.1:8080"
_DECODE = """
async (source) => {
  const link = document.querySelector('link[rel="stylesheet"]').href;
  const { default: decode } = await import(new URL('../vendor/qr/decode.js', link).href);
  const picture = new Image();
  picture.src = source;
  await picture.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width: 400, height: 400 });
  const context = canvas.getContext('2d');
  context.drawImage(picture, 0, 0, 400, 400);
  const { data, width, height } = context.getImageData(0, 0, 400, 400);
  return decode({ data, width, height });
}
"""


def test_anonymous_is_refused(as_: As) -> None:
    assert as_(None).get("/api/qr.svg?text=/d/K7PM2X").status_code == 401


def test_an_address_of_ours_becomes_a_picture(as_: As) -> None:
    dora = as_("dora")
    answer = dora.get("/api/qr.svg", params={"text": "/d/K7PM2X", "label": "The door"})
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text == qr.svg(f"{HOME}/d/K7PM2X", label="The door")
    answer = dora.get("/api/qr.png", params={"text": f"{HOME}/d/K7PM2X"})
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == qr.png(f"{HOME}/d/K7PM2X")


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/d/K7PM2X",
        "//evil.example/d",
        "/\\evil.example",
        f"{HOME}@evil.example/",
        f"{HOME}.evil.example/",
        "javascript:alert(1)",
        "http://[bad/",
        "hello",
        "/d/\n",
    ],
)
def test_no_other_address_gets_one(as_: As, text: str) -> None:
    answer = as_("dora").get("/api/qr.png", params={"text": text})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_our_address")


def test_a_text_beyond_reading_is_refused(as_: As) -> None:
    for params in ({"text": "/" + "x" * 495}, {"text": ""}, {"text": "/" + "x" * 501}):
        assert as_("dora").get("/api/qr.svg", params=params).status_code == 422


def test_a_reader_reads_back_what_was_drawn(visit: Opener) -> None:
    page = visit("/")
    address = "https://muster.example/d/K7PM2X"
    drawn = base64.b64encode(qr.svg(address, label="a door").encode()).decode()
    printed = base64.b64encode(qr.png(address)).decode()
    assert page.evaluate(_DECODE, f"data:image/svg+xml;base64,{drawn}") == address
    assert page.evaluate(_DECODE, f"data:image/png;base64,{printed}") == address
