"""The pages of fans, stamp cards and interests, walked as forms, without a script."""

import re

import pytest
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.events import service as events
from server.interests import service as interests
from server.people import service as people
from server.venues import service as venues
from tests.server.conftest import As
from tests.server.places import HOUR, NOW
from tests.server.stamps.scene import come, make_card

HTML = {"accept": "text/html"}


@pytest.mark.parametrize(
    "path",
    [
        "/venues/cafe/fans",
        "/communities/lumen/fans",
        "/venues/cafe/stamps",
        "/me/stamps",
        "/me/stamps/1",
        "/stamps",
        "/stamps/ABC234",
        "/operator/interests",
    ],
)
def test_anonymous_is_refused(as_: As, path: str) -> None:
    assert as_(None).get(path, headers=HTML).status_code == 401


def test_who_comes_is_a_page_for_who_keeps_a_place_or_a_house(as_: As, session: Session) -> None:
    assert "Not enough to tell yet." in as_("ben").get("/venues/cafe/fans").text
    for number in range(30):
        come(session, "dora", number)
    for number in range(20):
        people.create(session, id=f"m-{number}", name=f"Em {number}")
        come(session, f"m-{number}", number % 7, 10 + number)
    for span in ("quarter", "year"):
        page = as_("ben").get(f"/venues/cafe/fans?span={span}")
        assert page.status_code == 200
        assert re.search(r'<p class="num">(15|20)<', page.text)
        assert "Em " not in page.text
    assert "/venues/cafe/fans" in as_("ben").get("/venues/cafe").text
    assert "/venues/cafe/fans" not in as_("dora").get("/venues/cafe").text
    assert as_("dora").get("/venues/cafe/fans", headers=HTML).status_code == 403
    communities.create(session, id="lumen", name="Lumen", shape="house", source_venue_id="cafe")
    assert as_("ben").get("/communities/lumen/fans").status_code == 200
    assert "/communities/lumen/fans" in as_("ben").get("/communities/lumen").text


def test_the_last_day_of_a_card_is_the_same_on_every_page(as_: As, session: Session) -> None:
    venues.get(session, "cafe").time_zone = "America/New_York"
    session.flush()
    as_("ben").post("/venues/cafe/stamps", data={"act": "make", "needs": "2", "reward": "Tea", "until": "2026-12-31"})
    for path in ("/venues/cafe", "/venues/cafe/stamps"):
        assert "31 December 2026" in as_("dora").get(path).text
    steps = [events.NewStep(name, "cafe", NOW + HOUR, NOW + 2 * HOUR) for name in ("Quay", "Bar")]
    events.create(session, id="rally", name="Rally", organizer_id="cleo", steps=steps)
    as_("cleo").post("/events/rally/stamps", data={"act": "make", "reward": "A book", "until": "2026-12-31"})
    people.get(session, "dora").time_zone = "Asia/Tokyo"
    session.flush()
    assert "31 December 2026" in as_("dora").get("/events/rally/stamps").text


