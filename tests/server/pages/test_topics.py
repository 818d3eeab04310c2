"""The pages of topics and posts: everything by plain forms, a picture among them, and in words that can be acted on."""

import re
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.events import signups
from server.people import service as people
from server.pictures.model import Picture
from server.posts.model import Post, Topic
from tests.server.conftest import As, Clock
from tests.server.pictures.test_making import encode, two_colours
from tests.server.places import HOUR, NOW
from tests.server.posts.world import DAY, make_event, readers, write

__all__ = ["readers"]
PAGE = "/communities/readers/topics"
HTML = {"Accept": "text/html"}
MANY = ("dora", "emil", "fay", "hugo", "ida")


def post(browser: Any, path: str, **fields: Any) -> Any:
    """Sends a form as a browser does, a file among its fields."""
    picture = fields.pop("picture", b"")
    files = {"picture": ("photo.jpg" if picture else "", picture, "image/jpeg")}
    return browser.post(path, data=fields, files=files, headers=HTML)


def test_anonymous_is_refused(readers: As) -> None:
    said = write(readers("dora"))
    stranger = readers(None)
    for path in (PAGE, f"/topics/{said['topic']}", f"/posts/{said['id']}", "/events/night/posts"):
        assert stranger.get(path).status_code == 401
        assert stranger.post(path).status_code == 401


def test_a_topic_is_opened_with_a_picture_and_answered_without_a_script(readers: As, session: Session) -> None:
    dora, fay = readers("dora"), readers("fay")
    assert "Nothing has been said yet." in dora.get(PAGE).text
    nonce = re.search(r'name="nonce" value="(\w+)"', dora.get(PAGE).text)
    assert nonce is not None
    fields = {"title": "Walks", "text": "Sunday?", "nonce": nonce[1], "picture": encode(two_colours(), "JPEG")}
    for _ in range(2):
        opened = post(dora, PAGE, **fields)
        assert opened.status_code == 303
    (topic,) = session.scalars(select(Topic))
    assert opened.headers["location"] == f"/topics/{topic.id}"
    (said,) = session.scalars(select(Post))
    page = fay.get(opened.headers["location"]).text
    assert "Dora Lindqvist" in page
    assert f"/api/pictures/{said.picture_id}" in page
    answered = post(fay, opened.headers["location"], text="Me!", answers_to=str(said.id), nonce="a" * 17)
    assert answered.status_code == 303
    assert "Me!" in fay.get(f"/topics/{topic.id}").text
    assert "Read all 2 posts" in fay.get(PAGE).text


def test_what_cannot_be_written_is_said_and_what_was_typed_stays(readers: As, session: Session) -> None:
    dora = readers("dora")
    answer = post(dora, PAGE, title="Walks & more", text="Sunday <b>", picture=b"no picture")
    assert answer.status_code == 422
    assert "This is no picture that can be read" in answer.text
    assert "Walks &amp; more" in answer.text
    assert "Sunday &lt;b&gt;" in answer.text
    assert post(dora, PAGE, title="Walks", text="").status_code == 422
    assert session.scalars(select(Topic)).all() == []
    assert session.scalars(select(Picture)).all() == []
    said = write(dora)
    assert post(dora, f"/topics/{said['topic']}", text="A", answers_to="everything").status_code == 422


def test_words_stay_words_and_links_are_links(readers: As) -> None:
    said = write(readers("dora"), "<script>alert(1)</script> https://example.org/?a=1&b=2 javascript:alert(1)")
    page = readers("fay").get(f"/topics/{said['topic']}").text
    assert "<script>alert" not in page
    href = "https://example.org/?a=1&amp;b=2"
    assert f'<a href="{href}" rel="nofollow ugc noopener noreferrer">{href}</a>' in page
    assert 'href="javascript' not in page


def test_who_does_not_belong_may_join_with_one_tap(readers: As) -> None:
    write(readers("dora"), "Between us")
    cleo = readers("cleo")
    page = cleo.get(PAGE)
    assert (page.status_code, "Between us" in page.text) == (200, False)
    assert post(cleo, PAGE, join="yes").status_code == 303
    assert "Between us" in cleo.get(PAGE).text


def test_a_post_says_why_it_stands_there_and_its_author_edits_and_deletes_it(readers: As, clock: Clock) -> None:
    dora = readers("dora")
    said = write(dora)
    path = f"/posts/{said['id']}"
    page = dora.get(path).text
    assert "nobody has come because of it yet" in page
    assert "+3.0" in page
    assert post(dora, path, act="edit", text="On Sunday").status_code == 303
    assert "On Sunday" in dora.get(path).text
    clock.now = NOW + HOUR
    late = post(dora, path, act="edit", text="On Monday")
    assert (late.status_code, "After 15 minutes" in late.text) == (403, True)
    assert 'value="edit"' not in dora.get(path).text
    gone = post(dora, path, act="delete")
    assert (gone.status_code, gone.headers["location"]) == (303, PAGE)
    assert dora.get(path, headers=HTML).status_code == 404


