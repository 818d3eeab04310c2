"""Events over HTTP."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy.orm import Session

from server.events import signups
from server.venues import service as venues
from tests.server.conftest import As, Clock

NIGHT: dict[str, Any] = {
    "name": "Night of ideas",
    "organizer": "cleo",
    "steps": [
        {
            "name": "Talk",
            "venue": "cafe",
            "zone": "cafe-back",
            "starts_at": "2026-03-13T21:00:00+01:00",
            "ends_at": "2026-03-13T23:00:00+01:00",
            "capacity": 30,
        }
    ],
}


GOING = {"state": "going", "guests": 0, "before": None, "steps": []}


def changed(**step: Any) -> dict[str, Any]:
    """The event with one thing about its step changed."""
    return {**NIGHT, "steps": [{**NIGHT["steps"][0], **step}]}


def test_anonymous_is_refused(as_: As) -> None:
    stranger = as_(None)
    assert stranger.get("/api/events").status_code == 401
    assert stranger.post("/api/events", json=NIGHT).status_code == 401
    assert stranger.put("/api/events/night-of-ideas/sign-up").status_code == 401


def test_the_shop_owner_makes_an_event_for_an_organizer(as_: As) -> None:
    answer = as_("ben").post("/api/events", json=NIGHT)
    assert answer.status_code == 201
    seen = as_("cleo").get("/api/events/night-of-ideas").json()
    assert (seen["organizer"], seen["signed_up"], seen["simulated"]) == (True, False, False)
    assert seen["steps"] == [
        {
            "id": "night-of-ideas-1",
            "name": "Talk",
            "venue": "cafe",
            "zone": "cafe-back",
            "opens_at": "2026-03-13T19:00:00Z",
            "starts_at": "2026-03-13T20:00:00Z",
            "ends_at": "2026-03-13T22:00:00Z",
            "dwell_signed_up_s": 15.0,
            "dwell_walk_in_s": 90.0,
            "capacity": 30,
            "version": 1,
        }
    ]
    assert as_("dora").get("/api/events").json()[0]["organizer"] is False


def test_nobody_makes_an_event_at_other_people_s_venues(as_: As, session: Session) -> None:
    venues.create(session, id="bar", name="Bar", time_zone="UTC", owner_id="dora", contact="at the bar")
    both = {**NIGHT, "steps": [NIGHT["steps"][0], {**NIGHT["steps"][0], "venue": "bar", "zone": None}]}
    for member_id, wanted in (("cleo", NIGHT), ("dora", NIGHT), ("ben", both), ("dora", both)):
        answer = as_(member_id).post("/api/events", json=wanted)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_your_venue")
    assert as_("ana").post("/api/events", json=both).status_code == 201
    assert as_("dora").post("/api/events", json=changed(venue="bar", zone=None)).status_code == 201


@pytest.mark.parametrize(
    "time",
    [
        "2026-03-13T21:00:00",
        "2026-03-13",
        "2026-02-30T21:00:00Z",
        "2026-03-13T25:00:00Z",
        "1773432000",
        1773432000,
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "",
        None,
    ],
)
def test_a_time_without_its_offset_or_that_is_none_is_refused(as_: As, time: Any) -> None:
    ben = as_("ben")
    answer = ben.post("/api/events", json=changed(starts_at=time))
    assert answer.status_code == 422
    assert [fault["at"] for fault in answer.json()["faults"]] == ["steps.0.starts_at"]
    assert ben.post("/api/events", json=NIGHT).status_code == 201


def test_what_cannot_be_right_is_refused(as_: As) -> None:
    ben = as_("ben")
    for wanted in (
        {**NIGHT, "steps": []},
        changed(ends_at="2026-03-13T21:00:00+01:00"),
        changed(capacity=0),
        changed(dwell_walk_in_s=-1),
    ):
        assert ben.post("/api/events", json=wanted).json()["code"] == "invalid"
    assert ben.post("/api/events", json=changed(zone="kitchen")).json()["code"] == "zone_unknown"
    assert ben.post("/api/events", json=changed(venue="nowhere")).json()["code"] == "venue_unknown"
    assert ben.post("/api/events", json={**NIGHT, "organizer": "nobody"}).json()["code"] == "member_unknown"


def test_signing_up_and_withdrawing(as_: As, session: Session, clock: Clock) -> None:
    as_("ben").post("/api/events", json=NIGHT)
    dora, path = as_("dora"), "/api/events/night-of-ideas"
    for _ in range(2):
        answer = dora.put(f"{path}/sign-up")
        assert (answer.status_code, answer.json()) == (200, GOING)
    assert dora.get(path).json()["signed_up"] is True
    assert as_("cleo").get(path).json()["signed_up"] is False
    assert dora.delete(f"{path}/sign-up").status_code == 204
    assert dora.delete(f"{path}/sign-up").json()["code"] == "not_signed_up"
    clock.now += dt.timedelta(hours=3)
    assert dora.put(f"{path}/sign-up").json()["code"] == "event_over"
    assert signups.count_sign_ups(session, event_id="night-of-ideas") == 0


def test_nobody_is_told_who_signed_up(as_: As) -> None:
    as_("ben").post("/api/events", json=NIGHT)
    as_("dora").put("/api/events/night-of-ideas/sign-up")
    for member_id in ("ana", "ben", "cleo"):
        assert "dora" not in as_(member_id).get("/api/events/night-of-ideas").text.lower()
