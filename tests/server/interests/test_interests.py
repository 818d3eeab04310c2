"""Interests: a vocabulary that operators keep, and what members are tagged with."""

import pytest
from sqlalchemy.orm import Session

from server.interests import service as interests
from tests.server.conftest import As

NEW = {"name_en": "Kite flying", "name_zh": "放风筝"}


def test_anonymous_is_refused(as_: As) -> None:
    stranger = as_(None)
    for refused in (
        stranger.get("/api/interests"),
        stranger.post("/api/interests", json=NEW),
        stranger.patch("/api/interests/chess", json={"retired": True}),
        stranger.put("/api/me/interests", json={"interests": ["chess"]}),
    ):
        assert refused.status_code == 401


def test_a_vocabulary_is_there_from_the_beginning_in_both_languages(as_: As) -> None:
    found = {one["id"]: one for one in as_("dora").get("/api/interests", headers={"accept-language": "zh"}).json()}
    assert len(found) > 30
    assert found["chess"]["name"] == "国际象棋"
    assert all(one["name_en"] and one["name_zh"] for one in found.values())


def test_operators_keep_the_vocabulary_and_nobody_else(as_: As) -> None:
    ana = as_("ana")
    made = ana.post("/api/interests", json=NEW)
    assert made.status_code == 201
    assert made.json()["id"] == "kite-flying"
    assert ana.post("/api/interests", json=NEW).json()["code"] == "interest_exists"
    assert as_("ben").post("/api/interests", json=NEW).json()["code"] == "operators_only"
    path = "/api/interests/kite-flying"
    version = ana.get(path).headers["etag"]
    assert ana.patch(path, json={"name_en": "Kites"}, headers={"if-match": version}).json()["name"] == "Kites"
    assert ana.patch(path, json={"name_en": "K"}, headers={"if-match": version}).json()["code"] == "edited_meanwhile"
    assert as_("ben").patch(path, json={"name_en": "K"}).json()["code"] == "operators_only"
    assert ana.get("/api/interests/nothing").json()["code"] == "interest_unknown"


def test_a_member_chooses_a_few(as_: As) -> None:
    dora = as_("dora")
    assert dora.get("/api/me/interests").json() == []
    chosen = dora.put("/api/me/interests", json={"interests": ["tea", "chess", "tea"]}).json()
    assert [one["id"] for one in chosen] == ["chess", "tea"]
    assert [one["id"] for one in dora.put("/api/me/interests", json={"interests": ["tea"]}).json()] == ["tea"]
    assert dora.put("/api/me/interests", json={"interests": ["flying-carpets"]}).json()["code"] == "interest_unknown"
    many = [one["id"] for one in dora.get("/api/interests").json()][: interests.MOST_TAGS + 1]
    assert dora.put("/api/me/interests", json={"interests": many}).json()["code"] == "interests_many"
    assert [one["id"] for one in dora.get("/api/me/interests").json()] == ["tea"]
    assert dora.put("/api/me/interests", json={"interests": []}).json() == []


def test_what_is_retired_stays_where_it_is_and_comes_nowhere_new(as_: As) -> None:
    dora, ben, ana = as_("dora"), as_("ben"), as_("ana")
    dora.put("/api/me/interests", json={"interests": ["tea"]})
    assert ana.patch("/api/interests/tea", json={"retired": True}).json()["retired"] is True
    assert dora.put("/api/me/interests", json={"interests": ["tea", "chess"]}).status_code == 200
    assert ben.put("/api/me/interests", json={"interests": ["tea"]}).json()["code"] == "interest_unknown"
    ana.patch("/api/interests/tea", json={"retired": False})
    assert ben.put("/api/me/interests", json={"interests": ["tea"]}).status_code == 200


def test_a_vocabulary_has_an_end(session: Session) -> None:
    there = len(interests.list_all(session, retired=True))
    for number in range(interests.MOST_INTERESTS - there):
        interests.add(session, id=f"i-{number}", name_en="One", name_zh="一")
    with pytest.raises(interests.InterestsMany, match="200"):
        interests.add(session, id="one-more", name_en="One", name_zh="一")
