"""Background work: queued with the transaction, done once it is committed, tried again, taken up after a kill."""

import datetime as dt
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from config import settings as config
from server import database as server_database
from server.jobs import service as jobs
from server.jobs import worker
from server.jobs.service import Work
from tests.server.places import NOW

DONE: list[str] = []


@pytest.fixture
def work(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """A database of this test's own, with two tasks: one that works and one that does not."""
    monkeypatch.setattr(jobs, "TASKS", dict(jobs.TASKS))
    monkeypatch.setattr(worker, "TASKS", jobs.TASKS)
    DONE.clear()

    @jobs.task("test.note")
    def note(work: Work, *, what: str) -> None:
        with server_database.transaction(work.engine) as session:
            DONE.append(f"{what} {session.scalar(text('SELECT 1'))}")

    @jobs.task("test.fail", attempts=2)
    def fail(_work: Work) -> None:
        DONE.append("tried")
        raise RuntimeError("no")

    engine = server_database.connect(fresh_database, pool=2)
    yield Work(engine, config.load(environment={"MUSTER_DATABASE__DSN": fresh_database}), lambda: NOW)
    engine.dispose()


def _waiting(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT task_name || ' ' || status FROM procrastinate_jobs ORDER BY id"))
        return list(rows.scalars())


def test_what_is_queued_is_done_once_it_is_committed(work: Work) -> None:
    with server_database.transaction(work.engine) as session:
        jobs.defer(session, "test.note", what="tea")
        worker.run_waiting(work)
        assert DONE == []  # nobody sees it yet
    worker.run_waiting(work)
    worker.run_waiting(work)
    assert DONE == ["tea 1"]
    assert _waiting(work.engine) == []


def test_what_was_rolled_back_was_never_queued(work: Work) -> None:
    with Session(work.engine) as session:
        jobs.defer(session, "test.note", what="tea")
        session.rollback()
    worker.run_waiting(work)
    assert DONE == []


def test_what_fails_is_tried_again_later_as_often_as_was_said(work: Work) -> None:
    with server_database.transaction(work.engine) as session:
        jobs.defer(session, "test.fail")
    worker.run_waiting(work)
    assert DONE == ["tried"]
    assert _waiting(work.engine) == ["test.fail todo"]
    with work.engine.begin() as connection:
        waits = connection.scalar(text("SELECT scheduled_at - now() FROM procrastinate_jobs"))
        assert dt.timedelta(0) < waits < dt.timedelta(seconds=5)
        connection.execute(text("UPDATE procrastinate_jobs SET scheduled_at = now()"))
    worker.run_waiting(work)
    assert DONE == ["tried", "tried"]
    assert _waiting(work.engine) == ["test.fail failed"]


def test_one_that_waits_already_is_enough_where_that_was_said(work: Work) -> None:
    with server_database.transaction(work.engine) as session:
        first = jobs.defer(session, "test.note", only_one="tea", what="tea")
        assert jobs.defer(session, "test.note", only_one="tea", what="tea") == first
        assert jobs.defer(session, "test.note", only_one="coffee", what="coffee") != first
    worker.run_waiting(work)
    assert sorted(DONE) == ["coffee 1", "tea 1"]


def test_what_is_for_later_waits(work: Work) -> None:
    with server_database.transaction(work.engine) as session:
        jobs.defer(session, "test.note", at=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), what="tea")
    worker.run_waiting(work)
    assert DONE == []


def test_a_task_that_nobody_knows_is_a_fault_of_ours(work: Work) -> None:
    with server_database.transaction(work.engine) as session, pytest.raises(AssertionError):
        jobs.defer(session, "test.unknown")
