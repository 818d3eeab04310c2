"""Fans over HTTP: who may look, what is a name and what a number, and what follows from what."""

import datetime as dt
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from server import times
from server.badges import service as badges
from server.communities import service as communities
from server.consent import service as consent
from server.consent.rules import Kind, Level
from server.erasure import service as erasure
from server.events import service as events
from server.events import signups
from server.people import roles
from server.people import service as people
from tests.server.conftest import As
from tests.server.places import HOUR, IDENTITY, NOW
from tests.server.presence import scene

DAY = dt.timedelta(days=1)
TODAY = NOW.date()


@pytest.fixture
def cafe(as_: As, session: Session) -> As:
    """Browsers at Ben's cafe, and twelve members."""
    for number in range(12):
        people.create(session, id=f"m-{number}", name=f"Em {number}")
    return as_


def came(session: Session, member_id: str, *before: int) -> None:
    """Days on which a visit of hers was remembered."""
    for days in before:
        session.execute(
            text(
                "INSERT INTO checkin (venue_id, day, member_id, at, evidence, signed_up)"
                " VALUES ('cafe', :day, :member, :at, 'beacon', false)"
            ),
            {"day": TODAY - days * DAY, "member": member_id, "at": NOW - days * DAY - HOUR},
        )


def let(session: Session, member_id: str, kind: Kind = Kind.VENUE, of_id: str = "cafe") -> None:
    until = NOW + 30 * DAY
    consent.say(
        session, member_id=member_id, kind=kind, of_id=of_id, level=Level.NAME, until=until, source="page", now=NOW
    )


def fans(client: TestClient, path: str = "/api/venues/cafe/fans", **query: str) -> dict[str, Any]:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_anonymous_is_refused(cafe: As) -> None:
    for path in ("/api/venues/cafe/fans", "/api/communities/lumen/fans"):
        assert cafe(None).get(path).status_code == 401


def test_who_keeps_a_venue_sees_its_fans_and_no_operator(cafe: As, session: Session) -> None:
    roles.give(session, member_id="cleo", kind="venue", of_id="cafe", called="", by="ben", now=NOW)
    assert [cafe(one).get("/api/venues/cafe/fans").status_code for one in ("ben", "cleo")] == [200, 200]
    for one in ("ana", "dora"):
        assert cafe(one).get("/api/venues/cafe/fans").json()["code"] == "not_your_venue"
    assert cafe("ben").get("/api/venues/nowhere/fans").json()["code"] == "venue_unknown"


def test_nobody_yet_is_told_as_nobody(cafe: As) -> None:
    told = fans(cafe("ben"))
    assert (told["people"], told["named"]) == ({"named": 0, "others": None}, [])
    assert len(told["over_time"]) == 13
    assert len(told["slots"]) == 7 * 8


def test_few_are_no_number_and_many_are_rounded_down(cafe: As, session: Session) -> None:
    for number in range(4):
        came(session, f"m-{number}", 1)
    assert fans(cafe("ben"))["people"] == {"named": 0, "others": None}
    for number in range(4, 12):
        came(session, f"m-{number}", 1)
    told = fans(cafe("ben"))
    assert told["people"]["others"] in (5, 10)
    assert told["first_timers"]["others"] in (5, 10)
    assert told["brought"]["walked_by"]["others"] in (5, 10)
    assert told == fans(cafe("ben")), "the same whenever it is asked for"


def test_a_name_is_shown_to_who_was_let_and_leaves_the_numbers_for_a_year(cafe: As, session: Session) -> None:
    came(session, "m-0", 40, 47, 54, 61)
    came(session, "m-1", 0)
    let(session, "m-0")
    (fan,) = fans(cafe("ben"))["named"]
    assert (fan["name"], fan["days"], fan["gap_days"], fan["drifting"]) == ("Em 0", 4, 7, True)
    assert (fan["first_on"], fan["last_on"]) == (str(TODAY - 61 * DAY), str(TODAY - 40 * DAY))
    for number in range(1, 12):
        came(session, f"m-{number}", 2)
    before = fans(cafe("ben"))
    for act in (
        lambda: consent.take_back(session, member_id="m-0", kind=Kind.VENUE, of_id="cafe", now=NOW),
        lambda: consent.pause(session, member_id="m-0", now=NOW),
        lambda: consent.resume(session, member_id="m-0", now=NOW),
    ):
        act()
        told = fans(cafe("ben"))
        assert told["named"] == []
        assert told["people"] == {"named": 0, "others": before["people"]["others"]}
    let(session, "m-0")
    assert fans(cafe("ben")) == before


