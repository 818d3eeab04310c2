"""Agents over HTTP."""

import datetime as dt

from sqlalchemy.orm import Session

from server.fleet import service as fleet
from server.venues import service as venues
from tests.server.conftest import As, Clock
from tests.server.places import CAFE

BACK = {"venue": "cafe", "zone": "cafe-back", "location": list(CAFE), "rssi_floor": -80}


def test_anonymous_is_refused(as_: As) -> None:
    stranger = as_(None)
    assert stranger.get("/api/agents").status_code == 401
    assert stranger.post("/api/agents", json={"id": "window"}).status_code == 401
    assert stranger.post("/api/agents/cafe-door/placements", json=BACK).status_code == 401


def test_a_key_is_shown_once(as_: As, session: Session) -> None:
    ana = as_("ana")
    answer = ana.post("/api/agents", json={"id": "window", "placement": BACK})
    assert answer.status_code == 201
    key = answer.json()["key"]
    assert fleet.get(session, "window").key == bytes.fromhex(key)
    for path in ("/api/agents", "/api/agents/window"):
        assert key not in ana.get(path).text
    assert ana.post("/api/agents", json={"id": "window"}).json()["code"] == "agent_exists"


def test_only_operators_enrol(as_: As) -> None:
    for member_id in ("ben", "dora"):
        assert as_(member_id).post("/api/agents", json={"id": "window"}).json()["code"] == "operators_only"
    assert as_("ana").post("/api/agents", json={"id": "window"}).status_code == 201


def test_a_shop_owner_moves_an_agent_within_her_venues(as_: As, session: Session, clock: Clock) -> None:
    venues.create(session, id="bar", name="Bar", time_zone="UTC", owner_id="dora", contact="at the bar")
    ben, path = as_("ben"), "/api/agents/cafe-door/placements"
    assert ben.post(path, json={"venue": "bar", "zone": "bar-everywhere"}).json()["code"] == "not_your_venue"
    assert as_("dora").post(path, json=BACK).json()["code"] == "not_your_venue"
    answer = ben.post(path, json=BACK)
    assert answer.status_code == 201
    assert answer.json() == {**BACK, "since": "2026-03-13T19:00:00Z", "until": None}
    assert ben.post(path, json=BACK).status_code == 201
    clock.now += dt.timedelta(minutes=5)
    assert ben.post(path, json=BACK).status_code == 201  # it stands there already
    assert [place["until"] for place in ben.get("/api/agents/cafe-door").json()["placements"]] == [
        None,
        "2026-03-13T19:00:00Z",
    ]


def test_a_place_told_for_the_past_asks_for_the_owner_of_all_it_concerns(as_: As, session: Session) -> None:
    venues.create(session, id="bar", name="Bar", time_zone="UTC", owner_id="dora", contact="at the bar")
    path = "/api/agents/cafe-door/placements"
    past = {"since": "2026-03-13T18:30:00Z", "until": "2026-03-13T18:45:00Z"}
    assert as_("ana").post(path, json={"venue": "bar", "zone": "bar-everywhere", **past}).status_code == 201
    front = {"venue": "cafe", "zone": "cafe-front", "since": "2026-03-13T18:20:00Z"}
    assert as_("ben").post(path, json=front).json()["code"] == "not_your_venue"
    assert as_("ana").post(path, json={**front, "rssi_floor": -70}).json()["code"] == "floor_only_from_now_on"
    assert as_("ana").post(path, json={**front, "since": "2026-03-13T20:00:00Z"}).json()["code"] == "not_yet"


def test_everybody_sees_the_agents_of_their_venues(as_: As) -> None:
    ana = as_("ana")
    ana.post("/api/agents", json={"id": "spare"})
    assert [agent["id"] for agent in ana.get("/api/agents").json()] == ["cafe-door", "spare"]
    ben = as_("ben")
    assert [agent["id"] for agent in ben.get("/api/agents").json()] == ["cafe-door"]
    assert ben.get("/api/agents/spare").json()["code"] == "not_your_venue"
    assert as_("dora").get("/api/agents").json() == []
    assert as_("dora").get("/api/agents/cafe-door").status_code == 403


def test_what_is_unknown_is_not_found(as_: As) -> None:
    ana = as_("ana")
    assert ana.get("/api/agents/nobody").json()["code"] == "agent_unknown"
    wanted = {"venue": "nowhere", "zone": "x"}
    assert ana.post("/api/agents/cafe-door/placements", json=wanted).json()["code"] == "venue_unknown"
    assert ana.post("/api/agents", json={"id": "Not an id"}).json()["code"] == "invalid"
