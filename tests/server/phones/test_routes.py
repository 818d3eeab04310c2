"""Phones over HTTP: what they say, their logins, and venues' beacons."""

import dataclasses
import json
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Settings
from geo import cells
from server.consent import service as consent
from server.people import service as people
from server.phones import owntracks
from tests.server.conftest import As
from tests.server.erasure.test_export import read
from tests.server.phones import scene
from tests.server.phones.scene import MINUTE
from tests.server.places import CAFE, NOW

FIX = {"position": CAFE, "accuracy_m": 20}
BEACON = {"uuid": scene.UUID, "major": scene.MAJOR, "minor": scene.MINOR}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/me/position"),
        ("POST", "/api/heard"),
        ("GET", "/api/me/phones"),
        ("POST", "/api/me/phones"),
        ("DELETE", "/api/me/phones/1"),
        ("GET", "/api/venues/cafe/beacons"),
        ("POST", "/api/venues/cafe/beacons"),
        ("DELETE", "/api/venues/cafe/beacons/1"),
    ],
)
def test_anonymous_is_refused(as_: As, method: str, path: str) -> None:
    assert as_(None).request(method, path, json={}).json()["code"] == "sign_in_needed"


def test_a_phone_needs_its_login_and_no_session_opens_it(as_: As, session: Session) -> None:
    stranger = as_(None)
    _, password = scene.make_phone(session)
    for headers in (
        {},
        scene.basic("dora/pixel", "wrong"),
        scene.basic("dora", password),
        {"Authorization": "Basic ?"},
    ):
        answer = stranger.post("/api/owntracks", content=scene.body(scene.location()), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "phone_unknown")
    assert as_("dora").post("/api/owntracks", content=b"{}").status_code == 401
    headers = scene.basic("dora/pixel", password)
    answer = stranger.post("/api/owntracks", content=scene.body(scene.location()), headers=headers)
    assert (answer.status_code, answer.json()) == (200, [])
    assert stranger.get("/api/me/positions", headers=headers).status_code == 401


def test_guessing_is_counted_and_the_right_one_waits_with_it(as_: As, session: Session) -> None:
    stranger = as_(None)
    scene.make_phone(session)
    wrong = scene.basic("dora/pixel", "wrong")
    codes = {stranger.post("/api/owntracks", content=b"{}", headers=wrong).status_code for _ in range(101)}
    assert codes == {401, 429}


def test_what_owntracks_sends_is_kept_as_a_cell(as_: As) -> None:
    dora = as_("dora")
    made = dora.post("/api/me/phones", json={"name": "Pixel"}).json()
    headers = scene.basic(made["login"], made["password"]) | {"X-Limit-U": "dora/pixel", "X-Limit-D": "pixel"}
    stranger = as_(None)
    for content in (scene.body(scene.location()), scene.body({"_type": "card", "name": "D"}, {"_type": "odd"}), b""):
        answer = stranger.post("/api/owntracks", content=content, headers=headers)
        assert (answer.status_code, answer.json()) == (200, [])
    (found,) = dora.get("/api/me/positions").json()
    assert (found["source"], found["device"], found["cell"]) == ("phone", "pixel", f"{cells.of(CAFE, cells.NEAR):x}")
    (phone,) = dora.get("/api/me/phones").json()
    assert (phone["heard_at"], phone["trouble"], "password" in phone) == ("2026-03-13T19:00:00Z", None, False)


