"""What is watched, in memory: read from the tables when it is first wanted, and again when news of it are doubtful."""

import asyncio
import dataclasses
import datetime as dt
import functools
import logging
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from config.settings import Presence
from server import times, topics
from server.errors import MusterError, Unavailable
from server.live import gatherings, holders, members, tonight
from server.live.watch import Watch
from server.live.work import Work
from server.presence import service as presence
from server.presence.service import VenuePicture

SHARED_S = 1.0  # a snapshot may be this old: what a thousand viewers ask for at once is looked up once
SHOW_AGAIN_S = 0.1  # a venue with many reports redraws ten times a second at most: faster than an eye follows dots
GATHER_S = 0.02  # whose badges have come at all venues meanwhile is read together
LOAD_AGAIN_S = 0.25  # of an event whose check-ins come in a rush

_log = logging.getLogger(__name__)


class Watches:
    """All that is watched in this process, by name."""

    def __init__(
        self,
        work: Work,
        settings: Presence,
        clock: Callable[[], dt.datetime],
        show: Callable[[Watch], None],
    ) -> None:
        """show: called when what a watch shows may have changed."""
        self._work = work
        self._settings = settings
        self._clock = clock
        self._show = show
        self._resolving: asyncio.Task[None] | None = None
        self.by_name: dict[str, Watch] = {}

    def get(self, name: str) -> Watch:
        """The watch of a topic, from now on wanted; it may have to be read still."""
        if name not in self.by_name:
            self.by_name[name] = Watch(name)
        watch = self.by_name[name]
        watch.wanted_s = self._work.time_s
        return watch

    async def make_ready(self, watch: Watch) -> None:
        """Waits until a watch is as the tables were at most SHARED_S ago."""
        if watch.record is None or watch.doubtful:
            await self._load(watch)
        elif self._work.time_s - watch.verified_s > SHARED_S:
            revs = await self._work.read(lambda session: topics.revisions(session, [watch.name]))
            if revs[watch.name] > watch.rev:
                await self._load(watch)
            else:
                watch.verified_s = self._work.time_s
        await asyncio.gather(*(self.make_ready(self.get(f"venue/{key}")) for key in watch.venue_ids))

    async def _load(self, watch: Watch) -> None:
        """Reads a watch from the tables; who asks while that happens waits for the same reading."""
        if watch.loading is None:
            watch.loading = self._work.begin(self._load_now(watch))
        await asyncio.shield(watch.loading)
        if watch.record is None or watch.doubtful:
            raise Unavailable

    async def _load_now(self, watch: Watch) -> None:
        try:
            while True:
                await asyncio.sleep(watch.loaded_s + LOAD_AGAIN_S - self._work.time_s)
                watch.loaded_s = started_s = self._work.time_s
                known, record = await self._work.read(
                    lambda session: (holders.revisions(session), self._read(session, watch))
                )
                self._doubt_venues(watch, record)
                watch.known = known
                current = watch.loaded(record)
                watch.doubtful = False
                watch.verified_s = started_s
                self._show(watch)
                self.know_holders(watch)
                if current:
                    break
        except (SQLAlchemyError, MusterError) as error:
            _log.warning("%s could not be read: %s", watch.name, type(error).__name__)
            watch.failed()
            watch.doubtful = True
        finally:
            watch.loading = None

    def _read(self, session: Session, watch: Watch) -> presence.Record | gatherings.Gathering | members.Diary:
        if watch.kind == "venue":
            return presence.load(session, venue_id=watch.key, now=self._clock(), presence=self._settings)
        if watch.kind == "event":
            return gatherings.load(session, event_id=watch.key)
        diary = members.load(session, member_id=watch.key)
        evenings = tonight.load(session, member_id=watch.key, now=self._clock(), presence=self._settings)
        return dataclasses.replace(diary, evenings=evenings)

    def _doubt_venues(self, watch: Watch, record: object) -> None:
        """Whose event it became is seen by its organizer at its venues, too."""
        before = watch.record
        if not isinstance(record, gatherings.Gathering) or not isinstance(before, gatherings.Gathering):
            return
        if record.whose != before.whose:
            for name in (f"venue/{key}" for key in record.venue_ids):
                if name in self.by_name:
                    self.know_holders(self.by_name[name], again=True)

    def know_holders(self, watch: Watch, again: bool = False) -> None:
        """Reads whose the badges are that are not known yet; again: all of them."""
        watch.holders_doubtful |= again
        if self._resolving is None and watch.unknown_badges:
            self._resolving = self._work.begin(self._know_holders_now())

    async def _know_holders_now(self) -> None:
        """Reads them for all venues together, again and again until none is left."""
        asked: dict[Watch, presence.Unknown] = {}
        try:
            while asked := self._unknown():
                whole = {watch for watch, one in asked.items() if len(one.badge_ids) == len(one.record.heard)}
                for watch in asked:
                    watch.holders_doubtful = False
                known, found = await self._work.read(functools.partial(holders.read, asked=list(asked.values())))
                for (watch, unknown), of_venue in zip(asked.items(), found, strict=True):
                    if isinstance(watch.record, presence.Record) and watch.record.held is unknown.record.held:
                        presence.take_holders(watch.record, of_venue)
                        if watch in whole:
                            watch.known |= {name: known[name] for name in (topics.EXPECTED, topics.CONSENTS)}
                    self._show(watch)
                await asyncio.sleep(GATHER_S)
        except SQLAlchemyError as error:
            _log.warning("whose the badges are that came cannot be read: %s", type(error).__name__)
            for watch in asked:
                watch.holders_doubtful = True  # read again with the next check
                self._show(watch)
        finally:
            self._resolving = None

    def _unknown(self) -> dict[Watch, presence.Unknown]:
        now_ms = times.to_ms(self._clock())
        return {
            watch: presence.Unknown(record, badges, presence.now_ms_of(record, now_ms))
            for watch in self.by_name.values()
            if isinstance(record := watch.record, presence.Record) and (badges := watch.unknown_badges)
        }

    def reload(self, watch: Watch) -> None:
        """Reads it from the tables, unless that is being done."""
        if watch.loading is None:
            watch.loading = self._work.begin(self._load_now(watch))

    def records_of(self, watch: Watch) -> dict[str, presence.Record]:
        """What is known of the venues where a member is going: drawing them for each would cost too much."""
        names = [f"venue/{key}" for key in watch.venue_ids] if watch.kind == "member" else []
        found = [(name, self.by_name[name].record) for name in names if name in self.by_name]
        return {name.partition("/")[2]: record for name, record in found if isinstance(record, presence.Record)}

    def pictures_of(self, watch: Watch, now: dt.datetime) -> dict[str, VenuePicture]:
        """The venues with which it is drawn, as they are at `now`."""
        if watch.kind == "member":
            return {}
        names = [watch.name] if watch.kind == "venue" else [f"venue/{key}" for key in watch.venue_ids]
        found: dict[str, VenuePicture] = {}
        for name in names:
            venue = self.by_name.get(name)
            picture = None if venue is None else venue.picture(now)
            if venue is not None and picture is not None:
                found[venue.key] = picture
        return found

    async def learn(self) -> None:
        """Learns the rhythms of the badges at the watched venues from what their traces have gained."""
        for watch in list(self.by_name.values()):
            record = watch.record
            if isinstance(record, presence.Record):
                now_ms = presence.now_ms_of(record, times.to_ms(self._clock()))
                learn = functools.partial(presence.learn_again, record=record, now_ms=now_ms)
                try:
                    learnt = await self._work.read(learn)
                except SQLAlchemyError as error:
                    _log.warning("the trace of %s cannot be read: %s", watch.name, type(error).__name__)
                    continue
                record.rhythms.clear()
                record.rhythms.update(learnt)
