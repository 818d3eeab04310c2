"""What a shop's keepers are told of how many: rounded, of a part of town, the same for a quarter of an hour."""

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from geo import cells, distances
from server.consent import service as consent
from server.consent.rules import Kind, Level
from server.fans import rounding
from server.invitations import audience, refusals
from server.invitations import service as invitations
from server.people import roles
from server.people import service as people
from server.positions import service as positions
from server.positions.service import Source
from server.venues import service as venues
from tests.server.invitations import scene
from tests.server.invitations.scene import FAR, MINUTE, look
from tests.server.places import CAFE, NOW, make_cafe, make_members

QUARTER = 15 * MINUTE


@pytest.fixture(autouse=True)
def _world(session: Session) -> None:
    make_members(session)
    make_cafe(session)


def exact(session: Session, now: dt.datetime = NOW) -> tuple[int, int]:
    """What is counted and told to nobody."""
    shop = invitations.shop_of(venues.get(session, "cafe"))
    row = audience._counted(session, shop, fresh=dt.timedelta(hours=1), now=now)
    return row.nearby, row.willing


offsets = st.integers(0, rounding.STEP - 1)


@given(nearby=st.integers(0, 300), part=st.floats(0, 1), offset=offsets)
def test_what_is_told_is_a_multiple_of_five_and_never_more_than_there_are(
    nearby: int, part: float, offset: int
) -> None:
    willing = round(nearby * part)
    told = audience.tell(nearby, willing, offset, NOW)
    for number, people_there in ((told.nearby, nearby), (told.willing, willing)):
        assert number is None or (number % 5 == 0 and 5 <= number <= people_there)
        assert number is not None or people_there < 10
    assert (told.willing or 0) <= (told.nearby or 0)


@given(nearby=st.integers(1, 300), part=st.floats(0, 1))
def test_one_member_less_changes_each_number_by_at_most_one_of_the_five_offsets(nearby: int, part: float) -> None:
    willing = round((nearby - 1) * part) + 1
    every = range(rounding.STEP)
    with_her = [audience.tell(nearby, willing, offset, NOW) for offset in every]
    without = [audience.tell(nearby - 1, willing - 1, offset, NOW) for offset in every]
    assert sum(one.nearby != other.nearby for one, other in zip(with_her, without, strict=True)) <= 1
    assert sum(one.willing != other.willing for one, other in zip(with_her, without, strict=True)) <= 1


def test_nobody_is_told_of_and_nothing_said_below_five(session: Session) -> None:
    scene.make_people(session, 4)
    assert look(session)[:2] == (None, None)
    assert exact(session) == (4, 4)


def test_many_are_told_rounded_down(session: Session) -> None:
    scene.make_people(session, 23)
    told = look(session)
    assert told.nearby == told.willing
    assert told.willing in {15, 20}
    assert told.until == NOW + QUARTER


def test_only_who_said_so_is_counted(session: Session) -> None:
    one, two, three, four, five, six = scene.make_people(session, 6)
    scene.let(session, one, shops=False)
    scene.let(session, two, shops=False, told=True)  # near, and hears from no shop
    positions.forget(session, member_id=three)
    scene.stand(session, [three], source=Source.HOME)  # where she lives, not where she is
    scene.stand(session, [four], FAR, at=NOW + MINUTE)
    people.get(session, five).simulated = True
    session.flush()
    assert exact(session, NOW + MINUTE) == (2, 1)
    assert not scene.is_same_part(FAR)
    del six


@given(lon=st.floats(-180, 180), lat=st.floats(-85, 85))
def test_who_stands_before_the_door_is_in_the_shop_s_part_of_town(lon: float, lat: float) -> None:
    shop = audience.Shop("cafe", (lon, lat), False)
    assert audience._region(cells.of((lon, lat), cells.NEAR)) == shop.region


@given(lon=st.floats(-180, 180), lat=st.floats(-85, 85), turn=st.floats(0, 6.28), away_m=st.floats(0, 3000))
def test_whoever_is_in_a_part_of_town_is_found_around_its_middle(
    lon: float, lat: float, turn: float, away_m: float
) -> None:
    near_lat = lat + math.sin(turn) * away_m / 111_195
    near_lon = lon + math.cos(turn) * away_m / 111_195 / math.cos(math.radians(lat))
    cell = cells.of(((near_lon + 180) % 360 - 180, near_lat), cells.NEAR)
    middle = cells.centre(audience._region(cell))
    assert distances.between_m(middle, cells.centre(cell)) <= cells.reach_m(audience.REGION)


