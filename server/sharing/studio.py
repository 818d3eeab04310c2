"""Keeps share pictures that were drawn, and draws few at a time: a picture takes half a second of a whole core."""

import asyncio
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server.errors import TooMany

AT_ONCE = 2  # threads; more would only take turns on the cores that answer everybody else
WAITING = 20  # ten seconds' worth; whoever comes then is asked to come again
AGAIN_S = 5
KEPT_BYTES = 24_000_000  # some sixty pictures of a fire, or a dozen with a photo
# What a picture looks like: counted up when it is drawn in another way, so that nobody keeps the old one.
EDITION = "1"


class DrawingBusy(TooMany):
    """Many pictures are being drawn at the moment; please try again in a few seconds."""

    code = "drawing_busy"


class Studio:
    """The pictures of one server process, by what stands on them."""

    def __init__(self) -> None:
        """Nothing is drawn yet."""
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._turns = CapacityLimiter(AT_ONCE)
        self._under_way: dict[str, asyncio.Task[bytes]] = {}

    async def get(self, key: str, make: Callable[[], bytes]) -> bytes:
        """The picture of this key, made in a thread if it is not there; once, however many ask at the same time.

        Raises DrawingBusy, and what `make` raises.
        """
        kept = self._find(key)
        if kept is not None:
            return kept
        task = self._under_way.get(key)
        if task is None:
            if len(self._under_way) >= WAITING:
                raise DrawingBusy(retry_after_s=AGAIN_S)
            task = asyncio.create_task(self._make(key, make), name="share picture")
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._end(key, done))
        # Whoever goes away does not take it from the others who wait for it.
        return await asyncio.shield(task)

    async def _make(self, key: str, make: Callable[[], bytes]) -> bytes:
        made = await run_sync(make, limiter=self._turns)
        with self._lock:
            self._kept[key] = made
            self._bytes += len(made)
            while self._bytes > KEPT_BYTES and self._kept:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return made

    def _end(self, key: str, done: asyncio.Task[bytes]) -> None:
        """Whatever went wrong is told to whoever waits; to nobody, if all of them went away."""
        self._under_way.pop(key, None)
        if not done.cancelled():
            done.exception()

    def _find(self, key: str) -> bytes | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)


class Drawn(Response):
    """An answer with a picture that is drawn while it is sent: by then the request's transaction is over."""

    media_type = "image/png"

    def __init__(self, studio: Studio, key: str, make: Callable[[], bytes], headers: dict[str, str]) -> None:
        """key: of what stands on it."""
        super().__init__(headers=headers)
        self._studio, self._key, self._make = studio, key, make

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Draws and sends it."""
        if scope["method"] == "HEAD":
            png = b""
        else:
            png = await self._studio.get(self._key, self._make)
            self.headers["Content-Length"] = str(len(png))
        self.body = png
        await super().__call__(scope, receive, send)


def key_of(*parts: object) -> str:
    """What tells one picture from another, as hex digits: all that stands on it."""
    return hashlib.sha256(repr((EDITION, *parts)).encode(errors="surrogatepass")).hexdigest()[:32]
