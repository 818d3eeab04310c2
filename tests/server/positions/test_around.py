"""Who is near a place: as one by one, everywhere on the earth, and of nobody who did not want it."""

import datetime as dt
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import cells, distances
from geo.areas import Position
from server.consent import service as consent
from server.positions import around
from server.positions import service as positions
from server.positions.around import Use
from server.positions.service import Fix, Source
from tests.server.places import CAFE, NOW, make_members
from tests.server.plans import read_whole

MINUTE = dt.timedelta(minutes=1)
WHO = ["ana", "ben", "cleo", "dora"]


@pytest.fixture(autouse=True)
def _world(session: Session) -> None:
    make_members(session)


def let(session: Session, member: str, radius_m: int = 5000, **uses: bool) -> None:
    chosen = {"told": False, "fences": False, "company": False, "pop_ups": False} | uses
    positions.choose_uses(session, member_id=member, radius_m=radius_m, now=NOW, **chosen)


def put(
    session: Session,
    member: str,
    place: Position = CAFE,
    *,
    source: Source = Source.PHONE,
    device: str = "",
    at: dt.datetime = NOW,
) -> None:
    assert positions.keep(session, [Fix(member, source, device, place, 10.0, at)], now=NOW)


def near(session: Session, use: Use = Use.TOLD, fresh: dt.timedelta | None = None) -> set[str]:
    found = around.members(session, place=CAFE, within_m=3000.0, use=use, now=NOW, fresh=fresh)
    return {one.member_id for one in found}


def test_a_position_is_used_for_what_she_said_alone(session: Session) -> None:
    for member in WHO:
        put(session, member)
        let(session, member)
    for use in Use:
        let(session, "dora", **{use.value: True})
        assert near(session, use=use) == {"dora"}
        assert not any(near(session, use=other) for other in set(Use) - {use})


def test_who_is_paused_or_takes_it_back_is_nowhere(session: Session) -> None:
    put(session, "dora", source=Source.HOME)
    let(session, "dora", told=True)
    assert near(session) == {"dora"}
    consent.pause(session, member_id="dora", now=NOW)
    assert near(session) == set()
    consent.resume(session, member_id="dora", now=NOW)
    assert near(session) == {"dora"}
    let(session, "dora")
    assert near(session) == set()


def test_what_does_not_stand_any_more_says_nothing(session: Session) -> None:
    put(session, "dora")
    let(session, "dora", told=True)
    found = around.members(session, place=CAFE, within_m=3000.0, use=Use.TOLD, now=NOW)
    assert around.members(session, place=CAFE, within_m=3000.0, use=Use.TOLD, now=found[0].until) == []


def test_fresh_ones_are_where_somebody_is_and_no_homes(session: Session) -> None:
    put(session, "dora", source=Source.HOME)
    put(session, "ben", at=NOW - 30 * MINUTE)
    put(session, "ana", at=NOW - 29 * MINUTE)
    for member in WHO:
        let(session, member, told=True)
    assert near(session) == {"dora", "ben", "ana"}
    assert near(session, fresh=29 * MINUTE) == {"ana"}
    assert near(session, fresh=30 * MINUTE) == {"ana", "ben"}


def test_of_two_phones_the_newer_counts_and_her_radius_is_told(session: Session) -> None:
    put(session, "dora", device="old", at=NOW - MINUTE)
    put(session, "dora", (CAFE[0] + 0.01, CAFE[1]), device="new")
    put(session, "dora", source=Source.HOME)
    let(session, "dora", 700, told=True)
    found = around.members(session, place=CAFE, within_m=3000.0, use=Use.TOLD, now=NOW)
    assert sorted((one.source, one.at, one.radius_m) for one in found) == [
        (Source.HOME, NOW, 700),
        (Source.PHONE, NOW, 700),
    ]
    for one in found:
        assert one.away_m == pytest.approx(distances.between_m(CAFE, cells.centre(one.cell)), abs=0.1)


# Where degrees are worth nothing: the antimeridian, the poles, and somewhere in between.
CORNERS = [(180.0, 12.0), (-180.0, -70.0), (179.99, 0.0), (0.0, 90.0), (123.0, -90.0), (40.0, 89.99), CAFE]


@given(
    corner=st.sampled_from(CORNERS),
    apart=st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=4, max_size=4),
    spread=st.floats(0.0, 2.0),
    within_m=st.floats(0, 100_000),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_they_are_those_that_one_by_one_finds(
    session: Session, corner: Position, apart: list[tuple[float, float]], spread: float, within_m: float
) -> None:
    session.execute(text("DELETE FROM position"))
    session.expire_all()
    expected = set()
    for member, (east, north) in zip(WHO, apart, strict=True):
        lat = max(-90.0, min(90.0, corner[1] + north * spread))
        place = ((corner[0] + east * spread * (90 if abs(lat) > 89 else 1) + 180) % 360 - 180, lat)
        put(session, member, place, source=Source.HOME)
        let(session, member, told=True)
        if distances.between_m(corner, cells.centre(cells.of(place, cells.HOME))) <= within_m:
            expected.add(member)
    found = around.members(session, place=corner, within_m=within_m, use=Use.TOLD, now=NOW)
    assert {one.member_id for one in found} == expected


def test_no_table_is_read_whole(session: Session) -> None:
    """Thirty thousand positions of as many members in hundred towns."""
    session.execute(text("INSERT INTO member (id, name) SELECT 'm' || n, 'M' FROM generate_series(1, 30000) AS n"))
    session.execute(
        text("""
            INSERT INTO position_use (member_id, told, changed_at)
            SELECT 'm' || n, n % 2 = 0, :now FROM generate_series(1, 30000) AS n
        """),
        {"now": NOW},
    )
    session.execute(
        text("""
            INSERT INTO consent_pause (member_id, since, ended_at)
            SELECT 'm' || n, :now, CASE WHEN n % 3 > 0 THEN :now + interval '1 h' END
            FROM generate_series(1, 30000, 3) AS n
        """),
        {"now": NOW},
    )
    drawn = random.Random(1)
    towns = [(drawn.uniform(-170, 170), drawn.uniform(-60, 60)) for _ in range(100)]
    given = [
        (town[0] + drawn.uniform(-0.1, 0.1), town[1] + drawn.uniform(-0.1, 0.1)) for town in towns for _ in range(300)
    ]
    session.execute(
        text("""
            INSERT INTO position (member_id, source, cell, area, accuracy_m, at, until)
            SELECT 'm' || n, 'home', cell, area, 700, :now, :now + interval '1 d'
            FROM unnest(CAST(:cells AS bigint[]), CAST(:areas AS bigint[])) WITH ORDINALITY AS said (cell, area, n)
        """),
        {
            "cells": [cells.of(place, cells.HOME) for place in given],
            "areas": [cells.of(place, cells.AREA) for place in given],
            "now": NOW,
        },
    )
    session.execute(text("ANALYZE position, position_use, consent_pause"))
    asked = {"areas": cells.around(towns[0], 25_000, cells.AREA), "now": NOW, "since": NOW, "home": "home"}
    for use in Use:
        for fresh in (False, True):
            said = asked if fresh else {key: asked[key] for key in ("areas", "now")}
            assert read_whole(session, around.statement(use, fresh=fresh), said) == set()
