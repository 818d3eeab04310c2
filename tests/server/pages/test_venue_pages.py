"""Pages of a place: made in a minute, read by everybody, its settings, its plan; all without a script."""

import io
import re

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy.orm import Session

from server.errors import Invalid
from server.pages import pins
from server.people import roles
from server.venues import plans
from server.venues import service as venues
from tests.server.conftest import As
from tests.server.places import CAFE, NOW


def a_photo() -> bytes:
    """A picture of 400 x 300 pixels."""
    file = io.BytesIO()
    Image.new("RGB", (400, 300), (240, 230, 220)).save(file, "PNG")
    return file.getvalue()


def test_anonymous_is_refused(as_: As) -> None:
    stranger = as_(None)
    for path in ("/venues/new", "/venues/cafe/settings", "/venues/cafe/plan"):
        assert stranger.get(path).status_code == 401
    assert stranger.get("/venues/cafe").status_code == 200
    for path in ("/venues/cafe/settings", "/venues/cafe/plan"):
        assert as_("dora").get(path).status_code == 403


def test_a_name_and_a_pin_make_a_place(as_: As, session: Session) -> None:
    dora = as_("dora")
    assert "A name and a pin are enough." in dora.get("/venues/new").text
    form = {"name": "Teahouse", "pin": "31.17530398364597, 121.531541859215", "datum": "gcj02", "category": "cafe"}
    made = dora.post("/venues/new", data=form)
    assert made.headers["location"] == "/venues/teahouse/settings?made=true"
    venue = venues.get(session, "teahouse")
    assert (venue.owner_id, venue.time_zone, venue.kind, venue.listed) == ("dora", "Asia/Shanghai", "place", True)
    assert venues.location_of(venue) == pytest.approx((121.5272106, 31.1774276), abs=1e-5)
    assert "it is yours" in dora.get(made.headers["location"]).text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"pin": "somewhere"}, "Type a latitude and a longitude"),
        ({"pin": ""}, "Type a latitude and a longitude"),
        ({"pin": "121.5, 31.2"}, "Are the two swapped?"),
        ({"name": " "}, "needs a name"),
    ],
)
def test_what_is_in_the_way_is_said_and_what_was_typed_stays(as_: As, changes: dict[str, str], says: str) -> None:
    form = {"name": "Teahouse", "pin": "31.2, 121.5", "district": "Xuhui"}
    answer = as_("dora").post("/venues/new", data={**form, **changes})
    assert answer.status_code == 422
    assert says in answer.text
    assert 'value="Xuhui"' in answer.text


@pytest.mark.parametrize("typed", ["48.1372, 11.5755", "48.1372,11.5755", "(48.1372 11.5755)", " 48.1372°, 11.5755° "])
def test_pins_are_read_as_maps_copy_them(typed: str) -> None:
    assert pins.read_pin(typed, "wgs84") == (11.5755, 48.1372)


@pytest.mark.parametrize("typed", ["1", "a, b", "1, 2, 3", "1e5, 2", "١, ٢x"])
def test_what_is_no_pin_is_refused(typed: str) -> None:
    with pytest.raises(Invalid):
        pins.read_pin(typed, "wgs84")


def test_everybody_reads_when_it_is_open(as_: As) -> None:
    as_("ben").patch("/api/venues/cafe", json={"opening_hours": "Mo-Fr 09:00-23:00; Su off", "category": "cafe"})
    page = as_(None).get("/venues/cafe").text
    assert "Open now" in page  # Friday, eight in the evening
    assert page.count("09:00 to 23:00") == 5
    assert page.count("closed") == 2
    chinese = as_(None).get("/venues/cafe", headers={"Accept-Language": "zh"}).text
    assert "星期五" in chinese


def test_a_home_shows_its_part_of_town(as_: As) -> None:
    ben = as_("ben")
    form = {"name": "Ben's kitchen", "pin": "48.1372, 11.5755", "home": "true", "district": "Haidhausen"}
    path = ben.post("/venues/new", data=form).headers["location"].removesuffix("/settings?made=true")
    assert "48.137200" in ben.get(path).text
    stranger = as_(None).get(path).text
    assert "Haidhausen" in stranger
    assert "48.1372" not in stranger


