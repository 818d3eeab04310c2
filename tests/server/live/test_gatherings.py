"""The event topic: figures, arrivals, the curve, and who sees names when."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from config import settings
from server import times
from server.badges.model import Pairing
from server.events.model import SignUp
from server.live import gatherings, members
from server.live.rights import Audience
from server.presence import service as presence
from tests.server.presence import scene
from tests.server.presence.scene import NOW, at

MINUTE = dt.timedelta(minutes=1)
MS = dt.timedelta(milliseconds=1)
PRESENCE = settings.load(environment={}).presence


@pytest.fixture
def party(session: Session) -> dict[str, int]:
    """Olga's party runs in the cafe; Ana, Ben and Cleo signed up and hold badges; returns these."""
    for name in ("olga", "ana", "ben", "cleo", "walker"):
        scene.member(session, name, name=f"{name.capitalize()} Smith")
    scene.venue(session, "cafe")
    scene.listens(session, "cafe-hall-pi", at(9000), at(0))
    scene.event(session, "party", NOW)
    for name in ("ana", "ben", "cleo"):
        session.add(SignUp(event_id="party", member_id=name))
    session.flush()
    return {name: scene.badge(session, held_by=name) for name in ("ana", "ben", "cleo", "walker")}


def draw(session: Session, audience: Audience = Audience.ORGANIZER, now: dt.datetime = NOW) -> dict[str, Any]:
    seen = presence.picture(session, venue_id="cafe", now=now, presence=PRESENCE)
    return gatherings.draw(gatherings.load(session, event_id="party"), times.to_ms(now), audience, {"cafe": seen})


def test_the_organizer_sees_the_names_of_who_signed_up_until_a_day_after_the_end(
    session: Session, party: dict[str, int]
) -> None:
    scene.arrive(session, "ana", NOW)
    scene.arrive(session, "walker", NOW + MINUTE, signed_up=False)
    topic = draw(session)
    assert draw(session, now=NOW + 26 * 60 * MINUTE - MS)["names"] == topic["names"]
    assert topic["names"] == {str(party[name]): f"{name.capitalize()} Smith" for name in ("ana", "ben", "cleo")}
    assert [(row["name"], row["initials"], row["note"]) for row in topic["arrivals"]] == [
        (None, None, "not signed up"),
        ("Ana Smith", "AS", "first time"),
    ]


@pytest.mark.parametrize(
    ("audience", "now"),
    [
        (Audience.OPERATOR, NOW),
        (Audience.ORGANIZER, NOW + 26 * 60 * MINUTE),
    ],
)
@pytest.mark.usefixtures("party")
def test_nobody_else_and_at_no_other_time_sees_a_name(session: Session, audience: Audience, now: dt.datetime) -> None:
    scene.arrive(session, "ana", NOW)
    topic = draw(session, audience, now)
    assert topic["names"] == {}
    assert [(row["name"], row["initials"]) for row in topic["arrivals"]] == [(None, None)]
    assert "Smith" not in str(topic)


def test_a_badge_given_back_names_nobody(session: Session, party: dict[str, int]) -> None:
    held = session.query(Pairing).filter_by(badge_id=party["ana"]).one()
    held.valid = Range(None, NOW - MINUTE)
    session.flush()
    assert str(party["ana"]) not in draw(session)["names"]


def test_figures_count_members_once(session: Session, party: dict[str, int]) -> None:
    for name in ("ana", "ben", "walker"):
        scene.arrive(session, name, NOW, signed_up=name != "walker")
    session.execute(text("UPDATE step SET capacity = 2"))
    scene.arrive(session, "cleo", NOW, undone_at=NOW + MINUTE)
    scene.visit(session, party["ana"], "cafe", "cafe-hall", at(600), at(3))
    scene.visit(session, party["ben"], "cafe", "cafe-hall", at(2000), at(1500))
    scene.visit(session, party["cleo"], "cafe", "cafe-hall", at(600), at(3))
    assert draw(session)["figures"] == {
        "signed_up": 3,
        "arrived": 3,
        "here": 1,
        "expected": 1,
        "over_capacity": 1,
    }
    assert {row["undone"] for row in draw(session)["arrivals"]} == {True, False}


