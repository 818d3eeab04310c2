"""Takes reports from MQTT into a bounded queue.

The link stops reading while it is half full, so that the broker keeps what comes meanwhile; what does not fit all the
same is dropped, counted, and sent again by its agent.
"""

import queue
import threading
import time
from typing import NamedTuple

from config.settings import Gateway
from gateway.health import Health

# A burst is over when nothing came for as long: agents whose windows close together are 0.1 ms apart.
QUIET_S = 0.005


class Arrived(NamedTuple):
    """One message as it came."""

    agent: str
    payload: bytes


class Inbox:
    """A queue bounded in messages and bytes, filled by the MQTT thread and emptied in batches."""

    def __init__(self, limits: Gateway, health: Health) -> None:
        """limits: queue_reports and queue_mb."""
        self._limits = limits
        self._health = health
        self._queue: queue.SimpleQueue[Arrived] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._bytes = 0

    def put(self, arrived: Arrived) -> bool:
        """Takes a message if there is room; a dropped one is counted and never acknowledged, so it comes again."""
        size = len(arrived.payload)
        with self._lock:
            full = (
                self._queue.qsize() >= self._limits.queue_reports or self._bytes + size > self._limits.queue_mb * 2**20
            )
            if not full:
                self._bytes += size
        if full:
            self._health.count("dropped_queue_full")
            return False
        self._queue.put(arrived)
        return True

    @property
    def has_room(self) -> bool:
        """Whether it is less than half full: more may be read."""
        limits = self._limits
        return self._queue.qsize() < limits.queue_reports / 2 and self._bytes < limits.queue_mb * 2**20 / 2

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits in it."""
        return self._queue.empty()

    def take(self, most: int, wait_s: float) -> list[Arrived]:
        """Waits up to half a second for a first message, then gathers more while they come.

        most, wait_s: how many at most, and for how long.
        """
        batch: list[Arrived] = []
        try:
            batch.append(self._queue.get(timeout=0.5))
            until = time.monotonic() + wait_s
            while len(batch) < most:
                batch.append(self._queue.get(timeout=max(0.0, min(QUIET_S, until - time.monotonic()))))
        except queue.Empty:
            pass
        with self._lock:
            self._bytes -= sum(len(arrived.payload) for arrived in batch)
        return batch