def test_settings_keep_all_that_is_said(as_: As, session: Session) -> None:
    ben = as_("ben")
    page = ben.get("/venues/cafe/settings").text
    form = {
        "version": re.search(r'name="version" value="(\d+)"', page)[1],  # type: ignore[index]
        "name": "Café Lumen",
        "contact": "hello@lumen.example",
        "category": "cafe",
        "address": "Quay Street 12",
        "opening_hours": "Mo-Fr 09:00-18:00\r\nSa 10:00-14:00\r\n",
        "pin": pins.write_pin(CAFE),
        "kind": "place",
    }
    unclear = ben.post("/venues/cafe/settings", data={**form, "opening_hours": "nine to five"})
    assert unclear.status_code == 422
    assert "nine to five cannot be read" in unclear.text
    assert ben.post("/venues/cafe/settings", data=form).status_code == 303
    venue = venues.get(session, "cafe")
    assert (venue.opening_hours, venue.address) == ("Mo-Fr 09:00-18:00; Sa 10:00-14:00", "Quay Street 12")
    assert venues.location_of(venue) == CAFE
    # What is emptied is empty; a pin that nobody writes stays.
    emptied = {"version": str(venue.version), "category": "", "address": "", "district": "", "opening_hours": ""}
    assert ben.post("/venues/cafe/settings", data={**form, **emptied}).status_code == 303
    venue = venues.get(session, "cafe")
    assert (venue.category, venue.address, venue.district, venue.opening_hours) == ("", "", "", "")
    assert venues.location_of(venue) == CAFE


def test_a_plan_is_sent_laid_and_drawn_on_without_a_script(as_: As, session: Session) -> None:
    ben, path = as_("ben"), "/venues/cafe/plan"
    assert "The picture of this floor" in ben.get(path).text
    sent = ben.post(path, data={"act": "picture"}, files={"picture": ("plan.png", a_photo(), "image/png")})
    assert (sent.status_code, sent.headers["location"]) == (303, f"{path}?level=0")
    assert "The whole picture is 12.5 m wide." in ben.get(path).text
    lay = {"act": "lay", "a": "0,300", "b": "400,300", "metres": "20", "bearing": "90", "anchor": "52.52, 13.405"}
    assert ben.post(path, data=lay).status_code == 303
    row = plans.get(session, venue_id="cafe", level=0)
    assert (row.metres, row.bearing_deg, (row.lon, row.lat)) == (20, 90, CAFE)
    drawn = ben.post(path, data={"act": "zone", "name": "Bar", "points": "0,300 200,300 200,100 0,100"})
    assert drawn.status_code == 303
    bar = next(zone for zone in venues.zones_of(session, venue_id="cafe") if zone.name == "Bar")
    assert len(venues.area_of(bar)["coordinates"][0]) == 5  # type: ignore[index]
    assert re.search(r'class="zone" points="[^"]*200\.0,100\.0', ben.get(path).text)
    live = ben.get("/api/venues/cafe/presence").json()
    assert live["venue"]["plans"][0]["corners"][3] == pytest.approx(list(CAFE), abs=1e-7)
    crossed = {"act": "zone", "name": "Bow", "points": "0,0 90,90 90,0 0,90"}
    assert "crosses itself" in ben.post(path, data=crossed).text
    unclear = {"act": "zone", "name": "Bow", "points": "here and there"}
    assert "Corners are typed as x,y" in ben.post(path, data=unclear).text
    renamed = ben.post(path, data={"act": "zone", "zone": bar.id, "name": "Counter"})
    assert renamed.status_code == 303
    assert "in use" in ben.post(path, data={"act": "remove", "zone": "cafe-front"}).text
    assert ben.post(path, data={"act": "remove", "zone": bar.id}).status_code == 303
    assert ben.post(path, data={"act": "no_picture"}).status_code == 303
    assert plans.of_venue(session, "cafe") == []


def test_zones_stay_where_they_are_when_the_picture_is_laid_anew(as_: As, session: Session) -> None:
    ben, path = as_("ben"), "/venues/cafe/plan"
    before = venues.area_of(venues.get_zone(session, venue_id="cafe", zone_id="cafe-front"))
    ben.post(path, data={"act": "picture"}, files={"picture": ("plan.png", a_photo(), "image/png")})
    ben.post(path, data={"act": "lay", "a": "0,300", "b": "400,300", "metres": "33", "bearing": "0", "anchor": ""})
    assert venues.area_of(venues.get_zone(session, venue_id="cafe", zone_id="cafe-front")) == before


