"""Tests of pages and answers in the reader's language."""

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Settings
from server.events import service as events
from server.events import signups
from server.pages import render
from server.people import service as people
from server.venues import service as venues
from tests.server.conftest import As
from tests.server.places import HOUR, NOW

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5", "Accept": "text/html"}
ENGLISH = {"Accept-Language": "en-GB,en;q=0.9", "Accept": "text/html"}


@pytest.fixture
def nights(as_: As, session: Session) -> As:
    """The browsers; Cleo hosts a real night and a simulated one, both of names that the demonstration has, too."""
    venues.create(
        session,
        id="demo-books",
        name="Left Bank Books",
        time_zone="Europe/Paris",
        owner_id="ben",
        contact="hello@books.example",
        simulated=True,
    )
    for event_id, venue_id, simulated in (("real", "cafe", False), ("made-up", "demo-books", True)):
        step = events.NewStep("Readings", venue_id, NOW + HOUR, NOW + 2 * HOUR)
        events.create(
            session, id=event_id, name="Night of short stories", organizer_id="cleo", steps=[step], simulated=simulated
        )
        signups.sign_up(session, event_id=event_id, member_id="dora", now=NOW)
    return as_


def test_a_page_is_in_the_browsers_language_and_says_so(as_: As) -> None:
    for headers, tag, words in (
        (CHINESE, "zh-CN", "看着你的聚会热闹起来。"),
        (ENGLISH, "en", "See your gathering come alive."),
    ):
        page = as_(None).get("/", headers=headers)
        assert words in page.text
        assert f'<html lang="{tag}"' in page.text
        assert page.headers["content-language"] == tag
        assert page.headers["vary"] == "Accept-Language, Cookie"


def test_what_a_member_has_chosen_goes_before_what_her_browser_says(as_: As, session: Session) -> None:
    session.execute(text("UPDATE member SET language = 'zh' WHERE id = 'dora'"))
    assert 'lang="zh-CN"' in as_("dora").get("/", headers=ENGLISH).text
    session.execute(text("UPDATE member SET language = 'en' WHERE id = 'dora'"))
    assert 'lang="en"' in as_("dora").get("/", headers=CHINESE).text
    assert 'lang="zh-CN"' in as_("ben").get("/", headers=CHINESE).text


def test_days_and_numbers_are_told_as_in_the_language(nights: As) -> None:
    page = nights("cleo").get("/events/real/live", headers=CHINESE).text
    assert "周五 3月13日" in page
    assert "21:00 到 22:00" in page
    assert "Fri 13 March" in nights("cleo").get("/events/real/live", headers=ENGLISH).text
    assert "今天来访 0 次" in nights("ben").get("/", headers=CHINESE).text


def test_names_of_the_demonstration_are_told_in_chinese_and_real_ones_as_they_are(nights: As) -> None:
    for path in ("/", "/tonight"):
        page = nights("dora").get(path, headers=CHINESE).text
        assert "短篇小说之夜" in page
        assert "左岸书店" in page
        assert "Night of short stories" in page  # the real one
        assert "Café Lumen" in page
    assert "短篇小说之夜" not in nights("dora").get("/", headers=ENGLISH).text
    assert "<h1>短篇小说之夜</h1>" in nights("cleo").get("/events/made-up/live", headers=CHINESE).text
    assert "<h1>Night of short stories</h1>" in nights("cleo").get("/events/real/live", headers=CHINESE).text


@pytest.mark.parametrize("header", ["", "x" * 100_000, ";q=", "zh;q=zh", "\x00", ",".join(["zh"] * 10_000), "%(name)s"])
def test_no_header_breaks_a_page(as_: As, header: str) -> None:
    assert as_(None).get("/", headers={"Accept-Language": header}).status_code == 200


def test_errors_are_told_in_the_readers_language_with_the_same_code(nights: As) -> None:
    client = nights("dora")
    for headers, detail in (
        ({"Accept-Language": "zh"}, "没有活动 'nothing'。"),
        ({"Accept-Language": "en"}, "There is no event 'nothing'."),
        ({}, "There is no event 'nothing'."),
    ):
        answer = client.get("/api/events/nothing", headers=headers)
        assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (404, "event_unknown", detail)
        assert answer.headers["content-language"] in ("zh-CN", "en")
    refused = client.get("/events/real/live", headers=CHINESE)
    assert refused.status_code == 403
    assert "谁来了活动，只有主办人看得到。" in refused.text
    assert nights(None).get("/tonight", headers=CHINESE).text.count("你是谁？") == 2
    foreign = client.post("/sign-out", headers={"Sec-Fetch-Site": "cross-site", "Accept-Language": "zh"})
    assert foreign.json()["detail"] == "这个请求来自别的网站的页面。"


def test_why_one_is_not_checked_in_is_told_in_the_readers_language(nights: As, session: Session) -> None:
    step_id = events.steps_of(session, event_id="real")[0].id
    why = nights("dora").get(f"/api/steps/{step_id}/why", headers={"Accept-Language": "zh"}).json()
    assert why["sentence"].startswith("还有 ") or why["sentence"] == "签到开放期间，你名下没有徽章。请主办人帮你签到。"


def test_the_words_of_modules_are_in_the_readers_language_with_the_same_keys() -> None:
    said = {}
    for language in ("en", "zh"):
        html = render.environment(language).get_template("_words.html").render()
        said[language] = json.loads(re.sub(r"<[^>]*>|&#39;", "", html))
    assert said["zh"]["locale"] == "zh-CN"
    assert said["en"].keys() == said["zh"].keys()
    same = {key for key in said["en"] if said["en"][key] == said["zh"][key]}
    assert same == set()


@pytest.mark.parametrize(
    ("path", "words"), [("/sign-in", "你想当谁？"), ("/operator", "谁在哪里听"), ("/", "换个身份看看")]
)
def test_the_demonstration_speaks_chinese(
    make_app: Callable[[Settings], FastAPI], demo_settings: Settings, session: Session, path: str, words: str
) -> None:
    people.create(session, id="ops", name="Jun Park", operator=True, simulated=True, demo_order=1)
    client = TestClient(make_app(demo_settings), follow_redirects=False)
    client.app.state.broker = _Broker()  # type: ignore[attr-defined]
    if path == "/operator":
        assert client.post("/be", data={"role": "operator"}).headers["location"] == "/operator"
    page = client.get(path, headers=CHINESE)
    assert page.status_code == 200
    assert words in page.text
    assert "朴俊" in page.text


@dataclasses.dataclass
class _Broker:
    is_connected: bool = True


def test_dates_of_both_languages() -> None:
    moment = dt.datetime(2026, 3, 13, 23, 30, tzinfo=dt.UTC)
    assert render.local_day(moment, "Asia/Shanghai", "zh") == "周六 3月14日"
    assert render.local_day(moment, "Europe/London", "zh") == "周五 3月13日"
    assert render.local_date(moment, "Europe/London", "zh") == "2026年3月13日"
    assert render.local_weekday(moment, "Europe/London", "zh") == "周五"
    assert render.local_day(moment, "Europe/London") == "Fri 13 March"
