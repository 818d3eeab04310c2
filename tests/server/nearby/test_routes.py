"""What is near over HTTP."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from server.positions import service as positions
from server.positions.service import Fix, Source
from tests.server.conftest import As
from tests.server.nearby.town import circle, gathering, place
from tests.server.places import CAFE, HOUR, NOW, make_welcome

HERE = {"lon": CAFE[0], "lat": CAFE[1]}


@pytest.fixture(autouse=True)
def _town(session: Session, as_: As) -> None:
    assert as_(None)
    make_welcome(session)
    circle(session, "players", "dora", "cleo")
    place(session, "hall", (CAFE[0] + 0.02, CAFE[1]))
    gathering(session, "chess", "cafe", community="players", interests=["chess"], capacity=8)
    gathering(session, "walk", "hall", at=NOW + HOUR, organizer="ben")


def near(as_: As, member: str | None = "dora", **query: Any) -> Any:
    answer = as_(member).get("/api/nearby", params={**HERE, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_strangers_are_refused(as_: As) -> None:
    assert as_(None).get("/api/nearby", params=HERE).status_code == 401


def test_each_thing_says_why_and_its_points_add_up(as_: As) -> None:
    found = near(as_)
    assert {one["event"] or one["venue"] for one in found} == {"chess", "walk", "cafe", "hall"}
    for one in found:
        assert one["score"] == pytest.approx(sum(reason["points"] for reason in one["reasons"]))
        assert all(reason["says"] for reason in one["reasons"])
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)
    (chess,) = [one for one in found if one["event"] == "chess"]
    says = {reason["factor"]: reason["says"] for reason in chess["reasons"]}
    assert says["distance"] == "10 m away, 1 minute on foot"
    assert says["community"] == "Of Circle players, which is yours as well"
    assert says["start"].startswith("Begins Sat 14 Mar 20:00") or says["start"].startswith("Begins ")
    assert says["places"] == "8 places left"
    assert chess["places"] == 8


def test_reasons_are_told_in_the_reader_s_language(as_: As) -> None:
    client = as_("dora")
    found = client.get("/api/nearby", params=HERE, headers={"accept-language": "zh-CN"}).json()
    (walk,) = [one for one in found if one["event"] == "walk"]
    assert "60 分钟后开始" in [reason["says"] for reason in walk["reasons"]]


def test_without_a_place_what_is_known_of_her_is_taken(as_: As, session: Session) -> None:
    answer = as_("dora").get("/api/nearby")
    assert (answer.status_code, answer.json()["code"]) == (409, "position_unknown")
    positions.keep(session, [Fix("dora", Source.HOME, "", CAFE, 0.0, NOW)], now=NOW)
    found = as_("dora").get("/api/nearby", params={"order": "nearest"}).json()
    assert {one["venue"] for one in found} == {"cafe", "hall"}
    assert all(one["distance_m"] < 3000 for one in found)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"lon": 13.4}, 422),
        ({"lat": 52.5}, 422),
        ({"lon": 13.4, "lat": 91}, 422),
        ({**HERE, "radius_m": 0}, 422),
        ({**HERE, "within_days": 0}, 422),
        ({**HERE, "order": "loudest"}, 422),
        ({**HERE, "mood": "sad"}, 422),
        ({**HERE, "at": "yesterday"}, 422),
        ({**HERE, "cursor": "x"}, 422),
        ({**HERE, "limit": 0}, 422),
    ],
)
def test_what_makes_no_sense_is_refused(as_: As, query: dict[str, Any], status: int) -> None:
    answer = as_("dora").get("/api/nearby", params=query)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_pages_go_on_by_their_links(as_: As) -> None:
    client = as_("dora")
    address: str | None = f"/api/nearby?lon={CAFE[0]}&lat={CAFE[1]}&limit=1"
    told = []
    while address is not None:
        answer = client.get(address)
        told += answer.json()
        link = answer.headers.get("link", "")
        address = link[1 : link.index(">")] if link else None
    assert [one["name"] for one in told] == [one["name"] for one in near(as_)]


def test_filters_come_through(as_: As) -> None:
    assert {one["event"] for one in near(as_, kind="event", interests=["chess", "jazz"])} == {"chess"}
    assert {one["venue"] for one in near(as_, kind="venue", radius_m=100)} == {"cafe"}
    assert (
        near(as_, community="players", places_left=True, within_days=1, at="2026-03-13T20:00:00Z")[0]["event"]
        == "chess"
    )
    assert near(as_, on_now=True) == []
    assert [one["event"] for one in near(as_, on_now=True, at="2026-03-13T20:30:00Z")] == ["walk"]
    assert near(as_, mood="lively") == []
    assert near(as_, member="ben", community="players") == []
