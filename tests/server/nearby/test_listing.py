"""Listings follow from events, steps, venues and sign-ups, whoever writes those."""

import datetime as dt
import threading

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from server import database
from server.events import life, signups
from server.events import service as events
from server.events.states import State
from server.venues import service as venues
from tests.server.nearby.town import circle, come, gathering, listed, place
from tests.server.places import CAFE, HOUR, NOW, make_cafe, make_members, make_welcome

ELSEWHERE = (13.42, 52.53)


@pytest.fixture(autouse=True)
def _people(session: Session) -> None:
    make_members(session)
    make_cafe(session)
    make_welcome(session)


def test_a_venue_is_listed_while_it_has_a_place_and_stands_in_lists(session: Session) -> None:
    assert listed(session) == {"venue cafe": (True, 0, None, [], False, False)}
    session.execute(text("UPDATE venue SET listed = false"))
    assert listed(session) == {}
    session.execute(text("UPDATE venue SET listed = true, name = 'Lumen'"))
    assert set(listed(session)) == {"venue cafe"}
    session.execute(text("UPDATE venue SET location = NULL"))
    assert listed(session) == {}


def test_a_gathering_is_listed_with_each_step_while_it_is_announced(session: Session) -> None:
    gathering(session, "chess-night", "cafe", "cafe", interests=["chess"], capacity=9, state=State.DRAFT)
    assert set(listed(session)) == {"venue cafe"}
    life.publish(session, event_id="chess-night", now=NOW)
    session.flush()
    of_step = (True, 0, 9, ["chess"], True, False)
    assert listed(session) == {
        "venue cafe": (True, 0, None, [], False, False),
        "chess-night-1": of_step,
        "chess-night-2": of_step,
    }
    life.cancel(session, event_id="chess-night", reason="Rain", now=NOW)
    session.flush()
    assert set(listed(session)) == {"venue cafe"}


def test_who_goes_is_counted_with_whom_she_brings(session: Session) -> None:
    gathering(session, "dinner", "cafe", capacity=5)
    come(session, "dinner", "dora", "ben")
    assert listed(session)["dinner-1"][1] == 2
    session.execute(text("UPDATE sign_up SET guests = 2 WHERE member_id = 'dora'"))
    assert listed(session)["dinner-1"][1] == 4
    signups.withdraw(session, event_id="dinner", member_id="dora", now=NOW)
    session.flush()
    assert listed(session)["dinner-1"][1] == 1
    session.execute(text("DELETE FROM sign_up"))
    assert listed(session)["dinner-1"][1] == 0


def test_what_is_chosen_by_steps_is_counted_by_steps(session: Session) -> None:
    gathering(session, "fair", "cafe", "cafe")
    come(session, "fair", "dora", "ben")
    session.execute(
        text(
            "INSERT INTO sign_up_step (step_id, member_id, event_id, state, turn)"
            " VALUES ('fair-1', 'dora', 'fair', 'going', 0), ('fair-2', 'dora', 'fair', 'waiting', 0)"
        )
    )
    assert [listed(session)[step][1] for step in ("fair-1", "fair-2")] == [2, 1]
    counted = dict(session.execute(text("SELECT step_id, count(*) FROM going_to GROUP BY step_id")).all())
    assert counted == {"fair-1": 2, "fair-2": 1}


def test_a_community_s_gathering_is_for_all_only_if_it_says_so_and_about_what_the_community_is(
    session: Session,
) -> None:
    circle(session, "players", "dora", "ben")
    session.execute(text("INSERT INTO community_interest VALUES ('players', 'chess')"))
    gathering(session, "inside", "cafe", community="players")
    assert listed(session)["inside-1"][:4] == (False, 0, None, ["chess"])
    session.execute(text("UPDATE event SET open_to_all = true WHERE id = 'inside'"))
    assert listed(session)["inside-1"][0] is True
    session.execute(text("DELETE FROM community_interest"))
    assert listed(session)["inside-1"][3] == []


def test_it_moves_with_its_step_and_its_venue(session: Session) -> None:
    place(session, "hall", ELSEWHERE)
    gathering(session, "walk", "cafe")
    where = text("SELECT ST_X(location::geometry), ST_Y(location::geometry) FROM listing WHERE step_id = 'walk-1'")
    assert tuple(session.execute(where).one()) == CAFE
    session.execute(text("UPDATE step SET venue_id = 'hall' WHERE id = 'walk-1'"))
    assert tuple(session.execute(where).one()) == ELSEWHERE
    venues.change(session, id="hall", location=(13.5, 52.5))
    session.flush()
    assert tuple(session.execute(where).one()) == (13.5, 52.5)
    session.execute(
        text("UPDATE step SET starts_at = starts_at + interval '1 hour', ends_at = ends_at + interval '1 hour'")
    )
    starts_at = session.execute(text("SELECT starts_at FROM listing WHERE step_id = 'walk-1'")).scalar_one()
    assert starts_at == NOW + dt.timedelta(days=1) + HOUR


def test_of_a_home_only_its_part_of_town_is_listed(session: Session) -> None:
    session.execute(text("UPDATE venue SET kind = 'home' WHERE id = 'cafe'"))
    gathering(session, "supper", "cafe", organizer="ben")
    (row,) = session.execute(text("SELECT vague, ST_X(location::geometry), ST_Y(location::geometry) FROM listing"))
    assert row[0]
    assert (row[1], row[2]) != CAFE
    assert max(abs(row[1] - CAFE[0]), abs(row[2] - CAFE[1])) <= 0.01


def test_what_is_gone_is_listed_no_more(session: Session) -> None:
    gathering(session, "short", "cafe")
    session.execute(text("DELETE FROM event"))
    assert set(listed(session)) == {"venue cafe"}
    session.execute(text("DELETE FROM zone"))
    session.execute(text("DELETE FROM venue"))
    assert listed(session) == {}


def test_of_two_who_sign_up_at_once_both_count(committing_database: str) -> None:
    engine = database.connect(committing_database)
    try:
        with database.transaction(engine) as session:
            make_members(session)
            make_cafe(session)
            make_welcome(session)
            gathering(session, "rush", "cafe")
        _sign_up_at_once(engine, ["ana", "ben", "dora"])
        with database.transaction(engine) as session:
            assert listed(session)["rush-1"][1] == 3
    finally:
        engine.dispose()


def _sign_up_at_once(engine: Engine, member_ids: list[str]) -> None:
    ready = threading.Barrier(len(member_ids))

    def one(member_id: str) -> None:
        with database.transaction(engine) as session:
            session.execute(text("SELECT 1"))
            ready.wait(timeout=30)
            # Past the turn that a sign-up takes: the triggers alone have to get it right.
            session.execute(
                text("INSERT INTO sign_up (event_id, member_id) VALUES ('rush', :member)"), {"member": member_id}
            )

    threads = [threading.Thread(target=one, args=(member_id,)) for member_id in member_ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_new_event_and_all_that_is_written_anew_says_the_same_as_a_fresh_list(session: Session) -> None:
    place(session, "hall", ELSEWHERE)
    circle(session, "players", "dora", "ben")
    for number in range(4):
        gathering(session, f"g{number}", *(["cafe", "hall"][: 1 + number % 2]), community="players" if number else None)
        come(session, f"g{number}", *["dora", "ben"][: number % 3])
    followed = listed(session)
    session.execute(text("DELETE FROM listing"))
    session.execute(text("SELECT listing_venues(ARRAY(SELECT id FROM venue))"))
    session.execute(text("SELECT listing_events(ARRAY(SELECT id FROM event))"))
    assert listed(session) == followed
    assert events.get(session, "g0")
