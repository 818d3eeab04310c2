"""Invitations over HTTP and on pages."""

import json
import re

import pytest
from sqlalchemy.orm import Session

from server.erasure import personal
from server.invitations import refusals
from server.people import merging, roles
from server.people import service as people
from tests.server.conftest import As
from tests.server.erasure.test_export import read
from tests.server.invitations import scene
from tests.server.places import NOW

CAFE = "/api/venues/cafe/invitations"
NONCE = "0123456789abcdef"
BODY = {"text": scene.TEXT, "nonce": NONCE}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", CAFE),
        ("POST", CAFE),
        ("GET", f"{CAFE}/audience"),
        ("POST", f"{CAFE}/preview"),
        ("PUT", f"{CAFE}/refusal"),
        ("DELETE", f"{CAFE}/refusal"),
        ("GET", "/api/me/refused-shops"),
        ("GET", "/api/invitations/1"),
        ("PUT", "/api/invitations/1/report"),
        ("PUT", "/api/invitations/1/hiding"),
        ("DELETE", "/api/invitations/1/hiding"),
        ("GET", "/venues/cafe/invitations"),
        ("POST", "/venues/cafe/invitations"),
        ("GET", "/invitations/1"),
        ("POST", "/invitations/1"),
        ("POST", "/me/positions/shops"),
    ],
)
def test_anonymous_is_refused(as_: As, method: str, path: str) -> None:
    assert as_(None).request(method, path, json={}).json()["code"] == "sign_in_needed"


def test_owner_and_staff_send_and_nobody_else(as_: As, session: Session) -> None:
    ben = as_("ben")
    scene.make_people(session, 12)
    roles.give(session, member_id="dora", kind="venue", of_id="cafe", called="", by="ben", now=NOW)
    for who in ("cleo", "ana"):
        assert as_(who).get(f"{CAFE}/audience").json()["code"] == "not_your_venue"
        assert as_(who).post(CAFE, json=BODY).json()["code"] == "not_your_venue"
    told = as_("dora").get(f"{CAFE}/audience").json()
    assert told["willing"] in {5, 10}
    assert ben.post(f"{CAFE}/preview", json={"text": scene.TEXT}).json()["audience"] == told
    sent = ben.post(CAFE, json=BODY)
    assert (sent.status_code, sent.json()["invited"]) == (201, told["willing"])
    assert ben.post(CAFE, json=BODY).json() == sent.json()
    assert as_("dora").post(CAFE, json={**BODY, "nonce": "another-number-1"}).json()["code"] == "invited_enough"
    assert [one["id"] for one in as_("dora").get(CAFE).json()] == [sent.json()["id"]]
    assert not re.search(r"p0\d\d", sent.text + ben.get(CAFE).text + ben.get("/venues/cafe/invitations").text)


def test_an_owner_who_gave_the_shop_away_sends_nothing_any_more(as_: As, session: Session) -> None:
    ben = as_("ben")
    scene.make_people(session, 12)
    assert ben.post(f"{CAFE}/preview", json={"text": scene.TEXT}).status_code == 200
    assert as_("ana").patch("/api/venues/cafe", json={"owner": "cleo"}).status_code == 200
    assert ben.post(CAFE, json=BODY).json()["code"] == "not_your_venue"


def test_too_few_say_so_and_no_more(as_: As, session: Session) -> None:
    ben = as_("ben")
    scene.make_people(session, 4)
    told = ben.get(f"{CAFE}/audience").json()
    assert (told["nearby"], told["willing"]) == (None, None)
    assert ben.post(CAFE, json=BODY).json()["code"] == "too_few_nearby"
    assert "nothing is sent to so few" in ben.get("/venues/cafe/invitations").text


