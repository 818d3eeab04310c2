"""A venue's days, and visits that are remembered: one check-in a day, told by the badge."""

import datetime as dt
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from config import settings as config
from server import times, topics
from server.badges import service as badges
from server.checkins import days, rejudge
from server.checkins import heard as hearing
from server.checkins import service as checkins
from server.corrections import service as corrections
from server.fleet import service as fleet
from tests.server import places
from tests.server.places import NOW

PRESENCE = config.load(environment={}).presence
ZONES = ["Europe/Berlin", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]


@pytest.mark.parametrize(
    ("at", "time_zone", "day"),
    [
        ("2026-03-14T03:59:59+00:00", "Europe/Berlin", "2026-03-13"),
        ("2026-03-14T04:00:00+00:00", "Europe/Berlin", "2026-03-14"),
        # Clocks go forward at 02:00 that night, and back in October: the day turns at 05:00 all the same.
        ("2026-03-29T02:59:00+00:00", "Europe/Berlin", "2026-03-28"),
        ("2026-03-29T03:00:00+00:00", "Europe/Berlin", "2026-03-29"),
        ("2026-10-25T03:59:00+00:00", "Europe/Berlin", "2026-10-24"),
        ("2026-10-25T04:00:00+00:00", "Europe/Berlin", "2026-10-25"),
        ("2026-03-13T21:00:00+00:00", "Asia/Shanghai", "2026-03-14"),
    ],
)
def test_a_day_turns_at_five_in_the_morning_there(at: str, time_zone: str, day: str) -> None:
    assert days.day_of(dt.datetime.fromisoformat(at), time_zone).isoformat() == day


@given(st.integers(1_000_000_000, 3_700_000_000), st.sampled_from(ZONES))
def test_every_moment_lies_in_its_day_and_days_leave_no_gap(second: int, time_zone: str) -> None:
    at = times.from_ms(second * 1000)
    day = days.day_of(at, time_zone)
    low, high = days.bounds(day, time_zone)
    assert low <= times.to_ms(at) <= high
    assert days.bounds(day + dt.timedelta(days=1), time_zone)[0] == high + 1
    assert times.from_ms(low).astimezone(zoneinfo.ZoneInfo(time_zone)).hour == 5


def test_a_days_name_is_read_back_and_no_step_is_taken_for_one() -> None:
    day = dt.date(2026, 3, 13)
    assert days.read(days.name("cafe", day)) == ("cafe", day)
    assert days.read("cafe-2026-03-13") is None


@pytest.fixture
def badge(session: Session) -> int:
    """Dora's badge in a world where the cafe has an agent."""
    places.make_members(session)
    places.make_cafe(session)
    places.make_agent(session)
    badge_id = places.make_badge(session)
    badges.pair(session, badge_id=badge_id, member_id="dora", since=NOW - places.HOUR)
    return badge_id


def _hear(session: Session, badge_id: int, after_s: int, until_s: int) -> hearing.Outcome:
    placement = fleet.placements_of(session, agent_id="cafe-door")[0].id
    low, high = (times.to_ms(NOW) + second * 1000 for second in (after_s, until_s))
    session.execute(
        text("INSERT INTO span VALUES (:badge, :placement, :low, :high)"),
        {"badge": badge_id, "placement": placement, "low": low, "high": high},
    )
    session.execute(
        text(
            "INSERT INTO visit (badge_id, venue_id, from_ms, to_ms, reach_ms)"
            " VALUES (:badge, 'cafe', :low, :high, :high)"
        ),
        {"badge": badge_id, "low": low, "high": high},
    )
    return hearing.check_in_heard(session, [hearing.HeardAt(badge_id, "cafe", low, high)], PRESENCE, NOW)


def _came(session: Session) -> list[tuple[object, ...]]:
    rows = session.execute(
        text("SELECT member_id, venue_id, day, at, evidence, undone_at IS NULL FROM checkin ORDER BY at, id")
    )
    return [tuple(row) for row in rows]


