"""Communities over HTTP."""

from sqlalchemy.orm import Session

from server.people import roles
from tests.server.conftest import As
from tests.server.places import NOW


def test_anonymous_is_refused(as_: As) -> None:
    stranger = as_(None)
    assert stranger.get("/api/communities").status_code == 401
    assert stranger.post("/api/communities", json={"name": "Swifts"}).status_code == 401
    assert stranger.put("/api/communities/swifts/membership").status_code == 401


def test_whoever_makes_a_community_belongs_to_it(as_: As) -> None:
    dora, cleo = as_("dora"), as_("cleo")
    made = dora.post("/api/communities", json={"name": "雨燕观察者"})
    assert made.status_code == 201
    made_id = made.json()["id"]
    said = {key: value for key, value in made.json().items() if value not in (None, "")}
    circle = {"shape": "circle", "state": "lively", "members": 1, "member": True}
    assert said == {"id": made_id, "name": "雨燕观察者", **circle}
    path = f"/api/communities/{made_id}"
    assert cleo.get(path).json()["member"] is False
    for _ in range(2):
        assert cleo.put(f"{path}/membership").status_code == 204
    assert cleo.get("/api/communities").json() == [{**made.json(), "members": 2}]
    assert cleo.delete(f"{path}/membership").status_code == 204
    assert cleo.delete(f"{path}/membership").json()["code"] == "not_a_member"
    assert dora.get(path).json()["members"] == 1


def test_nobody_is_told_who_belongs_to_it(as_: As) -> None:
    as_("dora").post("/api/communities", json={"id": "swifts", "name": "Swifts"})
    for member_id in ("ana", "cleo"):
        assert "dora" not in as_(member_id).get("/api/communities/swifts").text.lower()


def test_what_is_unknown_or_taken_is_said(as_: As) -> None:
    dora = as_("dora")
    assert dora.put("/api/communities/nowhere/membership").json()["code"] == "community_unknown"
    assert dora.post("/api/communities", json={"id": "swifts", "name": "Swifts"}).status_code == 201
    assert dora.post("/api/communities", json={"id": "swifts", "name": "Swifts"}).json()["code"] == "community_exists"
    assert dora.post("/api/communities", json={"name": "Swifts"}).json()["id"] == "swifts-2"


def test_a_house_has_its_founder_or_a_venue_of_hers_as_its_source(as_: As) -> None:
    ben, dora = as_("ben"), as_("dora")
    made = ben.post("/api/communities", json={"name": "Lumen", "shape": "house", "venue": "cafe"}).json()
    assert (made["shape"], made["members"]) == ("house", 1)
    assert ben.get("/api/communities/lumen").json()["source_venue"] == "cafe"
    taken = {"name": "Not hers", "shape": "house", "venue": "cafe"}
    assert dora.post("/api/communities", json=taken).json()["code"] == "not_your_venue"
    circle = {"name": "No house", "venue": "cafe"}
    assert ben.post("/api/communities", json=circle).json()["code"] == "no_house"
    own = dora.post("/api/communities", json={"name": "Dora reads", "shape": "house"}).json()
    assert dora.get(f"/api/communities/{own['id']}").json()["may_edit"] is True


def test_circles_form_under_a_house_among_those_who_follow_it(as_: As) -> None:
    ben, dora = as_("ben"), as_("dora")
    ben.post("/api/communities", json={"name": "Lumen", "shape": "house", "venue": "cafe"})
    circle = {"name": "Night readers", "under": "lumen"}
    assert dora.post("/api/communities", json=circle).json()["code"] == "follow_first"
    assert dora.put("/api/communities/lumen/membership").status_code == 204
    assert dora.post("/api/communities", json=circle).json()["under"] == "lumen"
    assert [one["id"] for one in ben.get("/api/communities?under=lumen").json()] == ["night-readers"]
    assert dora.post("/api/communities", json={"name": "Deeper", "under": "night-readers"}).json()["code"] == "no_house"


def test_who_keeps_the_venue_of_a_house_decides_about_it(as_: As, session: Session) -> None:
    as_("ben").post("/api/communities", json={"name": "Lumen", "shape": "house", "venue": "cafe"})
    path, dora = "/api/communities/lumen", as_("dora")
    assert dora.get(f"{path}/hosts").json()["code"] == "not_your_community"
    roles.give(session, member_id="dora", kind="venue", of_id="cafe", called="", by="ben", now=NOW)
    assert dora.get(f"{path}/hosts").status_code == 200
