"""A gathering's page, picture and line, for strangers, members and hosts."""

import io
import re

import pytest
from PIL import Image
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.events import life
from server.events import service as events
from server.events.states import State
from server.people import service as people
from server.sharing import drawing
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW
from tests.server.sharing.gatherings import SUPPER_AT

HTML = {"accept": "text/html"}
SECRETS = ("Moonlit", "Café Lumen", "Cléo", "19:30", "20:30", "13 March", "March")


@pytest.fixture(autouse=True)
def _supper(as_: As, session: Session) -> None:  # noqa: ARG001 - who is there
    step = events.NewStep("Supper", "cafe", SUPPER_AT, SUPPER_AT + 3 * HOUR, capacity=40)
    events.create(session, id="supper", name="Friday <b>supper</b>", organizer_id="cleo", steps=[step])
    communities.create(session, id="readers", name="Night readers")
    communities.join(session, community_id="readers", member_id="dora")
    events.create(session, id="moon", name="Moonlit reading", organizer_id="cleo", community_id="readers", steps=[step])


def meta(page: str) -> dict[str, str]:
    return dict(re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)">', page))


def test_anonymous_sees_what_is_open_to_all_and_no_more(as_: As) -> None:
    stranger = as_(None)
    page = stranger.get("/g/supper", headers=HTML)
    assert page.status_code == 200
    for said in (
        "Friday &lt;b&gt;supper&lt;/b&gt;",
        "Friday 13 March",
        "19:30 to 22:30",
        "Café Lumen",
        "with Cléo Martin",
    ):
        assert said in page.text
    assert "40 places" in page.text
    assert "<b>supper</b>" not in page.text
    assert 'href="/events/supper"' in page.text
    assert "geo:52.520000,13.405000" in page.text


def test_of_what_is_for_members_a_stranger_learns_whose_it_is_and_the_weekday(as_: As) -> None:
    for browser in (as_(None), as_("ben"), as_("ana")):
        page = browser.get("/g/moon", headers=HTML)
        assert page.status_code == 200
        assert "For members of Night readers" in page.text
        assert "Friday" in page.text
        body = page.text.replace("Ana Moreno", "").replace("Ben Okafor", "")
        assert [secret for secret in SECRETS if secret in body] == []
        assert "/events/moon" not in page.text
        assert 'content="noindex"' in page.text


@pytest.mark.parametrize("member_id", ["dora", "cleo"])
def test_members_and_the_host_see_what_is_for_members(as_: As, member_id: str) -> None:
    page = as_(member_id).get("/g/moon", headers=HTML).text
    assert "Moonlit reading" in page
    assert "Night readers" in page


def test_what_is_not_there_and_what_is_not_published_are_the_same(as_: As, session: Session) -> None:
    stranger = as_(None)
    assert stranger.get("/g/nothing").json()["code"] == "event_unknown"
    assert stranger.get("/g/%00").status_code == 404
    events.get(session, "supper").state = State.DRAFT
    session.flush()
    for path in ("/g/supper", "/g/supper/picture.png", "/g/supper/event.ics"):
        assert stranger.get(path).json()["code"] == "event_unknown"


def test_what_a_community_opens_to_all_is_everybody_s(as_: As, session: Session) -> None:
    events.get(session, "moon").open_to_all = True
    session.flush()
    page = as_(None).get("/g/moon", headers=HTML).text
    assert "Moonlit reading" in page
    assert "Night readers" in page


def test_the_preview_names_title_day_place_and_an_absolute_picture(as_: As) -> None:
    page = as_(None).get("/g/supper", headers=HTML).text
    said = meta(page)
    assert said["og:title"] == "Friday &lt;b&gt;supper&lt;/b&gt;"
    assert said["og:description"] == "Friday 13 March, 19:30 to 22:30 · Café Lumen · with Cléo Martin"
    assert said["og:url"] == "http://127.0.0.1:8080/g/supper"
    assert said["og:image"].startswith("http://127.0.0.1:8080/g/supper/picture.png?lang=en")
    assert (said["og:image:width"], said["og:image:height"]) == ("1080", "1440")
    assert said["twitter:card"] == "summary_large_image"
    assert '<link rel="canonical" href="http://127.0.0.1:8080/g/supper">' in page
    path = said["og:image"].replace("http://127.0.0.1:8080", "").replace("&amp;", "&")
    assert as_(None).get(path).headers["content-type"] == "image/png"