def test_an_encrypted_message_is_refused_with_what_to_change(as_: As, session: Session) -> None:
    dora = as_("dora")
    _, password = scene.make_phone(session)
    headers = scene.basic("dora/pixel", password)
    answer = as_(None).post(
        "/api/owntracks", content=scene.body({"_type": "encrypted", "data": "TestCipherText"}), headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "message_encrypted")
    assert "Encryption key" in answer.json()["detail"]
    assert dora.get("/api/me/phones").json()[0]["trouble"] == "encrypted"
    as_(None).post("/api/owntracks", content=scene.body(scene.location()), headers=headers)
    assert dora.get("/api/me/phones").json()[0]["trouble"] is None


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 422, "message_unclear"),
        (scene.body({"_type": "location", "tst": 0, "lat": 1, "lon": 1, "tid": "x"}), 422, "message_unclear"),
        (scene.body({"_type": "location", "tst": 1_773_428_400, "lat": 1, "lon": 1}), 422, "message_unclear"),
        (b" " * (owntracks.PAYLOAD_MAX_BYTES + 1), 413, "too_large"),
        (scene.body(scene.location(topic="owntracks/ben/pixel")), 403, "other_topic"),
        (scene.body(scene.location(topic="owntracks/dora-2/pixel")), 403, "other_topic"),
    ],
)
def test_what_cannot_be_is_a_problem(as_: As, session: Session, content: bytes, status: int, code: str) -> None:
    stranger = as_(None)
    _, password = scene.make_phone(session)
    headers = scene.basic("dora/pixel", password)
    answer = stranger.post("/api/owntracks", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    right = scene.body(scene.location(topic="owntracks/dora/pixel/pixel"))
    assert stranger.post("/api/owntracks", content=right, headers=headers).status_code == 200


def test_another_member_s_name_is_refused(as_: As, session: Session) -> None:
    stranger = as_(None)
    _, password = scene.make_phone(session)
    headers, content = scene.basic("dora/pixel", password), scene.body(scene.location())
    for more, query in (({"X-Limit-U": "ben"}, ""), ({}, "?u=ben&d=pixel"), ({"X-Limit-D": "ben/pixel"}, "")):
        answer = stranger.post(f"/api/owntracks{query}", content=content, headers=headers | more)
        assert (answer.status_code, answer.json()["code"]) == (403, "other_topic")
    assert stranger.post("/api/owntracks?u=dora&d=pixel", content=content, headers=headers).status_code == 200


def test_a_phone_that_speaks_too_fast_is_told_when_to_come_again(
    make_app: Callable[[Settings], FastAPI], settings: Settings, as_: As, session: Session
) -> None:
    as_(None)
    _, password = scene.make_phone(session)
    slow = dataclasses.replace(settings, limits=dataclasses.replace(settings.limits, phone_at_once=2, phone_per_h=60))
    client = TestClient(make_app(slow), raise_server_exceptions=False)
    content, headers = scene.body(scene.location()), scene.basic("dora/pixel", password)
    answers = [client.post("/api/owntracks", content=content, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 60


def test_a_browser_s_answer_is_kept_for_an_hour(as_: As, session: Session) -> None:
    dora = as_("dora")
    found = dora.post("/api/me/position", json=FIX).json()
    assert (found["source"], found["until"]) == ("browser", "2026-03-13T20:00:00Z")
    assert found["accuracy_m"] > 200
    for at in ("2026-03-13T17:00:00Z", "2026-03-13T20:00:00Z"):
        assert dora.post("/api/me/position", json={**FIX, "at": at}).json()["code"] == "fix_old"
    consent.pause(session, member_id="dora", now=NOW)
    assert dora.post("/api/me/position", json=FIX).json()["code"] == "paused"
    for wrong in ({**FIX, "accuracy_m": -1}, {**FIX, "position": [13, 91]}, {"position": CAFE}):
        assert dora.post("/api/me/position", json=wrong).status_code == 422


def test_a_beacon_heard_checks_in_who_wants_that(as_: As, session: Session) -> None:
    dora = as_("dora")
    scene.make_night(session)
    assert dora.post("/api/heard", json=BEACON).json()["code"] == "beacon_unknown"
    made = as_("ben").post("/api/venues/cafe/beacons", json=BEACON)
    assert (made.status_code, made.json()["uuid"]) == (201, scene.UUID)
    assert dora.post("/api/heard", json=BEACON).json()["code"] == "hearing_off"
    scene.let_use(session)
    assert dora.post("/api/heard", json=BEACON).json() == {"venue": "cafe", "results": ["in"]}
    assert dora.post("/api/heard", json=BEACON).json() == {"venue": "cafe", "results": []}
    assert scene.check_ins(session) == [("night-1", NOW, "heard")]
    assert dora.post("/api/heard", json={**BEACON, "at": "2026-03-11T19:00:00Z"}).json()["code"] == "fix_old"
    assert dora.post("/api/heard", json={**BEACON, "event": "dance"}).status_code == 422


def test_beacons_are_told_to_who_keeps_the_venue_alone(as_: As) -> None:
    ben = as_("ben")
    (number,) = [ben.post("/api/venues/cafe/beacons", json=BEACON).json()["number"]]
    assert as_("dora").get("/api/venues/cafe/beacons").json()["code"] == "not_your_venue"
    assert [one["major"] for one in ben.get("/api/venues/cafe/beacons").json()] == [scene.MAJOR]
    assert ben.post("/api/venues/cafe/beacons", json=BEACON).json()["code"] == "beacon_taken"
    assert ben.post("/api/venues/cafe/beacons", json={**BEACON, "uuid": "no"}).json()["code"] == "invalid"
    assert ben.delete(f"/api/venues/cafe/beacons/{number}").status_code == 204
    assert ben.delete(f"/api/venues/cafe/beacons/{number}").json()["code"] == "beacon_unknown"


def test_a_phone_is_added_in_person_and_by_no_guest(as_: As, session: Session) -> None:
    dora = as_("dora")
    guest = people.create_guest(session, name="Bo").id
    assert as_(guest).post("/api/me/phones", json={"name": "Pixel"}).json()["code"] == "account_needed"
    made = dora.post("/api/me/phones", json={"name": "Dora's Pixel 8"}).json()
    assert (made["login"], made["over_mqtt"]) == ("dora/dora-s-pixel-8", False)
    assert made["link"].startswith("owntracks:///config?inline=")
    assert dora.delete(f"/api/me/phones/{made['number']}").status_code == 204
    assert session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'phones.sweep'")) == 1
    assert dora.delete(f"/api/me/phones/{made['number']}").json()["code"] == "phone_gone"


def test_phones_are_taken_along_without_what_is_secret(as_: As, session: Session) -> None:
    as_(None)
    scene.make_phone(session)
    scene.let_use(session)
    scene.make_beacon(session)
    as_("dora").post("/api/heard", json={**BEACON, "at": (NOW - MINUTE).isoformat()})
    found = read(as_, "dora")
    assert [row["device"] for row in found["phone.json"]] == ["pixel"]
    assert [row["venue_id"] for row in found["hearing.json"]] == ["cafe"]
    assert "password" not in json.dumps(found["phone.json"])
