"""Topics and posts over HTTP: who may write and read, editing, deleting, and what floats with why."""

from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from server.consent import service as consent
from server.events.model import Event
from server.inbox import service as inbox
from server.people import service as people
from server.pictures import service as pictures
from server.posts.model import Post, Topic
from tests.server.conftest import As, Clock
from tests.server.pictures.test_making import encode, two_colours
from tests.server.places import HOUR, NOW
from tests.server.posts.world import DAY, TOPICS, come, make_event, readers, write

__all__ = ["readers"]


def test_anonymous_is_refused(readers: As) -> None:
    post = write(readers("dora"))
    stranger = readers(None)
    for method, path in (
        ("GET", TOPICS),
        ("POST", TOPICS),
        ("GET", f"/api/topics/{post['topic']}/posts"),
        ("POST", f"/api/topics/{post['topic']}/posts"),
        ("GET", f"/api/posts/{post['id']}"),
        ("PATCH", f"/api/posts/{post['id']}"),
        ("DELETE", f"/api/posts/{post['id']}"),
        ("PUT", f"/api/posts/{post['id']}/hiding"),
        ("POST", f"/api/posts/{post['id']}/restore"),
    ):
        assert stranger.request(method, path, json={}).status_code == 401


def test_a_member_opens_a_topic_and_others_answer(readers: As) -> None:
    post = write(readers("dora"), "Who walks on Sunday?\n\nhttps://example.org")
    assert (post["by"], post["yours"], post["newcomer"], post["text"][:5]) == ("Dora Lindqvist", True, True, "Who w")
    fay = readers("fay")
    answered = fay.post(f"/api/topics/{post['topic']}/posts", json={"text": "Me!", "answers_to": post["id"]})
    assert (answered.status_code, answered.json()["answers_to"]) == (201, post["id"])
    deeper = fay.post(f"/api/topics/{post['topic']}/posts", json={"text": "When?", "answers_to": answered.json()["id"]})
    assert deeper.json()["answers_to"] == post["id"], "an answer to an answer stands under the same post"
    found = fay.get(f"/api/topics/{post['topic']}/posts").json()
    assert [one["text"][:3] for one in found] == ["Who", "Me!", "Whe"]
    (topic,) = fay.get(TOPICS).json()
    assert (topic["title"], topic["posts"]) == ("Walks", 3)


