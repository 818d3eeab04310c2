"""The seam between what is heard and what hears: radio, replay and fake are sources, the agent is the ear."""

import asyncio
from typing import Protocol

from beacon_agent import wire
from beacon_agent.clock import Clock

STALL_MS = 5000  # the process did not run for this long (stopped, or the machine slept): it cannot have listened


class Ear(Protocol):
    """What a source talks to. All times are ms by what dates it; adverts may come a little out of order."""

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


async def keep_time(ear: Ear, clock: Clock) -> None:
    """Tells the ear how time passes, until cancelled; notices another anchor and a process that was stopped."""
    due_ms = await ear.reach(clock.now_ms())
    while True:
        await asyncio.sleep(max(0.01, (due_ms - clock.now_ms()) / 1000))
        if clock.now_ms() - due_ms > STALL_MS:
            await ear.jump(clock.now_ms())
        due_ms = await ear.reach(clock.now_ms())
        if clock.tick():  # after the window that has just ended, which keeps its dating
            await ear.jump(clock.now_ms())
            due_ms = await ear.reach(clock.now_ms())
