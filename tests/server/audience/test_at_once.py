"""Two processes at once, and one that is killed: nobody is told twice, nobody is forgotten."""

import dataclasses
import datetime as dt
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from config import settings as config
from server import database
from server.audience import choosing, opening, tasks
from server.audience import service as audience
from server.erasure import service as erasure
from server.jobs.service import Work
from tests.processes import wait_until
from tests.server.audience.village import LATER, RULE, gathering, person
from tests.server.places import make_cafe, make_members

PEOPLE = 30
WAITS = text(
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())"
)


@pytest.fixture
def engine(committing_database: str) -> Iterator[Engine]:
    """Of a village with a gathering that all of it likes, and two more that nobody is told of beyond the caps."""
    engine = database.connect(committing_database)
    with database.transaction(engine) as session:
        make_members(session)
        make_cafe(session)
        session.execute(
            text("INSERT INTO interest (id, name_en, name_zh) VALUES ('books', 'Books', '读书') ON CONFLICT DO NOTHING")
        )
        for number in range(PEOPLE):
            person(session, f"p{number:02}", "books", away_km=number / 20)
        for number in range(4):
            gathering(session, f"reading-{number}", at=LATER + dt.timedelta(days=2 + number))
    yield engine
    engine.dispose()


def work(engine: Engine, dsn: str) -> Work:
    settings = config.load(environment={"MUSTER_DATABASE__DSN": dsn})
    return Work(engine, dataclasses.replace(settings, audience=RULE), lambda: LATER)


def told(engine: Engine) -> dict[str, int]:
    with database.transaction(engine) as session:
        rows = session.execute(
            text("SELECT member_id, count(*) AS notes FROM notification WHERE kind = 'nearby_event' GROUP BY member_id")
        ).all()
        assert session.scalar(text("SELECT count(*) FROM called")) == sum(row.notes for row in rows)
        assert session.scalar(text("SELECT sum(told) FROM call")) == sum(row.notes for row in rows)
    return {row.member_id: row.notes for row in rows}


def test_two_processes_at_once_tell_nobody_twice_or_beyond_her_caps(engine: Engine, committing_database: str) -> None:
    together = threading.Barrier(2)

    def look() -> None:
        together.wait()
        tasks.look(work(engine, committing_database))

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tasks.look(work(engine, committing_database))
    assert told(engine) == {f"p{number:02}": 2 for number in range(PEOPLE)}


def test_a_process_that_ends_in_a_wave_told_nobody_and_the_next_tells_all(
    engine: Engine, committing_database: str
) -> None:
    with database.transaction(engine) as session:
        opening.open_calls(session, rule=RULE, now=LATER)
    with engine.connect() as connection, Session(connection) as session:
        call_id = audience.next_due(session, now=LATER)
        assert call_id is not None
        assert audience.tell_wave(session, call_id=call_id, rule=RULE, now=LATER) == PEOPLE
        connection.invalidate()  # as a kill does: the connection ends, and nothing was committed
    assert told(engine) == {}
    tasks.look(work(engine, committing_database))
    assert set(told(engine).values()) == {2}


def test_a_call_that_fails_keeps_no_other_from_being_told(
    engine: Engine, committing_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    with engine.begin() as connection:  # a name that no note can hold, as a fault of ours would be
        connection.execute(text("ALTER TABLE called ADD CONSTRAINT fault CHECK (call_id <> 1)"))
    try:
        tasks.look(work(engine, committing_database))
    finally:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE called DROP CONSTRAINT fault"))
    assert "were not told by call 1" in caplog.text
    assert set(told(engine).values()) == {2}
    with database.transaction(engine) as session:
        assert session.scalar(text("SELECT next_at FROM call WHERE id = 1")) == LATER + opening.AGAIN


def test_a_wave_and_an_erasure_at_once_both_come_about(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[Exception] = []

    def erase() -> None:
        try:
            with database.transaction(engine) as session:
                erasure.erase(session, member_id="p01", now=LATER)
        except Exception as error:
            failed.append(error)

    def waits() -> bool:
        with database.transaction(engine) as another:  # what one transaction has seen of it, it sees for ever
            return bool(another.scalar(WAITS))

    thread = threading.Thread(target=erase)
    stand = choosing.stand

    def stand_and_let_her_go(session: Session, *given: Any, hold: bool = False, **more: Any) -> list[str]:
        found = stand(session, *given, hold=hold, **more)
        if hold:
            thread.start()
            wait_until(waits, "the erasure waits for the wave")
        return found

    monkeypatch.setattr(choosing, "stand", stand_and_let_her_go)
    with database.transaction(engine) as session:
        opening.open_calls(session, rule=RULE, now=LATER)
        call_id = audience.next_due(session, now=LATER)
        assert call_id is not None
        assert audience.tell_wave(session, call_id=call_id, rule=RULE, now=LATER) == PEOPLE
    thread.join()
    assert failed == []
    with database.transaction(engine) as session:
        left = set(session.scalars(text("SELECT member_id FROM notification WHERE kind = 'nearby_event'")))
    assert left == {f"p{number:02}" for number in range(PEOPLE)} - {"p01"}
