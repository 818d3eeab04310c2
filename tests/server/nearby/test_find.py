"""What is near: the same as by brute force, told once, and each with reasons that add up."""

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import distances, postgis
from geo.areas import Position
from server import paging
from server.errors import MusterError
from server.events import signups
from server.nearby import candidates, rings
from server.nearby import service as nearby
from server.nearby.candidates import FARTHEST_M, NOWHERE, THE_END, Asked, Part
from server.nearby.moments import Mood
from server.nearby.rings import Kind, Wanted
from server.nearby.service import Found, Order
from server.people import service as people
from tests.server.nearby.town import TOMORROW, by_brute_force, circle, come, gathering, place
from tests.server.places import CAFE, HOUR, NOW, make_cafe, make_members, make_welcome

UNTIL = NOW + dt.timedelta(days=14)
ASKED = Asked(CAFE, NOW, UNTIL)


@pytest.fixture(autouse=True)
def _people(session: Session) -> None:
    make_members(session)
    make_cafe(session)
    make_welcome(session)


def east(metres: float) -> Position:
    """A place so far to the east of the café."""
    return CAFE[0] + math.degrees(metres / (distances.EARTH_M * math.cos(math.radians(CAFE[1])))), CAFE[1]


def find(
    session: Session,
    wanted: Wanted | None = None,
    *,
    order: Order = Order.BEST,
    member: str = "dora",
    page: paging.Page | None = None,
    now: dt.datetime = NOW,
) -> list[Found]:
    """What Dora finds."""
    of = people.get(session, member)
    return nearby.find(session, of, wanted or Wanted(ASKED), order=order, now=now, page=page or paging.Page(50))[1]


def ids(found: Sequence[Found]) -> list[str]:
    """The events and venues that were found."""
    return [one.candidate.event_id or one.candidate.venue_id for one in found]


def through_pages(session: Session, wanted: Wanted, order: Order, limit: int) -> list[Found]:
    """All that is found, page by page."""
    found: list[Found] = []
    cursor = None
    for _ in range(200):
        part, cursor = paging.with_next(
            paging.Page(limit, cursor),
            lambda page: find(session, wanted, order=order, page=page),
        )
        found += part
        if cursor is None:
            return found
    raise AssertionError("the pages never end")


# --- Distances, everywhere on earth ----------------------------------------------------------------------------------

anywhere = st.one_of(
    st.tuples(st.floats(-180, 180), st.floats(-90, 90)),
    st.tuples(st.sampled_from([-180.0, 180.0, 179.9999, -179.9999, 0.0]), st.floats(-90, 90)),
    st.tuples(st.floats(-180, 180), st.sampled_from([90.0, -90.0, 89.9999, -89.9999, 0.0])),
)
_shift = st.one_of(st.floats(-0.02, 0.02), st.sampled_from([0.0, 1e-9, -1e-12, 5e-324, 360.0]))
near_the_edges = st.tuples(_shift, _shift.map(lambda shift: shift % 360))


def _places(session: Session, places: dict[str, Position]) -> None:
    session.execute(text("DELETE FROM listing"))
    # So few would be read whole and sorted; it is the index that is asked here.
    session.execute(text("SELECT set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)"))
    session.execute(text("SELECT set_config('enable_bitmapscan', 'off', true)"))
    for venue_id, (lon, lat) in places.items():
        session.execute(
            text(
                "INSERT INTO venue (id, name, time_zone, location)"
                " VALUES (:id, :id, 'UTC', ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography)"
                " ON CONFLICT (id) DO UPDATE SET location = excluded.location"
            ),
            {"id": venue_id, "lon": lon, "lat": lat},
        )
    session.execute(text("SELECT listing_venues(:ids)"), {"ids": list(places)})
    session.expire_all()


def _found(
    session: Session, around: Position, radius_m: float = FARTHEST_M, most: int = 100
) -> list[tuple[str, float]]:
    near = candidates.near(
        session, Asked(around, NOW, UNTIL, radius_m), communities=(), events=Part(0), venues=Part(most)
    )
    return [(one.venue_id, one.away_m) for one in near.found]


def _agree(found: list[tuple[str, float]], around: Position, places: dict[str, Position], radius_m: float) -> None:
    around = postgis.canonical(around)
    away = {venue_id: distances.between_m(around, postgis.canonical(at)) for venue_id, at in places.items()}
    # To the millimetre both reckon the same; what lies just there may be in or out.
    surely = {venue_id for venue_id, metres in away.items() if metres < radius_m - 0.01}
    perhaps = {venue_id for venue_id, metres in away.items() if metres < radius_m + 0.01}
    assert surely <= {venue_id for venue_id, _ in found} <= perhaps
    for venue_id, metres in found:
        assert metres == pytest.approx(away[venue_id], abs=0.1, rel=1e-6)
    assert [metres for _, metres in found] == sorted(metres for _, metres in found)


