"""The seam between what is heard and what hears: radio, replay and fake are sources, the agent is the ear."""

import asyncio
import time
from typing import Protocol

from beacon_agent import wire

STEP_MS = 1000  # the wall clock differs by more from the monotonic one: it was set, not slewed
STALL_MS = 5000  # the process did not run for this long (stopped, or the machine slept): it cannot have listened


class Ear(Protocol):
    """What a source talks to. All times are ms since the epoch; adverts may come a little out of order."""

    def hear(self, at_ms: int, data: bytes, rssi: int) -> None:
        """Takes one advert: manufacturer data with its company id, RSSI in dBm."""

    def tell(self, at_ms: int, radio: wire.Radio) -> None:
        """Learns that the radio is in this state from now on."""

    async def reach(self, now_ms: int) -> int:
        """Learns that time has come this far; closes windows. Returns when it wants to be told next."""

    async def jump(self, now_ms: int) -> None:
        """Learns that time made a jump to here: what is open was listened to in part."""


class Source(Protocol):
    """Something that hears adverts."""

    async def listen(self, ear: Ear) -> None:
        """Talks to the ear until there is nothing more to hear, or it is cancelled."""


class WallClock:
    """The time of day, even within a window: anchored to the wall clock, counted by the monotonic one."""

    def __init__(self) -> None:
        self._offset_ms = 0.0
        self.anchor()

    def anchor(self) -> float:
        """Follows the wall clock again; returns by how many ms it had moved away."""
        offset_ms = (time.time() - time.monotonic()) * 1000
        moved_ms, self._offset_ms = offset_ms - self._offset_ms, offset_ms
        return moved_ms

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return int(time.monotonic() * 1000 + self._offset_ms)


async def keep_time(ear: Ear, clock: WallClock) -> None:
    """Tells the ear how time passes, until cancelled; notices a clock that was set and a process that was stopped."""
    clock.anchor()
    due_ms = await ear.reach(clock.now_ms())
    while True:
        await asyncio.sleep(max(0.01, (due_ms - clock.now_ms()) / 1000))
        stalled = clock.now_ms() - due_ms > STALL_MS
        stepped = abs(clock.anchor()) > STEP_MS
        if stalled or stepped:
            await ear.jump(clock.now_ms())
        due_ms = await ear.reach(clock.now_ms())
