"""Pulse: one question at a time, answered by who is there, told in numbers from five answers on."""

import datetime as dt
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from server import topics
from server.erasure import service as erasure
from server.events import making
from server.events import service as events
from server.live import gatherings, members
from server.live.rights import Audience
from server.people import service as people
from server.pulse import service as pulse
from server.times import to_ms
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW
from tests.server.presence import scene

NEW: dict[str, Any] = {"question": "One more story?", "choices": ["Yes", "No"], "nonce": "one"}
ROOM = ("emil", "fay", "gina", "hugo", "ida")


@pytest.fixture
def host(as_: As, session: Session) -> TestClient:
    """Cléo's browser, while her night runs in the cafe; five came, and Dora did not."""
    client = as_("cleo")
    step = events.NewStep("Talk", "cafe", NOW - HOUR, NOW + HOUR)
    events.create(session, id="night", name="Night", organizer_id="cleo", steps=[step])
    for member_id in ROOM:
        people.create(session, id=member_id, name=member_id.capitalize())
        scene.arrive(session, member_id, NOW, "night-1")
    return client


def ask(host: TestClient, **other: Any) -> dict[str, Any]:
    answer = host.post("/api/events/night/pulses", json={**NEW, **other})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def answers(as_: As, number: int, choice: int, *member_ids: str) -> list[str | None]:
    path = f"/api/pulses/{number}/answer"
    return [as_(member_id).put(path, json={"choice": choice}).json().get("code") for member_id in member_ids]


def test_anonymous_is_refused(host: TestClient) -> None:
    asked = ask(host)
    host.cookies.clear()
    for refused in (
        host.get("/api/events/night/pulses"),
        host.post("/api/events/night/pulses", json=NEW),
        host.put(f"/api/pulses/{asked['id']}/answer", json={"choice": 0}),
        host.post(f"/api/pulses/{asked['id']}/close"),
    ):
        assert refused.status_code == 401


def test_numbers_are_told_from_five_answers_on(host: TestClient, as_: As) -> None:
    number = ask(host)["id"]
    assert answers(as_, number, 0, "emil", "fay", "gina", "hugo") == [None] * 4
    (few,) = host.get("/api/events/night/pulses").json()
    assert (few["answers"], few["counts"], few["open"], few["mine"]) == (4, None, True, None)
    assert answers(as_, number, 1, "ida", "emil") == [None, None]  # Emil thought again
    (told,) = as_("emil").get("/api/events/night/pulses").json()
    assert (told["answers"], told["counts"], told["mine"]) == (5, [3, 2], 1)


def test_only_who_is_there_answers_or_sees_it(host: TestClient, as_: As, session: Session) -> None:
    number = ask(host)["id"]
    assert answers(as_, number, 0, "dora", "cleo", "ana") == ["not_in_the_room"] * 3
    assert as_("dora").get("/api/events/night/pulses").json()["code"] == "not_in_the_room"
    assert as_("dora").get("/events/night/pulse").status_code == 403
    checkin = session.execute(text("SELECT id FROM checkin WHERE member_id = 'emil'")).scalar_one()
    for place, direction in enumerate(("out", "in")):
        session.execute(
            text(
                "INSERT INTO passage (checkin_id, member_id, direction, at, recorded_at, evidence)"
                " VALUES (:checkin, 'emil', :direction, :at, :at, 'volunteer')"
            ),
            {"checkin": checkin, "direction": direction, "at": NOW + dt.timedelta(seconds=place)},
        )
        expected = "not_in_the_room" if direction == "out" else None
        assert answers(as_, number, 0, "emil") == [expected]


def test_only_hosts_ask_and_close_and_one_question_at_a_time(host: TestClient, as_: As) -> None:
    for member_id in ("emil", "ben", "ana"):
        assert as_(member_id).post("/api/events/night/pulses", json=NEW).json()["code"] == "event_not_yours"
    first = ask(host)
    assert ask(host)["id"] == first["id"], "a retry asks once"
    assert host.post("/api/events/night/pulses", json={**NEW, "nonce": "two"}).json()["code"] == "pulse_open"
    assert as_("emil").post(f"/api/pulses/{first['id']}/close").json()["code"] == "event_not_yours"
    closed = host.post(f"/api/pulses/{first['id']}/close").json()
    assert closed["open"] is False
    assert host.post(f"/api/pulses/{first['id']}/close").json()["closed_at"] == closed["closed_at"]
    assert answers(as_, first["id"], 0, "emil") == ["pulse_closed"]
    assert ask(host, nonce="two")["id"] != first["id"]
    assert host.post("/api/pulses/999999/close").json()["code"] == "pulse_unknown"


def test_a_question_ends_with_the_gathering(host: TestClient, as_: As, clock: Clock) -> None:
    number = ask(host)["id"]
    clock.now = NOW + HOUR
    assert answers(as_, number, 0, "emil") == ["pulse_closed"]
    assert host.get("/api/events/night/pulses").json()[0]["open"] is False
    assert host.post("/api/events/night/pulses", json={**NEW, "nonce": "two"}).json()["code"] == "event_not_running"


def test_a_question_of_the_first_day_is_not_asked_again_on_the_second(
    host: TestClient, as_: As, session: Session, clock: Clock
) -> None:
    day = dt.timedelta(days=1)
    again = events.NewStep("Talk again", "cafe", NOW - HOUR + day, NOW + HOUR + day)
    making.add(session, events.get(session, "night"), again)
    number = ask(host)["id"]
    clock.now = NOW + day
    assert pulse.asked_of(session, member_id="emil")[0].to_at == NOW + HOUR
    assert answers(as_, number, 0, "emil") == ["pulse_closed"]
    assert ask(host, nonce="two")["id"] != number
    (first,) = (one for one in host.get("/api/events/night/pulses").json() if one["id"] == number)
    assert first["open"] is False


