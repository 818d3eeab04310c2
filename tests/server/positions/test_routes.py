"""Where one is over HTTP."""

import json

import pytest
from sqlalchemy.orm import Session

from geo import cells
from server.consent import service as consent
from server.erasure import personal
from server.people import service as people
from server.positions import service as positions
from server.positions.service import Fix, Source
from tests.server.conftest import As
from tests.server.erasure.test_export import read
from tests.server.places import CAFE, NOW

USES = {"told": True, "fences": True, "company": False, "pop_ups": False, "shops": True, "radius_m": 2000}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/me/positions"),
        ("DELETE", "/api/me/positions"),
        ("GET", "/api/me/positions/uses"),
        ("PUT", "/api/me/positions/uses"),
        ("PUT", "/api/me/home"),
        ("DELETE", "/api/me/home"),
    ],
)
def test_anonymous_is_refused(as_: As, method: str, path: str) -> None:
    assert as_(None).request(method, path, json={}).json()["code"] == "sign_in_needed"


def keep(session: Session, member: str = "dora") -> None:
    positions.keep(session, [Fix(member, Source.PHONE, "pixel", CAFE, 9.0, NOW)], now=NOW)


def test_what_is_kept_is_told_to_herself_alone(as_: As, session: Session) -> None:
    dora = as_("dora")
    keep(session)
    (found,) = dora.get("/api/me/positions").json()
    assert (found["source"], found["device"], found["cell"]) == ("phone", "pixel", f"{cells.of(CAFE, cells.NEAR):x}")
    ring = found["area"]["coordinates"][0]
    assert ring[0] == ring[-1]
    assert 6 <= len(ring) <= 11
    assert found["until"] > found["at"]
    assert as_("ben").get("/api/me/positions").json() == []


def test_all_is_forgotten_at_once(as_: As, session: Session) -> None:
    dora = as_("dora")
    keep(session)
    keep(session, "ben")
    assert dora.put("/api/me/home", json={"position": CAFE}).status_code == 204
    assert len(dora.get("/api/me/positions").json()) == 2
    assert dora.delete("/api/me/home").status_code == 204
    assert [one["source"] for one in dora.get("/api/me/positions").json()] == ["phone"]
    assert dora.delete("/api/me/positions").status_code == 204
    assert dora.get("/api/me/positions").json() == []
    assert len(as_("ben").get("/api/me/positions").json()) == 1


def test_nothing_is_used_until_she_says_so(as_: As, session: Session) -> None:
    dora = as_("dora")
    before = dora.get("/api/me/positions/uses").json()
    assert before == {
        **dict.fromkeys(("told", "fences", "company", "pop_ups", "shops", "paused"), False),
        "radius_m": 5000,
    }
    assert dora.put("/api/me/positions/uses", json=USES).json() == {**USES, "paused": False}
    consent.pause(session, member_id="dora", now=NOW)
    assert dora.get("/api/me/positions/uses").json() == {**USES, "paused": True}
    assert dora.put("/api/me/positions/uses", json={**USES, "radius_m": 10}).status_code == 422


def test_a_home_is_a_position_or_a_cell(as_: As) -> None:
    dora = as_("dora")
    cell = f"{cells.of(CAFE, 7):x}"
    assert dora.put("/api/me/home", json={"cell": cell}).status_code == 204
    assert [one["source"] for one in dora.get("/api/me/positions").json()] == ["home"]
    for wrong in ({}, {"position": CAFE, "cell": cell}, {"cell": "7"}, {"cell": "zz"}, {"cell": "ffffffffffffffff"}):
        assert dora.put("/api/me/home", json=wrong).json()["code"] == "home_unclear"
    assert dora.put("/api/me/home", json={"position": [52.5, 113.4]}).json()["code"] == "home_unclear"


def test_positions_and_uses_are_taken_along_and_go_with_her(as_: As, session: Session) -> None:
    dora = as_("dora")
    keep(session)
    keep(session, "ben")
    dora.put("/api/me/positions/uses", json=USES)
    found = read(as_, "dora")
    assert [row["device"] for row in found["position.json"]] == ["pixel"]
    assert [row["radius_m"] for row in found["position_use.json"]] == [2000]
    assert "ben" not in json.dumps(found["position.json"])
    session.delete(people.get(session, "dora"))
    session.flush()
    kept = {place.name: personal.count(session, place, "dora") for place in personal.places()}
    assert (kept["position"], kept["position_use"]) == (0, 0)
    assert positions.list_of(session, member_id="ben", now=NOW) != []
