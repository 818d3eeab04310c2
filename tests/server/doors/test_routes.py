"""Doors over HTTP: who may, and what the answers look like."""

import datetime as dt
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from config.settings import Settings
from server.checkins.model import Refusal
from server.doors import codes
from server.doors.model import Door
from server.people import access
from tests.server.conftest import As, Clock
from tests.server.doors.scene import MINUTE, nonce
from tests.server.places import HOUR, NOW

SIGNED_IN = [
    ("GET", "/api/events/supper/doors"),
    ("POST", "/api/events/supper/doors"),
    ("GET", "/api/venues/cafe/doors"),
    ("POST", "/api/venues/cafe/doors"),
    ("DELETE", "/api/doors/1"),
    ("GET", "/api/events/supper/asks"),
    ("GET", "/api/asks/1"),
    ("POST", "/api/asks/1/answer"),
    ("PATCH", "/api/events/supper/entry"),
    ("GET", "/api/me/pass"),
    ("GET", "/api/me/remembered-venues"),
    ("PUT", "/api/me/remembered-venues/cafe"),
    ("DELETE", "/api/me/remembered-venues/cafe"),
]


@pytest.fixture
def supper(as_: As) -> TestClient:
    """Cleo's supper in the café, made by the operator; Cleo's browser."""
    step = {"name": "Supper", "venue": "cafe", "starts_at": NOW.isoformat(), "ends_at": (NOW + 3 * HOUR).isoformat()}
    event = {"id": "supper", "name": "Friday supper", "organizer": "cleo", "steps": [step]}
    made = as_("ana").post("/api/events", json=event)
    assert made.status_code == 201, made.text
    return as_("cleo")


def make(host: TestClient, kind: str = "poster", **more: Any) -> dict[str, Any]:
    made = host.post("/api/events/supper/doors", json={"kind": kind, "name": "Front", **more})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def token_of(door: dict[str, Any]) -> str:
    return str(door["link"]).rpartition("/")[2]


def come(client: TestClient, **given: Any) -> Any:
    return client.post("/api/check-ins", json={"nonce": nonce(), **given})


@pytest.mark.parametrize(("method", "path"), SIGNED_IN)
def test_the_anonymous_are_refused(as_: As, method: str, path: str) -> None:
    assert as_(None).request(method, path, json={}).json()["code"] == "sign_in_needed"


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/api/check-ins", {"nonce": "0123456789abcdef", "door": "x", "name": "Mia"}),
        ("/api/doors/search", {"door": "x", "typed": "be"}),
        ("/api/doors/undo", {"door": "x", "check_in": 1}),
    ],
)
def test_who_has_no_link_opens_no_door(as_: As, path: str, given: dict[str, Any]) -> None:
    assert as_(None).post(path, json=given).json()["code"] == "door_unknown"
    assert as_("ana").post(path, json=given).json()["code"] == "door_unknown"
    assert as_(None).get("/api/screens/x").json()["code"] == "door_unknown"


@pytest.mark.usefixtures("supper")
def test_doors_are_made_by_hosts_and_keepers_and_names_read_by_the_host_alone(as_: As) -> None:
    poster = {"kind": "poster", "name": "Front"}
    for who in ("ben", "dora"):
        assert as_(who).get("/api/events/supper/doors").json()["code"] == "not_your_event"
        assert as_(who).post("/api/events/supper/doors", json=poster).json()["code"] == "not_your_event"
        assert as_(who).patch("/api/events/supper/entry", json={}).json()["code"] == "not_your_event"
    assert as_("dora").post("/api/venues/cafe/doors", json=poster).json()["code"] == "not_your_venue"
    assert as_("ben").post("/api/venues/cafe/doors", json=poster).status_code == 201
    assert as_("ana").get("/api/events/supper/asks").json()["code"] == "event_not_yours"
    assert as_("ana").get("/api/events/supper/doors").status_code == 200


def test_a_link_is_shown_once_and_only_its_hash_is_kept(supper: TestClient, session: Session) -> None:
    door = make(supper, "volunteer")
    assert door["closes_at"] == "2026-03-14T00:00:00Z"
    listed = supper.get("/api/events/supper/doors").json()
    assert [(one["id"], one["link"]) for one in listed] == [(door["id"], None)]
    kept = session.get(Door, door["id"])
    assert kept is not None
    assert kept.token_hash == codes.hash_token(token_of(door))


def test_a_stranger_comes_in_with_a_name_and_stays_signed_in(supper: TestClient, as_: As) -> None:
    code = make(supper)["code"]
    phone = as_(None)
    assert come(phone, code=code).json()["code"] == "name_needed"
    answer = come(phone, code=code, name="Mia")
    assert (answer.status_code, answer.json()["result"]) == (200, "in")
    assert access.COOKIE in answer.cookies
    assert phone.get("/api/me").json()["name"] == "Mia"
    assert come(phone, code=code).json()["result"] == "already"
    assert come(phone, code=code, name="Max").json()["code"] == "name_not_needed"


