"""Who sees you, being greeted, the notice, a place's settings and leaving: the pages as forms walk them."""

import datetime as dt
import re

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.consent.model import Consent
from server.events import service as events
from server.events import signups
from server.people.model import Member
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW
from tests.server.presence import scene

HTML = {"Accept": "text/html"}
DAY = dt.timedelta(days=1)


def standing(session: Session, member_id: str) -> list[tuple[str, str | None, str, str]]:
    rows = session.query(Consent).filter_by(member_id=member_id, ended_at=None).order_by(Consent.id)
    return [(row.kind, row.of_id, row.level, row.source) for row in rows]


def nonce_of(page: str) -> str:
    found = re.search(r'name="nonce" value="(\w+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/me/consent"),
        ("POST", "/me/consent"),
        ("POST", "/me/consent/pause"),
        ("GET", "/me/erase"),
        ("POST", "/me/erase"),
        ("GET", "/venues/cafe/settings"),
        ("POST", "/venues/cafe/settings"),
        ("GET", "/venues/cafe/card"),
    ],
)
def test_the_anonymous_are_refused(as_: As, method: str, path: str) -> None:
    assert as_(None).request(method, path, headers=HTML).status_code == 401


def test_she_reads_who_sees_her_and_says_otherwise(as_: As, session: Session) -> None:
    dora = as_("dora")
    step = events.NewStep(name="Doors", venue_id="cafe", starts_at=NOW, ends_at=NOW + 2 * HOUR)
    events.create(session, id="party", name="Party", organizer_id="cleo", steps=[step])
    signups.sign_up(session, event_id="party", member_id="dora", now=NOW)
    page = dora.get("/me/consent").text
    assert "Party" in page
    assert "sees your name" in page
    assert "Café Lumen" in page
    answer = dora.post("/me/consent", data={"kind": "organizer", "of": "party", "level": "hidden"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/me/consent#organizer-party")
    dora.post("/me/consent", data={"kind": "venue", "level": "name", "days": "90"})
    assert standing(session, "dora") == [
        ("organizer", "party", "hidden", "page"),
        ("venue", None, "name", "page"),
    ]
    for _ in range(2):
        assert dora.post("/me/consent", data={"kind": "venue", "level": "usual"}).status_code == 303
    assert standing(session, "dora") == [("organizer", "party", "hidden", "page")]


def test_one_switch_hides_her_from_everybody(as_: As) -> None:
    dora = as_("dora")
    assert "Hide me from everybody" in dora.get("/me/consent").text
    for _ in range(2):
        assert dora.post("/me/consent/pause", data={"on": "yes"}).status_code == 303
    assert "Nobody sees you now." in dora.get("/me/consent").text
    dora.post("/me/consent/pause", data={"on": "no"})
    assert "Hide me from everybody" in dora.get("/me/consent").text


def test_somebody_unknown_is_greeted_after_one_form_and_stops_by_scanning_again(
    as_: As, session: Session, clock: Clock
) -> None:
    stranger = as_(None)
    session.execute(text("UPDATE venue SET offer = '10th visit on the house' WHERE id = 'cafe'"))
    page = stranger.get("/hello/cafe").text
    assert "10th visit on the house" in page
    assert page.count('type="text"') + page.count('name="name"') == 1
    form = {"act": "greet", "days": "30", "name": "Mia 🌻", "nonce": nonce_of(page)}
    answer = stranger.post("/hello/cafe", data=form)
    assert answer.status_code == 303
    guest = session.query(Member).filter_by(guest=True).one()
    assert (guest.name, standing(session, guest.id)) == ("Mia 🌻", [("venue", "cafe", "name", "counter")])
    (greeting,) = as_("ben").get("/api/venues/cafe/presence").json()["greetings"]
    assert (greeting["name"], greeting["times"], greeting["badge"]) == ("Mia 🌻", 1, None)
    clock.now = NOW + 2 * HOUR
    assert as_("ben").get("/api/venues/cafe/presence").json()["greetings"] == []
    clock.now = NOW
    stranger.cookies.update(answer.cookies)
    page = stranger.get("/hello/cafe").text
    assert "Stop greeting me" in page
    assert 'name="name"' not in page
    for _ in range(2):
        assert stranger.post("/hello/cafe", data={"act": "stop"}).status_code == 303
    assert standing(session, guest.id) == []
    assert as_("ben").get("/api/venues/cafe/presence").json()["greetings"] == []
    assert "Want to be greeted?" in stranger.get("/hello/cafe").text


def test_a_program_with_the_card_s_address_fills_no_shop_with_guests(as_: As, session: Session) -> None:
    said = {"act": "greet", "days": "30", "name": "Mia"}
    taps = [{**said, "nonce": f"{tap:020}"} for tap in range(62)]
    answers = [as_(None).post("/hello/cafe", data=tap).status_code for tap in taps]
    assert answers == [303] * 60 + [429] * 2
    assert session.query(Member).filter_by(guest=True).count() == 60


def test_a_double_tap_at_the_counter_makes_one_guest(as_: As, session: Session, clock: Clock) -> None:
    stranger, again, member = as_(None), as_(None), as_("dora")
    form = {"act": "greet", "name": "Mia", "nonce": nonce_of(stranger.get("/hello/cafe").text)}
    assert stranger.post("/hello/cafe", data=form).status_code == 303
    # Before the first answer came, without its cookie: the same guest is signed in; after it, nothing is new.
    assert again.post("/hello/cafe", data=form).status_code == 303
    assert again.get("/api/me").json()["id"] == stranger.get("/api/me").json()["id"]
    assert stranger.post("/hello/cafe", data=form).status_code == 303
    guest = session.query(Member).filter_by(guest=True).one()
    assert len(standing(session, guest.id)) == session.query(Consent).count() == 1
    # By somebody else, or much later, it signs nobody in; and one without a number is none of ours.
    assert member.post("/hello/cafe", data=form, headers=HTML).status_code == 409
    clock.now = NOW + HOUR
    assert as_(None).post("/hello/cafe", data=form, headers=HTML).status_code == 409
    assert as_(None).post("/hello/cafe", data={**form, "nonce": ""}, headers=HTML).status_code == 422
    # A member's own tap signs in nobody who brings it without her cookie.
    clock.now = NOW
    hers = {"act": "greet", "nonce": nonce_of(member.get("/hello/cafe").text)}
    assert member.post("/hello/cafe", data=hers).status_code == 303
    assert as_(None).post("/hello/cafe", data=hers, headers=HTML).status_code == 409


@pytest.mark.parametrize("name", ["", " ", "\u200b", "x" * 200])
def test_a_name_that_shows_nothing_is_asked_for_again(as_: As, session: Session, name: str) -> None:
    form = {"act": "greet", "days": "30", "name": name, "nonce": nonce_of(as_(None).get("/hello/cafe").text)}
    answer = as_(None).post("/hello/cafe", data=form, headers=HTML)
    assert answer.status_code == 422
    assert session.query(Member).filter_by(guest=True).count() == 0


def test_nobody_is_greeted_in_a_recording_or_nowhere(as_: As, session: Session) -> None:
    stranger = as_(None)
    session.execute(text("UPDATE venue SET replayed = true"))
    assert stranger.get("/hello/cafe", headers=HTML).status_code == 404
    assert stranger.get("/hello/nowhere", headers=HTML).status_code == 404


def test_the_notice_is_for_everybody_and_in_both_languages(as_: As) -> None:
    page = as_(None).get("/venues/cafe/notice")
    assert page.status_code == 200
    assert "Ben Okafor" in page.text
    assert "hello@lumen.example" in page.text
    assert "after 3 days at the latest" in page.text
    assert "after about 2.5 hours" in page.text
    assert "30 days after their last event" in page.text
    assert "<svg" in page.text
    chinese = as_(None).get("/venues/cafe/notice?language=zh")
    assert chinese.headers["content-language"] == "zh-CN"
    assert 'lang="zh-CN"' in chinese.text
    assert as_(None).get("/venues/nowhere/notice", headers=HTML).status_code == 404


def test_a_place_says_its_contact_and_its_offer_and_nobody_saves_over_another(as_: As, session: Session) -> None:
    ben = as_("ben")
    assert ben.get("/venues/cafe/settings").status_code == as_("ana").get("/venues/cafe/settings").status_code == 200
    assert as_("dora").get("/venues/cafe/settings", headers=HTML).status_code == 403
    form = {"version": "1", "name": "Café Lumen", "contact": "at the counter", "offer": "10th visit on the house"}
    assert ben.post("/venues/cafe/settings", data=form).status_code == 303
    assert ben.post("/venues/cafe/settings", data=form, headers=HTML).status_code == 412
    assert "10th visit on the house" in ben.get("/venues/cafe/card").text
    assert ben.get("/venues/cafe/card?size=a5").status_code == 200
    assert as_("dora").get("/venues/cafe/card", headers=HTML).status_code == 403
    session.execute(text("UPDATE venue SET contact = ''"))
    assert "cannot go live yet" in ben.get("/venues/cafe/settings").text


def test_leaving_says_what_goes_asks_for_the_name_and_shows_the_receipt_once(as_: As, session: Session) -> None:
    dora = as_("dora")
    scene.badge(session, held_by="dora")
    page = dora.get("/me/erase").text
    assert "What stays" in page
    wrong = dora.post("/me/erase", data={"name": "Dora"})
    assert wrong.status_code == 422
    assert "That is not your name" in wrong.text
    answer = dora.post("/me/erase", data={"name": "Dora Lindqvist"})
    assert answer.status_code == 200
    assert "You are erased." in answer.text
    number = session.execute(text("SELECT number FROM erasure")).scalar_one()
    assert number in answer.text
    assert "Dora" not in answer.text
    assert dora.get("/me/erase", headers=HTML).status_code == 401


def test_who_has_to_hand_over_first_reads_what(as_: As) -> None:
    page = as_("ben").get("/me/erase").text
    assert "Café Lumen" in page
    assert "Erase me now" not in page
    refused = as_("ben").post("/me/erase", data={"name": "Ben Okafor"})
    assert refused.status_code == 422
    assert "needs somebody who answers for it" in refused.text
