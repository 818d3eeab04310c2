"""Doors on pages, as a browser without scripts walks them: forms, and where they lead."""

import datetime as dt
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from server.audit import service as audit
from server.checkins.model import CheckIn
from server.doors import service as doors
from server.events import service as events
from server.events import signups
from server.people.model import Member
from tests.server.conftest import As, Clock
from tests.server.doors.scene import MINUTE
from tests.server.places import HOUR, NOW

HTML = {"Accept": "text/html"}
SIGNED_IN = [
    "/events/supper/doors",
    "/venues/cafe/doors",
    "/doors/1/print",
    "/check-ins/1",
    "/asks/1",
    "/me/pass",
]


@pytest.fixture
def supper(as_: As, session: Session) -> TestClient:
    """Cleo's supper; her browser. Ben signed up."""
    host = as_("cleo")
    step = events.NewStep(name="Supper", venue_id="cafe", starts_at=NOW, ends_at=NOW + 3 * HOUR)
    events.create(session, id="supper", name="Friday supper", organizer_id="cleo", steps=[step])
    signups.sign_up(session, event_id="supper", member_id="ben", now=NOW - 2 * HOUR)
    return host


def make(session: Session, kind: str = "poster", **to: Any) -> doors.Made:
    where = to or {"event_id": "supper"}
    return doors.make(session, kind=kind, name="Front", now=NOW - HOUR, made_by="cleo", **where)


def fields(html: str, action: str, nth: int = 0) -> dict[str, str]:
    """The hidden fields of the nth form that posts there."""
    form = re.findall(rf'<form method="post" action="{re.escape(action)}".*?</form>', html, re.DOTALL)[nth]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


@pytest.mark.parametrize("path", SIGNED_IN)
def test_strangers_are_asked_to_sign_in(as_: As, path: str) -> None:
    assert as_(None).get(path, headers=HTML).status_code == 401


def test_a_stranger_is_in_with_two_taps_without_scripts(supper: TestClient, as_: As, session: Session) -> None:
    del supper
    code = make(session).door.code
    phone = as_(None)
    page = phone.get(f"/d/{code.lower() if code else ''}", headers=HTML)
    assert page.status_code == 200
    assert page.text.count("btn wide big") == 1
    form = {**fields(page.text, "/d"), "name": "Mia 🌻"}
    answer = phone.post("/d", data=form)
    assert answer.status_code == 303
    receipt = phone.get(answer.headers["location"], headers=HTML)
    assert "You're in" in receipt.text
    assert "20:00" in receipt.text
    assert "works from a photo" in receipt.text
    # The form again, as a double tap sends it: the same check-in.
    assert as_(None).post("/d", data=form).headers["location"] == answer.headers["location"]


def test_who_is_known_has_one_button_and_others_may_come_by_the_same_phone(
    supper: TestClient, as_: As, session: Session
) -> None:
    del supper
    path = f"/d/{make(session).door.code}"
    phone = as_("ben")
    page = phone.get(path, headers=HTML).text
    assert "You come in as Ben Okafor." in page
    assert phone.post("/d", data=fields(page, "/d")).status_code == 303
    again = phone.get(path, headers=HTML).text
    assert "I'm leaving" in again
    # Ida has no phone: she comes in beside Ben, who stays who he is; a second tap is as one.
    form = {**fields(again, "/d", 1), "name": "Ida"}
    for _ in range(2):
        beside = phone.post("/d", data=form)
        assert (beside.status_code, "Set-Cookie" in beside.headers) == (200, False)
        assert "Ida is in. You are still signed in as Ben Okafor." in beside.text
    assert phone.get("/api/me").json()["name"] == "Ben Okafor"
    assert sorted(one.name for one in session.query(Member).join(CheckIn, CheckIn.member_id == Member.id)) == [
        "Ben Okafor",
        "Ida",
    ]


