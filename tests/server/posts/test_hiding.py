"""Hiding over HTTP: three members or one host, a post or a newcomer, and putting it back."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from config import settings as config
from server.communities.model import CommunityMember
from server.inbox import service as inbox
from server.posts import hiding
from server.posts.model import Hiding, Post
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW
from tests.server.posts.world import DAY, TOPICS, come, make_event, readers, write

__all__ = ["readers"]
RULES = config.load(environment={}).posts


def hide(browser: TestClient, post: dict[str, Any], what: str = "post", why: str = "advert") -> Any:
    return browser.put(f"/api/posts/{post['id']}/hiding", json={"what": what, "why": why})


def is_seen(browser: TestClient, post: dict[str, Any]) -> bool:
    return browser.get(f"/api/posts/{post['id']}").status_code == 200


def test_anonymous_is_refused(readers: As) -> None:
    post = write(readers("dora"))
    assert hide(readers(None), post).status_code == 401
    assert readers(None).delete(f"/api/posts/{post['id']}/hiding").status_code == 401


def test_three_members_hide_a_post_at_once_and_its_author_sees_why(readers: As, session: Session) -> None:
    post = write(readers("dora"), "Buy my pans!")
    for member_id, hidden in (("fay", False), ("emil", False), ("hugo", True)):
        answer = hide(readers(member_id), post)
        assert (answer.status_code, answer.json()) == (200, {"hidden": hidden})
    assert not is_seen(readers("fay"), post)
    assert readers("fay").get(TOPICS).json() == []
    hers = readers("dora").get(f"/api/posts/{post['id']}").json()
    assert hers["hidden"] == "3 members have hidden this. It advertises."
    assert hers["why"] is None
    assert readers("gina").get(f"/api/posts/{post['id']}").json()["hidden"] == hers["hidden"]
    assert inbox.count_unread(session, member_id="dora") == 1
    assert inbox.count_unread(session, member_id="gina") == 1
    rows = session.scalars(select(Hiding).order_by(Hiding.id)).all()
    assert [(row.by, row.role, row.why, row.at) for row in rows] == [
        (member_id, "member", "advert", NOW) for member_id in ("fay", "emil", "hugo")
    ]


def test_one_host_hides_at_once_and_puts_back_and_then_only_a_host_hides_it(readers: As, session: Session) -> None:
    post = write(readers("dora"))
    gina = readers("gina")
    assert hide(gina, post, why="unkind").json() == {"hidden": True}
    assert not is_seen(readers("fay"), post)
    restored = {"what": "post"}
    assert readers("dora").post(f"/api/posts/{post['id']}/restore", json=restored).json()["code"] == "not_host_here"
    for _ in range(2):
        assert gina.post(f"/api/posts/{post['id']}/restore", json=restored).status_code == 204
    assert is_seen(readers("fay"), post)
    assert hide(readers("fay"), post).json()["code"] == "put_back_by_hosts"
    assert hide(gina, post).json() == {"hidden": True}
    assert inbox.count_unread(session, member_id="dora") == 3


def test_a_vote_puts_back_as_well(readers: As, session: Session) -> None:
    post = write(readers("dora"))
    hide(readers("gina"), post)
    row = session.get_one(Post, post["id"])
    hiding.restore(session, row, what="post", by=None, rules=RULES, now=NOW, by_vote=True)
    assert is_seen(readers("fay"), post)


def test_a_word_can_be_taken_back(readers: As) -> None:
    post = write(readers("dora"))
    for member_id in ("fay", "emil"):
        hide(readers(member_id), post)
    assert readers("fay").delete(f"/api/posts/{post['id']}/hiding").status_code == 204
    assert readers("fay").delete(f"/api/posts/{post['id']}/hiding").json()["code"] == "not_hidden_by_you"
    assert hide(readers("hugo"), post).json() == {"hidden": False}
    assert hide(readers("ida"), post).json() == {"hidden": True}
    assert readers("ida").delete(f"/api/posts/{post['id']}/hiding").status_code == 204
    assert is_seen(readers("fay"), post)


def test_saying_it_twice_is_as_once(readers: As, session: Session) -> None:
    post = write(readers("dora"))
    for _ in range(3):
        assert hide(readers("fay"), post).json() == {"hidden": False}
    assert len(session.scalars(select(Hiding)).all()) == 1


def test_whose_word_does_not_count_yet_hides_nothing(readers: As, session: Session) -> None:
    post = write(readers("dora"))
    cleo = readers("cleo")
    assert hide(cleo, post).json()["code"] == "join_first"
    session.add(CommunityMember(community_id="readers", member_id="cleo", joined_at=NOW - HOUR))
    session.flush()
    assert hide(cleo, post).json()["code"] == "no_word_yet"
    make_event(session, "night", NOW - 5 * HOUR)
    come(session, "night", "cleo", NOW - 5 * HOUR)
    assert hide(cleo, post).status_code == 200
    assert hide(readers("dora"), post).json()["code"] == "own_post"


def test_nobody_clears_a_community_by_herself(readers: As) -> None:
    posts = [write(readers(member_id), f"{n}") for member_id in ("dora", "emil") for n in range(3)]
    fay = readers("fay")
    codes = [hide(fay, post).json().get("code") for post in posts]
    assert codes == [None] * 5 + ["too_many"]
    gina = readers("gina")
    assert [hide(gina, post).status_code for post in posts] == [200] * 6, "who hosts answers for all of it"


def test_a_newcomer_is_hidden_with_all_she_wrote_until_she_comes(readers: As, session: Session) -> None:
    ida = readers("ida")
    spam = [write(ida, f"Pans {n}!") for n in range(2)]
    assert hide(readers("gina"), spam[0], what="newcomer").json() == {"hidden": True}
    fay = readers("fay")
    assert not any(is_seen(fay, post) for post in spam)
    assert fay.get(TOPICS).json() == []
    assert len(ida.get(TOPICS).json()) == 2, "she sees her own, with why"
    answer = ida.post(TOPICS, json={"title": "A", "text": "B"})
    assert (answer.status_code, answer.json()["code"]) == (403, "hidden_here")
    make_event(session, "night", NOW - 5 * HOUR)
    come(session, "night", "ida", NOW - 5 * HOUR)
    assert all(is_seen(fay, post) for post in spam)
    assert [one["first"]["newcomer"] for one in fay.get(TOPICS).json()] == [False, False], (
        "nor is what she wrote before"
    )
    assert write(ida, "I was there")["newcomer"] is False
    assert hide(readers("gina"), spam[0], what="newcomer").json()["code"] == "not_a_newcomer"


def test_three_members_hide_a_newcomer_and_a_host_puts_her_back(readers: As) -> None:
    spam = write(readers("ida"))
    for member_id in ("fay", "emil", "hugo"):
        hide(readers(member_id), spam, what="newcomer")
    assert not is_seen(readers("fay"), spam)
    answer = readers("gina").post(f"/api/posts/{spam['id']}/restore", json={"what": "newcomer"})
    assert answer.status_code == 204
    assert is_seen(readers("fay"), spam)
    assert write(readers("ida"), "Thank you")["hidden"] is None
    assert hide(readers("fay"), spam, what="newcomer").json()["code"] == "put_back_by_hosts"


def test_a_host_is_no_newcomer(readers: As) -> None:
    post = write(readers("gina"))
    assert post["newcomer"] is False
    assert hide(readers("fay"), post, what="newcomer").json()["code"] == "not_a_newcomer"


def test_what_is_hidden_keeps_its_place_where_it_was_answered(readers: As) -> None:
    post = write(readers("dora"), "Rude words")
    fay = readers("fay")
    fay.post(f"/api/topics/{post['topic']}/posts", json={"text": "Please!", "answers_to": post["id"]})
    hide(readers("gina"), post)
    place, answer = fay.get(f"/api/topics/{post['topic']}/posts").json()
    assert (place["gone"], place["text"], place["by"], answer["text"]) == (True, "", None, "Please!")
    assert "Rude" not in fay.get(TOPICS).text


def test_what_is_hidden_gives_nobody_points_and_takes_none(readers: As, session: Session, clock: Clock) -> None:
    clock.now = NOW - 6 * DAY
    make_event(session, "walk", NOW - 2 * DAY)
    honest = write(readers("dora"), "A walk!", leads_to="walk")
    leech = write(readers("ida"), "My walk!", leads_to="walk")
    for member_id in ("emil", "fay"):
        come(session, "walk", member_id, NOW - 2 * DAY, signed_up=NOW - 5 * DAY)
    clock.now = NOW
    fay = readers("fay")
    shared = fay.get(f"/api/posts/{honest['id']}").json()["why"]["parts"][0]
    assert shared == {"says": "2 came because of it; shared with 1 other post", "points": 0.9}
    hide(readers("gina"), leech)
    assert fay.get(f"/api/posts/{honest['id']}").json()["why"]["parts"][0]["points"] == 1.8


@pytest.mark.parametrize("wanted", [{}, {"why": "because"}, {"why": "advert", "what": "everything"}])
def test_what_is_no_reason_is_said(readers: As, wanted: dict[str, str]) -> None:
    post = write(readers("dora"))
    assert readers("fay").put(f"/api/posts/{post['id']}/hiding", json=wanted).status_code == 422
