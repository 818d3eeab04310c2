"""A vote puts back what was hidden; who votes may see what it is about, nobody else."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from server.governance import votes
from tests.server.conftest import As, Clock
from tests.server.governance.circle import CAME, DAY, make_circle
from tests.server.places import NOW

TOPICS = "/api/communities/walkers/topics"
VOTES = "/api/communities/walkers/votes"


@pytest.fixture
def hidden(as_: As, session: Session) -> dict[str, Any]:
    """What Dora wrote, hidden by three of the nine who came to the walk."""
    make_circle(session)
    post: dict[str, Any] = as_("dora").post(TOPICS, json={"title": "Boots", "text": "I sell boots."}).json()
    for member_id in CAME[:3]:
        assert as_(member_id).put(f"/api/posts/{post['id']}/hiding", json={"what": "post", "why": "advert"}).is_success
    return post


def ask(as_: As, post: dict[str, Any], member_id: str = "m4", what: str = "post") -> Any:
    return as_(member_id).post(f"/posts/{post['id']}", data={"act": "ask", "what": what})


def decide(as_: As, clock: Clock, session: Session, *, yes: int, no: int) -> str:
    (vote,) = as_("m4").get(VOTES).json()
    for number, member_id in enumerate(CAME[: yes + no]):
        answer = as_(member_id).put(f"{VOTES}/{vote['id']}/ballot", json={"yes": number < yes})
        assert answer.status_code == 200, answer.text
    clock.now = NOW + 3 * DAY
    outcome = votes.get(session, community_id="walkers", vote_id=vote["id"], now=clock.now).outcome
    assert outcome is not None
    return outcome


def test_anonymous_is_refused(as_: As, hidden: dict[str, Any]) -> None:
    assert ask(as_, hidden, None).status_code == 401  # type: ignore[arg-type]


@pytest.mark.parametrize(("yes", "no", "outcome", "status"), [(2, 1, "passed", 200), (2, 2, "not_more", 404)])
def test_what_was_hidden_is_put_back_if_more_say_yes(
    as_: As, clock: Clock, session: Session, hidden: dict[str, Any], yes: int, no: int, outcome: str, status: int
) -> None:
    other = as_("ana")
    path = f"/api/posts/{hidden['id']}"
    assert as_("ben").get(path).status_code == 404, "Ben founded it, and has no word"
    assert "I sell boots." in as_("m4").get(f"/posts/{hidden['id']}").text
    assert "1 post is hidden here." in as_("m4").get(f"/topics/{hidden['topic']}").text
    assert "hidden here" not in as_("ben").get(f"/topics/{hidden['topic']}").text
    assert ask(as_, hidden).headers["location"] == "/communities/walkers/votes"
    assert f'href="{path.removeprefix("/api")}"' in as_("m5").get("/communities/walkers/votes").text
    assert decide(as_, clock, session, yes=yes, no=no) == outcome
    assert as_("ben").get(path).status_code == status
    assert other.get(path).status_code == 200  # operators read, without names


def test_only_who_came_of_late_asks_and_only_of_what_is_hidden(as_: As, session: Session) -> None:
    make_circle(session)
    seen = as_("dora").post(TOPICS, json={"title": "Boots", "text": "I sell boots."}).json()
    refused = ask(as_, seen)
    assert refused.status_code == 409
    assert "This is not hidden" in refused.text
    as_("cleo").put("/api/communities/walkers/membership")  # who gathered them hosts there
    as_("cleo").put(f"/api/posts/{seen['id']}/hiding", json={"what": "post", "why": "other"})
    assert ask(as_, seen, "dora").status_code == 403


def test_nothing_is_voted_on_that_is_not_hidden_here(as_: As, hidden: dict[str, Any]) -> None:
    m4 = as_("m4")
    seen = m4.post(TOPICS, json={"title": "Maps", "text": "I have a map."}).json()
    for about in ("post/999999", "post/x", "newcomer/", f"newcomer/{'9' * 30}", f"post/0{hidden['id']}",
                  f"newcomer/{hidden['id']}", f"post/{seen['id']}"):  # fmt: skip
        answer = m4.post(VOTES, json={"kind": "restore", "about": about})
        assert (answer.status_code, answer.json()["code"]) == (409, "not_hidden"), about
    assert m4.post(VOTES, json={"kind": "restore", "about": "sofa/1"}).status_code == 422
    asked = [m4.post(VOTES, json={"kind": "restore", "about": f"post/{hidden['id']}"}) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [201, 409]


def test_one_newcomer_is_voted_on_once_at_a_time(as_: As, hidden: dict[str, Any]) -> None:
    other = as_("dora").post(TOPICS, json={"title": "Socks", "text": "And socks."}).json()
    for member_id in CAME[:3]:
        as_(member_id).put(f"/api/posts/{hidden['id']}/hiding", json={"what": "newcomer", "why": "advert"})
    asked = [ask(as_, post, what="newcomer").status_code for post in (hidden, other)]
    assert asked == [303, 409]


def test_all_that_a_newcomer_wrote_is_put_back_by_a_vote(
    as_: As, clock: Clock, session: Session, hidden: dict[str, Any]
) -> None:
    for member_id in CAME[:3]:
        as_(member_id).put(f"/api/posts/{hidden['id']}/hiding", json={"what": "newcomer", "why": "advert"})
    assert ask(as_, hidden, what="newcomer").status_code == 303
    assert decide(as_, clock, session, yes=3, no=0) == "passed"
    assert as_("dora").get(f"/api/posts/{hidden['id']}").json()["hidden"], "the post itself was not asked about"
    clock.now = NOW
