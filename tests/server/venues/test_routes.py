"""Venues over HTTP."""

from tests.server.conftest import As
from tests.server.places import CAFE, square

BAR = {
    "name": "酒吧 Bar",
    "time_zone": "Asia/Shanghai",
    "owner": "ben",
    "location": [121.47, 31.23],
    "zones": [
        {"name": "Front room", "area": square(121.47, 31.23)},
        {"name": "屋顶", "level": 3},
    ],
}


def test_anonymous_is_refused(as_: As) -> None:
    stranger = as_(None)
    assert stranger.get("/api/venues").status_code == 401
    assert stranger.get("/api/venues/cafe").status_code == 401
    assert stranger.post("/api/venues", json=BAR).status_code == 401


def test_an_operator_makes_a_venue_with_a_plan(as_: As) -> None:
    answer = as_("ana").post("/api/venues", json=BAR)
    assert answer.status_code == 201
    made = answer.json()
    assert made["id"] == "bar"
    assert made["location"] == [121.47, 31.23]
    front, roof = made["zones"]
    assert (front["id"], front["area"]) == ("bar-front-room", square(121.47, 31.23))
    assert roof["id"].startswith("bar-zone-")
    assert as_("dora").get("/api/venues/bar").json() == made


def test_others_make_none(as_: As) -> None:
    for member_id in ("ben", "cleo", "dora"):
        answer = as_(member_id).post("/api/venues", json=BAR)
        assert (answer.status_code, answer.json()["code"]) == (403, "operators_only")
    assert as_("ana").post("/api/venues", json=BAR).status_code == 201


def test_everybody_lists_their_own(as_: As) -> None:
    ana = as_("ana")
    ana.post("/api/venues", json={**BAR, "owner": None})
    assert [venue["id"] for venue in ana.get("/api/venues").json()] == ["cafe", "bar"]
    assert [venue["id"] for venue in as_("ben").get("/api/venues").json()] == ["cafe"]
    assert as_("dora").get("/api/venues").json() == []


def test_what_is_wrong_with_an_area_is_said(as_: As) -> None:
    ana = as_("ana")
    swapped = {**BAR, "zones": [{"name": "Front", "area": square(31.23, 121.47)}]}
    answer = ana.post("/api/venues", json=swapped)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert "Longitude comes first" in answer.json()["detail"]
    crossed = square(*CAFE)
    ring = crossed["coordinates"][0]
    ring[1], ring[2] = ring[2], ring[1]
    answer = ana.post("/api/venues", json={**BAR, "location": None, "zones": [{"name": "Front", "area": crossed}]})
    assert "crosses itself" in answer.json()["detail"]


def test_a_taken_id_is_a_conflict(as_: As) -> None:
    answer = as_("ana").post("/api/venues", json={**BAR, "id": "cafe"})
    assert (answer.status_code, answer.json()["code"]) == (409, "venue_exists")
