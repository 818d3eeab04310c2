"""A job whose process is killed in the middle of it is taken up again by another."""

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from config import settings as config
from server import database
from server.jobs import service as jobs
from server.jobs import worker
from server.jobs.service import Work
from server.requests import utc_now
from tests import processes

DONE: list[str] = []
# Says that it has begun, and never ends.
KILLED = """
    import asyncio, sys, time
    from pathlib import Path
    from config import settings as config
    from server import database
    from server.jobs import service as jobs
    from server.jobs import worker
    from server.jobs.service import Work
    from server.requests import utc_now

    @jobs.task("test.begin")
    def begin(work, *, what):
        Path(sys.argv[1]).write_text(what)
        time.sleep(600)

    settings = config.load()
    asyncio.run(worker.run(Work(database.connect(settings.database.conninfo), settings, utc_now)))
"""


@pytest.fixture
def work(committing_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """A queue in which nobody waits long for a killed process."""
    monkeypatch.setattr(jobs, "TASKS", {})
    monkeypatch.setattr(worker, "TASKS", jobs.TASKS)
    monkeypatch.setattr(worker, "STALLED_S", 1.0)
    DONE.clear()

    @jobs.task("test.begin")
    def finish(_work: Work, *, what: str) -> None:
        DONE.append(what)

    engine = database.connect(committing_database, pool=2)
    yield Work(engine, config.load(environment={"MUSTER_DATABASE__DSN": committing_database}), utc_now)
    engine.dispose()


def _states(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(
            connection.execute(
                text("SELECT status::text FROM procrastinate_jobs WHERE task_name = 'test.begin'")
            ).scalars()
        )


def test_what_a_killed_process_had_begun_is_done_by_another(work: Work, tmp_path: Path) -> None:
    with database.transaction(work.engine) as session:
        jobs.defer(session, "test.begin", what="tea")
    begun, log = tmp_path / "begun", tmp_path / "killed.log"
    environment = {"MUSTER_DATABASE__DSN": work.settings.database.dsn, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(begun)]
    killed = processes.start(command, log, environment)
    try:
        processes.wait_until(lambda: begun.exists() or killed.poll() is not None, "it has begun", 60)
        assert begun.exists(), log.read_text()
    finally:
        processes.stop(killed, signal.SIGKILL)
    worker.run_waiting(work)
    assert DONE == []  # nobody else takes what somebody may be doing
    assert _states(work.engine) == ["doing"]

    def is_silent() -> bool:
        with work.engine.connect() as connection:
            beat = text("SELECT bool_and(now() - last_heartbeat > interval '1 s') FROM procrastinate_workers")
            return bool(connection.scalar(beat))

    processes.wait_until(is_silent, "the killed process is silent for longer than it may")
    with work.engine.begin() as connection:  # so that this minute's look is not taken for done
        connection.execute(text("DELETE FROM procrastinate_periodic_defers"))

    async def go_on() -> None:
        async with worker.running(work):
            await asyncio.to_thread(processes.wait_until, lambda: DONE, "another has done it", 120)

    asyncio.run(go_on())
    assert DONE == ["tea"]
    assert _states(work.engine) == []