@pytest.mark.usefixtures("party")
def test_a_note_says_how_often_somebody_came_before(session: Session) -> None:
    scene.venue(session, "far")
    for number, venue_id in enumerate(("cafe", "cafe", "far")):
        scene.event(session, f"before-{number}", NOW - dt.timedelta(days=7 * (number + 1)), venue_id=venue_id)
        scene.arrive(session, "ana", NOW - dt.timedelta(days=7 * (number + 1)), f"before-{number}-1")
    session.execute(text("UPDATE event SET organizer_id = 'ben' WHERE id = 'before-2'"))
    scene.arrive(session, "ana", NOW)
    scene.arrive(session, "ben", NOW + MINUTE)
    session.execute(text("UPDATE step SET capacity = 1 WHERE event_id = 'party'"))
    assert [row["note"] for row in draw(session)["arrivals"]] == ["over capacity", "third time here"]


@pytest.mark.usefixtures("party")
def test_what_was_known_late_says_so(session: Session) -> None:
    scene.arrive(session, "ana", NOW, recorded_at=NOW + dt.timedelta(seconds=60))
    scene.arrive(session, "ben", NOW - MINUTE, recorded_at=NOW + dt.timedelta(seconds=1))
    assert [row["late"] for row in draw(session)["arrivals"]] == [None, "recorded 1 min later"]


@pytest.mark.usefixtures("party")
def test_the_curve_counts_first_arrivals_that_were_not_taken_back(session: Session) -> None:
    scene.arrive(session, "ana", NOW)
    scene.arrive(session, "ben", NOW + MINUTE)
    scene.arrive(session, "cleo", NOW, undone_at=NOW + MINUTE)
    assert draw(session)["curve"] == [["2025-11-22T19:00:00.000Z", 1], ["2025-11-22T19:01:00.000Z", 2]]


def test_a_long_curve_is_thinned_to_true_points() -> None:
    arrivals = [NOW + number * dt.timedelta(seconds=7) for number in range(1000)]
    points = gatherings.curve(arrivals)
    assert len(points) <= 240
    assert points[0][1] == 1
    assert points[-1][1] == 1000
    assert [count for _, count in points] == sorted({count for _, count in points})
    assert gatherings.curve([]) == []
    assert gatherings.curve([NOW, NOW, NOW]) == [["2025-11-22T19:00:00.000Z", 3]]


def test_a_member_reads_when_and_where_she_was_heard_in_the_venues_time(
    session: Session, party: dict[str, int]
) -> None:
    checkin = scene.arrive(session, "ana", NOW + 28 * MINUTE, badge_id=party["ana"])
    session.execute(text("UPDATE zone SET name = 'entrance' WHERE id = 'cafe-hall'"))
    stood = times.to_ms(NOW + 28 * MINUTE)
    scene.visit(session, party["ana"], "cafe", "cafe-hall", stood - 1000, stood + 1000)
    scene.changed(session, "member/ana")
    topic = members.draw(members.load(session, member_id="ana"), NOW)
    assert topic["rev"] == 1
    assert topic["checkins"] == [
        {
            "id": checkin,
            "event": {"id": "party", "name": "Party"},
            "step": {
                "id": "party-1",
                "name": "Doors",
                "venue": {"id": "cafe", "name": "Cafe"},
                "zone": "entrance",
                "ends_at": "2025-11-22T21:00:00.000Z",
            },
            "at": "2025-11-22T19:28:00.000Z",
            "evidence": "beacon",
            "sentence": "20:28 · by your badge, at the entrance",
            "undone": False,
        }
    ]


@pytest.mark.usefixtures("party")
def test_a_member_reads_refusals_of_today_until_she_is_checked_in(session: Session) -> None:
    session.execute(
        text("""
            INSERT INTO refusal (member_id, step_id, code, first_at, last_at, sentence)
            VALUES ('ana', 'party-1', 'not_open_yet', :at, :at, 'Check-in opens later.')
        """),
        {"at": NOW},
    )
    diary = members.load(session, member_id="ana")
    assert [row["code"] for row in members.draw(diary, NOW)["refusals"]] == ["not_open_yet"]
    assert members.draw(diary, NOW + dt.timedelta(days=1))["refusals"] == []
    scene.arrive(session, "ana", NOW)
    assert members.draw(members.load(session, member_id="ana"), NOW)["refusals"] == []
