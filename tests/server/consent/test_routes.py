"""Saying who may see oneself over HTTP, and what that does to all that shows anybody."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from server import topics
from server.badges import service as badges
from server.events import service as events
from server.events import signups
from server.fleet import service as fleet
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW, make_badge
from tests.server.presence import scene

DAY = dt.timedelta(days=1)
YEAR = dt.timedelta(days=366)


def before(seconds: float) -> int:
    return scene.at(seconds, NOW)


@pytest.fixture
def badge(as_: As, session: Session) -> int:
    """Cleo's party runs in Ben's cafe; Dora signed up, came, and is there with this badge."""
    del as_  # makes the members and the cafe
    made = make_badge(session)
    badges.pair(session, badge_id=made, member_id="dora", since=NOW - HOUR)
    scene.listens(session, "cafe-door", before(3000), before(0))
    scene.visit(session, made, "cafe", "cafe-front", before(900), before(3))
    step = events.NewStep(name="Doors", venue_id="cafe", starts_at=NOW, ends_at=NOW + 2 * HOUR)
    events.create(session, id="party", name="Party", organizer_id="cleo", steps=[step])
    signups.sign_up(session, event_id="party", member_id="dora", now=NOW - HOUR)
    scene.arrive(session, "dora", NOW - dt.timedelta(minutes=5), badge_id=made)
    return made


def say(as_: As, member: str, kind: str, level: str, of: str | None = None, days: float | None = None) -> Any:
    until = None if days is None else (NOW + days * DAY).isoformat()
    answer = as_(member).put("/api/me/consents", json={"kind": kind, "of": of, "level": level, "until": until})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/me/consents"),
        ("PUT", "/api/me/consents"),
        ("DELETE", "/api/me/consents?kind=venue"),
        ("PUT", "/api/me/pause"),
        ("DELETE", "/api/me/pause"),
    ],
)
def test_the_anonymous_are_refused(as_: As, method: str, path: str) -> None:
    body = {"kind": "venue", "level": "hidden"} if method == "PUT" else None
    assert as_(None).request(method, path, json=body).json()["code"] == "sign_in_needed"


def test_what_is_said_stands_until_something_else_is_said_and_all_is_kept(as_: As, session: Session) -> None:
    first = say(as_, "dora", "venue", "name", "cafe", 30)
    assert (first["of"], first["level"], first["source"]) == ("cafe", "name", "api")
    say(as_, "dora", "venue", "hidden")
    say(as_, "dora", "venue", "counted", "cafe")
    found = as_("dora").get("/api/me/consents").json()
    assert found["paused"] is None
    assert [(one["of"], one["level"]) for one in found["consents"]] == [("cafe", "counted"), (None, "hidden")]
    assert as_("dora").delete("/api/me/consents", params={"kind": "venue", "of": "cafe"}).status_code == 204
    again = as_("dora").delete("/api/me/consents", params={"kind": "venue", "of": "cafe"})
    assert again.json()["code"] == "nothing_said"
    kept = session.execute(text("SELECT level, ended_at IS NULL FROM consent ORDER BY id")).all()
    assert [tuple(row) for row in kept] == [("name", False), ("hidden", True), ("counted", False)]
    assert as_("ben").get("/api/me/consents").json()["consents"] == []


def test_an_end_that_came_is_no_longer_listed(as_: As, clock: Clock) -> None:
    as_(None)
    say(as_, "dora", "venue", "name", "cafe", 30)
    clock.now = NOW + 30 * DAY
    assert as_("dora").get("/api/me/consents").json()["consents"] == []


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"kind": "venue", "of": "cafe", "level": "name"}, "end_needed"),
        ({"kind": "venue", "of": "cafe", "level": "name", "until": (NOW + YEAR + HOUR).isoformat()}, "end_needed"),
        ({"kind": "venue", "of": "cafe", "level": "hidden", "until": NOW.isoformat()}, "end_past"),
        ({"kind": "venue", "of": "nowhere", "level": "hidden"}, "venue_unknown"),
        ({"kind": "people", "of": "nowhere", "level": "hidden"}, "venue_unknown"),
        ({"kind": "organizer", "of": "nothing", "level": "hidden"}, "event_unknown"),
        ({"kind": "community", "of": "nobody", "level": "hidden"}, "community_unknown"),
        ({"kind": "venue", "of": "x" * 65, "level": "hidden"}, "invalid"),
        ({"kind": "venue", "of": "\u0000", "level": "hidden"}, "venue_unknown"),
        ({"kind": "everybody", "level": "hidden"}, "invalid"),
        ({"kind": "venue", "level": "seen"}, "invalid"),
    ],
)
def test_what_cannot_be_is_said_clearly(as_: As, wanted: dict[str, Any], code: str) -> None:
    assert as_("dora").put("/api/me/consents", json=wanted).json()["code"] == code


def venue_seen(as_: As, member: str) -> tuple[list[int], list[int], dict[str, str], int]:
    """What she sees of the cafe: badges, zone counts, names, visits."""
    topic = as_(member).get("/api/venues/cafe/presence").json()
    visits = as_(member).get("/api/venues/cafe/visits").json()
    attendances = as_(member).get("/api/venues/cafe/attendances").json()
    assert len(visits) == len(attendances)
    return [row["id"] for row in topic["badges"]], [z["count"] for z in topic["zones"]], topic["names"], len(visits)


def event_seen(as_: As, member: str) -> list[tuple[str | None, int | None]]:
    return [(row["name"], row["badge"]) for row in as_(member).get("/api/events/party/check-ins").json()]


def test_who_said_nothing_is_a_number_for_the_shop_and_a_name_for_her_host(as_: As, badge: int) -> None:
    for member in ("ben", "ana", "cleo"):
        assert venue_seen(as_, member) == ([badge], [0, 1], {}, 1)
    assert event_seen(as_, "cleo") == [("Dora Lindqvist", badge)]
    assert event_seen(as_, "ana") == [(None, badge)]


def test_hidden_from_the_venue_is_seen_by_her_host_alone(as_: As, badge: int) -> None:
    say(as_, "dora", "venue", "hidden", "cafe")
    for member in ("ben", "ana"):
        assert venue_seen(as_, member) == ([], [0, 0], {}, 0)
        assert as_(member).get(f"/api/badges/{badge}/why").json()["code"] == "badge_not_shown"
    assert venue_seen(as_, "cleo") == ([badge], [0, 1], {}, 1)
    assert as_("cleo").get(f"/api/badges/{badge}/why").status_code == 200
    assert as_("dora").get(f"/api/badges/{badge}/why").status_code == 200
    assert event_seen(as_, "cleo") == [("Dora Lindqvist", badge)]
    assert event_seen(as_, "ana") == [(None, None)]


def test_who_is_hidden_is_not_told_of_long_after_either(as_: As, badge: int, clock: Clock) -> None:
    clock.now += dt.timedelta(hours=20)  # no picture of the place holds her any more
    path = f"/api/badges/{badge}/why"
    assert "has not heard this badge for" in as_("ben").get(path).json()["sentence"]
    say(as_, "dora", "venue", "hidden", "cafe")
    for member in ("ben", "ana"):
        assert as_(member).get(path).json()["code"] == "badge_not_shown"
    assert as_("dora").get(path).status_code == 200


def test_hidden_from_the_host_is_a_number_where_the_venue_counts_her(as_: As, badge: int) -> None:
    say(as_, "dora", "organizer", "hidden", "party")
    assert event_seen(as_, "cleo") == [(None, badge)]
    assert venue_seen(as_, "cleo") == ([badge], [0, 1], {}, 1)
    assert as_("cleo").get("/api/steps/party-1/why", params={"member": "dora"}).json()["code"] == "name_not_shown"
    found = as_("cleo").get("/api/events/party/visits").json()
    assert [(row["badge"], row["member"]) for row in found] == [(badge, None)]


def test_a_pause_hides_from_everybody_and_its_end_shows_again(as_: As, badge: int) -> None:
    say(as_, "dora", "venue", "name", "cafe", 30)
    assert venue_seen(as_, "ben")[2] == {str(badge): "Dora Lindqvist"}
    for _ in range(2):
        assert as_("dora").put("/api/me/pause").json()["paused"] is not None
    for member in ("ben", "ana", "cleo"):
        assert venue_seen(as_, member) == ([], [0, 0], {}, 0)
        assert as_(member).get(f"/api/badges/{badge}/why").json()["code"] == "badge_not_shown"
    # A check-in counts as a number whatever she says.
    assert event_seen(as_, "cleo") == event_seen(as_, "ana") == [(None, None)]
    assert as_("cleo").get("/api/events/party/visits").json() == []
    for _ in range(2):
        assert as_("dora").delete("/api/me/pause").json() == {"paused": None}
    assert venue_seen(as_, "ben")[2] == {str(badge): "Dora Lindqvist"}


def test_a_name_given_to_the_shop_is_for_its_owner_alone_until_its_end(
    as_: As, badge: int, clock: Clock, session: Session
) -> None:
    say(as_, "dora", "venue", "name", "cafe", 1 / 24)
    assert venue_seen(as_, "ben")[2] == {str(badge): "Dora Lindqvist"}
    assert venue_seen(as_, "ana")[2] == venue_seen(as_, "cleo")[2] == {}
    (greeting,) = as_("ben").get("/api/venues/cafe/presence").json()["greetings"]
    assert (greeting["name"], greeting["times"], greeting["badge"]) == ("Dora Lindqvist", 1, badge)
    assert as_("ana").get("/api/venues/cafe/presence").json()["greetings"] == []
    session.execute(text("UPDATE coverage SET to_ms = to_ms + 3600000"))
    session.execute(text("UPDATE visit SET to_ms = to_ms + 3600000, reach_ms = reach_ms + 3600000"))
    clock.now = NOW + HOUR - dt.timedelta(milliseconds=1)
    assert venue_seen(as_, "ben")[2] == {str(badge): "Dora Lindqvist"}
    clock.now = NOW + HOUR
    assert venue_seen(as_, "ben") == ([badge], [0, 1], {}, 1)


def test_days_on_which_she_came_are_counted_once_and_turn_at_five(as_: As, badge: int, session: Session) -> None:
    session.execute(text("UPDATE pairing SET valid = tstzrange(NULL, NULL)"))
    evening = dt.datetime(2026, 3, 1, 22, 30, tzinfo=dt.UTC)  # 23:30 at the cafe
    for start in (evening, evening + 4 * HOUR, evening + 7 * HOUR):  # 03:30 is the same evening, 06:30 is not
        at_ms = scene.at(0, start)
        scene.visit(session, badge, "cafe", "cafe-front", at_ms, at_ms + 1000)
    say(as_, "dora", "venue", "name", "cafe", 30)
    (greeting,) = as_("ben").get("/api/venues/cafe/presence").json()["greetings"]
    assert greeting["times"] == 3


def test_what_was_not_wholly_hers_is_hidden_with_her(as_: As, badge: int, session: Session) -> None:
    badges.give_back(session, badge_id=badge, at=NOW - dt.timedelta(minutes=10))
    badges.pair(session, badge_id=badge, member_id="ana", since=NOW - dt.timedelta(minutes=10))
    say(as_, "dora", "venue", "hidden")
    assert venue_seen(as_, "ben") == ([badge], [0, 1], {}, 0)
    say(as_, "dora", "venue", "counted")
    say(as_, "ana", "venue", "hidden")
    assert venue_seen(as_, "ben") == ([], [0, 0], {}, 0)


def test_who_was_there_when_the_pi_fell_silent_is_told_without_who_is_hidden(as_: As, session: Session) -> None:
    as_(None)
    scene.listens(session, "cafe-door", before(3000), before(120))
    for member in ("dora", "cleo"):
        made = scene.badge(session, held_by=member)
        scene.visit(session, made, "cafe", "cafe-front", before(900), before(121))

    def last_count() -> int:
        zones = as_("ben").get("/api/venues/cafe/presence").json()["zones"]
        return int(next(zone["last_count"] for zone in zones if zone["id"] == "cafe-front"))

    assert last_count() == 2
    as_("cleo").put("/api/me/pause")
    assert last_count() == 1


def test_saying_something_raises_the_topics_of_where_she_is_seen(as_: As, badge: int, session: Session) -> None:
    del badge
    fleet.enrol(session, agent_id="elsewhere")
    wanted = ["venue/cafe", "event/party", "member/dora", "consents"]
    revs = topics.revisions(session, wanted)
    say(as_, "dora", "venue", "hidden")
    raised = topics.revisions(session, wanted)
    assert {name for name in wanted if raised[name] == revs[name] + 1} == set(wanted)
    as_("dora").put("/api/me/pause")
    as_("dora").put("/api/me/pause")
    assert topics.revisions(session, wanted) == {name: rev + 1 for name, rev in raised.items()}


def test_a_check_in_of_her_own_makes_an_event_hers_and_a_heard_badge_does_not(as_: As, session: Session) -> None:
    as_(None)
    step = events.NewStep(name="Doors", venue_id="cafe", starts_at=NOW, ends_at=NOW + 2 * HOUR)
    events.create(session, id="party", name="Party", organizer_id="cleo", steps=[step])
    scene.arrive(session, "dora", NOW, signed_up=False)
    assert event_seen(as_, "cleo") == [(None, None)]
    session.execute(text("UPDATE checkin SET evidence = 'poster'"))
    assert event_seen(as_, "cleo") == [("Dora Lindqvist", None)]


def test_check_ins_of_who_was_erased_still_count(as_: As, badge: int, session: Session) -> None:
    del badge
    session.execute(text("UPDATE checkin SET member_id = NULL, badge_id = NULL, stranger = 77"))
    assert event_seen(as_, "cleo") == event_seen(as_, "ana") == [(None, None)]
    assert as_("dora").get("/api/me/check-ins").json() == []
