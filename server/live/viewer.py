"""One connection of a browser: what it watches, and the events that wait for it."""

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

from server.live.rights import Seeing
from server.live.watch import View, Watch, encode_event
from server.texts import ENGLISH

QUEUE_EVENTS = 256  # twenty seconds of a busy venue: who is further behind gets a new snapshot more cheaply
MAX_TOPICS = 20  # of one connection: a street of shops


class Wanted(NamedTuple):
    """What a viewer asked for. venues_of: the event whose venues she wants, too, as far as she may see them now."""

    topics: tuple[str, ...]
    venues_of: str | None = None
    language: str = ENGLISH


class Viewer:
    """One connection. Its events wait in a bounded queue; None in it is the end."""

    def __init__(
        self, token: str, wanted: Wanted, granted: dict[str, Seeing], clock: Callable[[], dt.datetime]
    ) -> None:
        """granted: the topics that she watches, and as whom."""
        self.token = token
        self.wanted = wanted
        self.granted = granted
        self.views: list[tuple[Watch, View]] = []
        self.ended = False
        self._clock = clock
        self._events: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_EVENTS)

    def push(self, event: bytes) -> None:
        """Queues an event; a viewer that is too far behind is ended and gets a snapshot when it returns."""
        if self.ended:
            return
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull:
            self.end()

    def resync(self) -> None:
        """Queues a snapshot of all topics as their views have them."""
        encoded = {view.name: view.encoded() for _, view in self.views}
        simulated = any(watch.simulated for watch, _ in self.views)
        self.push(encode_event("snapshot", self._clock(), encoded, simulated))

    def end(self) -> None:
        """Lets the stream end after what is sent already; what waits is dropped."""
        if self.ended:
            return
        self.ended = True
        while not self._events.empty():
            self._events.get_nowait()
        self._events.put_nowait(None)

    async def next(self) -> bytes | None:
        """The next event, None at the end."""
        return await self._events.get()