def test_a_refusal_is_a_row_though_it_is_an_error(supper: TestClient, as_: As, session: Session, clock: Clock) -> None:
    code = make(supper)["code"]
    clock.now = NOW - HOUR - 12 * MINUTE
    answer = come(as_("ben"), code=code)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_open_yet")
    assert answer.json()["detail"] == "Check-in to Friday supper opens in 12 minutes."
    assert session.scalars(select(Refusal.code)).all() == ["not_open_yet"]


def test_the_host_is_asked_and_answers(supper: TestClient, as_: As) -> None:
    assert supper.patch("/api/events/supper/entry", json={"approval": True}).status_code == 204
    assert supper.get("/api/events/supper").json()["approval"] is True
    phone = as_(None)
    answer = come(phone, code=make(supper)["code"], name="Mia")
    assert (answer.status_code, answer.json()["result"]) == (202, "asked")
    ask = f"/api/asks/{answer.json()['ask']}"
    assert phone.get(ask).json()["state"] == "waiting"
    assert as_("dora").get(ask).json()["code"] == "event_not_yours"
    assert as_("dora").post(f"{ask}/answer", json={"answer": "yes"}).json()["code"] == "event_not_yours"
    assert [one["name"] for one in supper.get("/api/events/supper/asks").json()] == ["Mia"]
    assert supper.post(f"{ask}/answer", json={"answer": "yes"}).json()["state"] == "in"
    assert supper.post(f"{ask}/answer", json={"answer": "no"}).json()["code"] == "answered_already"
    assert phone.get(ask).json()["state"] == "in"
    assert supper.get("/api/asks/99").json()["code"] == "no_such_ask"


def test_a_volunteer_searches_after_two_letters_and_finds_only_this_event(
    supper: TestClient, as_: As, session: Session
) -> None:
    token = token_of(make(supper, "volunteer"))
    door = as_(None)

    def search(typed: str) -> Any:
        return door.post("/api/doors/search", json={"door": token, "typed": typed}).json()

    session.execute(text("INSERT INTO sign_up (event_id, member_id) VALUES ('supper', 'ben')"))
    for typed in ("b", " ", "", "%", "__", "..", "b%"):
        assert search(typed)["code"] == "two_letters", typed
    assert [hit["name"] for hit in search("BE")] == ["Ben Okafor"]
    assert [hit["name"] for hit in search("oka")] == ["Ben Okafor"]
    assert search("do") == search("en") == search("be%") == search("b_n") == []  # Dora did not sign up
    assert come(door, door=token, member="ben").json()["result"] == "in"
    assert search("be")[0]["in_at"] is not None
    supper.delete(f"/api/doors/{make(supper, 'volunteer')['id']}")
    assert [hit["name"] for hit in search("be")] == ["Ben Okafor"]  # another door was closed


def test_eight_hits_are_the_most(supper: TestClient, as_: As) -> None:
    code = make(supper)["code"]
    for number in range(10):
        assert come(as_(None), code=code, name=f"Mia {number}").json()["result"] == "in"
    token = token_of(make(supper, "volunteer"))
    assert len(as_(None).post("/api/doors/search", json={"door": token, "typed": "mi"}).json()) == 8


def test_a_volunteer_takes_back_her_own_acts_for_ten_minutes(supper: TestClient, as_: As, clock: Clock) -> None:
    token, other = (token_of(make(supper, "volunteer")) for _ in range(2))
    door = as_(None)
    mine = come(door, door=token, name="Mia").json()["check_in"]
    later = come(door, door=token, name="Max").json()["check_in"]

    def undo(token: str, number: int) -> Any:
        return door.post("/api/doors/undo", json={"door": token, "check_in": number})

    assert undo(other, mine).json()["code"] == "not_by_this_door"
    assert undo(token, mine).status_code == 204
    assert undo(token, mine).json()["code"] == "not_by_this_door"
    clock.now = NOW + 11 * MINUTE
    assert undo(token, later).json()["code"] == "not_by_this_door"


@pytest.mark.parametrize("kind", ["volunteer", "screen"])
def test_a_revoked_link_is_dead_at_once(supper: TestClient, as_: As, kind: str) -> None:
    door = make(supper, kind)
    token = token_of(door)
    assert supper.delete(f"/api/doors/{door['id']}").status_code == 204
    assert supper.get("/api/events/supper/doors").json() == []
    if kind == "screen":
        assert as_(None).get(f"/api/screens/{token}").json()["code"] == "door_revoked"
    else:
        search = {"door": token, "typed": "be"}
        assert as_(None).post("/api/doors/search", json=search).json()["code"] == "door_revoked"
        assert come(as_(None), door=token, name="Mia").json()["code"] == "door_revoked"


