"""Who hosts where posts stand: of a circle who gathered others of late; never over what is one's own."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.face_to_face.model import Founding
from server.governance import ending
from server.posts import places
from server.posts.places import Where
from tests.server.conftest import As
from tests.server.governance.circle import CAME, make_circle
from tests.server.places import HOUR, NOW
from tests.server.posts.world import DAY, come, make_event, make_readers, write

TOPICS = "/api/communities/walkers/topics"
WALKERS = Where("walkers", None)


def hide(as_: As, member_id: str, post: dict[str, Any], what: str = "post") -> Any:
    return as_(member_id).put(f"/api/posts/{post['id']}/hiding", json={"what": what, "why": "advert"})


def test_in_a_circle_who_gathered_others_of_late_hides_and_puts_back(as_: As, session: Session) -> None:
    make_circle(session)
    post = as_("dora").post(TOPICS, json={"title": "Boots", "text": "I sell boots."}).json()
    restore = f"/api/posts/{post['id']}/restore"
    assert as_("ben").put(f"/api/posts/{post['id']}/hiding", json={"what": "post", "why": "advert"}).json() == {
        "hidden": False
    }, "who founded it is one member of many"
    assert hide(as_, "cleo", post).json()["code"] == "join_first", "who does not belong to it"
    communities.join(session, community_id="walkers", member_id="cleo", now=NOW)
    assert hide(as_, "cleo", post).json() == {"hidden": True}
    assert as_("ben").post(restore, json={"what": "post"}).status_code == 404
    assert as_("m1").post(restore, json={"what": "post"}).json()["code"] == "not_host_here"
    assert as_("cleo").post(restore, json={"what": "post"}).status_code == 204
    assert places.hosts_of(session, WALKERS, NOW) == {"cleo"}
    assert places.hosts_of(session, WALKERS, NOW + 90 * DAY) == set(), "long ago"
    session.execute(text("UPDATE checkin SET undone_at = :now"), {"now": NOW})
    assert places.hosts_of(session, WALKERS, NOW) == set(), "nobody came"


def test_nobody_puts_back_her_own(as_: As, session: Session) -> None:
    make_readers(session)
    make_event(session, "advert", NOW + DAY, organizer="dora")
    post = as_("dora").post("/api/events/advert/posts", json={"text": "Buy my pans!"}).json()
    for member_id in ("emil", "fay", "hugo"):
        hide(as_, member_id, post)
    restore = f"/api/posts/{post['id']}/restore"
    assert as_("dora").post(restore, json={"what": "post"}).json()["code"] == "others_restore"
    page = as_("dora").post(f"/posts/{post['id']}", data={"act": "restore"})
    assert page.status_code == 403
    assert "another host puts it back" in page.text
    assert as_("ida").get(f"/api/posts/{post['id']}").status_code == 404
    assert as_("gina").post(restore, json={"what": "post"}).status_code == 204
    topic = write(as_("gina"), "From the host")
    hide(as_, "gina", topic)
    for member_id in ("emil", "fay", "hugo"):
        hide(as_, member_id, topic)
    restore = f"/api/posts/{topic['id']}/restore"
    assert as_("gina").post(restore, json={"what": "post"}).json()["code"] == "others_restore"


def test_a_gathering_of_one_s_own_makes_nobody_less_of_a_newcomer_nor_a_judge_of_one(as_: As, session: Session) -> None:
    make_readers(session)
    make_event(session, "advert", NOW - HOUR, organizer="dora")
    assert places.is_newcomer(session, "dora", Where("readers", "advert"), NOW)
    come(session, "advert", "dora", NOW - HOUR, evidence="manual")
    assert places.is_newcomer(session, "dora", Where("readers", "advert"), NOW)
    post = as_("ida").post("/api/events/advert/posts", json={"text": "Hello!"}).json()
    assert hide(as_, "dora", post, "newcomer").json() == {"hidden": False}, "a word like any other's"
    assert hide(as_, "dora", post).json() == {"hidden": True}, "at her gathering she hosts"
    come(session, "advert", "ida", NOW - HOUR)
    assert not places.is_newcomer(session, "ida", Where("readers", None), NOW)


def test_a_circle_founded_face_to_face_has_newcomers(as_: As, session: Session) -> None:
    make_readers(session)
    session.execute(text("UPDATE community SET shape = 'circle'"))
    session.execute(text("DELETE FROM role"))
    session.add(Founding(community_id="readers", founded_at=NOW - DAY))
    session.flush()
    spam = write(as_("dora"), "Buy my pans!")
    assert spam["newcomer"]
    assert [hide(as_, one, spam, "newcomer").json()["hidden"] for one in ("emil", "fay", "hugo")] == [
        False, False, True
    ]  # fmt: skip
    assert as_("dora").post("/api/communities/readers/topics", json={"title": "A", "text": "B"}).json()["code"] == (
        "hidden_here"
    )


def test_what_has_dissolved_is_read_and_not_written_to(as_: As, session: Session) -> None:
    make_circle(session)
    post = as_("dora").post(TOPICS, json={"title": "Boots", "text": "Which ones?"}).json()
    ending.dissolve(session, communities.get(session, "walkers", to_edit=True), now=NOW)
    for member_id in ("dora", CAME[0]):
        assert as_(member_id).get(f"/api/posts/{post['id']}").status_code == 200
        answers = [
            as_(member_id).post(TOPICS, json={"title": "A", "text": "B"}),
            as_(member_id).post(f"/api/topics/{post['topic']}/posts", json={"text": "These"}),
        ]
        assert {answer.json()["code"] for answer in answers} == {"community_dissolved"}