def test_only_who_belongs_or_came_reads_and_writes(readers: As, session: Session) -> None:
    post = write(readers("dora"))
    cleo = readers("cleo")
    for method, path in (("GET", TOPICS), ("POST", TOPICS), ("GET", f"/api/posts/{post['id']}")):
        answer = cleo.request(method, path, json={"title": "A", "text": "B"} if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (403, "join_first")
    make_event(session, "night", NOW - 5 * HOUR)
    come(session, "night", "cleo", NOW - 5 * HOUR)
    assert cleo.get(TOPICS).status_code == 200
    assert cleo.post(TOPICS, json={"title": "A", "text": "B"}).status_code == 201


def test_an_operator_reads_without_names_and_writes_nothing(readers: As) -> None:
    post = write(readers("dora"))
    ana = readers("ana")
    assert ana.get(f"/api/posts/{post['id']}").json()["by"] is None
    assert ana.get(TOPICS).json()[0]["first"]["by"] is None
    assert ana.post(TOPICS, json={"title": "A", "text": "B"}).json()["code"] == "join_first"


def test_who_hides_from_everybody_is_not_named(readers: As, session: Session) -> None:
    post = write(readers("dora"))
    consent.pause(session, member_id="dora", now=NOW)
    assert readers("fay").get(f"/api/posts/{post['id']}").json()["by"] is None
    assert readers("dora").get(f"/api/posts/{post['id']}").json()["by"] == "Dora Lindqvist"


def test_a_guest_writes_once_she_came(readers: As, session: Session) -> None:
    guest = people.create_guest(session, name="Bo").id
    bo = readers(guest)
    assert bo.put("/api/communities/readers/membership").status_code == 204
    assert bo.post(TOPICS, json={"title": "A", "text": "B"}).json()["code"] == "come_first"
    make_event(session, "night", NOW - 5 * HOUR)
    come(session, "night", guest, NOW - 5 * HOUR)
    assert bo.post(TOPICS, json={"title": "A", "text": "B"}).status_code == 201


def test_newcomers_write_three_times_a_day_and_who_came_more(readers: As, session: Session, clock: Clock) -> None:
    dora = readers("dora")
    for number in range(3):
        write(dora, f"Post {number}")
    answer = dora.post(TOPICS, json={"title": "A", "text": "B"})
    assert (answer.status_code, answer.json()["code"]) == (429, "newcomers_wait")
    assert "3 times" in answer.json()["detail"]
    clock.now = NOW + DAY
    write(dora, "The next day")
    make_event(session, "night", NOW - 5 * HOUR)
    come(session, "night", "dora", NOW - 5 * HOUR)
    for number in range(4):
        assert write(dora, f"Post {number}")["newcomer"] is False


def test_nobody_floods(readers: As, session: Session) -> None:
    make_event(session, "night", NOW - 5 * HOUR)
    come(session, "night", "dora", NOW - 5 * HOUR)
    dora = readers("dora")
    for number in range(10):
        write(dora, f"Post {number}")
    assert dora.post(TOPICS, json={"title": "A", "text": "B"}).json()["code"] == "too_many"


def test_a_form_that_is_sent_twice_writes_once(readers: As, session: Session) -> None:
    dora = readers("dora")
    first = write(dora, nonce="12345678")
    again = write(dora, "Something else", nonce="12345678")
    assert again["id"] == first["id"]
    for _ in range(4):
        answer = dora.post(f"/api/topics/{first['topic']}/posts", json={"text": "Again", "nonce": "abcdefgh"})
        assert answer.status_code == 201
    assert session.scalar(select(func.count()).select_from(Post)) == 2
    assert session.scalar(select(func.count()).select_from(Topic)) == 1
    assert write(readers("fay"), nonce="12345678")["id"] != first["id"], "another's form is another form"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"title": "", "text": "B"}, "invalid"),
        ({"title": "A" * 121, "text": "B"}, "invalid"),
        ({"title": "A", "text": ""}, "invalid"),
        ({"title": "A", "text": " \n "}, "invalid"),
        ({"title": "A", "text": "B" * 2001}, "invalid"),
        ({"title": "A", "text": "B\x07"}, "invalid"),
        ({"title": "A", "text": "B", "picture": "nothing"}, "picture_unknown"),
        ({"title": "A", "text": "B", "leads_to": "nothing"}, "event_unknown"),
        ({"title": "A", "text": "B", "leads_to": "past"}, "event_over"),
        ({"title": "A", "text": "B", "leads_to": "others"}, "other_community"),
        ({"title": "A", "text": "B", "leads_to": "theirs"}, "members_only"),
        ({"title": "A", "text": "B", "answers_to": 77}, "post_unknown"),
        ({"title": "A", "text": "B", "nonce": "short"}, "invalid"),
    ],
)
def test_what_cannot_be_written_is_said(readers: As, session: Session, wanted: dict[str, Any], code: str) -> None:
    make_event(session, "past", NOW - 9 * HOUR)
    readers("cleo").post("/api/communities", json={"id": "rivals", "name": "Rivals"})
    make_event(session, "others", NOW + DAY, community="rivals")
    make_event(session, "theirs", NOW + DAY, community="rivals")
    session.get_one(Event, "others").open_to_all = True
    answer = readers("dora").post(TOPICS, json=wanted)
    assert answer.json()["code"] == code
    assert session.scalar(select(func.count()).select_from(Topic)) == 0


def test_a_picture_may_stand_alone_and_stays_as_long_as_its_post(readers: As, session: Session) -> None:
    dora = readers("dora")
    sent = dora.post("/api/pictures", content=encode(two_colours(), "JPEG"), headers={"Content-Type": "image/jpeg"})
    post = write(dora, "", picture=sent.json()["id"])
    assert post["picture"] == sent.json()["url"]
    assert pictures.tidy(session, now=NOW + 9 * DAY) == 0
    assert dora.delete(f"/api/posts/{post['id']}").status_code == 204
    assert pictures.tidy(session, now=NOW + 9 * DAY) == 1