def test_what_was_said_about_others_leaves_her_in_the_numbers_and_hidden_is_nobody(cafe: As, session: Session) -> None:
    for number in range(12):
        came(session, f"m-{number}", 1)
    before = fans(cafe("ben"))["people"]
    communities.create(session, id="readers", name="Readers")
    let(session, "m-3", Kind.COMMUNITY, "readers")
    assert fans(cafe("ben"))["people"] == before
    for number in range(8):
        consent.say(
            session, member_id=f"m-{number}", kind=Kind.VENUE, of_id=None, level=Level.HIDDEN, until=None,
            source="page", now=NOW,
        )  # fmt: skip
    assert fans(cafe("ben"))["people"] == {"named": 0, "others": None}


def test_nobody_drifts_while_the_place_is_closed(cafe: As, session: Session) -> None:
    came(session, "m-0", 60, 67, 74, 81)
    let(session, "m-0")
    assert fans(cafe("ben"))["named"][0]["drifting"] is False, "nobody came since: it was closed, or nothing listened"
    came(session, "m-1", 1)
    assert fans(cafe("ben"))["named"][0]["drifting"] is True


def test_bare_visits_are_numbers_and_never_hers_by_name(cafe: As, session: Session) -> None:
    let(session, "m-0")
    for number in range(12):
        badge_id = scene.badge(session, held_by=f"m-{number}")
        begins = times.to_ms(NOW - 3 * HOUR)
        scene.visit(session, badge_id, "cafe", None, begins, begins + 600_000)
    told = fans(cafe("ben"))
    assert told["named"] == []
    assert told["people"] in ({"named": 0, "others": 5}, {"named": 0, "others": 10})
    session.execute(text("UPDATE visit SET to_ms = from_ms + 60000"))
    assert fans(cafe("ben"))["people"]["others"] is None, "who passes by is no guest"


def test_badges_of_nobody_count_if_they_are_registered_and_erased_members_are_nobody(
    cafe: As, session: Session
) -> None:
    begins = times.to_ms(NOW - 3 * HOUR)
    for number in range(12):
        identity = IDENTITY[:19] + bytes([number])
        badge_id = badges.register(session, identity=identity, label="", since=NOW - 9 * HOUR)
        scene.visit(session, badge_id, "cafe", None, begins, begins + 600_000)
    assert fans(cafe("ben"))["people"]["others"] in (5, 10)
    session.execute(text("DELETE FROM identity"))
    assert fans(cafe("ben"))["people"]["others"] is None
    came(session, "m-0", *range(60))
    erasure.erase(session, member_id="m-0", now=NOW)
    assert fans(cafe("ben"))["people"] == {"named": 0, "others": None}


def test_an_undone_check_in_is_no_visit(cafe: As, session: Session) -> None:
    came(session, "m-0", 1)
    let(session, "m-0")
    assert len(fans(cafe("ben"))["named"]) == 1
    session.execute(text("UPDATE checkin SET undone_at = :now"), {"now": NOW})
    assert fans(cafe("ben"))["named"] == []


@pytest.fixture
def house(cafe: As, session: Session) -> As:
    """Cléo's house, which met ten days ago in the cafe, for those who follow it."""
    communities.create(session, id="lumen", name="Lumen", shape="house", source_member_id="cleo")
    communities.join(session, community_id="lumen", member_id="cleo", now=NOW - 12 * DAY)
    step = events.NewStep("Talk", "cafe", NOW - 10 * DAY, NOW - 10 * DAY + 2 * HOUR)
    events.create(session, id="night", name="Night", organizer_id="cleo", steps=[step], community_id="lumen")
    session.execute(text("UPDATE event SET open_to_all = true"))
    for number in range(12):
        communities.join(session, community_id="lumen", member_id=f"m-{number}", now=NOW - 12 * DAY)
        signups.sign_up(session, event_id="night", member_id=f"m-{number}", now=NOW - 11 * DAY)
        scene.arrive(session, f"m-{number}", NOW - 10 * DAY, "night-1")
    return cafe


def test_a_house_has_fans_for_its_source_and_a_circle_for_nobody(house: As, session: Session) -> None:
    path = "/api/communities/lumen/fans"
    told = fans(house("cleo"), path)
    assert told["people"]["others"] in (5, 10)
    assert told["brought"]["community"]["others"] in (5, 10)
    assert told["brought"]["walked_by"]["others"] is None
    assert [house(one).get(path).json()["code"] for one in ("ana", "dora", "m-1")] == ["not_your_community"] * 3
    let(session, "m-2", Kind.VENUE)
    assert fans(house("cleo"), path)["named"] == [], "the venue is another viewer"
    let(session, "m-2", Kind.COMMUNITY, "lumen")
    assert [fan["name"] for fan in fans(house("cleo"), path, span="year")["named"]] == ["Em 2"]
    communities.create(session, id="readers", name="Readers")
    assert house("cleo").get("/api/communities/readers/fans").json()["code"] == "houses_only"


def test_a_span_that_is_none_is_refused(cafe: As) -> None:
    assert cafe("ben").get("/api/venues/cafe/fans?span=month").status_code == 422
