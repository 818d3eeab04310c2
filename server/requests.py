"""What a route asks of its request: a session in a transaction of its own, the time, the settings."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from config.settings import Settings
from server import database

Clock = Callable[[], dt.datetime]

Id = Annotated[str, Path(max_length=64, description="lower-case letters, digits and hyphens, 64 at most")]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


@dataclass(frozen=True, slots=True)
class Context:
    """What the app gives to its routes: `app.state.context`."""

    settings: Settings
    engine: Engine
    clock: Clock


def context(connection: HTTPConnection) -> Context:
    """The app's context."""
    found: Any = connection.app.state.context
    assert isinstance(found, Context)
    return found


def utc_now() -> dt.datetime:
    """The clock of a server that is not told another one."""
    return dt.datetime.now(dt.UTC)


def open_session(connection: HTTPConnection) -> Iterator[Session]:
    """A session in a transaction that is committed when the route returns, and rolled back when it raises."""
    with database.transaction(context(connection).engine) as session:
        yield session


def _now(connection: HTTPConnection) -> dt.datetime:
    return context(connection).clock()


def _settings(connection: HTTPConnection) -> Settings:
    return context(connection).settings


# One request, one transaction; scope "function" commits it before the response goes out.
InTransaction = Annotated[Session, Depends(open_session, scope="function")]
Now = Annotated[dt.datetime, Depends(_now)]
InSettings = Annotated[Settings, Depends(_settings)]
