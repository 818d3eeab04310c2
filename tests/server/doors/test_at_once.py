"""Several at one instant on a real PostgreSQL: never double, never lost."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from server import database
from server.doors import asks, passes
from server.doors.passing import Outcome
from server.errors import MusterError
from tests.server.doors.scene import enter, make_door, make_evening, nonce
from tests.server.places import NOW

AT_ONCE = 8


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    """A database of the test's own, in which everybody commits."""
    found = database.connect(fresh_database, pool=AT_ONCE)
    yield found
    found.dispose()


def together(engine: Engine, *acts: Callable[[Session], Any]) -> list[Any]:
    """Runs each in a thread and a transaction of its own, all from one moment on; errors of ours are answers."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[Session], Any]) -> Any:
        start.wait(10)
        try:
            with database.transaction(engine) as session:
                return act(session)
        except MusterError as refused:
            return refused

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def count(engine: Engine, what: str) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text(what)) or 0)


STANDING = "SELECT count(*) FROM checkin WHERE undone_at IS NULL"
GUESTS = "SELECT count(*) FROM member WHERE guest"


def test_two_doors_at_one_instant_check_in_once(engine: Engine) -> None:
    with database.transaction(engine) as session:
        make_evening(session, capacity=5)
        code = make_door(session).door.code
        token = make_door(session, "volunteer").token
    found = together(
        engine,
        *[lambda session: enter(session, who="ben", code=code)] * 4,
        *[lambda session: enter(session, door_token=token, member_id="ben")] * 4,
    )
    assert sorted(outcome.result for outcome in found) == [*["already"] * 7, "in"]
    assert {(outcome.checkin_id, outcome.at) for outcome in found} == {(found[0].checkin_id, NOW)}
    assert count(engine, STANDING) == count(engine, "SELECT count(*) FROM passage") == 1


def test_a_double_tap_of_a_stranger_makes_one_guest(engine: Engine) -> None:
    with database.transaction(engine) as session:
        make_evening(session)
        code = make_door(session).door.code
    number = nonce()
    found = together(engine, *[lambda session: enter(session, code=code, name="Mia", nonce=number)] * AT_ONCE)
    assert {(outcome.result, outcome.sign_in) for outcome in found} == {("in", True)}
    assert len({outcome.member_id for outcome in found}) == 1
    assert (count(engine, GUESTS), count(engine, STANDING)) == (1, 1)


def test_the_last_place_is_given_to_one(engine: Engine) -> None:
    with database.transaction(engine) as session:
        make_evening(session, capacity=3)
        code = make_door(session).door.code

    def come(number: int) -> Callable[[Session], Outcome]:
        return lambda session: enter(session, code=code, name=f"Guest {number}")

    found = together(engine, *map(come, range(AT_ONCE)))
    assert sorted(outcome.result for outcome in found) == [*["asked"] * 5, *["in"] * 3]
    assert count(engine, STANDING) == 3


def test_of_a_yes_and_a_no_at_once_one_counts(engine: Engine) -> None:
    with database.transaction(engine) as session:
        make_evening(session, approval=True)
        code = make_door(session).door.code
    for number in range(5):
        with database.transaction(engine) as session:
            ask_id = enter(session, code=code, name=f"Guest {number}").ask_id or 0

        def say(session: Session, yes: bool, ask_id: int = ask_id) -> asks.AskRow:
            return asks.answer(session, ask_id=ask_id, yes=yes, now=NOW, by="cleo")

        before = count(engine, STANDING)
        found = together(engine, *[lambda session: say(session, True)] * 2, *[lambda session: say(session, False)] * 2)
        states = {answer.state for answer in found if not isinstance(answer, MusterError)}
        assert states in ({"in"}, {"no"})
        assert {answer.code for answer in found if isinstance(answer, MusterError)} == {"answered_already"}
        assert count(engine, STANDING) - before == (1 if states == {"in"} else 0)


def test_a_server_that_dies_before_the_commit_leaves_nothing_and_the_retry_comes_in(engine: Engine) -> None:
    with database.transaction(engine) as session:
        make_evening(session)
        code = make_door(session).door.code
    number = nonce()
    with Session(engine) as session:
        enter(session, code=code, name="Mia", nonce=number)
        own = session.scalar(text("SELECT pg_backend_pid()"))
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
        with pytest.raises(OperationalError):
            session.commit()
    assert (count(engine, GUESTS), count(engine, STANDING)) == (0, 0)
    with database.transaction(engine) as session:
        first = enter(session, code=code, name="Mia", nonce=number)
    # It died after the commit and before the answer: the phone asks again.
    with database.transaction(engine) as session:
        assert enter(session, code=code, name="Mia", nonce=number) == first
    assert (count(engine, GUESTS), count(engine, STANDING)) == (1, 1)


def test_two_servers_make_one_key(engine: Engine) -> None:
    with database.transaction(engine) as session:
        make_evening(session)
    found = together(engine, *[lambda session: passes.current_key(session, NOW).id] * AT_ONCE)
    assert len(set(found)) == count(engine, "SELECT count(*) FROM pass_key") == 1
    with database.transaction(engine) as session:
        later = passes.current_key(session, NOW + dt.timedelta(days=31))
        assert later.id != found[0]
        assert set(passes.public_keys(session, NOW + dt.timedelta(days=31))) == {str(found[0]), str(later.id)}
        passes.current_key(session, NOW + dt.timedelta(days=62))
        assert str(found[0]) not in passes.public_keys(session, NOW + dt.timedelta(days=62))
