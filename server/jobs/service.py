"""Queues work in the caller's transaction, and knows what each task does; procrastinate keeps the queue."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from config.settings import Settings
from server import constraints

QUEUE = "muster"
# Waits between attempts: 4 s, 16 s, 64 s ... up to an hour, as long as a mail server's restart or a night without line.
ATTEMPTS = 12
MOST_WAIT_S = 3600


@dataclass(frozen=True, slots=True)
class Work:
    """What a task has to work with. Each task opens its own transactions (`database.transaction(work.engine)`)."""

    engine: Engine
    settings: Settings
    clock: Callable[[], dt.datetime]


Act = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Task:
    """A task: what it does, how often it is tried, and when it comes by itself (cron, UTC)."""

    name: str
    act: Act
    attempts: int
    cron: str | None


TASKS: dict[str, Task] = {}

_DEFER = text("""
    SELECT unnest(procrastinate_defer_jobs_v1(ARRAY[
        ROW(:queue, :name, 0, CAST(:lock AS text), CAST(:only_one AS text), CAST(:args AS jsonb),
            CAST(:at AS timestamptz))::procrastinate_job_to_defer_v1]))
""")
_QUEUED = text("SELECT id FROM procrastinate_jobs WHERE queueing_lock = :only_one AND status = 'todo'")


def task(name: str, *, attempts: int = ATTEMPTS) -> Callable[[Act], Act]:
    """Says that the function does what is queued by this name: `act(work, **args)`, in a thread.

    A task may run twice (its process was killed after it did its work): it has to be harmless the second time. What it
    raises is noted, and it is tried again later, `attempts` times in all.
    """

    def register(act: Act) -> Act:
        TASKS[name] = Task(name, act, attempts, None)
        return act

    return register


def periodic(name: str, *, cron: str) -> Callable[[Act], Act]:
    """Says that the function `act(work)` comes by itself; cron: minute hour day month weekday, UTC.

    Once for all server processes together; what was missed while none ran is made up for once.
    """

    def register(act: Act) -> Act:
        TASKS[name] = Task(name, act, 1, cron)
        return act

    return register


def defer(
    session: Session,
    name: str,
    *,
    at: dt.datetime | None = None,
    in_turn: str | None = None,
    only_one: str | None = None,
    **args: Any,
) -> int:
    """Queues a task within the session's transaction, and returns its number; nothing is queued if that is rolled back.

    at: not before that. in_turn: of those with the same text one runs at a time, in their order. only_one: while one
    with the same text waits, this changes nothing. args: what JSON can say.
    """
    assert name in TASKS, f"no task is called {name}"
    if only_one is not None:
        constraints.take_turn(session, f"job {only_one}")
        waiting = session.scalar(_QUEUED, {"only_one": only_one})
        if waiting is not None:
            return int(waiting)
    given = {
        "queue": QUEUE,
        "name": name,
        "lock": in_turn,
        "only_one": only_one,
        "args": json.dumps(args),
        "at": at,
    }
    return int(session.execute(_DEFER, given).scalar_one())