def test_nobody_is_remembered_who_did_not_say_so(session: Session, badge: int) -> None:
    outcome = _hear(session, badge, 0, 600)
    assert (_came(session), outcome.topics) == ([], set())
    assert outcome.waits == {(badge, "cafe"): None}  # and nobody asks again


def test_her_badge_checks_her_in_once_a_day_where_visits_are_remembered(session: Session, badge: int) -> None:
    checkins.remember(session, member_id="dora", venue_id="cafe", now=NOW)
    assert _hear(session, badge, 10, 60).topics == set()  # not long enough
    outcome = _hear(session, badge, 65, 200)
    assert outcome.topics == {"member/dora"}  # nobody else is told
    once = [("dora", "cafe", dt.date(2026, 3, 13), NOW + dt.timedelta(seconds=100), "beacon", True)]
    assert _came(session) == once
    assert _hear(session, badge, 900, 1500).topics == set()
    assert _came(session) == once
    # What may matter next is the next day, which begins at 05:00 in Berlin.
    at_ms = outcome.waits[badge, "cafe"]
    assert at_ms is not None
    assert times.from_ms(at_ms) == dt.datetime(2026, 3, 14, 4, tzinfo=dt.UTC)


def test_what_was_before_she_said_so_and_after_she_stopped_does_not_count(session: Session, badge: int) -> None:
    _hear(session, badge, 0, 100)
    checkins.remember(session, member_id="dora", venue_id="cafe", now=NOW + dt.timedelta(seconds=100))
    _hear(session, badge, 105, 150)
    checkins.forget(session, member_id="dora", venue_id="cafe", now=NOW + dt.timedelta(seconds=160))
    _hear(session, badge, 155, 900)
    assert _came(session) == []


def test_saying_it_twice_is_as_once_and_stopping_what_never_began_is_fine(session: Session, badge: int) -> None:
    assert badge
    checkins.forget(session, member_id="dora", venue_id="cafe", now=NOW)
    before = topics.revisions(session, [topics.EXPECTED])[topics.EXPECTED]
    for _ in range(2):
        checkins.remember(session, member_id="dora", venue_id="cafe", now=NOW)
    assert topics.revisions(session, [topics.EXPECTED])[topics.EXPECTED] == before + 1
    assert checkins.venues_of(session, member_id="dora") == ["cafe"]
    for _ in range(2):
        checkins.forget(session, member_id="dora", venue_id="cafe", now=NOW - places.HOUR)  # a clock that went back
    assert checkins.venues_of(session, member_id="dora") == []


def test_a_day_that_was_taken_back_stays_so_until_new_evidence(session: Session, badge: int) -> None:
    checkins.remember(session, member_id="dora", venue_id="cafe", now=NOW)
    _hear(session, badge, 0, 100)
    checkin_id = session.scalar(text("SELECT id FROM checkin"))
    checkins.undo(session, checkin_id=checkin_id, now=NOW + dt.timedelta(seconds=120), by="dora")
    _hear(session, badge, 101, 130)
    assert [undone for *_, undone in _came(session)] == [False]
    _hear(session, badge, 150, 400)
    assert [undone for *_, undone in _came(session)] == [False, True]


def test_a_badge_that_was_somebody_elses_takes_the_day_along(session: Session, badge: int) -> None:
    for member_id in ("dora", "ben"):
        checkins.remember(session, member_id=member_id, venue_id="cafe", now=NOW)
    _hear(session, badge, 0, 300)
    now = NOW + dt.timedelta(seconds=400)
    handed = NOW + dt.timedelta(seconds=5)
    corrections.give_back(session, badge_id=badge, at=handed, presence=PRESENCE, now=now)
    assert _came(session) == []
    corrections.pair(
        session,
        badge_id=badge,
        member_id="ben",
        since=handed,
        until=None,
        presence=PRESENCE,
        now=now,
    )
    assert [who for who, *_ in _came(session)] == ["ben"]
    assert rejudge.rejudge(session, [("ben", "cafe@2026-03-13"), ("ben", "gone@2026-03-13")], PRESENCE, now) == set()