def test_who_was_invited_reads_why_and_refuses_the_shop(as_: As, session: Session) -> None:
    ben = as_("ben")
    members = scene.make_people(session, 12)
    sent = ben.post(CAFE, json=BODY).json()["id"]
    browser, path = as_(members[0]), f"/invitations/{sent}"
    note = browser.get("/inbox").text
    assert scene.TEXT in note
    assert f'action="{path}"' in note
    shown = browser.get(path).text
    assert "said that shops near you may invite you" in shown
    assert re.search(r"about 100 m from it", shown)
    assert browser.get(f"/api{path}").json()["away_m"] == 100
    assert as_("cleo").get(path).status_code == 404
    assert as_("cleo").post(path, data={"act": "refuse"}).status_code == 404
    assert browser.post(path, data={"act": "refuse"}).headers["location"] == "/me/positions#uses"
    assert browser.get("/api/me/refused-shops").json() == [{"id": "cafe", "name": "Café Lumen"}]
    assert "Café Lumen" in browser.get("/me/positions").text
    assert browser.post("/me/positions/shops", data={"venue_id": "cafe"}).status_code == 303
    assert browser.get("/api/me/refused-shops").json() == []
    assert browser.put(f"{CAFE}/refusal").status_code == 204
    assert browser.put(f"{CAFE}/refusal").status_code == 204
    assert refusals.refuses(session, venue_id="cafe", viewer=people.get(session, members[0]))
    assert browser.delete(f"{CAFE}/refusal").status_code == 204
    assert as_(members[1]).post(path, data={"act": "report", "why": "unkind"}).status_code == 303
    assert "It is unkind" in as_("ana").get(path).text
    assert ben.put(f"/api{path}/report", json={"why": "unkind"}).json()["code"] == "own_invitation"
    assert as_("ana").post(path, data={"act": "hide", "why": "unkind"}).status_code == 303
    assert browser.get(path).status_code == 404
    assert scene.TEXT not in browser.get("/inbox").text
    assert "for 30 days" in ben.get("/venues/cafe/invitations").text


def test_the_page_shows_it_first_and_sends_it_once(as_: As, session: Session) -> None:
    ben, page = as_("ben"), "/venues/cafe/invitations"
    scene.make_people(session, 20)
    typed = {"nonce": NONCE, "text": scene.TEXT, "hours": "2"}
    looked = ben.post(page, data={**typed, "act": "look"})
    assert "You are near it and said that shops near you may invite you." in looked.text
    assert ben.get(CAFE).json() == []
    for _ in range(2):
        assert ben.post(page, data={**typed, "act": "send"}).headers["location"] == f"{page}#sent"
    assert len(ben.get(CAFE).json()) == 1
    after = ben.get(page).text
    assert "or more were invited" in after
    assert "at most 1 in 24 hours" in after
    wrong = ben.post(page, data={**typed, "nonce": "another-number-1", "text": "https://evil.example", "act": "look"})
    assert (wrong.status_code, "has no links" in wrong.text) == (422, True)
    assert page in ben.get("/venues/cafe").text
    assert page not in as_("dora").get("/venues/cafe").text


def test_what_is_hers_goes_along_and_with_her(as_: As, session: Session) -> None:
    ben = as_("ben")
    members = scene.make_people(session, 12)
    ben.post(CAFE, json=BODY)
    as_(members[0]).put(f"{CAFE}/refusal")
    found = read(as_, members[0])
    for name in ("shop_invited", "shop_invited_lately", "shop_refusal", "position_use"):
        assert len(found[f"{name}.json"]) == 1, name
    assert members[1] not in json.dumps(found)
    session.delete(people.get(session, members[0]))
    session.flush()
    left = {place.name: personal.count(session, place, members[0]) for place in personal.places()}
    assert {count for name, count in left.items() if name.startswith("shop_")} == {0}


def test_a_guest_s_refusals_become_a_member_s(as_: As, session: Session) -> None:
    as_(None)
    guest = people.create_guest(session, name="Bo")
    for one in (guest, people.get(session, "dora")):
        refusals.refuse(session, venue_id="cafe", viewer=one, now=NOW)
    merging.merge(session, guest_id=guest.id, into_id="dora", now=NOW)
    assert [one.id for one in refusals.list_of(session, member_id="dora")] == ["cafe"]
