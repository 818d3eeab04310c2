"""Positions are cells with an end: the newest of each source, of nobody who is paused."""

import datetime as dt
import random

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import cells, distances
from server import times
from server.badges import service as badges
from server.consent import service as consent
from server.people import merging
from server.people import service as people
from server.positions import service as positions
from server.positions import visits
from server.positions.service import Fix, Source
from server.presence.model import Visit
from server.venues import service as venues
from tests.server.places import CAFE, HOUR, NOW, make_badge, make_cafe, make_members

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _world(session: Session) -> None:
    make_members(session)
    make_cafe(session)


def fix(
    at: dt.datetime = NOW,
    *,
    member: str = "dora",
    source: Source = Source.PHONE,
    device: str = "pixel",
    east: float = 0.0,
    accuracy_m: float = 12.0,
) -> Fix:
    return Fix(member, source, device, (CAFE[0] + east, CAFE[1]), accuracy_m, at)


def use(session: Session, member: str = "dora", *, told: bool = True) -> None:
    positions.choose_uses(
        session, member_id=member, told=told, fences=False, company=False, pop_ups=False, radius_m=5000, now=NOW
    )


def test_what_is_kept_is_a_cell_and_never_the_fix(session: Session) -> None:
    assert positions.keep(session, [fix(accuracy_m=3.0)], now=NOW) == [fix(accuracy_m=3.0)]
    (row,) = session.execute(text("SELECT * FROM position")).mappings()
    assert row["cell"] == cells.of(CAFE, cells.NEAR)
    assert row["accuracy_m"] >= 200
    assert CAFE[0] not in row.values()
    found = positions.where(session, member_id="dora", now=NOW)
    assert found is not None
    assert distances.between_m(found.place, CAFE) <= found.accuracy_m


def test_order_and_repetition_change_nothing(session: Session) -> None:
    fixes = [fix(NOW - MINUTE * number, east=number / 100) for number in range(20)]
    shuffled = fixes * 2
    random.Random(4).shuffle(shuffled)
    for one in shuffled:
        positions.keep(session, [one], now=NOW)
    found = positions.where(session, member_id="dora", now=NOW)
    assert found is not None
    assert (found.cell, found.at) == (cells.of(CAFE, cells.NEAR), NOW)
    assert positions.keep(session, shuffled, now=NOW) == []


def test_old_fixes_and_those_of_the_future_are_harmless(session: Session) -> None:
    over = NOW - positions.KEPT[Source.PHONE]
    assert positions.keep(session, [fix(over), fix(NOW + positions.AHEAD + MINUTE)], now=NOW) == []
    assert positions.keep(session, [fix(over + MINUTE), fix(NOW + positions.AHEAD)], now=NOW) != []


def test_members_who_are_gone_are_left_out(session: Session) -> None:
    assert [one.member_id for one in positions.keep(session, [fix(), fix(member="nobody")], now=NOW)] == ["dora"]


def test_nothing_is_kept_or_used_while_a_pause_lasts(session: Session) -> None:
    positions.keep(session, [fix(), fix(source=Source.HOME, device="")], now=NOW)
    consent.pause(session, member_id="dora", now=NOW)
    assert positions.where(session, member_id="dora", now=NOW) is None
    assert positions.keep(session, [fix(NOW + MINUTE)], now=NOW + MINUTE) == []
    assert positions.tidy(session, now=NOW + MINUTE) == 1
    consent.resume(session, member_id="dora", now=NOW + MINUTE)
    found = positions.where(session, member_id="dora", now=NOW + MINUTE)
    assert found is not None
    assert found.source is Source.HOME


def test_the_clock_takes_them_away(session: Session) -> None:
    positions.keep(session, [fix(), fix(member="ben", source=Source.BROWSER, device="")], now=NOW)
    assert positions.tidy(session, now=NOW + HOUR - MINUTE) == 0
    ends = NOW + positions.KEPT[Source.PHONE]
    assert positions.where(session, member_id="dora", now=ends) is None
    assert positions.tidy(session, now=ends) == 2
    assert positions.tidy(session, now=ends) == 0


def test_a_home_is_coarse_and_gives_way_to_anything_newer(session: Session) -> None:
    positions.set_home(session, member_id="dora", place=CAFE, now=NOW)
    positions.set_home(session, member_id="dora", place=(CAFE[0] + 1, CAFE[1]), now=NOW)
    found = positions.where(session, member_id="dora", now=NOW + dt.timedelta(days=300))
    assert found is not None
    assert found.cell == cells.of((CAFE[0] + 1, CAFE[1]), cells.HOME)
    positions.keep(session, [fix(NOW - MINUTE)], now=NOW)
    found = positions.where(session, member_id="dora", now=NOW)
    assert found is not None
    assert found.source is Source.PHONE


def heard_at_the_cafe(session: Session, to: dt.datetime) -> int:
    badge = make_badge(session)
    badges.pair(session, badge_id=badge, member_id="dora", since=NOW - HOUR)
    to_ms = times.to_ms(to)
    session.add(Visit(badge_id=badge, venue_id="cafe", from_ms=to_ms - 600_000, to_ms=to_ms, reach_ms=to_ms + 300_000))
    session.flush()
    return badge


def test_a_visit_is_a_position_of_who_lets_hers_be_used(session: Session) -> None:
    heard_at_the_cafe(session, NOW - MINUTE)
    assert visits.take(session, now=NOW) == 0
    use(session)
    assert visits.take(session, now=NOW) == 1
    assert visits.take(session, now=NOW) == 0
    found = positions.where(session, member_id="dora", now=NOW)
    assert found is not None
    assert (found.source, found.cell) == (Source.VISIT, cells.of(CAFE, cells.NEAR))


def test_who_left_or_is_paused_or_is_of_a_recording_is_nowhere(session: Session) -> None:
    use(session)
    heard_at_the_cafe(session, NOW - MINUTE)
    assert visits.take(session, now=NOW + dt.timedelta(minutes=10)) == 0
    consent.pause(session, member_id="dora", now=NOW)
    assert visits.take(session, now=NOW) == 0
    consent.resume(session, member_id="dora", now=NOW)
    venues.get(session, "cafe").replayed = True
    session.flush()
    assert visits.take(session, now=NOW) == 0
    venues.get(session, "cafe").replayed = False
    session.flush()
    assert visits.take(session, now=NOW) == 1


def test_what_a_guest_let_be_kept_becomes_the_member_s_and_hers_stays(session: Session) -> None:
    guest = people.create_guest(session, name="Bo")
    positions.keep(session, [fix(member=guest.id, device="a"), fix(member=guest.id, device="b", east=1)], now=NOW)
    positions.keep(session, [fix(device="a")], now=NOW)
    use(session, guest.id)
    use(session, told=False)
    moved = merging.merge(session, guest_id=guest.id, into_id="dora", now=NOW)
    assert moved["position"] == 1
    assert sorted(device for _, device in positions.list_of(session, member_id="dora", now=NOW)) == ["a", "b"]
    assert not positions.uses_of(session, member_id="dora").told
