"""What one is asked over HTTP and on the page, without scripts."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.positions import service as positions
from tests.server.conftest import As, Clock
from tests.server.popups.scene import at, let, look, make_four, offer, say


def test_anonymous_is_refused(as_: As) -> None:
    for answered in (
        as_(None).get("/api/me/pop-ups"),
        as_(None).post("/api/me/pop-ups/popup-1/answer", json={"yes": True}),
    ):
        assert (answered.status_code, answered.json()["code"]) == (401, "sign_in_needed")
    assert as_(None).get("/pop-ups").status_code == 401
    assert as_(None).post("/pop-ups", data={"on": "true"}).status_code == 401
    assert as_(None).post("/pop-ups/popup-1/answer", data={"yes": "true"}).status_code == 401


def test_what_she_is_asked_says_why_and_until_when(as_: As, session: Session, clock: Clock) -> None:
    browser = as_("dora")
    assert browser.get("/api/me/pop-ups").json() == {"on": False, "pop_ups": []}
    pop_up_id = offer(session)
    clock.now = at(1)
    found = as_("p1").get("/api/me/pop-ups").json()
    assert found["on"] is True
    [one] = found["pop_ups"]
    assert one == {
        "id": pop_up_id,
        "state": "offered",
        "why": "You and at least 3 others who like Chess are near The Park. Gather there?",
        "stands": "3 have to say yes. Nobody learns who was asked, or who says no.",
        "interest": "chess",
        "venue": "park",
        "at_venue": False,
        "least": 4,
        "needs": 3,
        "answer_by": "2026-03-13T19:20:00Z",
        "answer": None,
        "yes": None,
        "event": None,
    }
    assert browser.get("/api/me/pop-ups").json()["pop_ups"] == []


def test_three_yes_over_http_lead_to_the_event(as_: As, session: Session, clock: Clock) -> None:
    path = f"/api/me/pop-ups/{offer(session)}/answer"
    clock.now = at(1)
    assert as_("p1").post(path, json={"yes": True}).json()["yes"] == 1
    assert as_("p4").post(path, json={"yes": False}).json()["yes"] is None
    as_("p2").post(path, json={"yes": True})
    found = as_("p3").post(path, json={"yes": True}).json()
    assert (found["state"], found["yes"]) == ("on", 3)
    assert as_("p3").get(f"/api/events/{found['event']}").status_code == 200
    assert as_("p4").get(f"/api/events/{found['event']}").status_code == 403
    assert as_("dora").post(path, json={"yes": True}).json()["code"] == "pop_up_unknown"
    clock.now = at(250)
    look(session, 250)
    late = as_("p4").post(path, json={"yes": True})
    assert (late.status_code, late.json()["code"]) == (409, "pop_up_over")


def test_the_page_explains_itself_and_takes_the_switch(as_: As, session: Session) -> None:
    browser = as_("dora")
    positions.choose_uses(
        session,
        member_id="dora",
        told=True,
        fences=True,
        company=True,
        pop_ups=False,
        radius_m=7000,
        now=at(0),
    )
    page = browser.get("/pop-ups").text
    assert "No, you do not." in page
    assert "When at least 4 of you like the same" in page
    assert browser.post("/pop-ups", data={"on": "true"}).headers["location"] == "/pop-ups"
    page = browser.get("/pop-ups").text
    assert "Say what you like" in page
    uses = positions.uses_of(session, member_id="dora")
    assert (uses.told, uses.fences, uses.company, uses.pop_ups, uses.radius_m) == (True, True, True, True, 7000)
    session.execute(text("INSERT INTO member_interest VALUES ('dora', 'chess')"))
    assert "It is not known where you are" in browser.get("/pop-ups").text
    session.execute(text("INSERT INTO consent_pause (member_id, since) VALUES ('dora', :at)"), {"at": at(0)})
    assert "You are paused" in browser.get("/pop-ups").text


def test_the_page_takes_answers_by_forms(as_: As, session: Session, clock: Clock) -> None:
    pop_up_id = offer(session)
    clock.now = at(1)
    page = as_("p1").get("/pop-ups").text
    assert "You and at least 3 others who like Chess are near The Park" in page
    assert "Pat" not in page.split("<main")[1], "nobody's name, her own is at the top"
    path = f"/pop-ups/{pop_up_id}/answer"
    for one in ("p1", "p2"):
        assert as_(one).post(path, data={"yes": "true"}).headers["location"] == "/pop-ups"
    happens = as_("p3").post(path, data={"yes": "true"})
    assert happens.headers["location"].startswith("/events/")
    assert as_("p3").get(happens.headers["location"]).status_code == 200
    on = as_("p4").get("/pop-ups").text
    assert "You like Chess, and so do those who gather at The Park now." in on
    assert "It is on: you may join." in on
    veiled = as_("p4").get(happens.headers["location"], follow_redirects=True).text
    assert "a group on the spot" in veiled
    assert "The Park" not in veiled


def test_a_page_in_chinese_names_the_interest_in_chinese(as_: As, session: Session, clock: Clock) -> None:
    offer(session)
    session.execute(text("UPDATE member SET language = 'zh' WHERE id = 'p1'"))
    clock.now = at(1)
    assert "你和至少另外 3 位喜欢国际象棋的人都在“The Park”附近。" in as_("p1").get("/pop-ups").text
    assert "喜欢国际象棋" in as_("p1").get("/inbox").text


@pytest.mark.parametrize("yes", [True, False])
def test_her_copy_of_what_is_kept_has_her_answers(as_: As, session: Session, clock: Clock, yes: bool) -> None:
    say(session, offer(session), "p1", yes=yes)
    clock.now = at(2)
    answered = as_("p1").get("/api/me/export")
    assert answered.status_code == 200
    assert b"pop_up_asked" in answered.content
    assert all(one.encode() not in answered.content for one in ("Pat 2", "Pat 3", "Pat 4"))


def test_who_switched_it_off_is_asked_nothing(as_: As, session: Session, clock: Clock) -> None:
    make_four(session)
    offer(session)
    let(session, "p1", pop_ups=False)
    clock.now = at(1)
    assert as_("p1").get("/api/me/pop-ups").json() == {"on": False, "pop_ups": []}