def test_a_slip_is_mended_within_a_quarter_of_an_hour_by_its_author_alone(readers: As, clock: Clock) -> None:
    dora = readers("dora")
    post = write(dora)
    path = f"/api/posts/{post['id']}"
    etag = dora.get(path).headers["etag"]
    changed = dora.patch(path, json={"text": "Sunday"}, headers={"If-Match": etag})
    assert (changed.json()["text"], changed.json()["edited_at"] is not None) == ("Sunday", True)
    assert dora.patch(path, json={"text": "Monday"}, headers={"If-Match": etag}).status_code == 412
    assert readers("gina").patch(path, json={"text": "Mine"}).json()["code"] == "not_your_post"
    assert dora.patch(path, json={"text": ""}).status_code == 422
    clock.now = NOW + HOUR / 4
    assert dora.patch(path, json={"text": "Later"}).json()["code"] == "edit_over"


def test_what_was_answered_to_leaves_its_place_and_the_rest_goes(readers: As, session: Session) -> None:
    dora, fay = readers("dora"), readers("fay")
    post = write(dora, "Secret plans")
    topic = f"/api/topics/{post['topic']}/posts"
    answer = fay.post(topic, json={"text": "Really?", "answers_to": post["id"]}).json()
    assert fay.delete(f"/api/posts/{post['id']}").json()["code"] == "not_your_post"
    assert dora.delete(f"/api/posts/{post['id']}").status_code == 204
    stub, left = fay.get(topic).json()
    assert (stub["gone"], stub["text"], stub["by"], left["text"]) == (True, "", None, "Really?")
    assert "Secret" not in str(session.execute(text("SELECT * FROM post")).all())
    assert dora.delete(f"/api/posts/{post['id']}").json()["code"] == "post_unknown"
    answered = fay.post(topic, json={"text": "Hello?", "answers_to": post["id"]})
    assert answered.json()["code"] == "post_unknown"
    assert fay.delete(f"/api/posts/{answer['id']}").status_code == 204
    assert fay.get(topic).json()["code"] == "topic_unknown", "with the last answer the place and the topic go"


def test_what_is_written_goes_with_who_wrote_it(readers: As, session: Session) -> None:
    post = write(readers("dora"))
    fay = readers("fay")
    fay.post(f"/api/topics/{post['topic']}/posts", json={"text": "Me!", "answers_to": post["id"]})
    session.delete(people.get(session, "dora"))
    session.flush()
    session.expunge_all()
    (left,) = fay.get(f"/api/topics/{post['topic']}/posts").json()
    assert (left["text"], left["answers_to"]) == ("Me!", None)


def test_what_people_turn_up_for_floats_and_says_why(readers: As, session: Session, clock: Clock) -> None:
    clock.now = NOW - 6 * DAY
    make_event(session, "walk", NOW - 2 * DAY)
    make_event(session, "next", NOW - DAY)
    walk = write(readers("dora"), "A walk!", leads_to="walk")
    write(readers("ida"), "Buy my pans!")
    for member_id in ("emil", "fay", "hugo"):
        come(session, "walk", member_id, NOW - 2 * DAY, signed_up=NOW - 5 * DAY)
    come(session, "next", "emil", NOW - DAY, evidence="beacon")
    clock.now = NOW
    fay = readers("fay")
    found = fay.get(TOPICS).json()
    assert [one["first"]["text"] for one in found] == ["A walk!", "Buy my pans!"]
    why = fay.get(f"/api/posts/{walk['id']}").json()["why"]
    assert why["parts"][0] == {"says": "3 came because of it", "points": 2.7}
    assert why["parts"][1] == {"says": "1 came again", "points": 1.8}
    assert why["parts"][2]["says"].startswith("the last one came 2 days ago")
    assert round(sum(part["points"] for part in why["parts"]), 1) == why["points"]
    assert found[1]["first"]["why"] == {
        "points": 0.0,
        "parts": [{"says": "nobody has come because of it yet", "points": 0.0}],
    }
    chinese = fay.get(f"/api/posts/{walk['id']}", headers={"Accept-Language": "zh"}).json()["why"]["parts"][0]["says"]
    assert chinese == "3 人因此而来"