@given(anywhere)
def test_a_place_is_kept_to_a_metre_and_said_in_one_way(at: Position) -> None:
    kept = postgis.canonical(at)
    assert distances.between_m(at, kept) < (1.0 if abs(at[1]) < 89.9999 else 10.0)
    assert postgis.canonical(kept) == kept
    assert -180 <= kept[0] < 180


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(anywhere)
def test_about_where_a_home_is_the_database_says_as_well(session: Session, at: Position) -> None:
    statement = text(
        "SELECT ST_X(place), ST_Y(place) FROM (SELECT listing_place(ST_SnapToGrid("
        "ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 0.02)::geography)::geometry AS place) AS said"
    )
    assert tuple(session.execute(statement, {"lon": at[0], "lat": at[1]}).one()) == postgis.about(at)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(anywhere, min_size=1, max_size=12), anywhere, st.floats(1, FARTHEST_M))
def test_what_is_near_is_the_same_as_by_brute_force_anywhere(
    session: Session, at: list[Position], around: Position, radius_m: float
) -> None:
    places = {f"p{number}": one for number, one in enumerate(at)}
    with session.begin_nested() as savepoint:
        _places(session, places)
        _agree(_found(session, around, radius_m), around, places, radius_m)
        _agree(_found(session, around), around, places, math.inf)
        savepoint.rollback()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([(180.0, 0.0), (-180.0, 51.0), (179.995, -17.0), (0.0, 89.99), (12.0, -89.995), (90.0, 90.0)]),
    st.lists(near_the_edges, min_size=1, max_size=12),
    st.floats(10, 3000),
)
def test_neighbours_across_the_antimeridian_and_at_the_poles_are_near(
    session: Session, around: Position, shifts: list[tuple[float, float]], radius_m: float
) -> None:
    places = {
        f"p{number}": ((around[0] + lon + 540) % 360 - 180, max(-90.0, min(90.0, around[1] + lat)))
        for number, (lon, lat) in enumerate(shifts)
    }
    with session.begin_nested() as savepoint:
        _places(session, places)
        _agree(_found(session, around, radius_m), around, places, radius_m)
        savepoint.rollback()


def test_the_nearest_of_many_are_those_of_brute_force(session: Session) -> None:
    places = {f"p{number}": east(37.0 * (number * 7919 % 200)) for number in range(200)}
    _places(session, places)
    found = [venue_id for venue_id, _ in _found(session, CAFE, most=20)]
    assert found[:20] == by_brute_force(CAFE, places, math.inf)[:20]


# --- Order and pages -------------------------------------------------------------------------------------------------


