"""Takes the statuses that agents publish, in a thread of its own, so that a slow database never stalls MQTT."""

import datetime as dt
import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable

from sqlalchemy import Engine

from beacon_agent import wire
from server import database
from server.fleet import service as fleet

log = logging.getLogger(__name__)

PATTERN = "muster/v1/agent/+/status"
WAITING_MAX = 10_000  # every agent of a large fleet at once; more is a flood, and the retained ones come again


class Statuses:
    """A queue of what arrived and a thread that keeps it; `counters` say what came of it."""

    def __init__(self, engine: Engine, clock: Callable[[], dt.datetime]) -> None:
        """Does nothing before `start`."""
        self._engine = engine
        self._clock = clock
        self._waiting: queue.Queue[tuple[str, bytes, bool, dt.datetime] | None] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._work, name="statuses", daemon=True)
        self.counters: Counter[str] = Counter()

    def start(self) -> None:
        """Begins to take."""
        self._thread.start()

    def stop(self) -> None:
        """Takes what waits, and ends."""
        self._waiting.put(None)
        self._thread.join()

    def take(self, topic: str, payload: bytes, retained: bool) -> None:
        """Puts one into the queue; a full one drops it, counted."""
        try:
            self._waiting.put_nowait((topic, payload, retained, self._clock()))
        except queue.Full:
            self.counters["dropped"] += 1

    def _work(self) -> None:
        while (arrived := self._waiting.get()) is not None:
            try:
                self.counters[self._keep(*arrived)] += 1
            except Exception:
                self.counters["failed"] += 1
                log.exception("a status was not kept")

    def _keep(self, topic: str, payload: bytes, retained: bool, at: dt.datetime) -> str:
        agent_id = topic.split("/")[3]
        if not payload:
            return "emptied"  # how a retained status is removed
        try:
            status = wire.decode_status(payload)
            with database.transaction(self._engine) as session:
                kept = fleet.take_status(session, agent_id=agent_id, status=status, now=at, retained=retained)
        except wire.Unacceptable as error:
            log.warning("a status of %s was refused: %s", agent_id, error.reason)
            return str(error.reason)
        except fleet.AgentUnknown:
            return str(wire.Reason.UNKNOWN_AGENT)
        return "taken" if kept else "outlived"
