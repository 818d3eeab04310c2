"""Looks for news once somebody's commit was announced: soon after the first word, and never more often than that."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from sqlalchemy import Engine, exists, select
from sqlalchemy.exc import SQLAlchemyError

from server import database
from server.jobs import service as jobs
from server.webhooks import collecting
from server.webhooks.model import Webhook

# Forty guests at a door come as one message, and nobody in a group notices.
GATHERED_S = 2.0

_log = logging.getLogger(__name__)


class Waking:
    """Hears that an event changed, and queues one look for all that came within GATHERED_S."""

    def __init__(self, engine: Engine) -> None:
        """engine: for one short transaction each time."""
        self._engine = engine
        self._heard = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def take(self, topic: str) -> None:
        """Takes the name of what changed; from any thread."""
        if topic.startswith("event/") and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._heard.set)

    async def run(self) -> None:
        """Looks until it is cancelled; what it had begun with the database has ended by then."""
        self._loop = asyncio.get_running_loop()
        while True:
            await self._heard.wait()
            await asyncio.sleep(GATHERED_S)
            self._heard.clear()
            try:
                await _to_its_end(self._queue)
            except SQLAlchemyError as error:
                _log.warning("webhooks look again within a minute: %s", str(error).partition("\n")[0])

    def _queue(self) -> None:
        with database.transaction(self._engine) as session:
            if session.scalar(select(exists(select(Webhook.id).where(collecting.is_live())))):
                jobs.defer(session, "webhooks.collect", only_one="webhooks")


async def _to_its_end(act: Callable[[], None]) -> None:
    """Calls it in a thread. Nobody can cancel that: who is cancelled meanwhile waits for it."""
    acting = asyncio.ensure_future(asyncio.to_thread(act))
    try:
        await asyncio.shield(acting)
    except asyncio.CancelledError:
        await asyncio.wait({acting})
        raise
