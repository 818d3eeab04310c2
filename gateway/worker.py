"""Takes batches from the inbox to their acknowledgement, behind the fence."""

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from beacon_agent import wire
from config.settings import Settings
from gateway import facts, health, identify, retry, tidy
from gateway.acknowledge import acknowledgements
from gateway.announce import announcements
from gateway.facts import Facts
from gateway.health import Health
from gateway.identify import Accepted, Probe, Refused
from gateway.ingest import Arrived, Inbox
from gateway.link import Link
from gateway.memory import Memory
from gateway.record import Recorded, Recorder
from gateway.shards import NotOwner, Shards
from gateway.waiting import Gathering, Number, Portion
from server import database, times
from server.fleet import fence

log = logging.getLogger(__name__)

MOST_TRIES = 3  # of one round, while facts move under it
MOST_BADGES = 1000  # of one transaction beyond what cannot wait: a tenth of a second, for which the next news wait
ALONE_S = 600.0  # so long a venue's reports are recorded one by one after one of them could not be


class FactsMoved(Exception):
    """What this was judged by has changed since."""


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
        self.reconnected = threading.Event()  # to be set when the link has found the broker again
        self._facts: Facts | None = None
        self._expected = 0  # how often it changed who is expected where
        self._recorder = Recorder(settings.presence)
        self._memory = self._new_memory()
        self._gathering = Gathering(settings)
        self._shards = Shards(settings.gateway.id)
        self._alone: dict[str, float] = {}  # venues whose reports are recorded one by one, and until when
        self._health_due_s = time.monotonic()  # not by the clock, which may be set back by hours
        self._tidy_due_s = time.monotonic()
        self._tidy_left: list[int] = []

    def _new_memory(self) -> Memory:
        return Memory(self._settings.presence.slot_s * 1000)

    def take_shards(self) -> None:
        """Becomes the owner of the configured shards and tells their agents to send again what is not settled."""
        with database.transaction(self._engine) as session:
            taken = fence.take(session, self._settings.gateway.id, self._settings.gateway.owned)
        self._gain(taken)
        self._link.publish_epochs(sorted(taken.items()))
        log.info("took %d shards", len(taken))

    def _ask_again(self, shards: Iterable[int]) -> None:
        """Forgets what waits of these shards; a new epoch makes their agents send again what is not settled."""
        lost = set(shards)
        with database.transaction(self._engine) as session:
            renewed = fence.renew(session, self._settings.gateway.id, lost)
        self._give_up(lost)
        self._gathering.drop(lost)
        self._gain(renewed)
        self._link.publish_epochs(sorted(renewed.items()))

    def publish_epochs(self) -> None:
        """Says again which shards are ours, after a broker that may have lost it.

        Asks first: this gateway may have slept, and another one owns them since.
        """
        with database.transaction(self._engine) as session:
            owned = fence.owned(session, self._settings.gateway.id)
        self._give_up({shard for shard, epoch in self._shards.epochs.items() if owned.get(shard) != epoch})
        self._link.publish_epochs(sorted(self._shards.epochs.items()))

    def run(self, stop: threading.Event) -> None:
        """Works until stop is set; what was begun is finished or rolled back, never half done."""
        self._persist(stop, self.take_shards)
        limits = self._settings.gateway
        while not stop.is_set():
            batch = self._inbox.take(limits.batch_reports, limits.batch_wait_s)
            self._persist(stop, lambda batch=batch: self.take(batch))  # type: ignore[misc]
            self._persist(stop, self.flush)
            if self.reconnected.is_set():
                self.reconnected.clear()
                self._persist(stop, self.publish_epochs)
            if time.monotonic() >= self._health_due_s:
                self._persist(stop, self._write_health, tries=1)
            if time.monotonic() >= self._tidy_due_s:
                self._persist(stop, self._tidy, tries=1)
        # What waits would come again; recorded now, the next gateway need not ask for it.
        self._persist(threading.Event(), lambda: self.flush(everything=True), tries=1)

    # --- a batch in ------------------------------------------------------------------------------------------------

    def take(self, batch: Sequence[Arrived]) -> None:
        """Judges a batch and gathers what it says; what is refused or another gateway's is settled at once.

        Raises what the database raises when it is away: nothing of the batch was taken, and it can be tried again.
        """
        if not batch:
            return
        judged_by = self._fresh_facts()
        now = self._clock()
        self._alone = {venue_id: until_s for venue_id, until_s in self._alone.items() if time.monotonic() < until_s}
        accepted: list[Accepted] = []
        refused: list[Refused] = []
        probes: list[Probe] = []
        for arrived in batch:
            try:
                judged = identify.identify(arrived, judged_by, self._settings.gateway, times.to_ms(now))
            except wire.Unacceptable as error:
                # Who sent it is not known for certain, so nobody is answered; the content is not logged.
                self._health.refuse(error.reason)
                log.warning("a payload on %s's topic cannot be taken: %s", arrived.agent, error.reason)
                continue
            if isinstance(judged, Accepted):
                accepted.append(judged)
            elif isinstance(judged, Refused):
                refused.append(judged)
            else:
                probes.append(judged)
        self._settle(probes, [])
        if refused:
            self._record([], refused, self._memory)
            self._settle([], refused)
        for report in accepted:
            if report.placed.venue_id in self._alone:
                self._take_alone(report)
        # From here on nothing fails: a batch that is tried again was neither counted nor gathered.
        now_s = time.monotonic()
        for report in accepted:
            if report.placed.venue_id not in self._alone:
                self._gathering.take(report, self._memory, now_s)
        self._count(accepted, refused)

    def _fresh_facts(self) -> Facts:
        with database.transaction(self._engine) as session:
            seen = facts.revisions(session)
            if seen.expected != self._expected:
                self._memory.reconsider()
                self._expected = seen.expected
            if self._facts is None or self._facts.revision != seen.facts:
                new = Facts(session)
                if self._facts is not None:
                    self._judge_again(self._facts, new)
                self._facts = new
            return self._facts

    def _judge_again(self, old: Facts, new: Facts) -> None:
        """What waits and was judged by facts that changed is asked for again: a new epoch makes its agents send it."""
        agents, badges = new.moved(old)
        shards = {
            waiting.shard
            for waiting in self._gathering.venues.values()
            if any(agent in agents for agent, _ in waiting.placed.values()) or not badges.isdisjoint(waiting.badges)
        }
        if shards:
            log.info("facts changed under %d shards with unrecorded readings: asking for these again", len(shards))
            self._ask_again(shards)

    # --- out to the tables -----------------------------------------------------------------------------------------

    def flush(self, *, everything: bool = False) -> None:
        """Records what cannot wait longer, acknowledges what is settled with it, and announces it.

        everything: also what could wait. Raises what the database raises when it is away: it can be tried again.
        """
        moved = 0
        while self._facts is not None and moved < MOST_TRIES:
            portions, memory = self._choose(everything)
            if not portions:
                return
            try:
                recorded = self._record(portions, [], memory)
            except NotOwner as error:
                log.warning("%s; going on as a guest on its rows", error)
                self._give_up(error.shards)
                continue
            except FactsMoved:
                self._fresh_facts()
                moved += 1
                continue
            except Exception as error:
                self._memory = self._new_memory()
                if isinstance(retry.cause(error), retry.PASSING):
                    raise
                self._isolate(portions, error)
                continue
            settled = [number for portion in portions for number in self._gathering.recorded(portion)]
            self._announce(recorded)
            self._settle(settled, [])
            if portions[0].whole and not everything and not self._inbox.is_empty:
                return  # the next news do not wait until all is written that could wait

    def _choose(self, everything: bool) -> tuple[list[Portion], Memory]:
        """What to record now, and the memory that is good for it: of another gateway's rows nothing is remembered."""
        assert self._facts is not None
        foreign = [waiting for waiting in self._gathering.venues.values() if waiting.shard not in self._shards]
        if foreign:
            self._health.count("foreign", sum(len(waiting.reports) + len(waiting.light) for waiting in foreign))
            whole = [Portion(waiting, waiting.badges, coverage=True, whole=True) for waiting in foreign]
            return whole, self._new_memory()
        if everything:
            waiting = self._gathering.venues.values()
            due = [Portion(venue, venue.badges, coverage=True, whole=True) for venue in waiting]
        else:
            due = self._gathering.due(time.monotonic(), self._facts.venues)
            # What somebody may be waiting for goes first, in a transaction of its own.
            news = [
                portion._replace(
                    badges=portion.waiting.urgent, coverage=portion.coverage and not portion.whole, whole=False
                )
                for portion in due
                if portion.waiting.urgent or not portion.whole
            ]
            if news:
                return news, self._memory
        chosen: list[Portion] = []
        badges = 0
        for portion in due:
            if badges < MOST_BADGES:
                chosen.append(portion)
                badges += len(portion.waiting.badges)
        return chosen, self._memory

    def _record(self, portions: Sequence[Portion], refused: Sequence[Refused], memory: Memory) -> Recorded:
        """One transaction behind the fence; as a guest (with a memory of its own) whoever is not the owner."""
        assert self._facts is not None
        shards = sorted({portion.waiting.shard for portion in portions})
        now = self._clock()
        with database.transaction(self._engine) as session:
            if memory is self._memory:
                self._hold(session, shards)
            else:
                fence.touch(session, shards)
            # After the fence, which whoever rebuilds rows has passed before: nothing is recorded by older facts.
            if portions and facts.revisions(session).facts != self._facts.revision:
                raise FactsMoved
            recorded = self._recorder.record(session, portions, refused, memory, self._facts.venues, now)
        self._health.count("batches")
        return recorded

    def _hold(self, session: Session, shards: Sequence[int]) -> None:
        self._memory.forget(self._shards.hold(session, shards))

    def _gain(self, epochs: dict[int, int]) -> None:
        self._shards.gain(epochs)
        self._memory.forget(epochs)

    def _give_up(self, shards: Collection[int]) -> None:
        self._shards.lose(shards)
        self._memory.forget(shards)

    # --- what the database will not take ---------------------------------------------------------------------------

    def _isolate(self, portions: Sequence[Portion], error: Exception) -> None:
        """Among what waits is something that the database will never take: the venue's reports are asked for again.

        They are then recorded one by one for a while, so that the one shows itself and the others are not held up.
        """
        if len(portions) > 1:
            log.error("%d venues cannot be recorded together (%s); one by one", len(portions), type(error).__name__)
            for portion in portions:
                # Asking again for one venue's readings forgets its whole shard.
                if self._gathering.venues.get(portion.waiting.venue_id) is portion.waiting:
                    self._flush_one(portion)
            return
        venue = portions[0].waiting
        log.error("what waits of %s cannot be recorded (%s); asking for it again", venue.venue_id, type(error).__name__)
        self._alone[venue.venue_id] = time.monotonic() + ALONE_S
        self._ask_again([venue.shard])

    def _flush_one(self, portion: Portion) -> None:
        own = portion.waiting.shard in self._shards
        try:
            recorded = self._record([portion], [], self._memory if own else self._new_memory())
        except (NotOwner, FactsMoved):
            return  # the next round sees to it
        except Exception as error:
            self._memory = self._new_memory()
            if isinstance(retry.cause(error), retry.PASSING):
                raise
            self._isolate([portion], error)
            return
        self._settle(self._gathering.recorded(portion), [])
        self._announce(recorded)

    def _take_alone(self, report: Accepted) -> None:
        """Records one report from the rows alone; one that the database will not take is set aside with its reason."""
        venue_id = report.placed.venue_id
        gathering, memory = Gathering(self._settings), self._new_memory()
        gathering.take(report, memory, 0.0)
        waiting = gathering.venues[venue_id]
        portion = Portion(waiting, waiting.badges, coverage=True, whole=True)
        try:
            recorded = self._record([portion], [], memory)
        except FactsMoved:
            self._fresh_facts()
            return  # not acknowledged, so it comes again
        except Exception as error:
            if isinstance(retry.cause(error), retry.PASSING):
                raise
            log.error("a report cannot be recorded and is set aside: %s", type(error).__name__)
            never = Refused(report.agent, report.boot, report.seq, report.body, wire.Reason.UNPROCESSABLE)
            self._record([], [never], self._memory)
            self._settle([], [never])
            self._health.refuse(never.reason)
            return
        self._settle(gathering.recorded(portion), [])
        self._announce(recorded)

    # --- back to the agents ----------------------------------------------------------------------------------------

    def _settle(self, done: Iterable[Number | Probe], refused: Sequence[Refused]) -> None:
        for topic, payload in acknowledgements(done, refused, times.to_ms(self._clock())):
            self._link.publish(topic, payload)

    def _announce(self, recorded: Recorded) -> None:
        for topic, payload in announcements(recorded):
            self._link.publish(topic, payload, qos=0)

    def _count(self, accepted: Sequence[Accepted], refused: Sequence[Refused]) -> None:
        self._health.count("reports", len(accepted))
        self._health.count("readings", sum(len(report.heard) for report in accepted))
        self._health.count("readings_unregistered", sum(report.unregistered for report in accepted))
        self._health.count("readings_below_floor", sum(report.below_floor for report in accepted))
        for item in refused:
            self._health.refuse(item.reason)

    # --- now and then ----------------------------------------------------------------------------------------------

    def _tidy(self) -> None:
        """Forgets what has had its time, one shard after the other, so that none of it holds up the news."""
        self._tidy_due_s = time.monotonic() + tidy.EVERY_S / wire.SHARDS
        if not self._tidy_left:
            self._tidy_left = sorted(self._shards.epochs)
            self._memory.forget_absent(tidy.FORGET_AFTER_MS, time.monotonic())
            with database.transaction(self._engine) as session:
                tidy.forget_refused(session, self._settings.gateway, self._clock())
            return
        shard = self._tidy_left.pop()
        if shard not in self._shards:
            return
        try:
            with database.transaction(self._engine) as session:
                self._hold(session, [shard])
                grown = tidy.forget_traces(session, shard, self._settings.gateway, self._clock())
        except NotOwner as error:
            self._give_up(error.shards)
            return
        for venue_id, forgotten in grown.items():
            self._memory.at(venue_id, shard).forgotten = forgotten

    def tidy(self) -> None:
        """All shards at once."""
        self._tidy_left = []
        self._tidy()
        while self._tidy_left:
            self._tidy()

    def _write_health(self) -> None:
        now = self._clock()
        self._health_due_s = time.monotonic() + self._settings.gateway.health_s
        with database.transaction(self._engine) as session:
            health.write(session, self._settings.gateway.id, self._health.counters(), now)

    def _persist(self, stop: threading.Event, work: Callable[[], None], tries: int | None = None) -> None:
        retry.persist(stop, work, lambda: self._health.count("database_failures"), tries)
