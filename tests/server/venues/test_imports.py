"""Places of files: all or none, the same again changes nothing, and what is wrong is named."""

import copy
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.errors import Fault
from server.events import service as events
from server.venues import imports, zones
from server.venues import service as venues
from server.venues.found import FileBroken
from server.venues.model import Venue
from tests.server.conftest import As
from tests.server.places import HOUR, NOW, make_members, square

PATH = "/api/venues/import"
LON, LAT = 11.5, 48.1


def feature(id: str | None, geometry: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """A GeoJSON feature."""
    return {"type": "Feature", "id": id, "geometry": geometry, "properties": properties}


HALL = feature("hall", square(LON, LAT, 0.001), name="Hall", category="stage", opening_hours="Mo-Fr 09:00-18:00")
STAGE = feature("stage", square(LON + 0.0001, LAT + 0.0001), name="Stage", kind="zone", venue="hall", level=1)
KIOSK = feature("kiosk", {"type": "Point", "coordinates": [LON + 0.01, LAT]}, name="Kiosk", address="Am Platz 1")


def collection(*features: dict[str, Any]) -> bytes:
    """A GeoJSON file."""
    return json.dumps({"type": "FeatureCollection", "name": "town", "features": features}).encode()


def take(session: Session, data: bytes, **options: Any) -> imports.Taken:
    """An import of a file."""
    return imports.take(session, imports.read(data, None, **options))


def faults_of(data: bytes, session: Session | None = None, **options: Any) -> dict[str, str]:
    """What is wrong with which feature."""
    found = imports.read(data, None, **options)
    if session is None:
        return {fault.at: _said(fault) for fault in found.faults}
    with pytest.raises(FileBroken) as broken:
        imports.take(session, found)
    return {fault.at: _said(fault) for fault in broken.value.faults}


def _said(fault: Fault) -> str:
    return fault.why.template % dict(fault.why.values)


def archive(**parts: Any) -> bytes:
    """An IMDF archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, part in parts.items():
            kind = "json" if name == "manifest" else "geojson"
            zipped.writestr(f"{name}.{kind}", part if isinstance(part, bytes) else json.dumps(part))
    return file.getvalue()


def imdf(*units: dict[str, Any]) -> dict[str, Any]:
    """The parts of an IMDF archive: a mall with two floors."""
    parts = {
        "venue": [feature("v1", square(LON, LAT, 0.002), name={"en": "Mall", "de": "Halle"}, category="shoppingcenter",
                          hours="Mo-Sa 09:00-20:00", address_id="a1",
                          display_point={"type": "Point", "coordinates": [LON + 0.001, LAT + 0.001]})],
        "address": [feature("a1", None, address="Ring 5", locality="Town")],  # type: ignore[arg-type]
        "level": [feature("l0", square(LON, LAT, 0.002), name={"en": "Ground"}, ordinal=0),
                  feature("l1", square(LON, LAT, 0.002), name={"en": "First"}, ordinal=1)],
        "anchor": [feature("n1", {"type": "Point", "coordinates": [LON, LAT]}, unit_id="u2")],
        "occupant": [feature("o1", None, name={"en": "Bakery"}, anchor_id="n1")],  # type: ignore[arg-type]
        "unit": list(units) or [
            feature("u1", square(LON + 0.0002, LAT), name={"en": "Desk"}, level_id="l0"),
            feature("u2", square(LON + 0.0006, LAT), name=None, level_id="l1"),
            feature("u3", square(LON + 0.001, LAT), name={"en": "Desk"}, level_id="l1"),
            feature("u4", square(LON + 0.0014, LAT), name=None, level_id="l1", category="walkway"),
        ],
    }  # fmt: skip
    wrapped = {name: {"type": "FeatureCollection", "features": features} for name, features in parts.items()}
    return {"manifest": {"version": "1.0.0", "language": "en"}, **wrapped}


def test_anonymous_is_refused(as_: As) -> None:
    headers = {"Content-Type": "application/geo+json"}
    assert as_(None).post(PATH, content=collection(HALL), headers=headers).status_code == 401
    for member_id in ("ben", "dora"):
        assert as_(member_id).post(PATH, content=collection(HALL), headers=headers).json()["code"] == "operators_only"


def test_a_file_over_http_is_looked_at_then_taken_then_known(as_: As) -> None:
    ana, headers = as_("ana"), {"Content-Type": "application/geo+json"}
    data = collection(HALL, STAGE, KIOSK)
    looked = ana.post(f"{PATH}?preview=true&owner=ben", content=data, headers=headers).json()
    assert looked == {"preview": True, "made": 2, "updated": 0, "unchanged": 0, "left_out": 0, "kept": 0}
    assert ana.get("/api/venues/hall").json()["code"] == "venue_unknown"
    assert ana.post(f"{PATH}?owner=ben", content=data, headers=headers).json()["made"] == 2
    hall = ana.get("/api/venues/hall").json()
    assert (hall["owner"], hall["time_zone"], hall["category"]) == ("ben", "Europe/Berlin", "stage")
    assert [(zone["name"], zone["level"]) for zone in hall["zones"]] == [("Stage", 1)]
    assert [zone["name"] for zone in ana.get("/api/venues/kiosk").json()["zones"]] == ["everywhere"]
    assert ana.post(PATH, content=data, headers=headers).json()["unchanged"] == 2


def test_broken_features_are_named_and_nothing_is_kept(as_: As, session: Session) -> None:
    bow = copy.deepcopy(STAGE)
    ring = bow["geometry"]["coordinates"][0]
    ring[1], ring[2] = ring[2], ring[1]
    before = session.scalar(select(func.count()).select_from(Venue))
    answer = as_("ana").post(PATH, content=collection(HALL, bow, KIOSK), headers={"Content-Type": "application/zip"})
    assert (answer.status_code, answer.json()["code"]) == (422, "file_broken")
    assert [fault["at"] for fault in answer.json()["faults"]] == ["stage"]
    assert "crosses itself near 11.50" in answer.json()["faults"][0]["says"]
    assert session.scalar(select(func.count()).select_from(Venue)) == before


def test_what_is_wrong_with_a_feature_is_said() -> None:
    outside = feature("out", square(LON + 0.002, LAT), name="Out", kind="zone", venue="hall")
    unclosed = feature("open", {"type": "Polygon", "coordinates": [square(LON, LAT)["coordinates"][0][:-1]]}, name="X")
    turned = feature("turned", square(LAT, LON), name="Turned", kind="zone", venue="hall")
    along = [[LON + number / 1e6, LAT] for number in range(10_002)]
    many = feature("many", {"type": "Polygon", "coordinates": [[*along, [LON, LAT + 0.01], [LON, LAT]]]}, name="M")
    said = faults_of(
        collection(
            HALL, outside, unclosed, turned, many, HALL,
            feature(None, square(LON, LAT), name="No id"),
            feature("lost", square(LON, LAT), name="Lost", kind="zone", venue="nowhere"),
            feature("nameless", square(LON, LAT)),
            feature("odd", {"type": "LineString", "coordinates": []}, name="Odd"),
            feature("up", {"type": "Point", "coordinates": [48.1, 111.5]}, name="Up"),
            feature("kind", square(LON, LAT), name="K", kind="planet"),
        )
    )  # fmt: skip
    expected = {
        "out": "outside its venue, by",
        "open": "is closed",
        "turned": "axes swapped",
        "many": "at most 10000 points",
        "hall": "has this id",
        "feature 7": "has no id",
        "lost": "no venue of this file",
        "nameless": "no name",
        "odd": "GeoJSON Polygon",
        "up": "swapped",
        "kind": "venue or zone",
    }
    assert said.keys() == expected.keys()
    assert [at for at, part in expected.items() if part not in said[at]] == []
    assert "m near 11.50" in said["out"]


def test_swapped_venues_are_seen_when_it_is_said_where_they_should_be() -> None:
    data = collection(feature("hall", square(LAT, LON), name="Hall"))
    assert "axes swapped" in faults_of(data, near=(LON, LAT))["hall"]
    assert imports.read(data, None).faults == []


def test_what_changed_is_updated_and_what_the_owner_changed_stays_meanwhile(
    session: Session,
) -> None:
    make_members(session)
    take(session, collection(HALL, STAGE))
    venues.change(session, id="hall", name="Our hall", contact="x@example.org")
    assert take(session, collection(HALL, STAGE)) == imports.Taken(0, 0, 1)
    assert venues.get(session, "hall").name == "Our hall"
    moved = copy.deepcopy(STAGE)
    moved["properties"]["name"] = "Main stage"
    second = feature("bar", square(LON + 0.0005, LAT + 0.0005), name="Stage", kind="zone", venue="hall")
    (old,) = venues.zones_of(session, venue_id="hall")
    assert take(session, collection(HALL, moved, second)) == imports.Taken(0, 1, 0)
    named = {zone.id: zone.name for zone in venues.zones_of(session, venue_id="hall")}
    assert named[old.id] == "Main stage"  # the same zone, though another took its name
    assert sorted(named.values()) == ["Main stage", "Stage"]
    assert venues.get(session, "hall").contact == "x@example.org"


def test_a_zone_in_use_that_is_gone_from_the_file_stays_and_is_counted(session: Session) -> None:
    make_members(session)
    other = feature("bar", square(LON + 0.0005, LAT + 0.0005), name="Bar", kind="zone", venue="hall")
    take(session, collection(HALL, STAGE, other))
    venues.change(session, id="hall", owner_id="ben", contact="x@example.org")
    zone = next(zone for zone in venues.zones_of(session, venue_id="hall") if zone.name == "Stage")
    step = events.NewStep("Talk", "hall", NOW, NOW + HOUR, zone_id=zone.id)
    events.create(session, id="talk", name="Talk", organizer_id="cleo", steps=[step])
    assert zones.is_used(session, zone)
    assert take(session, collection(HALL, other)) == imports.Taken(0, 1, 0, kept=1)
    assert {each.name for each in venues.zones_of(session, venue_id="hall")} == {"Stage", "Bar"}
    assert take(session, collection(HALL, STAGE)) == imports.Taken(0, 1, 0)  # the one that is free goes
    assert [each.id for each in venues.zones_of(session, venue_id="hall")] == [zone.id]
    renumbered = copy.deepcopy(STAGE)
    renumbered["id"] = "stage-of-the-new-survey"
    assert take(session, collection(HALL, renumbered)) == imports.Taken(0, 1, 0)
    assert [each.id for each in venues.zones_of(session, venue_id="hall")] == [zone.id]  # the same under another id


def test_an_imdf_archive_brings_a_venue_with_its_named_units(session: Session) -> None:
    data = archive(**imdf())
    assert take(session, data) == imports.Taken(1, 0, 0)
    mall = venues.get(session, "mall")
    assert (mall.category, mall.opening_hours, mall.address) == ("shop", "Mo-Sa 09:00-20:00", "Ring 5, Town")
    assert venues.location_of(mall) == (LON + 0.001, LAT + 0.001)
    there = [(zone.level, zone.name) for zone in venues.zones_of(session, venue_id="mall")]
    assert there == [(0, "Desk"), (1, "Bakery"), (1, "Desk 2")]
    assert take(session, data).unchanged == 1


def test_an_archive_without_units_has_its_floors(session: Session) -> None:
    parts = imdf()
    del parts["unit"]
    take(session, archive(**parts))
    there = [(zone.level, zone.name) for zone in venues.zones_of(session, venue_id="mall")]
    assert there == [(0, "Ground"), (1, "First")]


def test_a_unit_outside_its_venue_or_without_a_level_is_named() -> None:
    said = faults_of(
        archive(
            **imdf(
                feature("far", square(LON + 0.01, LAT), name={"en": "Far"}, level_id="l0"),
                feature("floating", square(LON, LAT), name={"en": "Floating"}, level_id="l9"),
            )
        )
    )
    assert "outside its venue, by" in said["far"]
    assert "level" in said["floating"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04 no zip", "cannot be unpacked"),
        (b"{", "no JSON"),
        (b"[1]", "OpenStreetMap"),
        (b'{"type": "Feature"}', "FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": []}', "no place"),
        (b"<osm><way", "OpenStreetMap"),
        (archive(manifest={}), "has a venue"),
        (archive(manifest={}, venue=b" " * 60_000_000), "too large"),
        (archive(manifest={}, venue=b"[" * 100_000), "no JSON"),
        (archive(**{f"part{number}": {} for number in range(300)}), "at most 200 files"),
    ],
)
def test_what_is_no_file_of_places_is_refused_with_a_sentence(data: bytes, says: str) -> None:
    with pytest.raises(FileBroken, match=says):
        imports.read(data, None)


def test_a_crossed_way_of_openstreetmap_is_named_and_an_open_one_left_out() -> None:
    nodes = "".join(
        f'<node id="{number}" version="1" lat="{lat}" lon="{lon}"/>'
        for number, lon, lat in ((1, 11.5, 48.1), (2, 11.501, 48.101), (3, 11.501, 48.1), (4, 11.5, 48.101))
    )

    def way(number: int, refs: str, name: str) -> str:
        ends = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        return f'<way id="{number}" version="1">{ends}<tag k="name" v="{name}"/><tag k="amenity" v="cafe"/></way>'

    ways = way(7, "13241", "Fine") + way(8, "12341", "Crossed") + way(9, "123", "Open")
    found = imports.read(f'<osm version="0.6">{nodes}{ways}</osm>'.encode(), None)
    assert [place.source for place in found.places] == ["osm/way/7"]
    assert [(fault.at, "crosses itself" in _said(fault)) for fault in found.faults] == [("osm/way/8", True)]
    assert found.left_out == 1


def test_a_town_of_openstreetmap_comes_once(session: Session, shared_data: Path) -> None:
    file = shared_data / "osm-monaco" / "monaco.osm.pbf"
    if not file.exists():
        pytest.skip("../shared/data/osm-monaco is not there")
    found = imports.read(file, None)
    assert found.faults == []
    taken = imports.take(session, found)
    assert taken.made == len(found.places) > 60
    assert imports.take(session, imports.read(file.read_bytes(), None)).unchanged == taken.made
    museum = session.scalars(select(Venue).where(Venue.source == "osm/way/23715051")).one()
    assert (museum.name, museum.category, museum.time_zone) == ("Musée Océanographique", "museum", "Europe/Monaco")
    (zone,) = venues.zones_of(session, venue_id=museum.id)
    assert zone.name == "everywhere"
    assert venues.area_of(zone) is not None
