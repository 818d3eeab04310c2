"""QR codes as pictures: what they say, how large they are, what is around them."""

import struct
import xml.etree.ElementTree as ET

import pytest
import segno

from server import qr

ADDRESS = "https://muster.example/d/K7PM2X"


def _modules(picture: str) -> list[list[int]]:
    """The black and white modules that an SVG of ours draws, with the quiet zone."""
    root = ET.fromstring(picture)  # noqa: S314 - our own
    size = int(root.attrib["viewBox"].split()[2])
    drawn = [[0] * size for _ in range(size)]
    for run in root[2].attrib["d"].removeprefix("M").split("M"):
        place, _, length = run.partition("h")
        x, y = (int(part) for part in place.split())
        for column in range(x, x + int(length.partition("v")[0])):
            drawn[y][column] = 1
    return drawn


def test_the_svg_draws_exactly_the_code_with_its_quiet_zone() -> None:
    wanted = segno.make(ADDRESS, error="m", micro=False).matrix_iter(border=4)
    assert _modules(qr.svg(ADDRESS, label="a door")) == [list(row) for row in wanted]


def test_the_svg_says_what_it_is_whatever_the_label_holds() -> None:
    root = ET.fromstring(qr.svg(ADDRESS, label='"Tom & <Jerry>"'))  # noqa: S314
    assert (root.attrib["role"], root[0].tag.endswith("title"), root[0].text) == ("img", True, '"Tom & <Jerry>"')
    assert "width" not in root.attrib  # it fills what holds it


def test_the_same_text_is_the_same_picture() -> None:
    assert qr.png(ADDRESS) == qr.png(ADDRESS)
    assert qr.svg(ADDRESS, label="x") == qr.svg(ADDRESS, label="x")


@pytest.mark.parametrize("text", ["https://a.example/d/K7PM2X", "https://a.example/" + "x" * 480])
def test_the_png_is_large_enough_to_print_and_has_whole_modules(text: str) -> None:
    width, height = struct.unpack(">II", qr.png(text)[16:24])
    modules = len(_modules(qr.svg(text, label="")))
    assert width == height
    assert qr.PRINT_PX <= width < qr.PRINT_PX + modules
    assert width % modules == 0


@pytest.mark.parametrize("text", ["", "x" * 501, "€" * 200])
def test_what_no_phone_would_read_is_refused(text: str) -> None:
    with pytest.raises(qr.TextTooLong):
        qr.png(text)