def test_a_guest_is_asked_for_an_account_first(as_: As, session: Session) -> None:
    from server.people import service as people

    guest = people.create_guest(session, name="Bo")
    browser: TestClient = as_(guest.id)
    answer = browser.get("/venues/new", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (403, "account_needed")


def test_a_second_tap_finds_what_the_first_made(as_: As, session: Session) -> None:
    dora = as_("dora")
    found = re.search(r'name="nonce" value="(\w+)"', dora.get("/venues/new").text)
    assert found is not None
    form = {"name": "Teahouse", "pin": "31.2, 121.5", "nonce": found[1]}
    refused = dora.post("/venues/new", data={**form, "pin": "somewhere"})
    assert (refused.status_code, f'value="{found[1]}"' in refused.text) == (422, True)
    made = [dora.post("/venues/new", data=form).headers["location"] for _ in range(2)]
    assert made == ["/venues/teahouse/settings?made=true"] * 2
    assert len(venues.owned_by(session, member_id="dora")) == 1
    another = as_("ben").post("/venues/new", data=form).headers["location"]
    assert another != made[0], "what another's form chose is another's"
    short = dora.post("/venues/new", data={**form, "nonce": "x"})
    assert (short.status_code, "31.2, 121.5" in short.text) == (422, True)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"owner": "nobody-here"}, 404),
        ({"version": "7"}, 412),
        ({"opening_hours": "nine to five"}, 422),
        ({"pin": "somewhere"}, 422),
    ],
)
def test_whatever_refuses_the_settings_keeps_what_was_typed(as_: As, changes: dict[str, str], status: int) -> None:
    form = {"version": "1", "name": "Café Lumen am Fluss", "contact": "at the bar", "offer": "A free tea",
            "district": "Haidhausen", "category": "cafe", "datum": "gcj02", "address": "Quay Street 12"}  # fmt: skip
    answer = as_("ben").post("/venues/cafe/settings", data={**form, **changes}, headers={"Accept": "text/html"})
    assert answer.status_code == status
    for typed in {**form, **changes, "version": "1"}.values():
        assert typed in answer.text
    assert 'value="gcj02" checked' in answer.text


def test_staff_that_gives_a_place_away_is_told_beside_what_she_typed(as_: As, session: Session) -> None:
    roles.give(session, member_id="dora", kind="venue", of_id="cafe", called="", by="ben", now=NOW)
    form = {"version": "1", "name": "Café Dora", "owner": "dora"}
    answer = as_("dora").post("/venues/cafe/settings", data=form, headers={"Accept": "text/html"})
    assert (answer.status_code, "Café Dora" in answer.text) == (403, True)


def test_what_another_changed_meanwhile_stands_beside_what_was_typed(as_: As, session: Session) -> None:
    ben = as_("ben")
    first = {"version": "1", "name": "Café Lumen", "address": "Quay Street 12"}
    assert ben.post("/venues/cafe/settings", data=first).status_code == 303
    late = ben.post("/venues/cafe/settings", data={**first, "address": "Quay Street 14"})
    assert late.status_code == 412
    assert "By now it says: Quay Street 12" in late.text
    version = re.search(r'name="version" value="(\d+)"', late.text)
    assert version is not None
    again = {**first, "address": "Quay Street 14", "version": version[1]}
    assert ben.post("/venues/cafe/settings", data=again).status_code == 303
    assert venues.get(session, "cafe").address == "Quay Street 14"


def test_what_another_emptied_meanwhile_is_said_and_lines_that_are_the_same_are_not(as_: As) -> None:
    ben, hours = as_("ben"), "Mo-Fr 09:00-18:00\r\nSa,Su 10:00-14:00"
    full = {"name": "Café Lumen", "category": "cafe", "address": "Quay Street 12", "opening_hours": hours}
    assert ben.post("/venues/cafe/settings", data={**full, "version": "1"}).status_code == 303
    assert ben.patch("/api/venues/cafe", json={"category": "", "address": ""}).status_code == 200
    late = ben.post("/venues/cafe/settings", data={**full, "version": "2"})
    assert (late.status_code, late.text.count("By now it is empty.")) == (412, 2)
    assert "By now it says: Mo-Fr" not in late.text