def test_a_gathering_has_posts_of_its_own(readers: As, session: Session) -> None:
    make_event(session, "open", NOW + DAY, community=None)
    path = "/api/events/open/posts"
    dora, fay = readers("dora"), readers("fay")
    assert fay.post(path, json={"text": "Rain?"}).json()["code"] == "sign_up_first"
    assert fay.put("/api/events/open/sign-up").status_code == 200
    said = fay.post(path, json={"text": "Rain?"}).json()
    assert (said["event"], said["topic"]) == ("open", None)
    assert readers("gina").post(path, json={"text": "Sun!"}).status_code == 201
    assert [one["text"] for one in readers("gina").get(path).json()] == ["Sun!", "Rain?"]
    assert dora.get(path).json()["code"] == "sign_up_first"
    assert dora.get(f"/api/posts/{said['id']}").json()["code"] == "sign_up_first"


def test_nothing_leads_to_a_draft_or_to_what_was_called_off(readers: As, session: Session) -> None:
    for event_id in ("draft", "called-off"):
        make_event(session, event_id, NOW + DAY)
    session.execute(text("UPDATE event SET state = 'draft' WHERE id = 'draft'"))
    session.execute(text("UPDATE event SET state = 'cancelled' WHERE id = 'called-off'"))
    session.expire_all()
    for member_id, event_id, code in (
        ("dora", "draft", "event_unknown"),
        ("gina", "draft", "not_published"),
        ("dora", "called-off", "not_published"),
    ):
        answer = readers(member_id).post(TOPICS, json={"title": "A", "text": "B", "leads_to": event_id})
        assert answer.json()["code"] == code
    assert readers("dora").get("/api/events/draft/posts").json()["code"] == "event_unknown"


def test_communities_and_open_gatherings_do_not_mix(readers: As, session: Session) -> None:
    gina = readers("gina")
    gina.post("/api/communities", json={"id": "rivals", "name": "Rivals"})
    assert gina.get("/api/communities/rivals/topics").json() == []
    write(gina, "Of the readers")
    make_event(session, "ours", NOW + DAY)
    for event_id in ("one", "two"):
        make_event(session, event_id, NOW + DAY, community=None)
    for path in ("/api/communities/rivals/topics", "/api/events/one/posts", "/api/events/ours/posts"):
        assert gina.post(path, json={"text": path} | ({"title": "T"} if "topics" in path else {})).status_code == 201
    assert [one["first"]["text"] for one in gina.get(TOPICS).json()] == ["Of the readers"]
    assert [one["title"] for one in gina.get("/api/communities/rivals/topics").json()] == ["T"]
    assert gina.get("/api/events/two/posts").json() == []
    # Her start is shared within a scope: two posts with the readers, one with the rivals, one at the open gathering.
    starts = {
        path: gina.get(path).json()[0]["why"]["points"] for path in ("/api/events/ours/posts", "/api/events/one/posts")
    }
    assert starts == {"/api/events/ours/posts": 1.5, "/api/events/one/posts": 3.0}


def test_lists_come_in_pages(readers: As) -> None:
    for member_id in ("dora", "fay", "ida"):
        post = write(readers(member_id), f"By {member_id}")
    fay = readers("fay")
    for path in (TOPICS, f"/api/topics/{post['topic']}/posts"):
        for _ in range(2):
            fay.post(f"/api/topics/{post['topic']}/posts", json={"text": "More"})
        whole, pages = fay.get(path).json(), []
        url: str | None = f"{path}?limit=1"
        while url:
            answer = fay.get(url)
            pages += answer.json()
            url = answer.links.get("next", {}).get("url")
        assert pages == whole
        assert len(whole) == 3


def test_a_post_tells_nobody_but_where_it_stands(readers: As, session: Session) -> None:
    write(readers("dora"))
    assert inbox.count_unread(session, member_id="fay") == 0
