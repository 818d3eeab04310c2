"""What the live stream works with: a loop, a few threads that read the tables, and what it began."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

T = TypeVar("T")

THREADS = 2  # reading the tables at once; the rest of the pool is for requests

_log = logging.getLogger(__name__)


class Work:
    """Begins things in the loop in which it was started, and ends them all."""

    def __init__(self, engine: Engine) -> None:
        """engine: of the tables, each reading of which is of one moment."""
        self.engine = engine.execution_options(isolation_level="REPEATABLE READ")
        self.loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads: ThreadPoolExecutor | None = None

    def start(self) -> None:
        """From now on, in the running loop."""
        self.loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(THREADS, "live")

    async def stop(self) -> None:
        """Ends everything that was begun."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._threads is not None:
            self._threads.shutdown(wait=True)
        self.loop = None

    @property
    def time_s(self) -> float:
        """By the loop's clock."""
        assert self.loop is not None
        return self.loop.time()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that ends with all the others."""
        assert self.loop is not None
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def begin_every(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        """Does it again and again, whatever comes of it."""
        self.begin(self._every(seconds, act))

    async def _every(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await act()
            except Exception:
                _log.exception("the live stream stumbled and goes on")

    async def read(self, act: Callable[[Session], T]) -> T:
        """What `act` reads of the tables, all of one moment, in a thread."""
        assert self.loop is not None

        def run() -> T:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                return act(session)

        return await self.loop.run_in_executor(self._threads, run)

    def call(self, act: Callable[..., object], *given: object) -> None:
        """Calls it in the loop, from any thread or signal; nothing happens when that has ended."""
        loop = self.loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it has just ended
                loop.call_soon_threadsafe(act, *given)
