"""Who may change a community, what is kept of it, and putting it back."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.consent import service as consent
from server.consent.rules import Kind, Level
from tests.server.conftest import As
from tests.server.governance import circle
from tests.server.governance.circle import DAY
from tests.server.places import NOW

PATH = "/api/communities/walkers"
HOME = {"name": "The harbour", "location": [7.42, 43.73], "radius_km": 12.5}


@pytest.fixture
def walkers(as_: As, session: Session) -> As:
    circle.make_circle(session)
    return as_


def changes(her: TestClient) -> list[dict[str, Any]]:
    found = her.get(f"{PATH}/changes")
    assert found.status_code == 200, found.text
    return list(found.json())


def test_anonymous_is_refused(walkers: As) -> None:
    stranger = walkers(None)
    for method, path in (("PATCH", PATH), ("GET", f"{PATH}/changes"), ("POST", f"{PATH}/changes/1/put-back")):
        assert stranger.request(method, path, json={}).json()["code"] == "sign_in_needed"


def test_whoever_came_changes_each_field_and_each_change_is_a_row(walkers: As) -> None:
    wanted = {
        "name": "Night walkers",
        "goal": "Know every path.",
        "interests": ["walking", "birds"],
        "home": HOME,
        "language": "zh",
        "charter": "We wait for the last.\nWe pick up what lies about.",
    }
    changed = walkers("m1").patch(PATH, json=wanted)
    assert changed.status_code == 200, changed.text
    assert changed.json()["home_area"] == HOME
    assert changed.json()["interests"] == ["birds", "walking"]
    for key in ("name", "goal", "language", "charter"):
        assert changed.json()[key] == wanted[key]
    rows = changes(walkers("m2"))
    assert [row["field"] for row in rows] == ["charter", "language", "home", "interests", "goal", "name"]
    assert (rows[-1]["was"], rows[-1]["became"], rows[-1]["yours"]) == ("Walkers", "Night walkers", False)
    assert changes(walkers("m1"))[0]["yours"] is True
    assert walkers("m1").patch(PATH, json=wanted).status_code == 200
    assert len(changes(walkers("m1"))) == 6, "what is as it was is no change"


def test_who_never_came_is_told_what_would_let_her(walkers: As, session: Session) -> None:
    dora = walkers("dora")
    refused = dora.patch(PATH, json={"goal": "Mine"})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_come_yet")
    assert "come to the next one" in refused.json()["detail"]
    assert dora.get(PATH).json()["may_edit"] is False
    circle.come(session, "walk", "dora", NOW - 7 * DAY, "poster")
    assert dora.get(PATH).json()["may_edit"] is True
    assert dora.patch(PATH, json={"goal": "Ours"}).status_code == 200


def test_a_check_in_taken_back_is_no_coming(walkers: As, session: Session) -> None:
    session.execute(text("UPDATE checkin SET undone_at = :now WHERE member_id = 'm1'"), {"now": NOW})
    assert walkers("m1").patch(PATH, json={"goal": "Mine"}).json()["code"] == "not_come_yet"
    assert walkers("m2").patch(PATH, json={"goal": "Ours"}).status_code == 200


def test_a_founder_changes_her_circle_before_anybody_came(as_: As) -> None:
    dora = as_("dora")
    made = dora.post("/api/communities", json={"name": "Chess"}).json()["id"]
    assert dora.patch(f"/api/communities/{made}", json={"goal": "Play"}).status_code == 200
    assert as_("ben").patch(f"/api/communities/{made}", json={"goal": "Win"}).json()["code"] == "not_come_yet"


def test_a_house_is_changed_by_its_source_alone(as_: As, session: Session) -> None:
    circle.make_circle(session, shape="house")
    assert as_("m1").patch(PATH, json={"goal": "Ours"}).json()["code"] == "not_your_community"
    assert as_("ben").patch(PATH, json={"goal": "Mine"}).status_code == 200


def test_who_was_removed_changes_nothing(walkers: As, session: Session) -> None:
    communities.remove(session, community_id="walkers", member_id="m1", now=NOW, until=NOW + DAY)
    assert walkers("m1").patch(PATH, json={"goal": "Mine"}).json()["code"] == "not_come_yet"
    assert walkers("m2").patch(PATH, json={"goal": "Ours"}).status_code == 200


def test_one_tap_puts_back_and_that_is_a_change_as_well(walkers: As) -> None:
    m1, m2 = walkers("m1"), walkers("m2")
    m1.patch(PATH, json={"goal": "Buy my book", "home": HOME})
    spoilt = next(row for row in changes(m2) if row["field"] == "goal")
    put_back = f"{PATH}/changes/{spoilt['id']}/put-back"
    for _ in range(2):
        assert m2.post(put_back).json()["goal"] == ""
    rows = changes(m2)
    assert (len(rows), rows[0]["put_back_of"], rows[0]["became"]) == (3, spoilt["id"], "")
    again = m1.post(f"{PATH}/changes/{rows[0]['id']}/put-back")
    assert again.json()["goal"] == "Buy my book"
    homes = next(row for row in rows if row["field"] == "home")
    assert m2.post(f"{PATH}/changes/{homes['id']}/put-back").json()["home_area"] is None


def test_a_newer_change_is_never_put_back_over_without_saying_so(walkers: As) -> None:
    m1, m2 = walkers("m1"), walkers("m2")
    m1.patch(PATH, json={"goal": "First"})
    first = changes(m1)[0]
    m1.patch(PATH, json={"goal": "Second", "charter": "Kept"})
    put_back = f"{PATH}/changes/{first['id']}/put-back"
    refused = m2.post(put_back)
    assert (refused.status_code, refused.json()["code"]) == (409, "changed_since")
    assert m2.get(PATH).json()["goal"] == "Second"
    meant = m2.post(put_back, json={"over": True}).json()
    assert (meant["goal"], meant["charter"]) == ("", "Kept")


def test_putting_back_goes_by_the_version_that_was_seen(walkers: As) -> None:
    m1, m2 = walkers("m1"), walkers("m2")
    m1.patch(PATH, json={"goal": "First"})
    change = changes(m2)[0]
    seen = m2.get(PATH).headers["ETag"]
    m1.patch(PATH, json={"name": "Others"})
    put_back = f"{PATH}/changes/{change['id']}/put-back"
    stale = m2.post(put_back, headers={"If-Match": seen})
    assert (stale.status_code, stale.json()["code"]) == (412, "edited_meanwhile")
    fresh = m2.post(put_back, headers={"If-Match": m2.get(PATH).headers["ETag"]})
    assert (fresh.status_code, fresh.json()["goal"], fresh.json()["name"]) == (200, "", "Others")


def test_a_change_of_another_community_is_none_of_this(walkers: As) -> None:
    m1 = walkers("m1")
    m1.patch(PATH, json={"goal": "First"})
    change = changes(m1)[0]["id"]
    m1.post("/api/communities", json={"id": "chess", "name": "Chess"})
    assert m1.post(f"/api/communities/chess/changes/{change}/put-back").json()["code"] == "change_unknown"


def test_who_changed_it_is_a_name_for_members_who_may_see_it(walkers: As, session: Session) -> None:
    for member_id in ("m1", "m2"):
        walkers(member_id).patch(PATH, json={"goal": member_id})
    consent.say(
        session, member_id="m1", kind=Kind.COMMUNITY, of_id="walkers", level=Level.NAME, until=NOW + DAY, source="page",
        now=NOW,
    )  # fmt: skip
    assert [row["by"] for row in changes(walkers("m3"))] == [None, "Member 1"]
    for nobody_of_it in ("cleo", "ana"):
        assert [row["by"] for row in changes(walkers(nobody_of_it))] == [None, None]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"goal": "a" * 301},
        {"charter": "a" * 5001},
        {"home": {"name": ""}},
        {"home": {"name": "Swapped", "location": [43.7, 107.4]}},
        {"home": {"name": "Everywhere", "location": [7.4, 43.7], "radius_km": 20_000}},
        {"language": "tlh"},
        {"interests": ["hiking"] * 101},
        {"shape": "house"},
        {"id": "other"},
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(walkers: As, wrong: dict[str, Any]) -> None:
    m1 = walkers("m1")
    assert m1.patch(PATH, json={"goal": "Kept", **wrong}).status_code == 422
    assert changes(m1) == []
    longest = {"goal": "a" * 300, "charter": "é" * 5000, "home": {"name": "Here"}}
    assert m1.patch(PATH, json=longest).status_code == 200


def test_null_empties_home_and_language_and_leaves_the_rest(walkers: As) -> None:
    m1 = walkers("m1")
    m1.patch(PATH, json={"home": HOME, "language": "en", "goal": "Walk"})
    emptied = m1.patch(PATH, json={"home": None, "language": None, "goal": None}).json()
    assert (emptied["home_area"], emptied["language"], emptied["goal"]) == (None, None, "Walk")


def test_near_is_who_is_at_home_there(walkers: As) -> None:
    m1 = walkers("m1")
    m1.patch(PATH, json={"home": HOME})
    assert [one["id"] for one in m1.get("/api/communities?lon=7.5&lat=43.75").json()] == ["walkers"]
    assert m1.get("/api/communities?lon=7.9&lat=43.75").json() == []
    assert m1.get("/api/communities?lon=7.5").json()["code"] == "invalid"


def test_gatherings_of_a_circle_are_called_by_who_belongs_to_it_and_of_a_house_by_who_decides(walkers: As) -> None:
    ben, cleo = walkers("ben"), walkers("cleo")
    times = {"starts_at": "2026-03-14T19:00:00Z", "ends_at": "2026-03-14T21:00:00Z"}
    event = {"name": "Feast", "community": "zebras", "steps": [{"name": "Feast", "venue": "cafe", **times}]}
    cleo.post("/api/communities", json={"name": "Zebras"})
    refused = ben.post("/api/events", json=event)
    assert (refused.status_code, refused.json()["code"]) == (403, "join_first")
    made = ben.post("/api/events", json=event | {"community": None}).json()["id"]
    assert ben.patch(f"/api/events/{made}", json={"community": "zebras"}).json()["code"] == "join_first"
    ben.put("/api/communities/zebras/membership")
    assert ben.patch(f"/api/events/{made}", json={"community": "zebras"}).status_code == 200
    assert ben.post("/api/events", json=event).status_code == 201
    cleo.post("/api/communities", json={"name": "Stripes", "shape": "house"})
    ben.put("/api/communities/stripes/membership")
    assert ben.post("/api/events", json=event | {"community": "stripes"}).json()["code"] == "not_your_community"
    cleo.post("/api/communities/stripes/dissolve")
    assert ben.post("/api/events", json=event | {"community": "stripes"}).json()["code"] == "community_dissolved"
