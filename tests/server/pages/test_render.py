"""Rendering without a browser: local times, addresses, headers, and what templates and styles must never hold."""

import datetime
import json
import re
from pathlib import Path
from typing import Any

import jinja2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from starlette.requests import Request

from config import settings
from server.pages import render
from server.requests import Context
from tests.server.pages.fixture_server import Evening, create

NOON = datetime.datetime(2026, 3, 13, 18, 28, tzinfo=datetime.UTC)
TEMPLATES = sorted((render.FOLDER / "templates").glob("*.html"))
STYLES = sorted((render.STATIC_FOLDER / "css").glob("*.css"))
MODULES = sorted((render.STATIC_FOLDER / "js").glob("*.js"))
AA_TEXT = 4.5  # WCAG 2.2, 1.4.3: contrast of text
AA_SHAPE = 3.0  # WCAG 2.2, 1.4.11: contrast of what carries meaning without text


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(create(Evening(NOON)), follow_redirects=False)


def request() -> Request:
    app = FastAPI()
    app.state.context = Context(settings.load(environment={}), create_engine("postgresql+psycopg://"), lambda: NOON)
    return Request({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "app": app})


def test_times_and_days_are_those_of_the_place() -> None:
    assert render.local_time(NOON, "Europe/Paris") == "19:28"
    assert render.local_time(NOON, "Asia/Shanghai") == "02:28"
    assert render.local_day(NOON, "Europe/Paris") == "Fri 13 March"
    assert render.local_day(NOON, "Asia/Shanghai") == "Sat 14 March"
    assert render.rfc3339(NOON) == "2026-03-13T18:28:00Z"


@pytest.mark.parametrize(
    ("name", "letters"), [("Li Wei", "LW"), ("Ana M.", "AM"), ("Jonas", "J"), ("周阿姨", "周"), ("", "")]
)
def test_initials_stand_for_a_name(name: str, letters: str) -> None:
    assert render.initials(name) == letters


def test_a_page_carries_the_strict_policy_and_is_kept_by_no_cache(client: TestClient) -> None:
    response = client.get("/welcome")
    policy = response.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


def test_what_people_write_stays_text() -> None:
    html = bytes(render.page(request(), "error.html", status=404, detail="<script>alert(1)</script>").body).decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_missing_variable_is_a_fault_and_not_a_gap() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render.page(request(), "error.html")


def test_static_files_of_this_version_may_be_kept_for_ever_and_others_not(client: TestClient) -> None:
    current = client.get(render.static_url("css/base.css"))
    assert current.status_code == 200
    assert "immutable" in current.headers["cache-control"]
    other = client.get("/static/000000000000/css/base.css")
    assert other.text == current.text
    assert other.headers["cache-control"] == "no-cache"
    assert client.get("/static/000000000000/../render.py").status_code == 404
    assert client.get(f"/static/{render.static_version()}/..%2f..%2frender.py").status_code == 404


def test_modules_are_served_as_scripts(client: TestClient) -> None:
    for path in ("js/wall.js", "vendor/maplibre-gl/maplibre-gl.mjs"):
        assert client.get(render.static_url(path)).headers["content-type"].startswith("text/javascript"), path


def test_the_app_renders_every_template_that_is_a_page() -> None:
    app = create(Evening(NOON))
    assert isinstance(app, FastAPI)
    named = {path.name for path in TEMPLATES if not path.name.startswith("_")} - {"base.html"}
    source = "".join(path.read_text() for path in (render.FOLDER).glob("*.py"))
    assert {name for name in named if f'"{name}"' not in source} <= {"error.html"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.name))
