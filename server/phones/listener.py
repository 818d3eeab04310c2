"""Takes what phones publish over MQTT, in a thread of its own and in batches, so that a slow database stalls nobody.

Every server process takes everything: a position is kept once by its time, a check-in once by its nonce, and times move
forward alone, so that a second taker changes nothing (tests/server/phones/test_listener.py takes with two at once).
"""

import contextlib
import datetime as dt
import logging
import queue
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from config.settings import Settings
from server import database, names
from server.phones import owntracks
from server.phones import service as phones
from server.phones.service import Told

log = logging.getLogger(__name__)

PATTERN = f"{phones.PREFIX}/#"
GATHER_S = 0.2  # how long a batch may gather: nobody waits for the answer
AGAIN_S = (0.5, 10.0)  # the database is away: at once after its restart, and no flood of attempts
BUCKETS_MAX = 100_000  # of phones that spoke of late; the ones that were silent longest are forgotten first


class Arrived(NamedTuple):
    """What came on a topic."""

    member_id: str
    device: str
    payload: bytes


class Listener:
    """A bounded queue of what arrived and a thread that takes it; `counters` say what came of it."""

    def __init__(self, engine: Engine, clock: Callable[[], dt.datetime], settings: Settings) -> None:
        """Does nothing before `start`."""
        self._engine, self._clock, self._settings = engine, clock, settings
        self._waiting: queue.Queue[Arrived | None] = queue.Queue(settings.phones.queue_messages)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="phones", daemon=True)
        self._spent: OrderedDict[tuple[str, str], float] = OrderedDict()
        self.counters: Counter[str] = Counter()

    def start(self) -> None:
        """Begins to take."""
        self._thread.start()

    def stop(self) -> None:
        """Takes what waits if the database is there, and ends."""
        self._stopping.set()
        with contextlib.suppress(queue.Full):  # then the thread does not wait for it
            self._waiting.put_nowait(None)
        self._thread.join()

    def take(self, topic: str, payload: bytes, _retained: bool) -> None:
        """Puts one into the queue; a full one drops it, and a phone that speaks too fast is not listened to: counted.

        Retained ones are like others: a location is judged by its time alone.
        """
        parts = topic.split("/")
        if len(parts) < 3 or not names.is_id(parts[1]) or not names.is_id(parts[2]):
            self.counters["other_topic"] += 1
        elif len(payload) > owntracks.PAYLOAD_MAX_BYTES:
            self.counters["too_large"] += 1
        elif not self._may_speak((parts[1], parts[2])):
            self.counters["too_many"] += 1
        else:
            try:
                self._waiting.put_nowait(Arrived(parts[1], parts[2], payload))
            except queue.Full:
                self.counters["dropped"] += 1

    def _may_speak(self, who: tuple[str, str]) -> bool:
        """Takes from the phone's bucket, of this process alone: a flood costs the database nothing."""
        now, step_s = time.monotonic(), 3600 / self._settings.limits.phone_per_h
        full_at = max(self._spent.get(who, now), now) + step_s
        if full_at > now + step_s * self._settings.limits.phone_at_once:
            return False
        self._spent[who] = full_at
        self._spent.move_to_end(who)
        while len(self._spent) > BUCKETS_MAX:
            self._spent.popitem(last=False)
        return True

    def _work(self) -> None:
        while True:
            batch, ended = self._gather()
            if batch:
                self._take_patiently(batch)
            if ended or (self._stopping.is_set() and self._waiting.empty()):
                return

    def _gather(self) -> tuple[list[Arrived], bool]:
        """The next messages, as many as there are within a moment; and whether that was the end."""
        batch: list[Arrived] = []
        until = None
        while len(batch) < self._settings.phones.batch_messages:
            try:
                left = None if until is None else max(0.0, until - time.monotonic())
                one = self._waiting.get(timeout=left)
            except queue.Empty:
                break
            if one is None:
                return batch, True
            batch.append(one)
            until = until or time.monotonic() + GATHER_S
        return batch, False

    def _take_patiently(self, batch: list[Arrived]) -> None:
        """Takes a batch, again and again while the database is away; what it cannot take at all is counted."""
        again_s, said = AGAIN_S[0], False
        while True:
            try:
                self._take(batch)
                return
            except (OperationalError, InterfaceError, PoolTimeout) as error:
                if not said:
                    log.error("what phones say waits for the database: %s", str(error).partition("\n")[0])
                said = True
            except Exception as error:
                # One of many cannot be taken: the others can.
                if len(batch) > 1:
                    for one in batch:
                        self._take_patiently([one])
                    return
                self.counters["failed"] += 1
                kind = type(error.orig if isinstance(error, DBAPIError) else error).__name__
                log.error("what a phone says was not taken: %s", kind)
                return
            if self._stopping.wait(again_s):
                self.counters["dropped"] += len(batch)
                return
            again_s = min(again_s * 2, AGAIN_S[1])

    def _take(self, batch: list[Arrived]) -> None:
        now = self._clock()
        counts: Counter[str] = Counter()
        with database.transaction(self._engine) as session:
            numbers = phones.known(session, [(one.member_id, one.device) for one in batch])
            told = []
            for one in batch:
                number = numbers.get((one.member_id, one.device))
                if number is None:
                    counts["phone_unknown"] += 1
                else:
                    read = owntracks.read(one.payload, has_topic=True)
                    told.append(Told(number, one.member_id, one.device, read))
            counts += phones.take_told(session, told, now=now, settings=self._settings)
        self.counters += counts
        self.counters["messages"] += len(batch)
