"""What a route asks of its request: a session in a transaction of its own, the time, the settings."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Header, Path, Query, Request, Response
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from config.settings import Settings
from server import database, paging, texts
from server.errors import MusterError
from server.texts import Texts

Clock = Callable[[], dt.datetime]

# What cannot be an id names nothing: it is not found, and nowhere refused as such.
IfMatch = Annotated[
    str | None,
    Header(max_length=40, description="the ETag of the version that you edited; without it the last one wins"),
]
Id = Annotated[
    str,
    Path(
        max_length=64,
        json_schema_extra={"pattern": "^[a-z0-9-]{1,64}$"},
        description="lower-case letters, digits and hyphens, 64 at most",
    ),
]
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


def remember_language(connection: HTTPConnection, language: str | None) -> None:
    """Notes what the member who asks has chosen; None: whatever her browser says."""
    connection.state.language = language


def texts_for(connection: HTTPConnection) -> Texts:
    """The texts for who asks: in the language that she chose, else the one of her browser, else English."""
    chosen = getattr(connection.state, "language", None)
    return texts.of(chosen or texts.choose(connection.headers.get("accept-language", "")))


async def open_session(connection: HTTPConnection) -> AsyncIterator[Session]:
    """A session in a transaction that is committed when the route returns, and rolled back when it raises.

    An error that is kept commits as well: it comes with what was written of it.
    """
    found = context(connection)
    kept: MusterError | None = None
    async with found.turns, _transaction(found.engine) as session:
        try:
            yield session
        except MusterError as error:
            if not error.kept:
                raise
            kept = error
    if kept is not None:
        raise kept


@contextlib.asynccontextmanager
async def _transaction(engine: Engine) -> AsyncIterator[Session]:
    """A transaction. Nothing is asked of the database before its first statement, so only its end takes a thread.

    That thread is one more than all others: who ends lets go of the connection for which they may be waiting.
    """
    transaction, limiter = database.transaction(engine), CapacityLimiter(1)
    session = transaction.__enter__()
    try:
        yield session
    except Exception as error:
        await run_sync(transaction.__exit__, type(error), error, error.__traceback__, limiter=limiter)
        raise
    except BaseException as error:
        transaction.__exit__(type(error), error, error.__traceback__)  # we are cancelled: no thread would be waited for
        raise
    await run_sync(transaction.__exit__, None, None, None, limiter=limiter)


# What waits for nothing is asynchronous: any other dependency costs a change of threads.
async def _now(connection: HTTPConnection) -> dt.datetime:
    return context(connection).clock()


async def _settings(connection: HTTPConnection) -> Settings:
    return context(connection).settings


async def page(
    request: Request,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=paging.MOST, description="how many at most")] = paging.DEFAULT,
    cursor: Annotated[
        str | None,
        Query(
            max_length=paging.CURSOR_MAX_LENGTH,
            description="where the page before ended, from its Link header; without it the first page",
        ),
    ] = None,
) -> paging.Page:
    """Which page of a list is asked for; the next one's address goes into the answer."""

    def tell_next(cursor: str) -> None:
        others = [(name, value) for name, value in parse_qsl(request.url.query) if name not in ("limit", "cursor")]
        query = urlencode([*others, ("limit", limit), ("cursor", cursor)])
        response.headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'

    return paging.Page(limit, cursor, tell_next)


# One request, one transaction; scope "function" commits it before the response goes out.
InTransaction = Annotated[Session, Depends(open_session, scope="function")]
Now = Annotated[dt.datetime, Depends(_now)]
InSettings = Annotated[Settings, Depends(_settings)]
InPage = Annotated[paging.Page, Depends(page)]