def test_a_template_says_what_it_takes_and_has_nothing_inline(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("{#")
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", text)
    assert not re.search(r"<script(?![^>]*(src=|application/json))", text)
    assert "http://" not in text
    assert "https://" not in text


WORDS: dict[str, Any] = {}
for name in ("_words.html", "_capable.html"):
    block = render.environment().get_template(name).render()
    WORDS |= json.loads(re.sub(r"<[^>]+>", "", block[block.index("<script") :]))


@pytest.mark.parametrize("word", ["error", "invalid", "null", "user", "device", "sync"])
def test_the_pages_never_say(client: TestClient, word: str) -> None:
    paths = ["/", "/welcome", "/sign-in", "/sign-in-by-link", "/sign-in/used", "/tonight", "/went-wrong/500", "/demo"]
    paths += ["/trust", "/trusted", "/trust-nobody", "/trust-not-needed", "/scan"]
    for path in paths:
        seen = re.sub(r"<(script|svg)\b.*?</\1>|<[^>]+>", " ", client.get(path).text, flags=re.DOTALL)
        assert not re.search(rf"\b{word}\b", seen, re.IGNORECASE), path
    assert [text for text in WORDS.values() if re.search(rf"\b{word}\b", str(text), re.IGNORECASE)] == []


def test_every_text_that_a_module_says_is_in_the_words() -> None:
    # Pages with words of their own name them as data, too.
    known = set(WORDS) | {
        word for path in TEMPLATES for word in re.findall(r'^  "(\w+)": _\(', path.read_text(), re.MULTILINE)
    }
    asked: set[str] = set()
    for module in MODULES:
        text = module.read_text()
        asked |= set(re.findall(r"\bsay\(\"(\w+)\"", text))
        asked |= {f"{key}_other" for key in re.findall(r"\bsayCount\(\"(\w+)\"", text)}
    assert asked - known == set()


def blocks(css: str) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """The tokens of light, of dark, and of dark by the system."""

    def values(text: str) -> dict[str, str]:
        return dict(re.findall(r"(--[\w-]+): ([^;]+);", text))

    light, dark, system = re.split(r'\[data-theme="dark"\] \{|@media \(prefers-color-scheme: dark\)', css)
    return values(light), values(dark), values(system)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def test_dark_by_the_system_is_the_same_dark() -> None:
    _, dark, system = blocks((render.STATIC_FOLDER / "css" / "tokens.css").read_text())
    assert dark == system


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_pair_of_ink_and_ground_can_be_read(theme: int) -> None:
    light, dark, _ = blocks((render.STATIC_FOLDER / "css" / "tokens.css").read_text())
    tokens = {**light, **dark} if theme else light
    grounds = ["--bg", "--card", "--sunk"]
    pairs = [(ink, ground) for ink in ("--ink", "--soft", "--faint", "--fire") for ground in grounds]
    pairs += [("--present", "--present-wash"), ("--away", "--away-wash"), ("--unknown", "--unknown-wash")]
    pairs += [
        ("--fire", "--fire-wash"),
        ("--on-fire", "--fire-fill"),
        ("--soft", "--fire-wash"),
        ("--faint", "--plate-unknown"),
    ]
    pairs += [("--soft", "--plate"), ("--soft", "--plate-hot"), ("--ink", "--plate-hot"), ("--faint", "--map-street")]
    assert {
        pair: contrast(tokens[pair[0]], tokens[pair[1]])
        for pair in pairs
        if contrast(tokens[pair[0]], tokens[pair[1]]) < AA_TEXT
    } == {}
    shapes = [(mark, plate) for mark in ("--dot", "--dot-away", "--pi") for plate in ("--plate", "--plate-hot")]
    shapes += [
        ("--unknown", "--plate-unknown"),
        ("--plate-unknown-line", "--map-ground"),
        ("--pi-silent", "--plate-unknown"),
    ]
    assert {
        pair: contrast(tokens[pair[0]], tokens[pair[1]])
        for pair in shapes
        if contrast(tokens[pair[0]], tokens[pair[1]]) < AA_SHAPE
    } == {}


@pytest.mark.parametrize("path", [*STYLES, *MODULES], ids=lambda path: str(path.name))
def test_styles_and_modules_load_nothing_from_elsewhere_and_stay_short(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"https?://|url\(|@import", text)
    assert text.count("\n") <= 400


def test_the_lock_file_names_no_address() -> None:
    lock = (render.FOLDER / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert "://" not in lock
