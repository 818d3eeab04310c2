"""A radio that reads adverts as JSON lines, for demonstrations and tests: the agent behind it is the real one.

{"data":"4c000215...","rssi":-70}          an advert now: manufacturer data with its company id, in hex
{"data":"4c000215...","rssi":-70,"t":ms}   an advert at this time; from the first `t` on, time is that of the lines
{"t":ms}                                   nothing was heard until this time
{"radio":"deaf"}                           the radio's state: ok, deaf or off
"""

import asyncio
import contextlib
import json
import logging
import os
import threading
from collections import Counter

from beacon_agent import wire
from beacon_agent.clock import Clock
from beacon_agent.source import Ear, keep_time

log = logging.getLogger(__name__)

CHUNK_BYTES = 65536  # what a pipe holds
FIRST_LINE_S = 2.0  # so long it waits whether the lines bring a time of their own; then silence is listened to as well
LINE_BYTES = 4096  # a line of an advert has about 90


class FakeRadio:
    """Reads a file descriptor until its end; a line that cannot be used is counted and passed over."""

    def __init__(self, descriptor: int, clock: Clock) -> None:
        """descriptor: readable, blocking, such as standard input's 0. clock: of the lines that bring no time."""
        self._descriptor = descriptor
        self._clock = clock
        self._virtual_ms: int | None = None
        self._timekeeper: asyncio.Task[None] | None = None
        self.counts: Counter[str] = Counter()

    async def listen(self, ear: Ear) -> None:
        """Hears what the lines say until the end of the file."""
        loop = asyncio.get_running_loop()
        chunks: asyncio.Queue[bytes] = asyncio.Queue()
        room = threading.Semaphore(16)  # chunks read ahead: a sender that is too fast is held back by its pipe

        def read() -> None:
            # A daemon thread, since nothing can interrupt a blocking read when the agent is told to stop.
            chunk = b"-"
            while chunk:
                room.acquire()
                try:
                    chunk = os.read(self._descriptor, CHUNK_BYTES)
                except OSError:
                    chunk = b""
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(chunks.put_nowait, chunk)

        threading.Thread(target=read, name="stdin", daemon=True).start()
        try:
            rest = b""
            while chunk := await self._next(chunks, ear):
                room.release()
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > LINE_BYTES:
                    self._pass_over(rest)
                    rest = b""
                for line in lines:
                    await self._take(line, ear)
        finally:
            if self._timekeeper is not None:
                self._timekeeper.cancel()
                await asyncio.gather(self._timekeeper, return_exceptions=True)

    async def _next(self, chunks: "asyncio.Queue[bytes]", ear: Ear) -> bytes:
        if self._timekeeper is None and self._virtual_ms is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FIRST_LINE_S):
                    return await chunks.get()
            await self._move_time(None, ear)
        return await chunks.get()

    async def _take(self, line: bytes, ear: Ear) -> None:
        if not line.strip():
            return
        try:
            fields = json.loads(line)
            data = bytes.fromhex(fields["data"]) if "data" in fields else None
            rssi, at_ms = fields.get("rssi", -128), fields.get("t")
            radio = wire.Radio(fields["radio"]) if "radio" in fields else None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self._pass_over(line)
            return
        if type(rssi) is not int or (at_ms is not None and (type(at_ms) is not int or at_ms < 0)):
            self._pass_over(line)
            return
        await self._move_time(at_ms, ear)
        now_ms = at_ms if at_ms is not None else self._now_ms()
        if radio is not None:
            ear.tell(now_ms, radio)
        if data is not None:
            ear.hear(now_ms, data, rssi)

    async def _move_time(self, at_ms: int | None, ear: Ear) -> None:
        if at_ms is not None:
            if self._virtual_ms is None:
                await self._leave_to_lines(at_ms, ear)
            self._virtual_ms = max(at_ms, self._virtual_ms or 0)
            await ear.reach(self._virtual_ms)
        elif self._timekeeper is None and self._virtual_ms is None:
            ear.tell(self._clock.now_ms(), wire.Radio.OK)
            await ear.reach(self._clock.now_ms())
            self._timekeeper = asyncio.create_task(keep_time(ear, self._clock))

    async def _leave_to_lines(self, at_ms: int, ear: Ear) -> None:
        was_live, self._timekeeper = self._timekeeper, None
        if was_live is not None:
            was_live.cancel()
            await asyncio.gather(was_live, return_exceptions=True)
        self._clock.leave_to_recording()
        if was_live is not None:
            await ear.jump(at_ms)
        ear.tell(at_ms, wire.Radio.OK)

    def _now_ms(self) -> int:
        return self._virtual_ms if self._virtual_ms is not None else self._clock.now_ms()

    def _pass_over(self, line: bytes) -> None:
        self.counts["bad_lines"] += 1
        if self.counts["bad_lines"] == 1:
            log.warning("a line of standard input is no advert: %.80r (further ones are only counted)", line)
