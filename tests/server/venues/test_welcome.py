"""Gathering at somebody else's place: asking, answering, and what a yes lets one do."""

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from server.inbox import service as inbox
from server.people import roles
from server.venues import service as venues
from server.venues import welcome
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW

ASK = "/api/venues/cafe/welcome"
STEP = {
    "name": "Walk",
    "venue": "cafe",
    "starts_at": (NOW + HOUR).isoformat(),
    "ends_at": (NOW + 2 * HOUR).isoformat(),
}


def answer(as_: As, yes: bool, by: str = "ben", member_id: str = "cleo") -> Any:
    return as_(by).put(f"/api/venues/cafe/welcomes/{member_id}", json={"welcome": yes})


def test_anonymous_is_refused(as_: As) -> None:
    stranger = as_(None)
    assert stranger.put(ASK, json={}).status_code == 401
    assert stranger.get("/api/venues/cafe/welcomes").status_code == 401
    assert stranger.put("/api/venues/cafe/welcomes/cleo", json={"welcome": True}).status_code == 401
    assert stranger.get("/venues/cafe/welcome").status_code == 401


def test_a_yes_lets_her_gather_there_and_a_no_ends_it(as_: As, session: Session) -> None:
    cleo = as_("cleo")
    event = {"name": "Walk", "steps": [STEP]}
    assert cleo.post("/api/events", json=event).json()["code"] == "not_your_venue"
    asked = cleo.put(ASK, json={"reason": "A walk past six shops."})
    assert asked.status_code == 201
    assert asked.json()["welcome"] is None
    assert cleo.put(ASK, json={}).json()["code"] == "asked_already"
    assert cleo.post("/api/events", json=event).json()["code"] == "not_your_venue"
    assert inbox.count_unread(session, member_id="ben") == 1
    (listed,) = as_("ben").get("/api/venues/cafe/welcomes").json()
    assert (listed["member"], listed["name"], listed["reason"]) == ("cleo", "Cléo Martin", "A walk past six shops.")
    assert answer(as_, True).json()["welcome"] is True
    assert answer(as_, True).json()["welcome"] is True
    assert inbox.count_unread(session, member_id="cleo") == 1
    assert cleo.post("/api/events", json=event).status_code == 201
    assert "Café Lumen" in cleo.get("/new").text
    assert answer(as_, False).json()["welcome"] is False
    assert cleo.post("/api/events", json={**event, "name": "Another"}).json()["code"] == "not_your_venue"
    assert "Café Lumen" not in cleo.get("/new").text


def test_only_who_keeps_it_answers_and_reads_who_asked(as_: As, session: Session) -> None:
    as_("cleo").put(ASK, json={})
    for by in ("cleo", "dora"):
        assert answer(as_, True, by).json()["code"] == "not_your_venue"
        assert as_(by).get("/api/venues/cafe/welcomes").json()["code"] == "not_your_venue"
    roles.give(session, member_id="dora", kind="venue", of_id="cafe", called="", by="ben", now=NOW)
    assert answer(as_, True, "dora").status_code == 200
    assert answer(as_, True, member_id="ana").json()["code"] == "no_such_welcome"


def test_a_no_is_an_answer_for_a_month(as_: As, clock: Clock) -> None:
    as_("cleo").put(ASK, json={})
    answer(as_, False)
    assert as_("cleo").put(ASK, json={}).json()["code"] == "not_welcome"
    clock.now += dt.timedelta(days=30)
    assert as_("cleo").put(ASK, json={"reason": "Once more"}).json()["welcome"] is None


def test_nobody_asks_at_a_home_or_where_nobody_is_or_a_whole_town(as_: As, session: Session) -> None:
    cleo = as_("cleo")
    more: dict[str, Any] = {"time_zone": "UTC", "contact": "x"}
    venues.create(session, id="nobodys", name="Square", **more)
    venues.create(session, id="home", name="Kitchen", kind="home", owner_id="ben", **more)
    venues.create(session, id="mine", name="Mine", owner_id="cleo", **more)
    assert cleo.put("/api/venues/nobodys/welcome", json={}).json()["code"] in ("nobody_there", "venue_not_ready")
    assert cleo.put("/api/venues/home/welcome", json={}).json()["code"] == "venue_unknown"
    assert cleo.put("/api/venues/mine/welcome", json={}).json()["code"] == "nobody_there"
    for number in range(welcome.MOST_ASKED):
        venues.create(session, id=f"shop-{number}", name="Shop", owner_id="ben", **more)
        assert cleo.put(f"/api/venues/shop-{number}/welcome", json={}).status_code == 201
    assert cleo.put(ASK, json={}).json()["code"] == "asked_many"


def test_a_host_who_is_welcome_moves_her_own_steps_there_and_nobody_else_s(as_: As) -> None:
    cleo, dora = as_("cleo"), as_("dora")
    for who in (cleo, dora):
        who.put(ASK, json={})
    answer(as_, True)
    answer(as_, True, member_id="dora")
    event = cleo.post("/api/events", json={"name": "Walk", "steps": [STEP]}).json()
    path = f"/api/events/{event['id']}/steps/{event['steps'][0]['id']}"
    later = {"ends_at": (NOW + 3 * HOUR).isoformat()}
    assert dora.patch(path, json=later).json()["code"] == "not_your_venue"
    assert cleo.patch(path, json=later).status_code == 200
    assert as_("ben").patch(path, json=later).status_code == 200


def test_the_page_asks_and_answers_without_scripts(as_: As) -> None:
    cleo, ben = as_("cleo"), as_("ben")
    assert "What would you like to hold here?" in cleo.get("/venues/cafe/welcome").text
    assert cleo.post("/venues/cafe/welcome", data={"act": "ask", "reason": "<i>Tea</i>"}).status_code == 303
    assert "You have asked." in cleo.get("/venues/cafe/welcome").text
    page = ben.get("/venues/cafe/welcome").text
    assert "&lt;i&gt;Tea&lt;/i&gt;" in page
    assert ben.post("/venues/cafe/welcome", data={"act": "yes", "member": "cleo"}).status_code == 303
    assert "You may gather here." in cleo.get("/venues/cafe/welcome").text
    assert cleo.post("/venues/cafe/welcome", data={"act": "yes", "member": "cleo"}).status_code == 403
    assert "Gather here" in as_("dora").get("/venues/cafe").text
