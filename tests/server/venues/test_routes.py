"""Venues over HTTP."""

import pytest
from sqlalchemy.orm import Session

from server.venues import service as venues
from tests.server.conftest import As
from tests.server.places import CAFE, HOUR, NOW, square

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


def test_a_name_and_a_pin_suffice_and_it_is_hers(as_: As) -> None:
    dora = as_("dora")
    made = dora.post("/api/venues", json={"name": "Reading room", "location": [139.7, 35.68]}).json()
    assert (made["id"], made["owner"], made["time_zone"]) == ("reading-room", "dora", "Asia/Tokyo")
    assert [zone["name"] for zone in made["zones"]] == ["everywhere"]
    assert [venue["id"] for venue in dora.get("/api/venues").json()] == ["reading-room"]
    step = {"name": "Talk", "venue": "reading-room", "starts_at": NOW.isoformat(), "ends_at": (NOW + HOUR).isoformat()}
    event = {"name": "Evening", "steps": [step]}
    assert dora.post("/api/events", json=event).json()["code"] == "venue_not_ready"
    dora.patch("/api/venues/reading-room", json={"contact": "dora@example.org"})
    assert dora.post("/api/events", json=event).status_code == 201


def test_without_a_pin_the_time_zone_is_asked_for(as_: As) -> None:
    answer = as_("dora").post("/api/venues", json={"name": "Room"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert as_("dora").post("/api/venues", json={"name": "Room", "time_zone": "UTC"}).status_code == 201


def test_only_an_operator_makes_them_for_others_or_nobody(as_: As) -> None:
    for owner in ("ben", "ana"):
        answer = as_("dora").post("/api/venues", json={**BAR, "owner": owner})
        assert (answer.status_code, answer.json()["code"]) == (403, "operators_only")
    assert as_("ana").post("/api/venues", json={**BAR, "owner": "ben"}).json()["owner"] == "ben"


def test_one_member_makes_only_so_many(as_: As, session: Session) -> None:
    ben = as_("ben")
    for number in range(venues.MAX_OWNED - 1):
        venues.create(session, id=f"b{number}", name=f"B {number}", time_zone="UTC", owner_id="ben")
    answer = ben.post("/api/venues", json={**BAR, "owner": None})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_venues")
    assert as_("ana").post("/api/venues", json=BAR).status_code == 201


def test_no_venue_takes_the_address_of_a_page(as_: As) -> None:
    dora = as_("dora")
    assert dora.post("/api/venues", json={"name": "New", "time_zone": "UTC"}).json()["id"] == "new-venue"
    assert dora.post("/api/venues", json={"id": "new", "name": "N", "time_zone": "UTC"}).json()["code"] == "invalid"


def test_positions_of_chinese_maps_are_kept_as_wgs84(as_: As) -> None:
    dora = as_("dora")
    shown = {"name": "Teahouse", "location": [121.531541859215, 31.17530398364597], "datum": "gcj02"}
    made = dora.post("/api/venues", json=shown).json()
    assert made["location"] == pytest.approx([121.5272106, 31.1774276], abs=1e-5)
    baidu = {"location": [116.41036949371029, 39.92133699351021], "datum": "bd09"}
    moved = dora.patch(f"/api/venues/{made['id']}", json=baidu).json()
    assert moved["location"] == pytest.approx([116.39775550083061, 39.91359571849836], abs=1e-5)
    assert dora.patch(f"/api/venues/{made['id']}", json={"datum": "mars"}).status_code == 422


def test_hours_category_and_address_are_said_and_checked(as_: As) -> None:
    ben = as_("ben")
    said = {"opening_hours": "Mo-Fr 09:00-18:00\nSa 10:00-14:00", "category": "cafe", "address": "Quay Street 12"}
    kept = ben.patch("/api/venues/cafe", json=said).json()
    assert (kept["opening_hours"], kept["category"]) == ("Mo-Fr 09:00-18:00; Sa 10:00-14:00", "cafe")
    answer = ben.patch("/api/venues/cafe", json={"opening_hours": "Mo-Fr 9 to 5"})
    assert (answer.status_code, answer.json()["code"]) == (422, "hours_unclear")
    assert "Mo-Fr 9 to 5" in answer.json()["detail"]
    assert ben.patch("/api/venues/cafe", json={"category": "castle"}).json()["code"] == "invalid"


def test_a_pin_that_moves_takes_the_time_zone_along(as_: As) -> None:
    moved = as_("ben").patch("/api/venues/cafe", json={"location": [121.47, 31.23]}).json()
    assert moved["time_zone"] == "Asia/Shanghai"


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


def test_a_request_that_comes_again_makes_no_second_venue(as_: As) -> None:
    dora = as_("dora")
    wanted = {"name": "Kiosk", "location": [11.5, 48.1], "nonce": "the-first-tap-of-dora"}
    first, again = (dora.post("/api/venues", json=wanted) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert as_("ben").post("/api/venues", json=wanted).json()["id"] != first.json()["id"]
    assert dora.post("/api/venues", json={**wanted, "nonce": "short"}).status_code == 422


def test_a_request_that_comes_again_tells_nothing_of_somebody_elses_home(as_: As, session: Session) -> None:
    dora = as_("dora")
    wanted = {"name": "Kiosk", "location": [11.5, 48.1], "nonce": "the-first-tap-of-dora"}
    made = dora.post("/api/venues", json=wanted).json()["id"]
    venues.change(session, id=made, owner_id="ben", kind="home", address="Lane 3")
    again = dora.post("/api/venues", json=wanted).json()
    assert (again["withheld"], again["address"], again["location"]) == (True, "", None)
