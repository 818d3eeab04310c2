"""Tests of the catalogue: everything that muster says is in it, in Chinese, and fits where it stands."""

import ast
import re
import unicodedata
from typing import Any

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from server import texts
from server.operations import catalogue

PATH = texts.CATALOGUES[texts.CHINESE]
PLACEHOLDER = re.compile(r"%\(\w+\)[sr]|\{\w+\}")
# What a form shows as an example (an address, a time zone), and what a language calls itself.
EXAMPLE = re.compile(r"\S+[/@]\S*|English")
# English words that sentences are made with: Chinese ones do without.
MAY_BE_LEFT_OUT = {"%(what)s"}
# As wide as the English text and a half, and short ones some more: buttons and chips are made for English.
WIDER, MORE = 1.5, 12


@pytest.fixture(scope="module")
def messages() -> list[Any]:
    with PATH.open("rb") as file:
        return [message for message in read_po(file) if message.id]


def says(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def width(text: str) -> int:
    """In columns: a Chinese sign takes two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def test_the_catalogue_is_as_make_texts_writes_it_and_nothing_waits_for_a_translation() -> None:
    written = PATH.read_bytes()
    assert catalogue.missing(written) == []
    assert catalogue.made_anew(written) == written, "run make texts"


def test_the_catalogue_has_each_kind_of_text() -> None:
    found = {(text.id, text.context) for text in catalogue.extract()}
    for expected in (
        ("Tonight", None),  # of a template
        ("by your badge", None),  # of Python, marked
        ("The badge was heard for %(heard)s of %(needed)s seconds.", None),  # of Python, said
        ("Please sign in first.", None),  # of an error's docstring
        ("%(event)s is over.", None),  # raised
        ("Left Bank Books", texts.DEMO),
        (("%(num)s visit today", "%(num)s visits today"), None),
    ):
        assert expected in found


def test_texts_that_are_gone_leave_and_new_ones_wait() -> None:
    known = PATH.read_bytes() + 'msgid "Long gone"\nmsgstr "早就没了"\n'.encode()
    known = known.replace('msgid "Tonight"\nmsgstr "今晚"\n'.encode(), b"")
    written = catalogue.made_anew(known)
    assert b"Long gone" not in written
    assert catalogue.missing(written) == ["Tonight"]


def test_nothing_is_fuzzy_or_obsolete(messages: list[Any]) -> None:
    assert [message.id for message in messages if message.fuzzy] == []
    assert b"#~" not in PATH.read_bytes()


def test_translations_fill_in_what_the_texts_fill_in(messages: list[Any]) -> None:
    wrong = []
    for message in messages:
        forms = [message.id] if isinstance(message.id, str) else list(message.id)
        wanted = set().union(*(PLACEHOLDER.findall(form) for form in forms))
        for said in says(message):
            there = set(PLACEHOLDER.findall(said))
            if not there <= wanted or not wanted - there <= MAY_BE_LEFT_OUT:
                wrong.append((message.id, said))
    assert wrong == []


def test_translations_fit_where_the_english_texts_stand(messages: list[Any]) -> None:
    long = []
    for message in messages:
        english = message.id if isinstance(message.id, str) else message.id[-1]
        long += [(english, said) for said in says(message) if width(said) > WIDER * width(english) + MORE]
    assert long == []


def test_no_error_is_made_of_an_f_string() -> None:
    """It could not be told in another language: templates and values are kept apart (server/errors.py)."""
    trees = {path: ast.parse(path.read_text()) for path in sorted(catalogue.SERVER.rglob("*.py"))}
    errors = catalogue.error_classes(trees.values())
    made = [
        f"{path.name}:{node.lineno}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and catalogue.last_name(node.func) in errors
        and any(isinstance(argument, ast.JoinedStr) for argument in node.args[:1])
    ]
    assert made == []


def test_templates_say_nothing_that_is_not_looked_up() -> None:
    loose = []
    for template in sorted(catalogue.SERVER.glob("**/templates/**/*.html")):
        html = re.sub(r"\{% block (body_class|html_attributes) %\}.*?\{% endblock %\}", "", template.read_text())
        html = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", html, flags=re.DOTALL)
        html = re.sub(r"<(code|script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
        said = re.findall(r"\b(?:aria-label|title|alt|placeholder)=\"([^\"]*)\"", html)
        said += re.sub(r"<[^>]*>", "\n", html, flags=re.DOTALL).split("\n")
        loose += [
            f"{template.name}: {text.strip()}" for text in said if re.search(r"[a-zA-Z]{2}", text.replace("muster", ""))
        ]
    assert loose == []
