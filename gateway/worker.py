"""Takes batches from the inbox to their acknowledgement, one transaction each, behind the fence."""

import datetime as dt
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence

import psycopg
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from beacon_agent import wire
from config.settings import Settings
from gateway import health, identify, record
from gateway.acknowledge import acknowledgements
from gateway.announce import announcements
from gateway.health import Health
from gateway.identify import Accepted, Facts, Refused
from gateway.ingest import Arrived, Inbox, Link
from server import database, times
from server.fleet import fence

log = logging.getLogger(__name__)

TIDY_S = 3600.0  # refused reports are kept for days, so an hour more or less is nothing
# After a failure of the database: the first pause and the longest, doubled each time and spread by a random factor.
RETRY_FIRST_S, RETRY_MOST_S = 0.2, 5.0
# What PostgreSQL says of itself (away, a deadlock, a full disk, read-only), never of a report: trying again helps.
PASSING = (psycopg.OperationalError, psycopg.InternalError, psycopg.InterfaceError)


class NotOwner(Exception):
    """Another gateway has taken a shard of this batch since."""


class FactsMoved(Exception):
    """What this batch was judged by has changed since."""


class Worker:
    """One gateway's memory and its way through a batch."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        inbox: Inbox,
        link: Link,
        counters: Health,
        clock: Callable[[], dt.datetime],
    ) -> None:
        """clock: gives the server's time."""
        self._settings = settings
        self._engine = engine
        self._inbox = inbox
        self._link = link
        self._health = counters
        self._clock = clock
        self._facts: Facts | None = None
        self._epochs: dict[int, int] = {}  # the shards that are ours
        self._touched: dict[int, int] = {}
        self._health_due_s = time.monotonic()  # not by the clock, which may be set back by hours
        self._tidy_due_s = time.monotonic()

    def take_shards(self) -> None:
        """Becomes the owner of the configured shards and tells their agents to send again what is not settled."""
        with database.transaction(self._engine) as session:
            self._epochs = fence.take(session, self._settings.gateway.id, self._settings.gateway.owned)
        self._touched = {}
        self._facts = None
        self.publish_epochs()
        log.info("took %d shards", len(self._epochs))

    def publish_epochs(self) -> None:
        """Publishes the epochs of the shards that are ours (again, after a broker that lost them)."""
        self._link.publish_epochs(sorted(self._epochs.items()))

    def run(self, stop: threading.Event) -> None:
        """Works until stop is set; a batch that was begun is finished or rolled back, never half done."""
        self._persist(stop, self.take_shards)
        limits = self._settings.gateway
        while not stop.is_set():
            batch = self._inbox.take(limits.batch_reports, limits.batch_wait_s)
            if batch:
                self._persist(stop, lambda batch=batch: self.process(batch))  # type: ignore[misc]
            if time.monotonic() >= self._health_due_s:
                self._persist(stop, self._write_health, tries=1)
            if time.monotonic() >= self._tidy_due_s:
                self._persist(stop, self._tidy, tries=1)

    def process(self, batch: Sequence[Arrived]) -> None:
        """Judges, records, acknowledges and announces one batch.

        Raises what the database raises when it is away: nothing was acknowledged, and the batch can be tried again.
        """
        while True:
            try:
                return self._process(batch)
            except FactsMoved:
                log.info("facts changed under a batch; judging it again")

    def _process(self, batch: Sequence[Arrived]) -> None:
        now = self._clock()
        accepted, refused = self._judge(batch, now)
        own = [report for report in accepted if report.placed.shard in self._epochs]
        foreign = [report for report in accepted if report.placed.shard not in self._epochs]
        try:
            self._settle(own, refused, now, owner=True)
        except NotOwner as error:
            log.warning("%s; going on as a guest on its rows", error)
            foreign = own + foreign
            self._settle([], refused, now, owner=True)
        if foreign:
            self._health.count("foreign", len(foreign))
            self._settle(foreign, [], now, owner=False)

    def _judge(self, batch: Sequence[Arrived], now: dt.datetime) -> tuple[list[Accepted], list[Refused]]:
        facts = self._fresh_facts()
        accepted: list[Accepted] = []
        refused: list[Refused] = []
        for arrived in batch:
            try:
                judged = identify.identify(arrived, facts, self._settings.gateway, times.to_ms(now))
            except wire.Unacceptable as error:
                # Who sent it is not known for certain, so nobody is answered; the content is not logged.
                self._health.refuse(error.reason)
                log.warning("a payload on %s's topic cannot be taken: %s", arrived.agent, error.reason)
                continue
            if isinstance(judged, Refused):
                refused.append(judged)
            else:
                accepted.append(judged)
        return accepted, refused

    def _fresh_facts(self) -> Facts:
        with database.transaction(self._engine) as session:
            if self._facts is None or self._facts.revision != identify.revision(session):
                self._facts = Facts(session)
            return self._facts

    def _settle(
        self, accepted: Sequence[Accepted], refused: Sequence[Refused], now: dt.datetime, *, owner: bool
    ) -> None:
        """One transaction, then the acknowledgements, then the announcements."""
        if not accepted and not refused:
            return
        try:
            recorded = self._record(accepted, refused, now, owner=owner)
        except (NotOwner, FactsMoved):
            raise
        except Exception as error:
            if isinstance(_cause(error), PASSING):
                raise
            if len(accepted) + len(refused) == 1:
                self._set_aside(accepted, now, error)
                return
            # One of them is a poison report: alone, each shows itself, and the others are not held up.
            log.exception("a batch of %d reports failed; taking them one by one", len(accepted))
            for report in accepted:
                self._settle([report], [], now, owner=owner)
            for item in refused:
                self._settle([], [item], now, owner=owner)
            return
        for topic, payload in acknowledgements(accepted, refused, times.to_ms(self._clock())):
            self._link.publish(topic, payload)
        for topic, payload in announcements(recorded):
            self._link.publish(topic, payload, qos=0)
        self._count(accepted, refused)

    def _record(
        self, accepted: Sequence[Accepted], refused: Sequence[Refused], now: dt.datetime, *, owner: bool
    ) -> record.Recorded:
        assert self._facts is not None
        judged_by = self._facts.revision
        shards = sorted({report.placed.shard for report in accepted})
        with database.transaction(self._engine) as session:
            if owner:
                self._hold(session, shards)
            else:
                fence.touch(session, shards)
            # After the fence, which whoever rebuilds rows has passed before: no batch is recorded by older facts.
            if identify.revision(session) != judged_by:
                self._facts = None
                raise FactsMoved
            return record.record(session, accepted, refused, self._facts.venues, self._settings.presence, now)

    def _hold(self, session: Session, shards: Sequence[int]) -> None:
        for shard, held in fence.hold(session, shards).items():
            if held.gateway != self._settings.gateway.id or held.epoch != self._epochs[shard]:
                self._epochs.pop(shard)
                raise NotOwner(f"shard {wire.shard_name(shard)} is {held.gateway}'s now")
            if self._touched.setdefault(shard, held.touched) != held.touched:
                self._touched[shard] = held.touched
                self._facts = identify.Facts(session)

    def _set_aside(self, accepted: Sequence[Accepted], now: dt.datetime, error: Exception) -> None:
        """A report that the database will not take: kept for the operator with its reason, never retried for ever."""
        log.error("a report cannot be recorded and is set aside: %s", type(error).__name__)
        never = [Refused(r.agent, r.boot, r.seq, r.body, wire.Reason.UNPROCESSABLE) for r in accepted]
        self._settle([], never, now, owner=True)

    def _count(self, accepted: Sequence[Accepted], refused: Sequence[Refused]) -> None:
        self._health.count("batches")
        self._health.count("reports", len(accepted))
        self._health.count("readings", sum(len(report.heard) for report in accepted))
        self._health.count("readings_unregistered", sum(report.unregistered for report in accepted))
        self._health.count("readings_below_floor", sum(report.below_floor for report in accepted))
        for item in refused:
            self._health.refuse(item.reason)

    def _tidy(self) -> None:
        """Forgets refused reports that nobody looked at in time: their bodies hold what was heard."""
        self._tidy_due_s = time.monotonic() + TIDY_S
        with database.transaction(self._engine) as session:
            before = self._clock() - dt.timedelta(days=self._settings.gateway.refused_keep_days)
            session.execute(text("DELETE FROM refused_report WHERE received_at < :before"), {"before": before})

    def _write_health(self) -> None:
        now = self._clock()
        self._health_due_s = time.monotonic() + self._settings.gateway.health_s
        with database.transaction(self._engine) as session:
            health.write(session, self._settings.gateway.id, self._health.counters(), now)

    def _persist(self, stop: threading.Event, work: Callable[[], None], tries: int | None = None) -> None:
        """Does the work, again with growing pauses while the database is away or cannot do it."""
        pause_s = RETRY_FIRST_S
        while not stop.is_set():
            try:
                work()
                return
            except (DBAPIError, psycopg.Error) as error:
                cause = _cause(error)
                if not isinstance(cause, PASSING):
                    raise
                self._health.count("database_failures")
                what = str(cause).strip().partition("\n")[0] or type(cause).__name__
                log.warning("the database is away: %s", what)
                tries = None if tries is None else tries - 1
                if tries == 0:
                    return
                stop.wait(pause_s * random.uniform(0.7, 1.3))  # noqa: S311 -- spreads retries, guards nothing
                pause_s = min(pause_s * 2, RETRY_MOST_S)


def _cause(error: BaseException) -> BaseException | None:
    """The database's own error: statements on the hot path raise it bare, those of a session wrapped."""
    return error.orig if isinstance(error, DBAPIError) else error