def test_a_retry_beside_somebody_is_answered_also_when_the_screens_ticket_has_ended(
    supper: TestClient, as_: As, session: Session, clock: Clock
) -> None:
    del supper
    code, _ = doors.screen_code(make(session, "screen").door, clock())
    phone = as_("ben")
    page = phone.get(f"/d/{code}", headers=HTML).text
    form = {**fields(page, "/d", 1), "name": "Ida"}
    assert "Ida is in." in phone.post("/d", data=form).text
    clock.now += 6 * MINUTE
    assert "Ida is in." in phone.post("/d", data=form).text


def test_who_is_in_one_room_comes_into_the_next_by_its_own_door(as_: As, session: Session) -> None:
    phone = as_("ben")
    steps = [
        events.NewStep(name=name, venue_id="cafe", starts_at=NOW, ends_at=NOW + HOUR) for name in ("Left", "Right")
    ]
    events.create(session, id="rooms", name="Rooms", organizer_id="cleo", steps=steps)
    left, right = (f"/d/{make(session, event_id='rooms', step_id=step).door.code}" for step in ("rooms-1", "rooms-2"))
    first = phone.post("/d", data=fields(phone.get(left).text, "/d")).headers["location"]
    assert "I'm leaving" in phone.get(left).text
    page = phone.get(right).text
    assert "You come in as Ben Okafor." in page
    assert phone.post("/d", data=fields(page, "/d")).headers["location"] != first
    assert "You come in as Ben Okafor." in phone.get(left).text


def test_who_is_at_a_place_leaves_it_by_its_door(as_: As, session: Session) -> None:
    phone = as_("dora")
    path = f"/d/{make(session, venue_id='cafe').door.code}"
    receipt = phone.post("/d", data=fields(phone.get(path).text, "/d")).headers["location"]
    page = phone.get(path).text
    assert "I'm leaving" in page
    assert phone.post("/d", data={**fields(page, "/d"), "direction": "out"}).headers["location"] == receipt
    assert "You come in as" in phone.get(path).text


def test_what_is_in_the_way_is_told_on_the_door(supper: TestClient, as_: As, session: Session, clock: Clock) -> None:
    del supper
    code = make(session).door.code
    clock.now = NOW - HOUR - 12 * MINUTE
    phone = as_("ben")
    page = phone.get(f"/d/{code}", headers=HTML).text
    answer = phone.post("/d", data=fields(page, "/d"))
    assert answer.status_code == 403
    assert "Check-in to Friday supper opens in 12 minutes." in answer.text
    assert 'name="nonce"' in answer.text
    assert phone.get("/d/AAAAAA", headers=HTML).status_code == 404
    assert phone.get("/d?code=k7m-2px").headers["location"] == "/d/K7M2PX"
    assert 'name="code"' in phone.get("/d?code=what", headers=HTML).text


def test_a_screens_page_gives_a_ticket_that_outlives_the_code(
    supper: TestClient, as_: As, session: Session, clock: Clock
) -> None:
    del supper
    made = make(session, "screen")
    tablet = as_(None).get(f"/screen/{made.token}", headers=HTML)
    assert tablet.status_code == 200
    assert '<meta http-equiv="refresh"' in tablet.text
    assert "<svg" in tablet.text
    code, _ = doors.screen_code(made.door, NOW)
    phone = as_(None)
    page = phone.get(f"/d/{code}", headers=HTML).text
    clock.now = NOW + 2 * MINUTE
    answer = phone.post("/d", data={**fields(page, "/d"), "name": "Mia"})
    assert answer.status_code == 303
    clock.now = NOW + 10 * MINUTE
    late = as_(None).post("/d", data={**fields(page, "/d"), "nonce": "0123456789abcdef", "name": "Max"})
    assert "This code has changed meanwhile." in late.text


