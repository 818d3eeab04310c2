"""Words in boxes: whatever they are, nothing leaves its box, nothing is lost but behind an ellipsis."""

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import names, texts
from server.sharing import drawing, layout, poster
from server.sharing.gathering import Gathering, Place, Veiled
from server.sharing.layout import Box, Style
from tests.server.places import HOUR, NOW
from tests.server.sharing import gatherings

BOX = Box(10, 20, 400, 300)
STYLE = Style("Bold", 80, 20, 4)
ADDRESS = "https://muster.example/g/supper"


def ruler(text: str, weight: layout.Weight, px: int) -> float:  # noqa: ARG001
    """A font whose signs are all half as wide as they are high, Chinese ones as wide as high."""
    return sum(px if sign > "\u2e80" else px / 2 for sign in text)


def bare(text: str) -> str:
    return "".join(text.split())


@given(text=st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=300))
def test_nothing_leaves_its_box_and_nothing_is_lost(text: str) -> None:
    block = layout.set_text(text, BOX, STYLE, ruler)
    assert len(block.lines) <= STYLE.most_lines
    high = layout.line_height(block.px)
    for line in block.lines:
        assert ruler(line.text, "Bold", block.px) <= BOX.width
        assert BOX.y <= line.y
        assert line.y + high <= BOX.bottom
    tops = [line.y for line in block.lines]
    assert all(below - above == high for above, below in itertools.pairwise(tops))
    shown = "".join(bare(line.text) for line in block.lines)
    if shown != bare(text):
        assert shown.endswith(layout.ELLIPSIS)
        assert bare(text).startswith(shown.removesuffix(layout.ELLIPSIS))
        assert block.px == STYLE.smallest


def test_a_short_title_is_as_large_as_the_style_allows() -> None:
    block = layout.set_text("Walk", BOX, STYLE, ruler)
    assert (block.px, [line.text for line in block.lines]) == (80, ["Walk"])


def test_words_stay_whole_as_long_as_they_fit_when_smaller() -> None:
    block = layout.set_text("Supper Donaudampfschiff", BOX, STYLE, ruler)
    assert [line.text for line in block.lines] == ["Supper", "Donaudampfschiff"]
    assert block.px < 80


def test_an_endless_word_is_torn_between_its_signs() -> None:
    family = "👨‍👩‍👧"
    block = layout.set_text(family * 30, BOX, STYLE, ruler)
    assert len(block.lines) > 1
    for line in block.lines[:-1]:
        assert set(names.split_seen(line.text)) == {family}


def test_chinese_lines_begin_with_no_comma_and_end_with_no_opening_bracket() -> None:
    lines = layout.fill(
        layout.split("围着火炉聊天，（带上照片）来坐坐。不说话，也可以"), 5.0, lambda line: float(len(line))
    )
    assert all(line[0] not in "，。）" and line[-1] != "（" for line in lines)
    assert "".join(lines) == "围着火炉聊天，（带上照片）来坐坐。不说话，也可以"


def test_lines_are_about_equally_long() -> None:
    block = layout.set_text("one two three four five six", Box(0, 0, 420, 300), Style("Bold", 60, 60, 4), ruler)
    widths = [line.width for line in block.lines]
    assert max(widths) - min(widths) < 200
    assert len(widths) == 2


def test_a_box_without_room_for_a_line_holds_none() -> None:
    assert layout.set_text("Walk", Box(0, 0, 300, 10), STYLE, ruler).lines == ()
    assert layout.set_text("Walk", Box(0, 0, 300, -4), STYLE, ruler).lines == ()


def check_poster(made: poster.Poster) -> None:
    boxes = []
    for one in made.texts:
        block = one.block
        assert block.box.x >= 0
        assert block.box.right <= poster.WIDTH
        assert block.box.y >= 0
        assert block.bottom <= min(block.box.bottom, poster.HEIGHT)
        for line in block.lines:
            assert drawing.measure(line.text, block.weight, block.px) <= block.box.width
        widest = max(line.width for line in block.lines)
        boxes.append((block.box.x, block.lines[0].y, block.box.x + widest, block.bottom))
    boxes.append((poster.CODE.x, poster.CODE.y, poster.CODE.right, poster.CODE.bottom))
    for one_box, other in itertools.combinations(boxes, 2):
        apart = one_box[2] <= other[0] or other[2] <= one_box[0] or one_box[3] <= other[1] or other[3] <= one_box[1]
        assert apart, (one_box, other)


@pytest.mark.parametrize("title", gatherings.TITLES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_text_of_a_picture_stands_in_its_own_place(title: str, language: str) -> None:
    place = Place(title, title)
    part = dataclasses.replace(gatherings.PART, place=place)
    long = gatherings.of(title, host=title, community=title, parts=(part,))
    check_poster(poster.compose(long, texts.of(language), NOW, ADDRESS, drawing.measure))
    veiled = Veiled("x", title, 4)
    check_poster(poster.compose(veiled, texts.of(language), NOW, ADDRESS, drawing.measure))


def test_a_picture_says_what_the_day_is_and_that_it_was_cancelled() -> None:
    def said(gathering: Gathering | Veiled, language: str = "en") -> str:
        made = poster.compose(gathering, texts.of(language), NOW - HOUR, ADDRESS, drawing.measure)
        return " ".join(line.text for one in made.texts for line in one.block.lines)

    assert "Friday 13 March" in said(gatherings.SUPPER)
    assert "19:30 to 22:30" in said(gatherings.SUPPER)
    assert "3月13日 星期五" in said(gatherings.SUPPER, "zh")
    fair = gatherings.at(NOW, NOW + 49 * HOUR, "Europe/Berlin")
    assert "Fri 13 Mar 20:00 to Sun 15 Mar 21:00" in said(fair)
    assert "3月13日 周五 20:00 至 3月15日 周日 21:00" in said(fair, "zh")
    assert "Called off" in said(gatherings.of("Supper", standing="cancelled"))
    veiled = said(Veiled("x", "Night readers", 4))
    assert "Night readers" in veiled
    assert "Friday" in veiled
    assert "19:30" not in veiled
