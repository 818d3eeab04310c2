"""The pages of where one is, of one's phones, and of a venue's beacons."""

import base64
import json
import re
from urllib.parse import unquote

import pytest
from sqlalchemy.orm import Session

from server.consent import service as consent
from server.people import service as people
from server.phones import service as phones
from server.positions import service as positions
from server.positions.service import Fix, Source
from tests.server.conftest import As
from tests.server.phones import scene
from tests.server.places import CAFE, NOW

HERE = "/me/positions"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", HERE),
        ("POST", f"{HERE}/uses"),
        ("POST", f"{HERE}/forget"),
        ("POST", f"{HERE}/home"),
        ("POST", "/me/phones"),
        ("POST", "/me/phones/1/remove"),
        ("GET", "/venues/cafe/beacons"),
        ("POST", "/venues/cafe/beacons"),
        ("POST", "/venues/cafe/beacons/1/remove"),
    ],
)
def test_anonymous_is_refused(as_: As, method: str, path: str) -> None:
    assert as_(None).request(method, path).status_code == 401


def test_what_is_kept_stands_there_and_goes_with_one_tap(as_: As, session: Session) -> None:
    dora = as_("dora")
    assert HERE in dora.get("/me").text
    positions.keep(session, [Fix("dora", Source.BROWSER, "", CAFE, 9.0, NOW)], now=NOW)
    shown = dora.get(HERE).text
    assert "A browser was asked" in shown
    assert f"{CAFE[1]:.6f}, {CAFE[0]:.6f}" not in shown
    assert dora.post(f"{HERE}/forget").headers["location"] == HERE
    assert "A browser was asked" not in dora.get(HERE).text


def test_switches_are_off_and_kept_as_they_are_set(as_: As, session: Session) -> None:
    dora = as_("dora")
    assert 'value="true" checked' not in dora.get(HERE).text.partition("uses-title")[2].partition("</section>")[0]
    dora.post(f"{HERE}/uses", data={"fences": "true", "radius_m": "10000"})
    found = positions.uses_of(session, member_id="dora")
    assert (found.told, found.fences, found.company, found.pop_ups, found.radius_m) == (
        False,
        True,
        False,
        False,
        10000,
    )
    consent.pause(session, member_id="dora", now=NOW)
    assert "You are paused" in dora.get(HERE).text


def test_a_home_is_typed_and_taken_back(as_: As, session: Session) -> None:
    dora = as_("dora")
    assert dora.post(f"{HERE}/home", data={"pin": "48.85, 2.35"}).status_code == 303
    ((home, _),) = positions.list_of(session, member_id="dora", now=NOW)
    assert home.source is Source.HOME
    for wrong in ("somewhere", "95.0, 200.0"):
        refused = dora.post(f"{HERE}/home", data={"pin": wrong})
        assert (refused.status_code, wrong in refused.text) == (422, True)
    dora.post(f"{HERE}/home", data={"pin": ""})
    assert positions.list_of(session, member_id="dora", now=NOW) == []


def test_a_phone_is_set_up_by_a_link_that_opens_its_login(as_: As, session: Session) -> None:
    dora = as_("dora")
    shown = dora.post("/me/phones", data={"name": "Pixel 8"}).text
    link = re.search(r"owntracks:///config\?inline=([^\"]+)", shown)
    assert link is not None
    told = json.loads(base64.b64decode(unquote(link[1])))
    assert (told["mode"], told["username"], told["encryptionKey"]) == (3, "dora/pixel-8", "")
    assert told["url"].endswith("/api/owntracks")
    assert phones.sign_in(session, login=told["username"], password=told["password"]).name == "Pixel 8"
    assert "<svg" in shown
    assert told["password"] not in dora.get(HERE).text
    headers = scene.basic(told["username"], told["password"])
    as_(None).post("/api/owntracks", content=scene.body({"_type": "encrypted", "data": "x"}), headers=headers)
    assert "Encryption key" in dora.get(HERE).text
    (phone,) = phones.list_of(session, member_id="dora")
    assert dora.post(f"/me/phones/{phone.number}/remove").status_code == 303
    assert "Pixel 8" not in dora.get(HERE).text


def test_a_guest_is_told_what_to_do_first(as_: As, session: Session) -> None:
    as_(None)
    guest = as_(people.create_guest(session, name="Bo").id)
    assert "leave an e-mail address first" in guest.get(HERE).text
    assert guest.post("/me/phones", data={"name": "x"}).status_code == 403


def test_who_keeps_the_venue_says_which_beacons_stand_there(as_: As, session: Session) -> None:
    ben = as_("ben")
    assert "/venues/cafe/beacons" in ben.get("/venues/cafe/settings").text
    assert as_("dora").get("/venues/cafe/beacons").status_code == 403
    typed = {"uuid": scene.UUID, "major": "7", "minor": "9"}
    assert ben.post("/venues/cafe/beacons", data=typed).status_code == 303
    assert scene.UUID.upper() in ben.get("/venues/cafe/beacons").text
    again = ben.post("/venues/cafe/beacons", data=typed)
    assert (again.status_code, scene.UUID in again.text) == (409, True)
    assert ben.post("/venues/cafe/beacons", data={**typed, "major": "x"}).status_code == 422
    scene.make_night(session)
    assert "Let it listen" in as_("dora").get(HERE).text
    assert ben.post("/venues/cafe/beacons/1/remove").status_code in (303, 404)