def test_the_host_is_asked_and_the_page_turns(supper: TestClient, as_: As, session: Session) -> None:
    code = make(session).door.code
    assert (
        supper.post("/events/supper/entry", data={"approval": "1", "step": "supper-1", "capacity": ""}).status_code
        == 303
    )
    phone = as_(None)
    form = {**fields(phone.get(f"/d/{code}", headers=HTML).text, "/d"), "name": "Mia"}
    waits = phone.post("/d", data=form).headers["location"]
    page = phone.get(waits, headers=HTML).text
    assert "Cléo Martin has been asked" in page
    assert '<meta http-equiv="refresh"' in page
    host = supper.get("/events/supper/doors", headers=HTML).text
    assert "They ask to come in" in host
    assert "Mia" in host
    ask = waits.rpartition("/")[2]
    assert as_("dora").post(f"/asks/{ask}/answer", data={"answer": "yes"}).status_code == 403
    assert supper.post(f"/asks/{ask}/answer", data={"answer": "yes"}).status_code == 303
    assert phone.get(waits).headers["location"].startswith("/check-ins/")
    assert as_("dora").get(waits, headers=HTML).status_code == 404


def test_that_was_not_me_keeps_the_row(supper: TestClient, as_: As, session: Session) -> None:
    code = make(session).door.code
    phone = as_("ben")
    receipt = phone.post("/d", data=fields(phone.get(f"/d/{code}").text, "/d")).headers["location"]
    assert as_("dora").get(receipt, headers=HTML).status_code == 403
    assert as_("dora").post(f"{receipt}/undo").status_code == 403
    assert "They are in" in supper.get(receipt, headers=HTML).text
    assert phone.post(f"{receipt}/undo").status_code == 303
    assert phone.post(f"{receipt}/undo").status_code == 303
    assert "Taken back" in phone.get(receipt, headers=HTML).text
    noted = audit.read(session, of="event/supper")[0]
    assert (noted.action, noted.actor_id) == ("check_in.undone", "ben")


def test_a_venue_asks_once_whether_to_remember(supper: TestClient, as_: As, session: Session) -> None:
    del supper
    code = make(session, venue_id="cafe").door.code
    phone = as_("dora")
    receipt = phone.post("/d", data=fields(phone.get(f"/d/{code}").text, "/d")).headers["location"]
    question = "Remember your visits to Café Lumen?"
    assert question in phone.get(receipt).text
    assert phone.post(f"{receipt}/remember", data={"answer": "no"}).status_code == 303
    assert question not in phone.get(receipt).text
    assert phone.get("/api/me/remembered-venues").json() == []
    phone.post(f"{receipt}/remember", data={"answer": "yes"})
    assert phone.get("/api/me/remembered-venues").json() == ["cafe"]
    # What is hers alone she takes back herself; who keeps the place hears nothing of it.
    assert as_("ben").post(f"/api{receipt}/undo").json()["code"] == "check_in_not_yours"
    assert phone.post(f"/api{receipt}/undo").status_code == 204
    assert [note.action for note in audit.read(session, of="member/dora")] == ["check_in.undone"]


def test_a_volunteer_works_without_scripts_and_without_an_account(
    supper: TestClient, as_: As, session: Session, clock: Clock
) -> None:
    del supper
    made = make(session, "volunteer")
    path = f"/door/{made.token}"
    door = as_(None)
    assert "Ben Okafor" not in door.get(path).text
    assert "first two letters" in door.get(f"{path}?typed=b").text
    page = door.get(f"{path}?typed=be").text
    assert "Ben Okafor" in page
    let_in = door.post(path, data={**fields(page, path), "member": "ben"})
    assert "Ben Okafor is in." in let_in.text
    again = door.post(path, data={"nonce": "0123456789abcdef", "member": "ben"})
    assert "Ben Okafor was in already, since 20:00." in again.text
    address = as_("dora").get("/api/me/pass").json()["address"]
    assert "Dora Lindqvist is in." in door.post(path, data={"nonce": "1123456789abcdef", "code": address}).text
    number = re.findall(r'name="check_in" value="(\d+)"', door.get(path).text)[0]
    assert door.post(f"{path}/undo", data={"check_in": number}).status_code == 303
    assert "taken back" in door.get(path).text
    noted = next(note for note in audit.read(session, of="event/supper") if note.action == "check_in.undone")
    assert (noted.actor_id, noted.door_id) == (None, made.door.id)
    clock.now = NOW + 5 * HOUR
    closed = door.get(path, headers=HTML)
    assert (closed.status_code, "This door closed at 01:00." in closed.text) == (403, True)
    assert door.get("/door/nothing", headers=HTML).status_code == 404