def test_a_card_is_made_taken_shown_and_redeemed(as_: As, session: Session) -> None:
    ben, dora = as_("ben"), as_("dora")
    path = "/venues/cafe/stamps"
    assert "No stamp card here." in dora.get(path).text
    assert dora.post(path, data={"act": "make", "needs": "2", "reward": "A coffee"}).status_code == 403
    refused = ben.post(path, data={"act": "make", "needs": "x", "reward": "A coffee", "until": "soon"})
    assert (refused.status_code, "Write it like" in refused.text, "A coffee" in refused.text) == (422, True, True)
    made = ben.post(path, data={"act": "make", "needs": "2", "reward": "A coffee", "until": "2026-04-30"})
    assert made.status_code == 303
    assert "30 April 2026" in dora.get("/venues/cafe").text
    assert dora.post(path, data={"act": "take_and_remember"}).headers["location"] == "/me/stamps"
    come(session, "dora", 0, -1)
    page = dora.get("/me/stamps").text
    assert "2 of 2 stamps" in page
    (card,) = re.findall(r'action="(/me/stamps/\d+)"><button class="btn wide"', page)
    assert dora.post(card, data={"act": "show"}).headers["location"] == card
    (code,) = re.findall(r'class="shown-code">([^<]+)<', dora.get(card).text)
    looked = ben.post("/stamps", data={"code": code.lower()})
    counter = looked.headers["location"]
    assert "Redeem it now" in ben.get(counter).text
    assert "Dora" not in ben.get(counter).text
    assert as_("cleo").post(counter).status_code == 403
    for _ in range(2):
        assert ben.post(counter).headers["location"] == counter
    assert "Redeemed at" in ben.get(counter).text
    assert "Redeemed on" in dora.get("/me/stamps").text
    assert "Redeemed 1 time so far." in ben.get(path).text
    assert "There is no such code" in ben.get(ben.post("/stamps", data={"code": "?"}).headers["location"]).text
    for _ in range(2):
        assert ben.post(path, data={"act": "end"}).status_code == 303
    assert dora.post(path, data={"act": "take"}).status_code == 409


def test_a_card_without_remembering_says_so_and_is_laid_down(as_: As, session: Session) -> None:
    card = make_card(session).id
    dora = as_("dora")
    dora.post("/venues/cafe/stamps", data={"act": "take"})
    assert "are not remembered" in dora.get("/me/stamps").text
    dora.post(f"/me/stamps/{card}", data={"act": "remember"})
    assert "are not remembered" not in dora.get("/me/stamps").text
    for _ in range(2):
        assert dora.post(f"/me/stamps/{card}", data={"act": "lay_down"}).status_code == 303
    assert "No stamp card yet." in dora.get("/me/stamps").text


def test_operators_keep_the_interests(as_: As, session: Session) -> None:
    ana = as_("ana")
    assert as_("ben").get("/operator/interests", headers=HTML).status_code == 403
    made = ana.post("/operator/interests", data={"act": "add", "name_en": "Kite flying", "name_zh": "放风筝"})
    assert made.status_code == 303
    kites = interests.get(session, "kite-flying")
    again = ana.post("/operator/interests", data={"act": "add", "name_en": " ", "name_zh": "鸽子"})
    assert (again.status_code, "鸽子" in again.text) == (422, True)
    version = f'"{kites.version}"'
    change = {"interest": "kite-flying", "name_en": "Kites", "name_zh": "风筝", "version": version}
    assert ana.post("/operator/interests", data={"act": "rename", **change}).status_code == 303
    assert "Kites" in ana.get("/operator/interests").text
    stale = ana.post("/operator/interests", data={"act": "retire", **change})
    assert stale.status_code == 412, "somebody renamed it meanwhile"
    for act in ("retire", "offer", "retire"):
        version = f'"{interests.get(session, "kite-flying").version}"'
        assert ana.post("/operator/interests", data={**change, "act": act, "version": version}).status_code == 303
    assert interests.get(session, "kite-flying").retired_at == NOW
    assert ana.post("/operator/interests", data={"act": "retire", "interest": "nothing"}).status_code == 404


def test_members_and_gatherings_choose_interests(as_: As, session: Session) -> None:
    dora = as_("dora")
    assert 'value="chess"' in dora.get("/me").text
    assert dora.post("/me/interests", data={"interest": ["chess"]}).status_code == 303
    assert 'value="chess" checked' in dora.get("/me").text
    many = [one.id for one in interests.list_all(session)][:11]
    assert dora.post("/me/interests", data={"interest": many}).status_code == 422
    assert dora.post("/me/interests", data={"interest": ["nothing"]}).status_code == 404
    dora.post("/me/interests")
    assert interests.of_member(session, member_id="dora") == []
    assert 'value="chess"' in dora.get("/new").text
