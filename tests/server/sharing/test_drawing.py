"""Share pictures as they are drawn."""

import io

import pytest
from PIL import Image

from server import qr, texts
from server.pages import render
from server.pictures import making
from server.sharing import drawing, fonts, poster
from tests.server.places import NOW
from tests.server.sharing import gatherings

ADDRESS = "https://muster.example/g/supper"


def drawn(title: str, background: bytes | None = None) -> Image.Image:
    made = poster.compose(gatherings.of(title), texts.of("en"), NOW, ADDRESS, drawing.measure)
    picture = Image.open(io.BytesIO(drawing.draw(made, background)))
    assert (picture.format, picture.size, picture.mode) == ("PNG", (1080, 1440), "RGB")
    return picture


@pytest.mark.parametrize("title", gatherings.TITLES)
def test_every_title_is_drawn(title: str) -> None:
    stage = drawn(title).crop((0, 250, 1080, 850))
    light = stage.convert("L").point(lambda value: 255 if value > 200 else 0)
    assert light.getbbox() is not None


def test_colours_are_those_of_the_pages() -> None:
    ours = ("css/tokens.css", "icons/muster.svg")
    tokens = "".join((render.STATIC_FOLDER / name).read_text() for name in ours)
    assert {colour for colour in drawing.COLOURS.values() if colour not in tokens} == set()


def test_the_code_is_read_back_as_the_address() -> None:
    """No reader of codes here: the modules that stand on the picture are those of the address."""
    picture = drawn("Walk").convert("L")
    rows = qr.modules(ADDRESS)
    scale = poster.CODE.width // len(rows)
    start_x = poster.CODE.x + (poster.CODE.width - scale * len(rows)) // 2
    start_y = poster.CODE.y + (poster.CODE.height - scale * len(rows)) // 2
    seen = [
        [
            int(picture.getpixel((start_x + x * scale + scale // 2, start_y + y * scale + scale // 2)) == 0)
            for x in range(len(rows))
        ]
        for y in range(len(rows))
    ]
    assert seen == rows
    # Readers need four modules of white around it (ISO/IEC 18004).
    quiet = range(1, 4 * scale)
    assert {picture.getpixel((start_x - step, start_y + 5)) for step in quiet if step < 24} == {255}


@pytest.mark.parametrize("size", [(1, 1), (3000, 10), (10, 3000), (1600, 1600)])
def test_a_background_of_any_shape_fills_the_stage(size: tuple[int, int]) -> None:
    out = io.BytesIO()
    Image.new("RGB", size, "#3366cc").save(out, "PNG")
    pixel = drawn("Walk", out.getvalue()).getpixel((540, 330))
    assert isinstance(pixel, tuple)
    assert pixel[2] > pixel[0]


def test_a_background_that_is_too_large_is_refused_before_it_is_read() -> None:
    out = io.BytesIO()
    Image.new("1", (drawing.BACKGROUND_MOST_PX + 1, 8)).save(out, "PNG")
    with pytest.raises(making.PictureTooLarge):
        drawn("Walk", out.getvalue())


def test_scripts_that_run_from_right_to_left_keep_their_latin_words_together() -> None:
    runs = fonts.runs("מסיבת Jazz Club חי")
    assert [run.text.strip() for run in runs if run.text.strip()] == ["חי", "Jazz Club", "מסיבת"]
    assert [run.direction for run in runs if run.text.strip()] == ["rtl", "ltr", "rtl"]
    assert "".join(run.text for run in fonts.runs("Friday supper")) == "Friday supper"


def test_every_sign_finds_a_font_that_has_it() -> None:
    chosen = {
        run.font.partition("-")[0]
        for title in ("Ужин Việt", "周五", "한글", "かな", "שלום", "مرحبا", "สวัสดี", "नमस्ते", "👨‍👩‍👧", "1️⃣")
        for run in fonts.runs(title)
    }
    assert {"NotoSans", "NotoSansCJK", "NotoSansHebrew", "NotoSansArabic", "NotoColorEmoji.ttf"} <= chosen


def test_without_fonts_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "NEEDED", ("NotInstalled-{weight}.ttf",))
    with pytest.raises(fonts.FontsMissing, match="fonts-noto-core"):
        fonts.check_there()
