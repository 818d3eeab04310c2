"""What a route asks of its request: a session in a transaction of its own, the time, the settings."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Path
from fastapi.concurrency import contextmanager_in_threadpool
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from config.settings import Settings
from server import database
from server.errors import MusterError

Clock = Callable[[], dt.datetime]

Id = Annotated[str, Path(max_length=64, description="lower-case letters, digits and hyphens, 64 at most")]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


@dataclass(frozen=True, slots=True)
class Context:
    """What the app gives to its routes: `app.state.context`."""

    settings: Settings
    engine: Engine
    clock: Clock
    # A request takes a turn before a session: as many as there are connections. Otherwise a rush of requests that wait
    # for a connection, each in a thread, leaves no thread to those that hold one, and all stand still.
    turns: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        """Makes as many turns as the pool keeps connections."""
        object.__setattr__(self, "turns", asyncio.Semaphore(self.settings.database.pool))


def context(connection: HTTPConnection) -> Context:
    """The app's context."""
    found: Any = connection.app.state.context
    assert isinstance(found, Context)
    return found


def utc_now() -> dt.datetime:
    """The clock of a server that is not told another one."""
    return dt.datetime.now(dt.UTC)


async def open_session(connection: HTTPConnection) -> AsyncIterator[Session]:
    """A session in a transaction that is committed when the route returns, and rolled back when it raises.

    An error that is kept commits as well: it comes with what was written of it.
    """
    found = context(connection)
    kept: MusterError | None = None
    async with found.turns, contextmanager_in_threadpool(database.transaction(found.engine)) as session:
        try:
            yield session
        except MusterError as error:
            if not error.kept:
                raise
            kept = error
    if kept is not None:
        raise kept


def _now(connection: HTTPConnection) -> dt.datetime:
    return context(connection).clock()


def _settings(connection: HTTPConnection) -> Settings:
    return context(connection).settings


# One request, one transaction; scope "function" commits it before the response goes out.
InTransaction = Annotated[Session, Depends(open_session, scope="function")]
Now = Annotated[dt.datetime, Depends(_now)]
InSettings = Annotated[Settings, Depends(_settings)]
