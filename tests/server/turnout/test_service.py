"""Who came to what, stayed, and came back."""

import datetime as dt

import pytest
from sqlalchemy.orm import Session

from server import times
from server.badges import service as badges
from server.presence.model import Visit
from server.turnout import service as turnout
from tests.server.governance import circle
from tests.server.governance.circle import CAME, DAY
from tests.server.places import HOUR, NOW, make_agent, make_badge, make_cafe, make_members

WALK = NOW - 7 * DAY


@pytest.fixture(autouse=True)
def _walkers(session: Session) -> None:
    make_members(session)
    make_cafe(session)
    make_agent(session)
    circle.make_circle(session)


def test_who_came_is_told_by_community_event_member_and_time(session: Session) -> None:
    circle.gather(session, "open", NOW, community_id=None)
    circle.come(session, "open", "m1", NOW)
    circle.come(session, "walk", "dora", WALK + HOUR, undone_at=NOW)
    assert {one.member_id for one in turnout.came(session, community_id="walkers")} == set(CAME)
    assert [one.event_id for one in turnout.came(session, member_id="m1")] == ["walk", "open"]
    assert [one.member_id for one in turnout.came(session, event_ids=["open"])] == ["m1"]
    assert turnout.came(session, event_ids=[]) == []
    assert turnout.came(session, community_id="walkers", since=WALK + HOUR) == []
    assert len(turnout.came(session, community_id="walkers", since=WALK, until=WALK + HOUR)) == 9
    assert turnout.has_come(session, community_id="walkers", member_id="m1")
    assert not turnout.has_come(session, community_id="walkers", member_id="dora")


def test_the_erased_count_once_for_each_event(session: Session) -> None:
    circle.come(session, "walk", None, WALK, "poster", stranger=7)
    circle.gather(session, "again", NOW)
    circle.come(session, "again", "m1", NOW, "beacon")
    mix = turnout.mix(turnout.came(session, community_id="walkers"))
    assert (mix.total, mix.proven, mix.by) == (10, 9, (("beacon", 1), ("screen", 8), ("poster", 1)))


def test_how_long_they_stayed_is_told_where_a_badge_tells_it(session: Session) -> None:
    badge_id = make_badge(session)
    badges.pair(session, badge_id=badge_id, member_id="m1", since=NOW - HOUR)
    circle.gather(session, "tonight", NOW)
    for member_id in ("m1", "m2"):
        circle.come(session, "tonight", member_id, NOW)
    for start, end in ((NOW - HOUR / 4, NOW + HOUR / 4), (NOW + HOUR / 2, NOW + 3 * HOUR)):
        visit = Visit(badge_id=badge_id, venue_id="cafe", from_ms=times.to_ms(start), to_ms=times.to_ms(end))
        visit.reach_ms = visit.to_ms + 300_000
        session.add(visit)
    session.flush()
    # Doors open an hour before the start, and the hour that it lasts is all that counts.
    assert turnout.stayed(session, event_id="tonight") == {("m1", "tonight-1"): 60.0, ("m2", "tonight-1"): None}


@pytest.mark.parametrize(
    ("visits", "minutes"),
    [
        ([], None),
        ([(-30, -10)], None),
        ([(-30, 0)], 0.0),
        ([(-30, 90)], 60.0),
        ([(10, 20), (30, 45)], 25.0),
        ([(10, 20), (70, 80)], 10.0),
    ],
)
def test_minutes_are_cut_to_the_step(visits: list[tuple[int, int]], minutes: float | None) -> None:
    def at(minute: int) -> dt.datetime:
        return NOW + dt.timedelta(minutes=minute)

    told = [(at(start), at(end)) for start, end in visits]
    assert turnout.minutes_within(told, at(0), at(60)) == minutes


def test_who_came_back_came_to_a_later_gathering_within_two_months(session: Session) -> None:
    circle.gather(session, "before", WALK - 7 * DAY)
    circle.gather(session, "soon", WALK + 60 * DAY)
    circle.gather(session, "late", WALK + 61 * DAY)
    circle.gather(session, "elsewhere", WALK + DAY, community_id=None)
    for event_id, member_id, days in (
        ("before", "m1", -7), ("soon", "m2", 59), ("late", "m3", 62), ("elsewhere", "m4", 1), ("soon", "dora", 59),
    ):  # fmt: skip
        circle.come(session, event_id, member_id, WALK + days * DAY)
    assert turnout.came_back(session, event_id="walk") == {"m2"}
    assert turnout.came_back(session, event_id="elsewhere") == set()
