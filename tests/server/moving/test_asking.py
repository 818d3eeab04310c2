"""Who is asked whether they come along, who may answer what, and who may take the file."""

import io
import zipfile

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from server.governance import rules, votes
from server.inbox.model import Notification
from server.moving import asking
from server.moving.model import Move
from server.people import service as people
from tests.server.conftest import As, Clock
from tests.server.governance.circle import CAME, DAY, make_circle
from tests.server.places import HOUR, NOW


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/communities/walkers/move"),
        ("POST", "/api/communities/walkers/move"),
        ("PUT", "/api/communities/walkers/move/answer"),
        ("GET", "/api/communities/walkers/export"),
        ("POST", "/api/communities/import"),
        ("GET", "/communities/walkers/move"),
        ("POST", "/communities/walkers/move"),
        ("GET", "/operator/arrivals"),
        ("POST", "/operator/arrivals"),
    ],
)
def test_anonymous_is_refused(as_: As, method: str, path: str) -> None:
    assert as_(None).request(method, path).status_code == 401


def vote_to_move(session: Session) -> None:
    """Two of three say that the walkers should move; the time is over."""
    vote = votes.open_vote(
        session, viewer=people.get(session, "m1"), community_id="walkers", kind=rules.Kind.MOVE, now=NOW
    )
    for member_id, yes in (("m1", True), ("m2", True), ("m3", False)):
        votes.cast(
            session, viewer=people.get(session, member_id), community_id="walkers", vote_id=vote.id, yes=yes, now=NOW
        )
    votes.get(session, community_id="walkers", vote_id=vote.id, now=NOW + rules.LASTS)


def test_a_circle_is_asked_when_it_has_voted_so(as_: As, session: Session) -> None:
    make_circle(session)
    assert as_("m1").post("/api/communities/walkers/move", json={}).json()["code"] == "vote_decides"
    assert as_("m1").get("/api/communities/walkers/export").json()["code"] == "nobody_asked"
    vote_to_move(session)
    move = session.get_one(Move, "walkers")
    assert move.until - move.asked_at == asking.ANSWERS
    told = session.scalars(select(Notification.member_id).where(Notification.kind == "community_moves")).all()
    assert set(told) == {"ben", "dora", *CAME}


@pytest.mark.usefixtures("as_")
def test_a_vote_that_fails_asks_nobody(session: Session) -> None:
    make_circle(session)
    vote = votes.open_vote(
        session, viewer=people.get(session, "m1"), community_id="walkers", kind=rules.Kind.MOVE, now=NOW
    )
    votes.get(session, community_id="walkers", vote_id=vote.id, now=NOW + rules.LASTS)
    assert session.get(Move, "walkers") is None


def test_who_has_an_address_comes_along_and_may_change_her_mind(as_: As, session: Session, clock: Clock) -> None:
    make_circle(session)
    vote_to_move(session)
    clock.now = NOW + 4 * DAY
    m1 = as_("m1")
    answer = "/api/communities/walkers/move/answer"
    assert m1.put(answer, json={"come": True}).json()["code"] == "address_first"
    people.get(session, "m1").email = "m1@example.org"
    session.flush()
    assert m1.put(answer, json={"come": True}).json()["coming"] == 1
    assert (
        m1.put(answer, json={"come": False}).json() | {"coming": 0, "you": False}
        == m1.get("/api/communities/walkers/move").json()
    )
    m1.put(answer, json={"come": True})
    clock.now = NOW + 30 * DAY
    assert m1.put(answer, json={"come": True}).json()["code"] == "answers_over"
    assert m1.put(answer, json={"come": False}).status_code == 200
    assert as_("ana").get("/api/communities/walkers/move").json()["code"] == "members_move"


def test_a_house_is_asked_by_its_source_and_again_anew(as_: As, session: Session, clock: Clock) -> None:
    make_circle(session, shape="house")
    people.get(session, "m1").email = "m1@example.org"
    session.flush()
    assert as_("m1").post("/api/communities/walkers/move", json={}).json()["code"] == "not_your_community"
    assert as_("ben").post("/api/communities/walkers/move", json={"days": 3}).status_code == 201
    assert as_("m1").put("/api/communities/walkers/move/answer", json={"come": True}).json()["coming"] == 1
    assert as_("m1").get("/api/communities/walkers/export").status_code == 403
    clock.now += HOUR
    assert as_("ben").post("/api/communities/walkers/move", json={}).json()["coming"] == 0


def test_whose_word_counts_takes_the_file_and_an_operator_opens_it(as_: As, session: Session, clock: Clock) -> None:
    make_circle(session)
    vote_to_move(session)
    clock.now = NOW + 4 * DAY
    people.get(session, "m2").email = "m2@example.org"
    session.flush()
    as_("m2").put("/api/communities/walkers/move/answer", json={"come": True})
    assert as_("dora").get("/api/communities/walkers/export").json()["code"] == "no_word"
    taken = as_("m1").get("/api/communities/walkers/export")
    assert taken.status_code == 200
    assert taken.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(taken.content)) as file:
        assert file.read("people.jsonl").count(b"\n") == 1
    zipped = {"Content-Type": "application/zip"}
    assert as_("m1").post("/api/communities/import", content=taken.content, headers=zipped).status_code == 403
    looked = as_("ana").post("/api/communities/import?preview=true", content=taken.content, headers=zipped)
    assert looked.json()["state"] == "made"
    opened = as_("ana").post("/api/communities/import", content=taken.content, headers=zipped).json()
    assert opened["community"] == looked.json()["community"] == "walkers-2"
    again = as_("ana").post("/api/communities/import", content=taken.content, headers=zipped).json()
    assert again["state"] == "unchanged"


def test_the_pages_ask_answer_and_open(as_: As, session: Session) -> None:
    make_circle(session, shape="house")
    people.get(session, "ben").email = "ben@example.org"
    session.flush()
    ben = as_("ben")
    assert "Ask: come along?" in ben.get("/communities/walkers/move").text
    assert ben.post("/communities/walkers/move", data={"act": "ask"}).status_code == 303
    assert ben.post("/communities/walkers/move", data={"act": "come"}).status_code == 303
    page = ben.get("/communities/walkers/move").text
    assert "ben@example.org" in page
    assert "/api/communities/walkers/export" in page
    assert "Leave one first" in as_("m1").get("/communities/walkers/move").text
    assert as_("ana").get("/communities/walkers/move").status_code == 403
    file = {"file": ("walkers.zip", ben.get("/api/communities/walkers/export").content, "application/zip")}
    ana = as_("ana")
    assert "would bring" in ana.post("/operator/arrivals", data={"act": "look"}, files=file).text
    assert "is here" in ana.post("/operator/arrivals", data={"act": "open"}, files=file).text
    broken = {"file": ("x.zip", b"no zip", "application/zip")}
    refused = ana.post("/operator/arrivals", data={"act": "open"}, files=broken)
    assert refused.status_code == 422
    assert "Nothing was imported" in refused.text
