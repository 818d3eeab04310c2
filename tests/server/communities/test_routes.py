"""Communities over HTTP."""

from tests.server.conftest import As


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
    assert made.json() == {"id": made_id, "name": "雨燕观察者", "members": 1, "member": True}
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