def test_links_are_shown_once_and_doors_are_closed(supper: TestClient) -> None:
    made = supper.post("/events/supper/doors", data={"kind": "volunteer", "name": "Anna's phone"})
    link = re.findall(r'<code class="link">([^<]+)</code>', made.text)[0]
    assert "/door/" in link
    page = supper.get("/events/supper/doors").text
    assert "Anna&#39;s phone" in page
    assert link not in page
    poster = supper.post("/events/supper/doors", data={"kind": "poster"}).headers["location"]
    assert "Friday supper" in supper.get(poster).text
    number = re.findall(r"/doors/(\d+)/revoke", page)[0]
    assert supper.post(f"/doors/{number}/revoke").status_code == 303
    assert "Anna&#39;s phone" not in supper.get("/events/supper/doors").text


def test_operators_make_doors_and_see_nobody(supper: TestClient, as_: As, session: Session) -> None:
    code = make(session).door.code
    phone = as_(None)
    phone.post("/d", data={**fields(phone.get(f"/d/{code}").text, "/d"), "name": "Mia"})
    assert "Mia" in supper.get("/events/supper/doors").text
    page = as_("ana").get("/events/supper/doors")
    assert page.status_code == 200
    assert "Mia" not in page.text
    assert (
        as_("ana").post("/events/supper/let-in", data={"nonce": "0123456789abcdef", "name": "Max"}).status_code == 403
    )
    assert as_("ben").get("/events/supper/doors", headers=HTML).status_code == 403
    assert as_("ben").get("/venues/cafe/doors").status_code == 200


def test_the_host_lets_in_by_hand(supper: TestClient) -> None:
    page = supper.get("/events/supper/doors?typed=be").text
    form = fields(page, "/events/supper/let-in", 1)
    assert supper.post("/events/supper/let-in", data={**form, "member": "ben"}).status_code == 303
    assert "let in by hand" in supper.get("/events/supper/doors").text
    wrong = supper.post("/events/supper/let-in", data={"nonce": "0123456789abcdef", "name": " "})
    assert wrong.status_code == 422
    number = {"step": "supper-1", "capacity": "many"}
    kept = supper.post("/events/supper/entry", data=number)
    assert (kept.status_code, 'value="many"' in kept.text) == (422, True), "what was typed is there to be mended"


def test_ones_own_code_is_a_picture_and_says_nothing_to_other_cameras(as_: As) -> None:
    page = as_("ben").get("/me/pass").text
    assert "<svg" in page
    assert "Ben Okafor" in page
    address = as_("ben").get("/api/me/pass").json()["address"].removeprefix("http://127.0.0.1:8080")
    shown = as_(None).get(address, headers=HTML)
    assert (shown.status_code, "Ben" in shown.text) == (200, False)


def test_tonight_is_never_empty_from_an_hour_before(
    supper: TestClient, as_: As, session: Session, clock: Clock
) -> None:
    del supper
    ben = as_("ben")
    clock.now = NOW - HOUR - MINUTE
    assert ben.get("/api/me/tonight").json() is None
    clock.now = NOW - HOUR + dt.timedelta(seconds=1)
    card = ben.get("/api/me/tonight").json()
    assert (card["code"], card["title"], card["event"]["id"]) == ("no_badge", "You're expected", "supper")
    assert "Use the code at the door." in ben.get("/tonight").text
    code = make(session).door.code
    ben.post("/d", data=fields(ben.get(f"/d/{code}").text, "/d"))
    card = ben.get("/api/me/tonight").json()
    assert (card["code"], card["sentence"]) == ("in", "19:00 · by the poster at the door")
    assert session.get(Member, "ben") is not None
