"""The server of `muster bench communities`: the real one, which says of each answer how many statements it took, in the
header `X-Statements`; `python -m tests.bench.counted`.
"""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Engine, event
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config import settings as config
from config.settings import Settings
from server import app as server_app
from server import main
from server.requests import Clock, utc_now

_count: contextvars.ContextVar[list[int] | None] = contextvars.ContextVar("statements", default=None)


class Counted:
    """Counts what a request asks the database; what runs beside requests is not counted."""

    def __init__(self, app: ASGIApp) -> None:
        """app: what answers."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, with the count."""
        found = [0]  # threads that work for a request share it
        _count.set(found)

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-statements", str(found[0]).encode())]
            await send(message)

        await self.app(scope, receive, tell)


def count(*_: Any) -> None:
    """One more."""
    found = _count.get()
    if found is not None:
        found[0] += 1


@contextlib.contextmanager
def counting() -> Iterator[None]:
    """Counts while the block runs, on all engines."""
    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", count)


if __name__ == "__main__":
    make = server_app.create_app

    def create(settings: Settings, clock: Clock = utc_now) -> FastAPI:
        """The same app with a counter around it."""
        made = make(settings, clock)
        made.add_middleware(Counted)
        return made

    server_app.create_app = create
    with counting():
        raise SystemExit(main.run(config.load()))