def test_what_is_called_off_asks_nobody(host: TestClient, as_: As, session: Session) -> None:
    number = ask(host)["id"]
    assert host.post("/api/events/night/cancel", json={"reason": "The roof leaks."}).status_code == 200
    assert pulse.asked_of(session, member_id="emil") == ()
    assert pulse.latest(session, event_id="night") is None
    assert answers(as_, number, 0, "emil") == ["pulse_closed"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"question": " "},
        {"question": "x" * 121},
        {"choices": ["Yes"]},
        {"choices": ["Yes", " Yes ", ""]},
        {"choices": [str(number) for number in range(6)]},
        {"choices": ["Yes", "n" * 41]},
        {"choices": ["Yes", "No\x00"]},
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(host: TestClient, wrong: dict[str, Any]) -> None:
    answer = host.post("/api/events/night/pulses", json={**NEW, **wrong})
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith(".")
    assert host.get("/api/events/night/pulses").json() == []


def test_an_answer_is_one_of_the_choices(host: TestClient, as_: As) -> None:
    number = ask(host)["id"]
    path = f"/api/pulses/{number}/answer"
    assert [as_("emil").put(path, json={"choice": choice}).status_code for choice in (-1, 2, 5)] == [422] * 3


def test_answers_of_who_was_taken_back_do_not_count_and_of_who_was_erased_do(
    host: TestClient, as_: As, session: Session
) -> None:
    number = ask(host)["id"]
    people.create(session, id="jan", name="Jan")
    scene.arrive(session, "jan", NOW, "night-1")
    answers(as_, number, 0, *ROOM, "jan")
    session.execute(text("UPDATE checkin SET undone_at = :now WHERE member_id = 'jan'"), {"now": NOW})
    assert host.get("/api/events/night/pulses").json()[0]["counts"] == [5, 0]
    erasure.erase(session, member_id="emil", now=NOW)
    assert host.get("/api/events/night/pulses").json()[0]["counts"] == [5, 0]


def test_the_wall_and_the_phones_hear_of_it(host: TestClient, as_: As, session: Session) -> None:
    names = ["event/night", "member/emil", "member/dora"]
    before = topics.revisions(session, names)
    number = ask(host)["id"]
    raised = topics.revisions(session, names)
    assert [raised[name] > before[name] for name in names] == [True, True, False]

    def wall(now: dt.datetime = NOW) -> dict[str, Any]:
        drawn = gatherings.draw(gatherings.load(session, event_id="night"), to_ms(now), Audience.ORGANIZER, {})
        found: dict[str, Any] = drawn["pulse"]
        return found

    def phone(now: dt.datetime = NOW) -> Any:
        return members.draw(members.load(session, member_id="emil"), now)["pulse"]

    assert (wall()["open"], wall()["answers"], wall()["counts"]) == (True, 0, None)
    assert wall(NOW + HOUR)["open"] is False
    assert phone() == {"id": number, "event": {"id": "night", "name": "Night"}, "question": "One more story?"}
    assert phone(NOW + HOUR) is None
    assert "One more story?" in as_("emil").get("/tonight").text
    answers(as_, number, 0, *ROOM)
    assert wall()["counts"] == [5, 0]
    assert phone() is None, "who answered is asked no more"
    assert topics.revisions(session, names)["event/night"] > raised["event/night"]


def test_the_pages_work_without_scripts(host: TestClient, as_: As) -> None:
    page = host.get("/events/night/pulse").text
    assert "What do you want to know?" in page
    nonce = page.partition('name="nonce" value="')[2].partition('"')[0]
    form = {"nonce": nonce, "question": "<b>Again?</b>", "choice": ["Yes", "No", "", "", ""]}
    refused = host.post("/events/night/pulse", data={**form, "choice": ["Yes", ""]})
    assert refused.status_code == 422
    assert "&lt;b&gt;Again?&lt;/b&gt;" in refused.text, "what was typed is still there"
    assert host.post("/events/night/pulse", data=form).status_code == 303
    emil = as_("emil")
    shown = emil.get("/events/night/pulse").text
    assert "&lt;b&gt;Again?&lt;/b&gt;" in shown
    path = shown.partition('action="/pulses/')[2].partition('"')[0]
    assert emil.post(f"/pulses/{path}", data={"choice": "1"}).status_code == 303
    assert "your answer" in emil.get("/events/night/pulse").text
    assert host.post(f"/pulses/{path.replace('answer', 'close')}").status_code == 303
    assert "Asked before" in host.get("/events/night/pulse").text
    late = emil.post(f"/pulses/{path}", data={"choice": "0"})
    assert late.status_code == 403
    assert "This question is closed." in late.text


def test_an_event_is_asked_only_so_often(session: Session, host: TestClient) -> None:
    assert host
    for number in range(pulse.MOST_PULSES):
        one = pulse.ask(
            session, event_id="night", question="Again?", choices=["Y", "N"], by="cleo", nonce=str(number), now=NOW
        )
        pulse.close(session, pulse_id=one.id, now=NOW)
    with pytest.raises(pulse.PulsesMany):
        pulse.ask(session, event_id="night", question="Again?", choices=["Y", "N"], by="cleo", nonce="x", now=NOW)
