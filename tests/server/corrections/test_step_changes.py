"""One step is changed by itself: what it is, where, when, for how many and by which rule."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy.orm import Session

from server import times
from server.badges import service as badges
from server.events import service as events
from server.fleet import service as fleet
from server.people import roles
from tests.server.conftest import As
from tests.server.events.gathering import TOMORROW, come, make_dinner, seen, told
from tests.server.places import HOUR, NOW, make_badge
from tests.server.presence import scene

FIRST, SECOND = "/api/events/dinner/steps/dinner-1", "/api/events/dinner/steps/dinner-2"
MINUTE = dt.timedelta(minutes=1)


def step(session: Session, number: int) -> dict[str, Any]:
    found = events.get_step(session, event_id="dinner", step_id=f"dinner-{number}")
    return {column.key: getattr(found, column.key) for column in found.__table__.columns}


def test_anonymous_is_refused(as_: As, session: Session) -> None:
    make_dinner(session, 2)
    assert as_(None).patch(FIRST, json={"name": "Soup"}).status_code == 401


def test_a_step_is_called_and_counted_otherwise_and_the_others_stay(as_: As, session: Session) -> None:
    make_dinner(session, 1, None)
    come(session, "eva", "finn")
    before = step(session, 2)
    changed = as_("cleo").patch(FIRST, json={"name": "Soup", "capacity": 2, "dwell_walk_in_s": 30}).json()
    found = [changed[name] for name in ("name", "capacity", "dwell_signed_up_s", "dwell_walk_in_s")]
    assert found == ["Soup", 2, 15.0, 30.0]
    assert step(session, 2) == before
    assert seen(session) == {"eva": "going", "finn": "going"}
    assert told(session, "finn") == ["event.promoted"]
    reset = as_("cleo").patch(FIRST, json={"capacity": None, "dwell_walk_in_s": None, "name": None}).json()
    assert [reset[name] for name in ("name", "capacity", "dwell_walk_in_s")] == ["Soup", None, 90.0]


def test_a_step_moves_to_a_spot_and_who_signed_up_is_told_once(as_: As, session: Session) -> None:
    make_dinner(session, None, None)
    come(session, "eva")
    before = step(session, 1)
    assert as_("cleo").patch(SECOND, json={"zone": "cafe-back"}).json()["zone"] == "cafe-back"
    spot = {"name": "The bridge", "location": [139.7005, 35.6595]}
    moved = as_("cleo").patch(SECOND, json={"spot": spot}).json()
    assert (moved["venue"].startswith("spot"), moved["zone"]) == (True, None)
    assert step(session, 1) == before
    assert told(session, "eva") == ["event.moved"]
    both = as_("cleo").patch(SECOND, json={"spot": spot, "venue": "cafe"})
    assert (both.status_code, both.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    "wanted", [{"name": " "}, {"capacity": 0}, {"dwell_walk_in_s": 90000}, {"ends_at": TOMORROW.isoformat()}]
)
def test_what_cannot_be_is_refused(as_: As, session: Session, wanted: dict[str, Any]) -> None:
    make_dinner(session, None)
    before = step(session, 1)
    refused = as_("cleo").patch(FIRST, json=wanted)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    session.expire_all()
    assert step(session, 1) == before


def test_who_keeps_the_place_moves_it_and_says_no_more_of_it(as_: As, session: Session) -> None:
    make_dinner(session, None)
    later = {"ends_at": (TOMORROW + 2 * HOUR).isoformat()}
    assert as_("ben").patch(FIRST, json=later).status_code == 200
    assert as_("ben").patch(FIRST, json={"name": "Ben's"}).json()["code"] == "not_your_event"
    assert as_("dora").patch(FIRST, json={}).json()["code"] == "not_your_venue"
    assert as_("ana").patch(FIRST, json={"name": "The server's"}).status_code == 200


def test_a_host_without_a_yes_of_the_place_renames_a_step_and_moves_it_at_a_spot_alone(
    as_: As, session: Session
) -> None:
    make_dinner(session, None, None)
    roles.give(session, member_id="dora", called="", kind="event", of_id="dinner", by="cleo", now=NOW)
    as_("cleo").patch(SECOND, json={"spot": {"name": "The bridge", "time_zone": "Europe/Berlin"}}).raise_for_status()
    dora, later = as_("dora"), {"ends_at": (TOMORROW + 3 * HOUR).isoformat()}
    assert dora.patch(FIRST, json={"name": "Soup"}).status_code == 200
    assert dora.patch(FIRST, json=later).json()["code"] == "not_your_venue"
    assert dora.patch(SECOND, json=later).status_code == 200


def test_another_rule_judges_what_was_heard_already(as_: As, session: Session) -> None:
    make_dinner(session, None)
    badge_id = make_badge(session)
    badges.pair(session, badge_id=badge_id, member_id="dora", since=NOW - HOUR)
    (placement,) = fleet.placements_of(session, agent_id="cafe-door")
    low, high = times.to_ms(NOW - 30 * MINUTE), times.to_ms(NOW - 29 * MINUTE)
    scene.span(session, badge_id, placement.id, low, high)
    scene.visit(session, badge_id, "cafe", "cafe-front", low, high)
    begun = {"opens_at": NOW - 40 * MINUTE, "starts_at": NOW - 40 * MINUTE}
    cleo = as_("cleo")
    cleo.patch(FIRST, json={name: at.isoformat() for name, at in begun.items()}).raise_for_status()

    def came() -> list[str]:
        return [row["at"] for row in cleo.get("/api/events/dinner/check-ins").json()]

    assert came() == [], "a minute is too short for who did not sign up"
    cleo.patch(FIRST, json={"dwell_walk_in_s": 30}).raise_for_status()
    assert came() == ["2026-03-13T18:30:30Z"]
    cleo.patch(FIRST, json={"dwell_walk_in_s": 90}).raise_for_status()
    assert came() == []