def test_an_old_position_says_nothing(session: Session) -> None:
    scene.make_people(session, 3)
    assert exact(session, NOW + 59 * MINUTE) == (3, 3)
    assert exact(session, NOW + 61 * MINUTE) == (0, 0)


def test_who_is_paused_hidden_or_refuses_is_nobody(session: Session) -> None:
    one, two, three, four, _ = scene.make_people(session, 5)
    consent.pause(session, member_id=one, now=NOW)
    for member_id, of_id in ((two, None), (three, "cafe")):
        consent.say(
            session,
            member_id=member_id,
            kind=Kind.VENUE,
            of_id=of_id,
            level=Level.HIDDEN,
            until=None,
            source="page",
            now=NOW,
        )
    refusals.refuse(session, venue_id="cafe", viewer=people.get(session, four), now=NOW)
    assert exact(session) == (3, 3), "what shops are told follows from none of them: they share one secret"
    shop = invitations.shop_of(venues.get(session, "cafe"))
    assert len(audience.reachable(session, shop, fresh=dt.timedelta(hours=1), now=NOW)) == 1


def test_who_keeps_a_shop_is_in_no_number_and_gets_none(session: Session) -> None:
    one, two, *_ = scene.make_people(session, 9)
    for keeper in ("ben", one):
        scene.let(session, keeper)
    scene.stand(session, ["ben"])
    roles.give(session, member_id=one, kind="venue", of_id="cafe", called="", by="ben", now=NOW)
    venues.create(session, id="bar", name="Bar", owner_id=two, location=FAR, contact="x")  # of another shop as well
    assert exact(session) == (7, 7)
    made = scene.send(session) if look(session).willing else None
    assert made is None or scene.invited(session, made).isdisjoint({"ben", one, two})


def test_numbers_stand_still_for_a_quarter_of_an_hour_whatever_anybody_does(session: Session) -> None:
    members = scene.make_people(session, 30)
    first = look(session)
    for member_id in members[:20]:
        scene.let(session, member_id, shops=False)
        refusals.refuse(session, venue_id="cafe", viewer=people.get(session, member_id), now=NOW)
    scene.make_people(session, 20, first=100)
    for second in range(0, 900, 100):
        assert look(session, NOW + dt.timedelta(seconds=second)) == first
    later = look(session, NOW + QUARTER)
    assert later.until == NOW + 2 * QUARTER
    assert exact(session, NOW + QUARTER) == (30, 30)


def test_shops_beside_each_other_are_told_the_same_at_whatever_moment(session: Session) -> None:
    scene.make_people(session, 30)
    beside = (CAFE[0] + 0.0003, CAFE[1])
    venues.create(session, id="bar", name="Bar", owner_id="ben", location=beside, contact="x")
    first = look(session)
    scene.make_people(session, 7, first=100)
    assert look(session, NOW + 5 * MINUTE, "bar") == first


def test_whoever_names_somebody_as_staff_learns_nothing_in_that_quarter(session: Session) -> None:
    scene.make_people(session, 30)
    for count in range(5):  # shops that stand at the brink for whatever offset
        venues.create(session, id=f"bar-{count}", name="Bar", owner_id="ben", location=CAFE, contact="x")
        for member_id in range(count):
            refusals.refuse(session, venue_id=f"bar-{count}", viewer=people.get(session, f"p{member_id:03}"), now=NOW)
    before = [look(session, NOW, f"bar-{count}") for count in range(5)]
    for count in range(5):
        roles.give(session, member_id="p029", kind="venue", of_id=f"bar-{count}", called="", by="ben", now=NOW)
    assert [look(session, NOW + MINUTE, f"bar-{count}") for count in range(5)] == before


def test_what_is_no_shop_invites_nobody(session: Session) -> None:
    scene.make_people(session, 9)
    cafe = venues.get(session, "cafe")
    for changed in ({"kind": "home"}, {"location": None}, {"contact": ""}, {"replayed": True}, {"listed": False}):
        with session.begin_nested() as inside:
            for name, value in changed.items():
                setattr(cafe, name, value)
            session.flush()
            with pytest.raises(invitations.NoShop):
                look(session)
            inside.rollback()