def _street(session: Session) -> None:
    """Twelve venues and as many gatherings along a street, three venues at one place, one gathering of two steps."""
    for number in range(12):
        place(session, f"v{number:02}", east(50.0 * (number // 3)))
        gathering(session, f"g{number:02}", f"v{number:02}", at=TOMORROW + number * HOUR, organizer="ben")
    gathering(session, "walk", "v11", "v00", organizer="ben")


@pytest.mark.parametrize("limit", [1, 2, 5, 50])
@pytest.mark.parametrize("order", list(Order))
def test_pages_tell_each_thing_once_in_one_order(session: Session, order: Order, limit: int) -> None:
    _street(session)
    whole = find(session, order=order, page=paging.Page(200))
    assert len(whole) == 1 + 12 + 13  # the café, venues, gatherings
    paged = through_pages(session, Wanted(ASKED), order, limit)
    assert [one.candidate.id for one in paged] == [one.candidate.id for one in whole]
    if order is Order.NEAREST:
        assert [one.candidate.away_m for one in whole] == sorted(one.candidate.away_m for one in whole)
    else:
        assert [one.scored.hundredths for one in whole] == sorted(
            (one.scored.hundredths for one in whole), reverse=True
        )


def test_rings_go_on_where_the_one_before_ended(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    _street(session)
    circle(session, "far", "dora", "ben")
    place(session, "far-hall", east(5000))
    gathering(session, "hers", "far-hall", community="far", organizer="ben")
    monkeypatch.setattr(rings, "EVENTS", 4)
    monkeypatch.setattr(rings, "VENUES", 3)
    paged = ids(through_pages(session, Wanted(ASKED), Order.BEST, 6))
    assert len(paged) == len(set(paged)) == 1 + 12 + 13 + 2
    assert paged.index("hers") < paged.index("g06"), "what is of her community comes with the first ring, however far"


def test_a_page_may_be_asked_for_again_and_what_changed_meanwhile_moves_nothing(session: Session) -> None:
    _street(session)
    first, cursor = paging.with_next(paging.Page(5), lambda page: find(session, page=page))
    second = find(session, page=paging.Page(5, cursor))
    place(session, "newcomer", east(-900))
    assert ids(find(session, page=paging.Page(5, cursor))) == ids(second)
    assert not {*ids(first)} & {*ids(second)}


@pytest.mark.parametrize("edge", ["", "nan", "inf", "zz", "0x"])
def test_a_cursor_that_was_made_up_is_refused(session: Session, edge: str) -> None:
    for order, name, key in (
        (Order.BEST, rings._BEST, (NOW, edge, 0, edge, 0, 0, 0)),
        (Order.NEAREST, rings._NEAREST, (edge, 0)),
    ):
        cursor = paging._encode(name, key)
        with pytest.raises(MusterError) as error:
            find(session, order=order, page=paging.Page(5, cursor))
        assert error.value.code == "cursor_unknown"


def test_of_several_steps_the_nearest_that_is_not_over_stands_for_all(session: Session) -> None:
    place(session, "start", east(2000))
    gathering(session, "trip", "start", "cafe", organizer="ben")
    (trip,) = [one for one in find(session) if one.candidate.event_id == "trip"]
    assert trip.candidate.venue_id == "cafe"
    later = TOMORROW + 90 * dt.timedelta(minutes=1)
    at_the_start = ASKED._replace(place=east(2000), at=later)
    (trip,) = [one for one in find(session, Wanted(at_the_start), now=later) if one.candidate.event_id == "trip"]
    assert trip.candidate.venue_id == "cafe", "the first step is over"


def test_edges_tell_where_each_kind_ends(session: Session) -> None:
    _street(session)
    some = candidates.near(session, ASKED, communities=(), events=Part(4), venues=Part(100))
    assert some.venues_end == THE_END
    assert NOWHERE < some.events_end < THE_END


# --- Filters ---------------------------------------------------------------------------------------------------------


def test_filters_leave_what_passes_them(session: Session) -> None:
    place(session, "late", east(300), opening_hours="Mo-Su 18:00-02:00")
    place(session, "early", east(400), opening_hours="Mo-Su 06:00-12:00")
    circle(session, "players", "dora", "ben")
    gathering(session, "chess", "late", community="players", interests=["chess"], capacity=1, organizer="ben")
    gathering(session, "now", "early", at=NOW - HOUR / 2, organizer="ben")
    gathering(session, "next-month", "early", at=NOW + dt.timedelta(days=30), organizer="ben")
    come(session, "chess", "ben")
    session.execute(
        text("INSERT INTO venue_moment (venue_id, at, mood) VALUES ('late', :at, 'lively'), ('early', :old, 'lively')"),
        {"at": NOW, "old": NOW - HOUR},
    )

    def found(**wanted: Any) -> set[str]:
        asked = ASKED._replace(**{name: wanted.pop(name) for name in list(wanted) if name in Asked._fields})
        both = [{*ids(find(session, Wanted(asked, **wanted), order=order))} for order in (Order.BEST, Order.NEAREST)]
        assert both[0] == both[1]
        return both[0]

    assert found() == {"cafe", "late", "early", "chess", "now"}
    assert found(kinds=frozenset({Kind.EVENT})) == {"chess", "now"}
    assert found(kinds=frozenset({Kind.VENUE})) == {"cafe", "late", "early"}
    assert found(kinds=frozenset({Kind.VENUE}), interests=("chess",)) == set()
    assert found(radius_m=350.0) == {"cafe", "late", "chess"}
    assert found(interests=("chess", "jazz")) == {"chess"}
    assert found(community_id="players") == {"chess"}
    assert found(places_left=True) == {"now"}
    assert found(on_now=True, until=NOW + dt.timedelta(microseconds=1)) == {"now"}
    assert found(open_now=True) == {"late", "now"}
    assert found(moods=frozenset({Mood.LIVELY})) == {"late", "chess"}
    assert found(until=NOW + dt.timedelta(days=60)) == {"cafe", "late", "early", "chess", "now", "next-month"}


def test_what_is_for_others_is_not_found(session: Session) -> None:
    circle(session, "players", "ben")
    gathering(session, "inside", "cafe", community="players", organizer="ben")
    for order in Order:
        assert ids(find(session, order=order)) == ["cafe"]
        assert {*ids(find(session, order=order, member="ben"))} == {"cafe", "inside"}
    circle(session, "others", "dora")
    session.execute(text("UPDATE event SET community_id = NULL, community_gone = true"))
    assert ids(find(session)) == ["cafe"], "what was of a community that is gone is for nobody new"


# --- Reasons ---------------------------------------------------------------------------------------------------------


def test_points_of_reasons_add_up_to_the_score_and_each_is_shown_for_what_it_is(session: Session) -> None:
    _street(session)
    circle(session, "players", "dora", "ben")
    gathering(session, "chess", "v05", community="players", interests=["chess"], organizer="ben")
    session.execute(text("INSERT INTO member_interest VALUES ('dora', 'chess')"))
    found = find(session)
    for one in found:
        assert one.scored.hundredths == sum(reason.hundredths for reason in one.scored.reasons)
        assert all(reason.hundredths > 0 for reason in one.scored.reasons)
    (chess,) = [one for one in found if one.candidate.event_id == "chess"]
    assert {"distance", "start", "interests", "community"} <= {reason.factor.value for reason in chess.scored.reasons}
    assert chess.scored.fact.liked == ("chess",)
    assert ids(found)[0] == "chess"


def test_whether_she_goes_already_is_said(session: Session) -> None:
    gathering(session, "dinner", "cafe")
    come(session, "dinner", "dora")
    assert [one.goes for one in find(session) if one.candidate.event_id == "dinner"] == [True]
    signups.withdraw(session, event_id="dinner", member_id="dora", now=NOW)
    session.flush()
    assert [one.goes for one in find(session) if one.candidate.event_id == "dinner"] == [False]