def test_a_screen_shows_a_code_that_lets_in(supper: TestClient, as_: As, clock: Clock) -> None:
    token = token_of(make(supper, "screen"))
    shown = as_(None).get(f"/api/screens/{token}").json()
    assert shown["svg"].startswith("<svg")
    assert come(as_("ben"), code=shown["code"]).json()["evidence"] == "screen"
    clock.now = NOW + dt.timedelta(seconds=30)
    assert as_(None).get(f"/api/screens/{token}").json()["code"] != shown["code"]


def test_ones_personal_code_lets_in_at_a_volunteers_door(supper: TestClient, as_: As) -> None:
    address = as_("dora").get("/api/me/pass").json()["address"]
    assert len(address) < 400
    token = token_of(make(supper, "volunteer"))
    assert come(as_(None), door=token, shown=address).json()["evidence"] == "qr"
    assert come(as_("ben"), shown=address, event="supper").json()["code"] == "event_not_yours"


def test_a_phone_whose_clock_is_an_hour_off_is_corrected(supper: TestClient, as_: As) -> None:
    off = NOW + HOUR
    told = {"at": (off - 5 * MINUTE).isoformat(), "sent_at": off.isoformat()}
    found = come(as_("ben"), code=make(supper)["code"], **told).json()
    assert (found["at"], found["flags"]) == ("2026-03-13T18:55:00Z", ["late"])


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"nonce": "x"},
        {"nonce": "0123456789abcdef", "direction": "up"},
        {"nonce": "0123456789abcdef", "code": "x" * 41},
        {"nonce": "0123456789abcdef", "fix": {"position": [1], "accuracy_m": 1}},
        {"nonce": "0123456789abcdef", "at": "yesterday"},
        {"nonce": "0123456789abcdef", "odd": 1},
    ],
)
def test_what_is_no_request_is_told_so(as_: As, wrong: dict[str, Any]) -> None:
    assert as_("ben").post("/api/check-ins", json=wrong).status_code == 422


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "gate", "name": "x"},
        {"kind": "poster", "name": ""},
        {"kind": "poster", "name": "x", "step": "other-1"},
        {"kind": "volunteer", "name": "x", "ends_at": "2020-01-01T00:00:00Z"},
        {"kind": "volunteer", "name": "x", "ends_at": "2099-01-01T00:00:00Z"},
    ],
)
def test_a_door_that_cannot_be_is_not_made(supper: TestClient, wrong: dict[str, Any]) -> None:
    assert supper.post("/api/events/supper/doors", json=wrong).status_code in (404, 422)
    assert supper.get("/api/events/supper/doors").json() == []


def test_places_are_bounded(supper: TestClient) -> None:
    def change(**given: Any) -> int:
        return int(supper.patch("/api/events/supper/entry", json=given).status_code)

    assert change(places=[{"step": "supper-1", "capacity": 30}]) == 204
    assert supper.get("/api/events/supper").json()["steps"][0]["capacity"] == 30
    assert change(places=[{"step": "supper-1", "capacity": None}]) == 204
    assert (
        change(places=[{"step": "supper-1", "capacity": 0}]),
        change(places=[{"step": "party-1", "capacity": 3}]),
    ) == (422, 404)


def test_a_venue_is_remembered_when_she_wants_it(as_: As) -> None:
    ben = as_("ben")
    assert ben.put("/api/me/remembered-venues/cafe").status_code == 204
    assert ben.get("/api/me/remembered-venues").json() == ["cafe"]
    assert ben.delete("/api/me/remembered-venues/cafe").status_code == 204
    assert ben.get("/api/me/remembered-venues").json() == []
    assert ben.put("/api/me/remembered-venues/nowhere").json()["code"] == "venue_unknown"


def test_guessed_codes_are_counted_and_right_ones_never_are(supper: TestClient, as_: As, settings: Settings) -> None:
    code = make(supper)["code"]
    for number in range(settings.limits.guesses_at_once):
        assert come(as_(None), code=code, name=f"Guest {number}").status_code == 200
    wrong = "AAAAAA" if code != "AAAAAA" else "BBBBBB"
    for _ in range(settings.limits.guesses_at_once):
        assert come(as_(None), code=wrong, name="Mia").json()["code"] == "code_unknown"
    answer = come(as_(None), code=wrong, name="Mia")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many")
    assert int(answer.headers["Retry-After"]) > 0
