"""Presence, visits and why a badge is unknown, over HTTP."""

import datetime as dt

import pytest
from sqlalchemy.orm import Session

from config import settings
from server.badges import service as badges
from server.events import service as events
from server.fleet.model import Placement
from server.presence import explain
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW, make_badge
from tests.server.presence import scene

PRESENCE = settings.load(environment={}).presence
PATHS = ["/api/venues/cafe/presence", "/api/venues/cafe/visits", "/api/venues/cafe/attendances", "/api/badges/1/why"]


def before(seconds: float) -> int:
    return scene.at(seconds, NOW)


@pytest.fixture
def badge(as_: As, session: Session) -> int:
    """Dora's badge in the cafe, heard until the agent fell silent two minutes ago."""
    del as_  # makes the members and the cafe
    made = make_badge(session)
    badges.pair(session, badge_id=made, member_id="dora", since=NOW - HOUR)
    scene.listens(session, "cafe-door", before(3000), before(120))
    scene.visit(session, made, "cafe", "cafe-front", before(900), before(121))
    return made


@pytest.mark.parametrize("path", PATHS)
def test_the_anonymous_are_refused(as_: As, path: str) -> None:
    assert as_(None).get(path).json()["code"] == "sign_in_needed"


@pytest.mark.parametrize("path", PATHS[:3])
def test_presence_is_for_whom_the_live_stream_is_for(as_: As, session: Session, clock: Clock, path: str) -> None:
    assert as_("ben").get(path).status_code == as_("ana").get(path).status_code == 200
    assert as_("cleo").get(path).json()["code"] == "venue_not_yours"
    step = events.NewStep(name="Doors", venue_id="cafe", starts_at=NOW + 2 * HOUR, ends_at=NOW + 3 * HOUR)
    events.create(session, id="party", name="Party", organizer_id="cleo", steps=[step])
    assert as_("cleo").get(path).status_code == 403
    clock.now = NOW + HOUR
    assert as_("cleo").get(path).status_code == 200
    clock.now = NOW + 3 * HOUR
    assert as_("cleo").get(path).status_code == 403
    assert as_("ben").get(path.replace("cafe", "nowhere")).status_code == 404


def test_presence_is_the_topic_of_the_stream(as_: As, badge: int) -> None:
    topic = as_("ben").get(PATHS[0]).json()
    assert [(row["id"], row["state"]) for row in topic["badges"]] == [(badge, "unknown")]
    front = next(zone for zone in topic["zones"] if zone["id"] == "cafe-front")
    assert (front["state"], front["count"], front["last_count"]) == ("unknown", 0, 1)
    assert front["area"]["type"] == "Polygon"


def test_visits_end_observed_or_not(as_: As, badge: int) -> None:
    visits = as_("ben").get(PATHS[1]).json()
    assert [(row["badge"], row["state"], row["observed"]) for row in visits] == [(badge, "unknown", False)]
    later = (NOW - dt.timedelta(seconds=60)).isoformat()
    assert as_("ben").get(PATHS[1], params={"since": later}).json() == []
    assert as_("ben").get(PATHS[1], params={"since": "yesterday"}).status_code == 422


def test_attendances_tell_their_visits(as_: As, session: Session, badge: int) -> None:
    scene.listens(session, "cafe-door", before(80), before(0))
    scene.visit(session, badge, "cafe", "cafe-front", before(4900), before(4000))
    (seen,) = as_("ben").get("/api/venues/cafe/attendances").json()
    assert (seen["badge"], seen["heard_s"], seen["state"], seen["observed"]) == (badge, 0, "away", None)
    assert [visit["observed"] for visit in seen["visits"]] == [False, None]
    assert (seen["since"], seen["until"]) == (seen["visits"][0]["since"], seen["visits"][1]["until"])
    later = (NOW - dt.timedelta(seconds=60)).isoformat()
    assert as_("ben").get("/api/venues/cafe/attendances", params={"since": later}).json() == []
    assert as_("ben").get("/api/venues/cafe/attendances", params={"since": "soon"}).status_code == 422


