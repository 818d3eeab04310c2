"""Several at one instant on a real PostgreSQL: never more than there are places, and nobody forgotten."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from server import database
from server.errors import MusterError
from server.events import copies, life, signups
from server.events import service as events
from tests.server.doors.test_at_once import AT_ONCE, together
from tests.server.events.gathering import come, leave, make_dinner, seen, told
from tests.server.places import NOW


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    """A database of the test's own, in which everybody commits."""
    found = database.connect(fresh_database, pool=AT_ONCE)
    yield found
    found.dispose()


def look(engine: Engine) -> dict[str, str]:
    with database.transaction(engine) as session:
        return seen(session)


def test_the_last_place_goes_to_one_and_the_others_wait_each_in_a_turn_of_their_own(engine: Engine) -> None:
    with database.transaction(engine) as session:
        make_dinner(session, 1)

    def sign_up(member_id: str) -> Callable[[Session], Any]:
        return lambda session: come(session, member_id)

    together(engine, *map(sign_up, ("dora", "ben", "eva", "finn", "gus", "hana")))
    found = [*look(engine).values()]
    assert found == ["going", *(f"waiting after {number}" for number in range(5))]


def test_while_one_withdraws_and_another_signs_up_the_place_is_taken_once_and_by_turn(engine: Engine) -> None:
    with database.transaction(engine) as session:
        make_dinner(session, 1)
        come(session, "dora", "eva")
    together(
        engine,
        lambda session: leave(session, "dora"),
        lambda session: come(session, "finn"),
        lambda session: come(session, "gus"),
        lambda session: signups.set_entry(session, event_id="dinner", capacities={"dinner-1": 2}, now=NOW),
    )
    found = look(engine)
    assert found["eva"] == "going"
    assert sorted(found.values()) == ["going", "going", "waiting after 0", "withdrawn"]


def test_a_sign_up_while_the_host_calls_it_off_is_told_or_refused(engine: Engine) -> None:
    with database.transaction(engine) as session:
        make_dinner(session, None)

    def sign_up(member_id: str) -> Callable[[Session], Any]:
        return lambda session: come(session, member_id)

    guests = ("dora", "ben", "eva", "finn")
    found = together(
        engine, *map(sign_up, guests), lambda session: life.cancel(session, event_id="dinner", now=NOW) and None
    )
    refused = {who for who, answer in zip(guests, found, strict=False) if isinstance(answer, MusterError)}
    with database.transaction(engine) as session:
        assert {who for who in guests if told(session, who)} == set(guests) - refused
        assert set(seen(session)) == set(guests) - refused


def test_a_double_tap_on_again_makes_one(engine: Engine) -> None:
    with database.transaction(engine) as session:
        make_dinner(session, None)

    def again(session: Session) -> str:
        return copies.again(session, event_id="dinner", by="cleo", nonce="one-nonce", now=NOW).id

    assert len(set(together(engine, *[again] * 4))) == 1
    with database.transaction(engine) as session:
        assert len(events.list_all(session)) == 2


def test_a_server_that_dies_before_the_commit_promotes_nobody_and_tells_nobody(engine: Engine) -> None:
    with database.transaction(engine) as session:
        make_dinner(session, 1)
        come(session, "dora", "eva")
    with Session(engine) as session:
        leave(session, "dora")
        assert seen(session)["eva"] == "going"
        session.rollback()
    assert look(engine) == {"dora": "going", "eva": "waiting after 0"}
    with database.transaction(engine) as session:
        assert told(session, "eva") == []
