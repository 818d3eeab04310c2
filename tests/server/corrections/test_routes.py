"""Facts told now or for the past over HTTP: who may, and what follows."""

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from server import times
from server.badges import service as badges
from server.fleet import service as fleet
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW, make_badge
from tests.server.presence import scene

MINUTE = dt.timedelta(minutes=1)
PARTY = {
    "id": "party",
    "name": "Party",
    "steps": [
        {
            "id": "party-1",
            "name": "All",
            "venue": "cafe",
            "opens_at": "2026-03-13T18:00:00Z",
            "starts_at": "2026-03-13T18:30:00Z",
            "ends_at": "2026-03-13T22:00:00Z",
        }
    ],
}


@pytest.fixture
def badge(as_: As, session: Session) -> int:
    """A badge that the cafe's door heard for the last half hour; nobody holds it."""
    del as_  # makes the members and the cafe
    badge_id = make_badge(session)
    (placement,) = fleet.placements_of(session, agent_id="cafe-door")
    low, high = times.to_ms(NOW - 30 * MINUTE), times.to_ms(NOW)
    scene.span(session, badge_id, placement.id, low, high)
    scene.visit(session, badge_id, "cafe", "cafe-front", low, high)
    return badge_id


def came(as_: As, member: str = "ana") -> list[tuple[str, str, str | None]]:
    rows = as_(member).get("/api/events/party/check-ins").json()
    return [(row["step"], row["at"], row["late"]) for row in rows]


def test_the_anonymous_are_refused(as_: As, badge: int) -> None:
    stranger = as_(None)
    for method, path in (
        ("post", "/api/agents/cafe-door/placements"),
        ("post", f"/api/badges/{badge}/pairings"),
        ("post", f"/api/badges/{badge}/give-back"),
        ("post", "/api/events"),
        ("patch", "/api/events/party/steps/party-1"),
        ("put", "/api/events/party/sign-up"),
        ("delete", "/api/events/party/sign-up"),
        ("get", "/api/me/visits"),
    ):
        assert stranger.request(method, path).json()["code"] == "sign_in_needed", path


def test_an_operator_claims_a_badge_for_the_past_and_the_check_in_says_that_it_is_late(as_: As, badge: int) -> None:
    assert as_("ben").post("/api/events", json=PARTY).status_code == 201
    path, past = f"/api/badges/{badge}/pairings", (NOW - 20 * MINUTE).isoformat()
    wanted = {"member": "dora", "since": past}
    assert as_("dora").post(path, json=wanted).json()["code"] == "operators_only"
    assert came(as_) == []
    assert as_("ana").post(path, json=wanted).status_code == 201
    assert came(as_) == [("party-1", "2026-03-13T18:41:30Z", "recorded 18 min later")]
    why = as_("dora").get("/api/steps/party-1/why").json()
    assert why["sentence"] == "Checked in: 19:41 · by your badge · recorded 18 min later."
    again = as_("ana").post(path, json={"member": "ben", "since": past})
    assert again.json()["code"] == "badge_held"
    early = {"member": "ben", "since": (NOW - 5 * HOUR).isoformat(), "until": past}
    assert as_("ana").post(path, json=early).json()["code"] == "not_registered_then"
    assert as_("ana").post(path, json={"member": "ben", "since": "2027-01-01T00:00:00Z"}).json()["code"] == "not_yet"


def test_giving_back_for_the_past_is_for_operators(as_: As, badge: int, session: Session) -> None:
    as_("ben").post("/api/events", json=PARTY)
    badges.pair(session, badge_id=badge, member_id="dora", since=NOW - HOUR)
    path, past = f"/api/badges/{badge}/give-back", {"at": (NOW - 29 * MINUTE).isoformat()}
    assert as_("dora").post(path, json=past).json()["code"] == "operators_only"
    as_("dora").put("/api/events/party/sign-up")
    assert [at for _, at, _ in came(as_)] == ["2026-03-13T18:30:15Z"]
    assert as_("ana").post(path, json=past).json()["until"] == "2026-03-13T18:31:00Z"
    assert len(came(as_)) == 1, "she had been heard long enough by then"
    assert as_("ana").post(path, json={"at": (NOW - 29 * MINUTE).isoformat()}).json()["code"] == "badge_not_held"