def test_members_hide_and_hosts_put_back_by_forms(readers: As) -> None:
    said = write(readers("dora"))
    path = f"/posts/{said['id']}"
    for member_id in ("fay", "emil", "hugo"):
        browser = readers(member_id)
        assert "Hide all that this newcomer wrote" in browser.get(path).text
        answer = post(browser, path, act="hide", what="post", why="advert")
    assert answer.headers["location"] == f"/topics/{said['topic']}", "it is hidden from who hid it, too"
    assert readers("fay").get(path, headers=HTML).status_code == 404
    hers = readers("dora").get(path).text
    assert "3 members have hidden this." in hers
    assert "ask a host to look at it" in hers
    gina = readers("gina")
    assert "Put this post back" in gina.get(path).text
    assert post(gina, path, act="restore", what="post").status_code == 303
    refused = post(readers("emil"), path, act="hide", what="post", why="advert")
    assert (refused.status_code, "only a host hides it again" in refused.text) == (403, True)
    assert post(readers("ida"), path, act="take_back").status_code == 404


def test_a_gathering_has_its_own_page(readers: As, session: Session) -> None:
    make_event(session, "night", NOW + DAY)
    fay = readers("fay")
    assert "What is said at this gathering" in fay.get("/events/night/posts").text
    assert post(fay, "/events/night/posts", text="Tea?").status_code == 303
    assert "Tea?" in readers("dora").get("/events/night/posts").text
    page = _with_leads(readers)
    assert '<a href="/events/night">It leads to Night</a>' in page
    assert '<a href="/communities/readers">' in fay.get("/events/night").text
    assert '<a href="/events/night">' in fay.get("/events/night/posts").text


def test_times_are_told_by_the_clock_of_where_she_goes_unless_she_says_another(readers: As, session: Session) -> None:
    dora = readers("dora")
    said = write(dora)
    path = f"/posts/{said['id']}"
    in_utc, in_berlin = f"{NOW:%H:%M}", f"{NOW.astimezone(ZoneInfo('Europe/Berlin')):%H:%M}"
    assert in_utc in dora.get(path).text
    make_event(session, "night", NOW + DAY)
    signups.sign_up(session, event_id="night", member_id="dora", now=NOW)
    assert in_berlin in dora.get(path).text
    people.get(session, "dora").time_zone = "Asia/Shanghai"
    assert f"{NOW.astimezone(ZoneInfo('Asia/Shanghai')):%H:%M}" in dora.get(path).text


def _with_leads(readers: As) -> str:
    dora = readers("dora")
    assert '<option value="night">' in dora.get(PAGE).text
    opened = post(dora, PAGE, title="Come", text="All of you", leads_to="night")
    return str(dora.get(opened.headers["location"]).text)


def test_what_stands_behind_the_first_page_is_one_tap_away(readers: As) -> None:
    for number, who in enumerate(MANY):
        write(readers(who), f"Idea {number}", title=f"Topic {number}")
    dora = readers("dora")
    first = dora.get(f"{PAGE}?limit=3").text
    more = re.search(rf'href="({PAGE}\?cursor=[\w-]+)"', first)
    assert more is not None
    second = dora.get(more[1]).text
    for number in range(5):
        assert (f">Topic {number}<" in first) != (f">Topic {number}<" in second)
    assert "cursor=" not in second
    assert dora.get(f"{PAGE}?cursor=none").status_code == 422


def test_a_thread_stays_whole_and_is_answered_on_its_page(readers: As, session: Session) -> None:
    path = f"/topics/{write(readers('gina'), 'The first of all')['topic']}"
    for who in MANY[:3]:
        assert post(readers(who), path, text="Another thread").status_code == 303
    said = session.scalars(select(Post.id).order_by(Post.id)).all()
    for head, who in zip(said, MANY, strict=False):
        assert post(readers(who), path, text=f"Answer to {head}", answers_to=str(head)).status_code == 303
    dora = readers("dora")
    first = dora.get(f"{path}?limit=2").text
    more = re.search(rf'href="({path}\?cursor=[\w-]+)"', first)
    assert more is not None
    second = dora.get(more[1]).text
    for head in said:
        for page in (first, second):
            assert (f'id="post-{head}"' in page) == (f"Answer to {head}<" in page)
        assert (f'id="post-{head}"' in first) != (f'id="post-{head}"' in second)
    behind = next(head for head in said if f'id="post-{head}"' in second)
    refused = post(dora, more[1], text="x" * 2001, answers_to=str(behind))
    assert refused.status_code == 422
    assert "x" * 2001 in refused.text
    answered = post(dora, more[1], text="Late", answers_to=str(behind))
    assert answered.headers["location"].startswith(f"{more[1]}#post-")
    assert "Late" in dora.get(answered.headers["location"]).text
