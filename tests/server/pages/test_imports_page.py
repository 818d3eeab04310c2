"""Places of a file on a page: a look first, then all or nothing, and a sentence for every file that is none."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.pages import footprints
from server.pages import imports as page
from server.venues.found import Area, Place
from server.venues.model import Venue
from tests.server.conftest import As
from tests.server.places import square
from tests.server.venues.test_imports import HALL, KIOSK, LAT, LON, STAGE, archive, collection, feature, imdf

PATH = "/operator/places"
BOW = {"type": "Polygon", "coordinates": [[[11.5, 48.1], [11.6, 48.2], [11.6, 48.1], [11.5, 48.2], [11.5, 48.1]]]}
TOWN = collection(HALL, STAGE, KIOSK)


def send(browser: Any, data: bytes, act: str = "look", *, name: str = "town.geojson", **fields: str) -> Any:
    """Sends the form as a browser does."""
    files = {"file": (name, data, "application/octet-stream")}
    return browser.post(PATH, data={"act": act, **fields}, files=files, headers={"Accept": "text/html"})


def looked_at(answer: Any) -> str:
    """What the form brings along of what was looked at."""
    found = re.search(r'name="looked" value="(\w*)"', answer.text)
    assert found is not None
    return found[1]


def count(session: Session) -> int:
    """How many venues there are."""
    return session.scalar(select(func.count()).select_from(Venue)) or 0


def test_only_operators_bring_places(as_: As, app: FastAPI) -> None:
    app.state.broker = SimpleNamespace(is_connected=False)
    assert as_(None).get(PATH).status_code == 401
    assert as_(None).post(PATH).status_code == 401
    assert as_("dora").get(PATH).status_code == 403
    assert send(as_("dora"), TOWN).status_code == 403
    assert PATH in as_("ana").get("/operator").text


def test_a_look_changes_nothing_and_then_all_of_it_comes_once(as_: As, session: Session) -> None:
    ana, before = as_("ana"), count(session)
    look = send(ana, TOWN)
    assert (look.status_code, count(session)) == (200, before)
    assert "This file would bring 2 places." in look.text
    assert "Bring these 2 places" in look.text
    assert 'class="made"' in look.text
    assert "Choose the same file again" in look.text
    brought = send(ana, TOWN, "import", looked=looked_at(look))
    assert (brought.status_code, count(session)) == (200, before + 2)
    assert "2 places came in." in brought.text
    assert looked_at(brought) == ""
    assert ana.get("/venues/hall").status_code == 200
    assert 'href="/venues/hall"' in brought.text
    again = send(ana, TOWN)
    assert "All of this file is here already." in again.text
    assert again.text.count("here already</span>") == 2
    assert "Bring these" not in again.text
    changed = send(ana, collection({**HALL, "properties": {**HALL["properties"], "name": "Great Hall"}}, STAGE, KIOSK))
    assert "would be brought up to date" in changed.text
    assert "Bring this place" in changed.text
    assert count(session) == before + 2


def test_what_was_not_looked_at_is_only_looked_at(as_: As, session: Session) -> None:
    ana, before = as_("ana"), count(session)
    for looked in ("", looked_at(send(ana, TOWN))):
        other = send(ana, collection(HALL), "import", looked=looked)
        assert "not what you looked at before" in other.text
        assert count(session) == before
    elsewhere = send(ana, TOWN, "import", looked=looked_at(send(ana, TOWN)), datum="gcj02")
    assert "not what you looked at before" in elsewhere.text
    assert 'value="gcj02" checked' in elsewhere.text
    assert "1 place came in" in send(ana, collection(HALL), "import", looked=looked_at(other)).text


def test_what_is_broken_is_named_and_then_nothing_comes(as_: As, session: Session) -> None:
    ana, before = as_("ana"), count(session)
    far = feature("far", square(9.0, 48.1), name="Far", kind="zone", venue="hall")
    broken = collection(HALL, feature("bow", BOW, name="Bow"), far)
    looked = send(ana, broken, source="town-hall")
    assert looked.status_code == 422
    assert "2 things are in the way" in looked.text
    assert "town-hall" in looked.text
    for said in ("bow", "crosses itself", "far", "1 other place is sound"):
        assert said in looked.text
    assert "Bring th" not in looked.text
    assert send(ana, broken, "import", looked="x").status_code == 422
    assert count(session) == before
    nodes = "".join(
        f'<node id="{number}" lat="{LAT + y}" lon="{LON + x}" version="1"/>'
        for number, (x, y) in enumerate([(0, 0), (0.001, 0.001), (0.001, 0), (0, 0.001)], 1)
    )
    refs = "".join(f'<nd ref="{number}"/>' for number in (1, 2, 3, 4, 1))
    way = f'<way id="8" version="1">{refs}<tag k="name" v="Crossed"/><tag k="amenity" v="cafe"/></way>'
    crossed = send(ana, f'<osm version="0.6">{nodes}{way}</osm>'.encode(), name="town.osm")
    assert 'href="https://www.openstreetmap.org/way/8"' in crossed.text


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "This file is empty"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "This is no file of places"),
        (b"\x1f\x8b\x08" + b"\0" * 99, "unpack it first"),
        (b"[1, 2]", "This is no file of places"),
        (b"{", "is no JSON"),
        (b"{}", "is no GeoJSON FeatureCollection"),
        (b"PK\x03\x04" + b"\0" * 99, "cannot be unpacked"),
        (archive(manifest={}), "has a venue"),
        (archive(manifest=b" " * 60_000_000, venue={}), "too large when it is unpacked"),
        (b"<html><body>no</body></html>", "This is no file of OpenStreetMap"),
        (b"\0\0\0\x0e\n\tOSMHeader\x18\xad\x01" + b"\xff" * 40, "This is no file of OpenStreetMap"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><osm version="0.6"><node id="1" lat="&b;"/></osm>', "entities"),
        (collection(), "There is no place in this file"),
        (collection(HALL)[:-9], "is no JSON"),
    ],
)
def test_every_file_that_is_none_has_a_sentence(as_: As, session: Session, data: bytes, says: str) -> None:
    before = count(session)
    for act in ("look", "import"):
        answer = send(as_("ana"), data, act, near="48.1, 11.5")
        assert answer.status_code == 422
        assert says in answer.text
        assert 'value="48.1, 11.5"' in answer.text
    assert count(session) == before


def test_nothing_chosen_is_said(as_: As) -> None:
    answer = as_("ana").post(PATH, data={"act": "look", "file": ""})
    assert (answer.status_code, "Choose the file first" in answer.text) == (422, True)
    assert as_("ana").post(PATH, data={"act": "look"}).status_code == 422
    assert as_("ana").post(PATH, data={"act": "look", "file": "a text"}).status_code == 422


def test_a_file_is_no_larger_than_the_settings_say(as_: As) -> None:
    large = send(as_("ana"), b"{" + b" " * 10_000_000)
    assert (large.status_code, "at most 10 MB" in large.text) == (413, True)
    assert send(as_("ana"), b" " * 11_000_000).status_code == 413


def test_more_places_than_a_page_waits_for_go_to_the_command(as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST_PLACES", 1)
    answer = send(as_("ana"), TOWN)
    assert (answer.status_code, "muster venue import" in answer.text) == (413, True)


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"near": "somewhere"}, 422, "Type a latitude"),
        ({"owner": "nobody-here"}, 404, "nobody-here"),
        ({"form": "imdf"}, 422, "cannot be unpacked"),
        ({"near": "-33.9, 151.2"}, 422, "in the way"),
    ],
)
def test_what_was_said_of_the_file_is_kept(as_: As, fields: dict[str, str], status: int, says: str) -> None:
    answer = send(as_("ana"), TOWN, **fields)
    assert (answer.status_code, says in answer.text) == (status, True)
    for typed in fields.values():
        assert f'value="{typed}"' in answer.text


def test_an_archive_comes_with_its_zones_to_whom_it_belongs(as_: As, session: Session) -> None:
    data = archive(**imdf())
    look = send(as_("ana"), data, name="mall.zip", owner="ben")
    assert "3 zones" in look.text
    send(as_("ana"), data, "import", name="mall.zip", owner="ben", looked=looked_at(look))
    assert session.scalars(select(Venue.owner_id).where(Venue.source == "imdf/v1")).one() == "ben"


def test_names_of_a_file_are_words(as_: As) -> None:
    look = send(as_("ana"), collection({**KIOSK, "properties": {"name": "<script>alert(1)</script>"}}))
    assert "<script>alert" not in look.text
    assert "&lt;script&gt;" in look.text


def test_a_drawing_shows_what_is_small_and_keeps_its_bounds() -> None:
    assert footprints.draw([], {}) is None
    pin = Place("a", "A", (LON, LAT), ())
    alone = footprints.draw([pin], {"a": "made"})
    assert alone is not None
    assert alone.dots == [(footprints.WIDTH / 2, footprints.LEAST_HEIGHT / 2, "made")]
    hall = Place("b", "B", (LON, LAT), (Area("b", "all", 0, square(LON, LAT, 0.001)),))
    far = Place("c", "C", (LON + 0.5, LAT), (Area("c", "all", 0, square(LON + 0.5, LAT, 0.1)),))
    drawn = footprints.draw([hall, far], {"b": "made"})
    assert drawn is not None
    assert [word for _, _, word in drawn.dots] == ["made"], "a hall is a dot in a country"
    assert len(drawn.paths) == 1
    for x, y in re.findall(r"([\d.]+),([\d.]+)", drawn.paths[0][0]):
        assert 0 <= float(x) <= drawn.width
        assert 0 <= float(y) <= drawn.height
    many = footprints.draw([pin] * (footprints.MOST_DRAWN + 2), {})
    assert many is not None
    assert (len(many.dots), many.left_out) == (footprints.MOST_DRAWN, 2)