def test_who_holds_a_badge_gives_it_back_now(as_: As, badge: int, session: Session) -> None:
    badges.pair(session, badge_id=badge, member_id="dora", since=NOW - HOUR)
    path = f"/api/badges/{badge}/give-back"
    assert as_("ben").post(path).json()["code"] == "not_your_badge"
    assert as_("dora").post(path).json()["until"] == "2026-03-13T19:00:00Z"


def test_a_step_moves_for_whoever_keeps_its_venues(as_: As, badge: int, session: Session) -> None:
    as_("ben").post("/api/events", json={**PARTY, "organizer": "cleo"})
    badges.pair(session, badge_id=badge, member_id="dora", since=NOW - HOUR)
    path = "/api/events/party/steps/party-1"
    later = {"opens_at": "2026-03-13T18:50:00Z", "starts_at": "2026-03-13T19:00:00Z"}
    # An organizer would see who is at the venue for as long as she says.
    assert as_("cleo").patch(path, json=later).json()["code"] == "not_your_venue"
    moved = as_("ben").patch(path, json=later).json()
    assert (moved["opens_at"], moved["ends_at"], moved["venue"]) == (later["opens_at"], "2026-03-13T22:00:00Z", "cafe")
    assert [at for _, at, _ in came(as_)] == ["2026-03-13T18:51:30Z"]
    assert as_("ben").patch(path, json={"zone": "cafe-back"}).json()["zone"] == "cafe-back"
    assert came(as_) == []
    assert as_("ben").patch(path, json={"ends_at": "2026-03-13T18:00:00Z"}).json()["code"] == "invalid"
    assert as_("ben").patch("/api/events/party/steps/other", json=later).json()["code"] == "step_unknown"


def test_a_member_reads_her_visits_for_as_long_as_she_held_the_badge(as_: As, badge: int, session: Session) -> None:
    badges.pair(session, badge_id=badge, member_id="dora", since=NOW - 20 * MINUTE, until=NOW - 10 * MINUTE)
    badges.pair(session, badge_id=badge, member_id="ben", since=NOW - 10 * MINUTE)

    def seen(member: str) -> list[tuple[str, str, str]]:
        rows = as_(member).get("/api/me/visits").json()
        return [(row["venue"], row["from"], row["to"]) for row in rows]

    assert seen("dora") == [("cafe", "2026-03-13T18:40:00Z", "2026-03-13T18:49:59.999000Z")]
    assert seen("ben") == [("cafe", "2026-03-13T18:50:00Z", "2026-03-13T19:00:00Z")]
    assert seen("ana") == []
    visits = session.execute(text("SELECT count(*) FROM visit")).scalar()
    assert visits == 1, "what the radio says stays one visit"


def test_visits_of_an_event_name_whom_its_organizer_may_know(
    as_: As, badge: int, session: Session, clock: Clock
) -> None:
    as_("ben").post("/api/events", json={**PARTY, "organizer": "cleo"})
    badges.pair(session, badge_id=badge, member_id="dora", since=NOW - HOUR)
    path = "/api/events/party/visits"

    def seen(member: str) -> list[tuple[int, str | None]]:
        return [(row["badge"], row["member"]) for row in as_(member).get(path).json()]

    assert as_("dora").get(path).json()["code"] == "event_not_yours"
    assert seen("cleo") == [(badge, None)], "she did not sign up"
    as_("dora").put("/api/events/party/sign-up")
    assert seen("cleo") == [(badge, "dora")]
    assert seen("ana") == [(badge, None)], "an operator sees no names"
    clock.now = NOW + 4 * HOUR
    assert as_("cleo").get(path).json()["code"] == "event_not_running"