def test_why_says_whose_beacon_a_deaf_pi_no_longer_hears(as_: As, session: Session, badge: int) -> None:
    scene.listens(session, "cafe-door", before(120), before(0))
    badges.register_beacon(session, identity=bytes([7] * 20), agent_id="cafe-door", since=NOW - HOUR)
    placement = session.query(Placement).filter_by(agent_id="cafe-door").one()
    scene.beacon(session, "cafe-door", placement.id, before(3000), before(600))
    found = as_("dora").get(f"/api/badges/{badge}/why").json()
    assert (found["state"], found["silent"]) == ("unknown", ["cafe-door"])
    assert "cafe-door no longer hears its own beacon, which it heard until 19:50" in found["sentence"]
    agent = as_("ben").get("/api/venues/cafe/presence").json()["agents"][0]
    assert (agent["state"], agent["unheard"]) == ("deaf", ["cafe-door"])
    (sentence,) = explain.deaf_agents(session, now=NOW, presence=PRESENCE)
    assert sentence == "cafe-door no longer hears its own beacon, which it heard until 19:50 (Café Lumen)"


def test_why_says_the_rhythm_of_a_badge_that_sends_slowly(as_: As, session: Session) -> None:
    as_(None)
    made = scene.badge(session, held_by="dora")
    scene.listens(session, "cafe-door", before(3000), before(0))
    scene.visit(session, made, "cafe", "cafe-front", before(900), before(100))
    placement = session.query(Placement).filter_by(agent_id="cafe-door").one()
    scene.heard_in_slots(session, placement.id, made, [before(900 - 40 * place) for place in range(21)])
    found = as_("dora").get(f"/api/badges/{made}/why").json()
    assert (found["state"], found["away_after_s"]) == ("present", 120)
    assert "This badge is heard about every 40 s, so it counts as away after 2 min." in found["sentence"]
    topic = as_("ben").get("/api/venues/cafe/presence").json()
    assert [row["state"] for row in topic["badges"]] == ["present"]
    visits = as_("ben").get("/api/venues/cafe/visits").json()
    assert [row["state"] for row in visits] == ["present"]


def test_why_a_badge_is_unknown_names_the_silent_pi(as_: As, badge: int) -> None:
    found = as_("dora").get(f"/api/badges/{badge}/why").json()
    assert (found["state"], found["silent"]) == ("unknown", ["cafe-door"])
    assert found["sentence"] == (
        "Last heard at 19:57 (Café Lumen, front); cafe-door has not listened since 19:58,"
        " so nobody can tell whether it is still here. Look after that Pi."
    )


def test_why_is_for_who_holds_it_and_for_whom_the_venue_is(as_: As, session: Session, badge: int) -> None:
    path = f"/api/badges/{badge}/why"
    assert as_("ben").get(path).status_code == as_("ana").get(path).status_code == 200
    assert as_("cleo").get(path).json()["code"] == "venue_not_yours"
    assert as_("ana").get("/api/badges/987654/why").json()["code"] == "badge_unknown"
    unheard = scene.badge(session)
    assert as_("ana").get(f"/api/badges/{unheard}/why").json()["venue"] is None
    assert as_("ben").get(f"/api/badges/{unheard}/why").json()["code"] == "operators_only"


@pytest.mark.parametrize(
    ("silent_s", "listened_until_s", "state", "words"),
    [
        (15, 0, "present", "within the time that badges may be silent"),
        (100, 0, "away", "have listened since"),
        (400, 0, "left", "had listened for 5 minutes"),
        (100, -1, "unknown", "has not listened since"),
    ],
)
def test_each_state_has_a_sentence(
    as_: As, session: Session, silent_s: int, listened_until_s: int, state: str, words: str
) -> None:
    as_(None)
    made = scene.badge(session, held_by="dora")
    until = before(50) if listened_until_s else before(0)
    scene.listens(session, "cafe-door", before(3000), until)
    scene.visit(session, made, "cafe", "cafe-front", before(900), before(silent_s))
    found = as_("dora").get(f"/api/badges/{made}/why").json()
    assert found["state"] == state
    assert words in found["sentence"]
