"""Tests of texts in the reader's language, and of how a language is chosen."""

import subprocess
import sys

import pytest

from server import texts
from server.errors import HTTP_STATUS


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("ZH-tw", "zh"),
        ("zh-Hant-HK", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("en;q=0.3, zh;q=0.7", "zh"),
        ("de-DE, fr;q=0.9, zh;q=0.1", "zh"),
        ("de, fr", "en"),
        ("*", "en"),
        ("zh;q=0", "en"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh ; q = 0.5 , en ; q = 0.4", "zh"),
        ("zh;q=0.5,en;q=0.5", "zh"),
        # What cannot be read says nothing.
        ("zh;q=2", "en"),
        ("zh;q=-1", "en"),
        ("zh;q=nan", "en"),
        ("zh;q=1e0", "en"),
        ("zh;q=\u0661", "en"),
        ("zh;v=1", "en"),
        (";;;,,,q=1", "en"),
        ("zhx, en\u0000", "en"),
    ],
)
def test_a_browser_gets_the_language_that_it_likes_most_of_ours(accepted: str, language: str) -> None:
    assert texts.choose(accepted) == language


def test_a_header_without_end_is_looked_at_in_its_beginning_alone() -> None:
    assert texts.choose("xx," * 1_000_000 + "zh") == "en"
    assert texts.choose("zh," + "x" * 10_000_000) == "zh"


def test_a_text_is_filled_in_both_languages() -> None:
    message = "Good to see you, %(name)s."
    assert texts.of("en").gettext(message, name="Ana") == "Good to see you, Ana."
    assert texts.of("zh").gettext(message, name="Ana") == "很高兴见到你，Ana。"
    assert texts.of("zh").gettext("Nobody wrote this down.") == "Nobody wrote this down."
    # What stands in a value is no template.
    assert texts.of("zh").gettext(message, name="%(x)s %") == "很高兴见到你，%(x)s %。"


def test_a_number_chooses_the_form() -> None:
    forms = ("%(num)s visit today", "%(num)s visits today")
    assert [texts.of("en").ngettext(*forms, count) for count in (0, 1, 2)] == [
        "0 visits today",
        "1 visit today",
        "2 visits today",
    ]
    assert texts.of("zh").ngettext(*forms, 1) == "今天来访 1 次"


def test_names_of_the_demonstration_are_translated_and_real_ones_never() -> None:
    say = texts.of("zh")
    assert say.name("Left Bank Books", simulated=True) == "左岸书店"
    assert say.name("Left Bank Books", simulated=False) == "Left Bank Books"
    assert say.name("Somewhere else", simulated=True) == "Somewhere else"
    assert texts.of("en").name("Left Bank Books", simulated=True) == "Left Bank Books"


def test_a_language_that_is_none_of_ours_is_english() -> None:
    assert texts.of(None).language == texts.of("tlh").language == "en"


def test_every_family_of_errors_says_something_in_chinese() -> None:
    say = texts.of("zh")
    assert [family for family, _ in HTTP_STATUS if say.gettext(family().template) == family().template] == []


def test_who_speaks_english_alone_needs_no_babel() -> None:
    """The gateway is installed without it."""
    code = "import sys; sys.modules['babel'] = sys.modules['fastapi'] = None; import gateway.worker"
    subprocess.run([sys.executable, "-c", code], check=True)