def test_the_page_speaks_the_language_that_its_address_names(as_: As) -> None:
    page = as_(None).get("/g/supper?lang=zh", headers=HTML)
    assert page.headers["content-language"] == "zh-CN"
    assert "3月13日 星期五" in page.text
    assert "picture.png?lang=zh" in page.text
    assert as_(None).get("/g/supper?lang=fr", headers=HTML).status_code == 422


def test_what_is_over_or_cancelled_says_so_and_asks_nobody_to_come(as_: As, clock: Clock, session: Session) -> None:
    stranger = as_(None)
    assert "On right now" in stranger.get("/g/supper", headers=HTML).text
    clock.now = NOW + 24 * HOUR
    over = stranger.get("/g/supper", headers=HTML).text
    assert "This was on" in over
    assert "/events/supper" not in over
    clock.now = NOW
    life.cancel(session, event_id="supper", reason="The kitchen is closed.", now=NOW)
    cancelled = stranger.get("/g/supper", headers=HTML).text
    assert meta(cancelled)["og:title"].startswith("Called off: ")
    assert "/events/supper" not in cancelled
    assert "event.ics" in cancelled
    assert "The kitchen is closed." in cancelled


def test_the_line_to_paste_is_there_without_a_script(as_: As) -> None:
    page = as_(None).get("/g/supper", headers=HTML).text
    line = re.search(r"<textarea[^>]*readonly[^>]*>([^<]*)</textarea>", page)
    assert line is not None
    assert "Café Lumen" in line[1]
    assert line[1].endswith("http://127.0.0.1:8080/g/supper")


def test_the_picture_is_drawn_once_and_known_by_its_etag(as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = as_(None)
    first = stranger.get("/g/supper/picture.png?lang=zh")
    assert first.status_code == 200
    assert Image.open(io.BytesIO(first.content)).size == (1080, 1440)
    assert first.headers["cache-control"] == "public, max-age=300"
    assert int(first.headers["content-length"]) == len(first.content)
    again = stranger.get("/g/supper/picture.png?lang=zh", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")

    def refuse(*_: object) -> bytes:
        raise AssertionError("drawn twice")

    monkeypatch.setattr(drawing, "draw", refuse)
    assert stranger.get("/g/supper/picture.png?lang=zh").content == first.content
    head = stranger.head("/g/supper/picture.png?lang=en")
    assert (head.status_code, head.content) == (200, b"")


def test_a_change_makes_another_picture(as_: As, session: Session) -> None:
    before = as_(None).get("/g/supper/picture.png").headers["etag"]
    events.get(session, "supper").name = "Saturday supper"
    session.flush()
    assert as_(None).get("/g/supper/picture.png").headers["etag"] != before


def test_the_picture_of_what_is_for_members_is_kept_by_their_browsers_alone(as_: As) -> None:
    member, stranger = as_("dora").get("/g/moon/picture.png"), as_(None).get("/g/moon/picture.png")
    assert member.headers["etag"] != stranger.headers["etag"]
    assert member.headers["cache-control"].startswith("private")
    assert stranger.headers["cache-control"].startswith("private")


@pytest.mark.parametrize("query", ["lang=fr", "lang=", "lang=en&lang=xx"])
def test_a_language_that_pictures_do_not_speak_is_refused(as_: As, query: str) -> None:
    assert as_(None).get(f"/g/supper/picture.png?{query}").status_code == 422


def test_sizes_are_nobody_s_to_choose(as_: As) -> None:
    answer = as_(None).get("/g/supper/picture.png?width=100000&height=100000&w=1&h=0")
    assert Image.open(io.BytesIO(answer.content)).size == (1080, 1440)


def test_a_reader_who_told_her_zone_is_not_told_it_again(as_: As, session: Session) -> None:
    assert "Berlin time" in as_(None).get("/g/supper", headers=HTML).text
    people.get(session, "dora").time_zone = "Europe/Berlin"
    session.flush()
    assert "Berlin time" not in as_("dora").get("/g/supper", headers=HTML).text
