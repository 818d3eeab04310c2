"""Zones that are added, redrawn and removed: what refers to one never breaks."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.events import service as events
from server.venues import service as venues
from tests.server.conftest import As
from tests.server.places import CAFE, HOUR, NOW, make_badge, square

BACK = "/api/venues/cafe/zones/cafe-back"
FRONT = "/api/venues/cafe/zones/cafe-front"


def test_anonymous_is_refused(as_: As) -> None:
    for method, path in (("POST", "/api/venues/cafe/zones"), ("PATCH", BACK), ("DELETE", BACK)):
        assert as_(None).request(method, path, json={"name": "Roof"}).status_code == 401
        assert as_("dora").request(method, path, json={"name": "Roof"}).json()["code"] == "not_your_venue"


def test_a_zone_is_added_redrawn_renamed_and_removed(as_: As) -> None:
    ben = as_("ben")
    made = ben.post("/api/venues/cafe/zones", json={"name": "Roof", "level": 2}).json()
    assert (made["id"], made["level"], made["area"]) == ("cafe-roof", 2, None)
    area = square(CAFE[0], CAFE[1] + 0.001)
    redrawn = ben.patch(f"/api/venues/cafe/zones/{made['id']}", json={"name": "Dach", "area": area}).json()
    assert (redrawn["name"], redrawn["area"], redrawn["level"]) == ("Dach", area, 2)
    assert ben.patch(BACK, json={"name": "Dach"}).json()["code"] == "zone_name_taken"
    assert ben.post("/api/venues/cafe/zones", json={"name": "Dach"}).json()["code"] == "zone_name_taken"
    assert ben.delete(f"/api/venues/cafe/zones/{made['id']}").status_code == 204
    assert ben.delete(f"/api/venues/cafe/zones/{made['id']}").json()["code"] == "zone_unknown"


def test_a_zone_where_an_agent_stood_or_somebody_was_or_will_meet_stays(as_: As, session: Session) -> None:
    ben = as_("ben")
    assert ben.delete(FRONT).json()["code"] == "zone_in_use"  # the agent's
    step = events.NewStep("Talk", "cafe", NOW, NOW + HOUR, zone_id="cafe-back")
    events.create(session, id="talk", name="Talk", organizer_id="cleo", steps=[step])
    refused = ben.delete(BACK).json()
    assert (refused["status"], refused["code"]) == (409, "zone_in_use")
    assert "back is in use: rename or redraw it" in refused["detail"]
    session.execute(text("UPDATE step SET zone_id = NULL"))
    badge_id = make_badge(session)
    session.execute(
        text("INSERT INTO stay (badge_id, venue_id, from_ms, zone_id) VALUES (:badge, 'cafe', 0, 'cafe-back')"),
        {"badge": badge_id},
    )
    assert ben.delete(BACK).json()["code"] == "zone_in_use"
    redrawn = ben.patch(BACK, json={"name": "garden", "area": square(CAFE[0] + 0.001, CAFE[1])})
    assert redrawn.json()["id"] == "cafe-back"
    assert session.scalar(text("SELECT count(*) FROM stay WHERE zone_id = 'cafe-back'")) == 1


def test_the_last_zone_stays(as_: As, session: Session) -> None:
    venues.create(session, id="bar", name="Bar", time_zone="UTC", owner_id="ben")
    answer = as_("ben").delete("/api/venues/bar/zones/bar-everywhere")
    assert (answer.status_code, answer.json()["code"]) == (409, "last_zone")


@pytest.mark.parametrize(
    ("area", "says"),
    [
        (square(CAFE[1], CAFE[0]), "axes swapped"),
        (square(CAFE[0] + 3, CAFE[1]), "far from its venue"),
        ({"type": "Polygon", "coordinates": [square(*CAFE)["coordinates"][0][:-1]]}, "closed"),
    ],
)
def test_what_is_wrong_with_an_outline_is_said(as_: As, area: dict[str, object], says: str) -> None:
    answer = as_("ben").patch(BACK, json={"area": area})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert says in answer.json()["detail"]
    in_chinese = as_("ben").patch(BACK, json={"area": area}, headers={"Accept-Language": "zh"}).json()["detail"]
    assert says not in in_chinese
