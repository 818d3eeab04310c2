"""The hub of the live stream: keeps what is watched in memory, and sends each viewer what changes of it.

MQTT news --take--> watch (model of a topic) --draw, each second and after news--> view (per seat) --> viewers
tables ----load---> watch, first and whenever news cannot be followed; every 5 s revisions, sessions and rights
tables --holders--> watch of a venue: whose a badge is that news tell of, and who may see her; until then nobody does

Everything but reading the tables happens in the event loop, so nothing needs a lock.
"""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import functools
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from config.settings import Presence
from server import times, topics
from server.errors import MusterError, Refused, SignInNeeded, Unavailable
from server.events import service as events
from server.live import gatherings, holders, members, news, rights, tonight
from server.live.rights import Seeing
from server.live.viewer import Viewer, Wanted
from server.live.watch import Seat, View, Watch
from server.people import service as people
from server.presence import service as presence
from server.presence.service import VenuePicture

T = TypeVar("T")

TICK_S = 1.0  # states that come from time alone are as fine as that
CHECK_S = 5.0  # lost news, a sign-out and a lost right are noticed within this (design: every 5 s)
SHARED_S = 1.0  # a snapshot may be this old: what a thousand viewers ask for at once is looked up once
SHOW_AGAIN_S = 0.1  # a venue with many reports redraws ten times a second at most: faster than an eye follows dots
LOAD_AGAIN_S = 0.25  # of an event whose check-ins come in a rush
READ_AGAIN_S = 3600.0  # a wall that shows a venue for weeks forgets who has not been there for long
LEARN_S = 60.0  # badges' rhythms are learnt anew: they come from half an hour, and a minute of it is one more block
KEEP_S = 10.0  # a reload of the page finds its topics still in memory
THREADS = 2  # reading the tables at once; the rest of the pool is for requests

_log = logging.getLogger(__name__)


class Hub:
    """All that is watched in this process. Make one per event loop; `start` it there and `stop` it."""

    def __init__(self, engine: Engine, settings: Presence, clock: Callable[[], dt.datetime] | None = None) -> None:
        """clock: the current time, UTC."""
        self._engine = engine.execution_options(isolation_level="REPEATABLE READ")
        self._settings = settings
        self._clock = clock or (lambda: dt.datetime.now(dt.UTC))
        self._watches: dict[str, Watch] = {}
        self._viewers: set[Viewer] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads: ThreadPoolExecutor | None = None
        self._closing = False

    @property
    def viewers(self) -> int:
        """How many connections there are."""
        return len(self._viewers)

    async def start(self) -> None:
        """Begins to keep time, in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(THREADS, "live")
        self._closing = False
        self._spawn(self._every(TICK_S, self._tick))
        self._spawn(self._every(CHECK_S, self._check))
        self._spawn(self._every(LEARN_S, self._learn))

    async def stop(self) -> None:
        """Ends all streams and everything that the hub started."""
        self._close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._threads is not None:
            self._threads.shutdown(wait=True)
        self._loop = None

    def close(self) -> None:
        """Ends all streams and takes no new ones, before the server waits for them; from any thread or signal."""
        self._call(self._close)

    def take(self, mqtt_topic: str, payload: bytes, _kept: bool = False) -> None:
        """Takes an MQTT message, from any thread. What cannot be read makes the tables be read again."""
        name = news.topic_name(mqtt_topic)
        if name is not None:
            self._call(self._take, name, payload)

    def doubt(self) -> None:
        """Compares everything with the tables now, from any thread: the broker was away, news may be lost."""
        self._call(lambda: self._spawn(self._check()))

    async def join(self, token: str | None, wanted: Wanted) -> Viewer:
        """A new viewer, whose first event is a snapshot; `leave` must be called for it.

        Raises SignInNeeded, Refused, NotFound as `rights.audience` does, and Unavailable without a database.
        """
        self._check_open()
        if token is None:
            raise SignInNeeded
        try:
            granted = await self._in_thread(lambda session: self._grant(session, token, wanted))
            await asyncio.gather(*(self._make_ready(self._watch(name)) for name in granted))
        except SQLAlchemyError:
            raise Unavailable from None
        self._check_open()
        # From here to the end nothing waits, so no delta is missed and none comes twice.
        viewer = Viewer(token, wanted, granted, self._clock)
        watches, now = [self._watch(name) for name in granted], self._clock()
        if any(watch.record is None for watch in watches):
            raise Unavailable
        for watch in watches:
            seat = watch.seat(granted[watch.name], wanted.language)
            if seat not in watch.views:
                watch.views[seat] = View(watch.name, self._draw(watch, seat, now))
            watch.views[seat].viewers.add(viewer)
            viewer.views.append((watch, watch.views[seat]))
        self._viewers.add(viewer)
        viewer.resync()
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Forgets a viewer."""
        viewer.end()
        self._viewers.discard(viewer)
        for _, view in viewer.views:
            view.viewers.discard(viewer)

    def _check_open(self) -> None:
        if self._closing or self._loop is None:
            raise Unavailable("The server is stopping; please try again in a moment.")

    # -- rights

    def _grant(self, session: Session, token: str, wanted: Wanted) -> dict[str, Seeing]:
        now = self._clock()
        member = people.member_of(session, token=token, now=now)
        if member is None:
            raise SignInNeeded
        granted = {name: rights.audience(session, member, name, now) for name in wanted.topics}
        if wanted.venues_of is not None:
            for step in events.steps_of(session, event_id=wanted.venues_of):
                with contextlib.suppress(Refused):
                    name = f"venue/{step.venue_id}"
                    granted.setdefault(name, rights.audience(session, member, name, now))
        return granted

    def _still_granted(self, session: Session, asked: Sequence[tuple[str, Wanted]]) -> list[dict[str, Seeing]]:
        found: dict[tuple[str, Wanted], dict[str, Seeing]] = {}
        for key in asked:
            if key not in found:
                try:
                    found[key] = self._grant(session, *key)
                except MusterError:
                    found[key] = {}
        return [found[key] for key in asked]

    # -- what is watched

    def _watch(self, name: str) -> Watch:
        if name not in self._watches:
            self._watches[name] = Watch(name)
        watch = self._watches[name]
        watch.wanted_s = self._time_s()
        return watch

    async def _make_ready(self, watch: Watch) -> None:
        """Waits until a watch is as the tables were at most SHARED_S ago."""
        if watch.record is None or watch.doubtful:
            await self._load(watch)
        elif self._time_s() - watch.verified_s > SHARED_S:
            revs = await self._in_thread(lambda session: topics.revisions(session, [watch.name]))
            if revs[watch.name] > watch.rev:
                await self._load(watch)
            else:
                watch.verified_s = self._time_s()
        await asyncio.gather(*(self._make_ready(self._watch(f"venue/{key}")) for key in watch.venue_ids))

    async def _load(self, watch: Watch) -> None:
        """Reads a watch from the tables; who asks while that happens waits for the same reading."""
        if watch.loading is None:
            watch.loading = self._spawn(self._load_now(watch))
        await asyncio.shield(watch.loading)
        if watch.record is None or watch.doubtful:
            raise Unavailable

    async def _load_now(self, watch: Watch) -> None:
        try:
            while True:
                await asyncio.sleep(watch.loaded_s + LOAD_AGAIN_S - self._time_s())
                watch.loaded_s = started_s = self._time_s()
                known, record = await self._in_thread(
                    lambda session: (holders.revisions(session), self._read(session, watch))
                )
                self._doubt_venues(watch, record)
                watch.known = known
                current = watch.loaded(record)
                watch.doubtful = False
                watch.verified_s = started_s
                self._show(watch)
                self._know_holders(watch)
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
                if name in self._watches:
                    self._know_holders(self._watches[name], again=True)

    def _know_holders(self, watch: Watch, again: bool = False) -> None:
        """Reads whose the badges are that are not known yet; again: all of them."""
        watch.holders_doubtful |= again
        if watch.resolving is None and watch.unknown_badges:
            watch.resolving = self._spawn(self._know_holders_now(watch))

    async def _know_holders_now(self, watch: Watch) -> None:
        try:
            while isinstance(record := watch.record, presence.Record) and (badges := watch.unknown_badges):
                watch.holders_doubtful = False
                now_ms = presence.now_ms_of(record, times.to_ms(self._clock()))
                all_of_them = len(badges) == len(record.heard)
                read = functools.partial(holders.read, record=record, badge_ids=badges, now_ms=now_ms)
                known, found = await self._in_thread(read)
                if isinstance(watch.record, presence.Record) and watch.record.held is record.held:
                    presence.take_holders(record, found)
                    if all_of_them:
                        watch.known |= {name: known[name] for name in (topics.EXPECTED, topics.CONSENTS)}
                self._show(watch)
                await asyncio.sleep(SHOW_AGAIN_S)  # many that arrive at once are read together
        except SQLAlchemyError as error:
            _log.warning("whose badges are at %s cannot be read: %s", watch.name, type(error).__name__)
            watch.holders_doubtful = True  # read again with the next check
        finally:
            watch.resolving = None

    def _reload(self, watch: Watch) -> None:
        if watch.loading is None:
            watch.loading = self._spawn(self._load_now(watch))

    def _take(self, name: str, payload: bytes) -> None:
        watch = self._watches.get(name)
        if watch is None:
            return
        try:
            taken = watch.take(news.read(payload))
        except news.Unreadable as error:
            _log.warning("news of %s cannot be read: %s", name, error)
            taken = False
        if not taken:
            self._reload(watch)
        elif watch.loading is None:
            self._know_holders(watch)
            self._show_soon(watch)

    # -- what viewers get

    def _show_soon(self, watch: Watch) -> None:
        """Shows now, or later when it was shown a moment ago; many news in that time are one delta."""
        assert self._loop is not None
        wait_s = watch.shown_s + SHOW_AGAIN_S - self._time_s()
        if wait_s <= 0:
            self._show_news(watch)
        elif not watch.show_planned:
            watch.show_planned = True
            self._loop.call_later(wait_s, self._show_news, watch)

    def _show_news(self, watch: Watch) -> None:
        # What is drawn because time passes does not count, or news that come just then would wait for no reason.
        watch.show_planned = False
        watch.shown_s = self._time_s()
        self._show(watch)

    def _show(self, watch: Watch) -> None:
        if watch.record is None:
            return
        now = self._clock()
        for seat, view in tuple(watch.views.items()):
            if not view.viewers:
                del watch.views[seat]
        if watch.views:
            known, records = self._pictures(watch, now), self._records(watch)
            for seat, view in watch.views.items():
                view.show(watch.draw(seat, now, known, records), now)

    def _draw(self, watch: Watch, seat: Seat, now: dt.datetime) -> dict[str, Any]:
        return watch.draw(seat, now, self._pictures(watch, now), self._records(watch))

    def _records(self, watch: Watch) -> dict[str, presence.Record]:
        """What is known of the venues where a member is going: drawing them for each would cost too much."""
        names = [f"venue/{key}" for key in watch.venue_ids] if watch.kind == "member" else []
        found = [(name, self._watches[name].record) for name in names if name in self._watches]
        return {name.partition("/")[2]: record for name, record in found if isinstance(record, presence.Record)}

    def _pictures(self, watch: Watch, now: dt.datetime) -> dict[str, VenuePicture]:
        if watch.kind == "member":
            return {}
        names = [watch.name] if watch.kind == "venue" else [f"venue/{key}" for key in watch.venue_ids]
        found: dict[str, VenuePicture] = {}
        for name in names:
            venue = self._watches.get(name)
            picture = None if venue is None else venue.picture(now)
            if venue is not None and picture is not None:
                found[venue.key] = picture
        return found

    # -- time

    async def _tick(self) -> None:
        now_s = self._time_s()
        needed = {name for watch in self._watches.values() if watch.viewers for name in _needs(watch)}
        for name in needed:
            self._watch(name)
        for watch in [watch for watch in self._watches.values() if watch.wanted_s < now_s - KEEP_S]:
            if watch.loading is None:
                del self._watches[watch.name]
        for name in needed:
            self._show(self._watches[name])
            await asyncio.sleep(0)  # news wait for one drawing at most, not for those of all that is watched

    async def _check(self) -> None:
        """Compares what is watched with the tables, and what viewers watch with what they still may."""
        watches = [watch for watch in self._watches.values() if watch.record is not None and watch.loading is None]
        viewers = list(self._viewers)
        if not watches and not viewers:
            return
        before = {watch.name: watch.rev for watch in watches}
        asked = [(viewer.token, viewer.wanted) for viewer in viewers]

        def look(session: Session) -> tuple[dict[str, int], list[dict[str, Seeing]]]:
            revs = topics.revisions(session, [*before, *holders.CONCERN_ALL])
            return revs, self._still_granted(session, asked)

        started_s = self._time_s()
        try:
            revs, granted = await self._in_thread(look)
        except SQLAlchemyError as error:
            _log.warning("the tables cannot be compared: %s", type(error).__name__)
            return
        for viewer, allowed in zip(viewers, granted, strict=True):
            if allowed != viewer.granted:
                viewer.end()
        for watch in watches:
            moved = revs[topics.FACTS] != watch.known[topics.FACTS]
            # Whose badge is whose says who is here of those who are expected, and who may be shown.
            whose = any(revs[name] != watch.known[name] for name in (topics.EXPECTED, topics.CONSENTS))
            unchanged = watch.rev == before[watch.name]
            lost = revs[watch.name] > watch.rev or (unchanged and revs[watch.name] < watch.rev)
            if (whose and watch.kind == "venue") or watch.holders_doubtful:
                self._know_holders(watch, again=True)
            if (
                lost
                or moved
                or (whose and watch.kind == "event")
                or watch.doubtful
                or started_s - watch.loaded_s > READ_AGAIN_S
            ):
                self._reload(watch)
            else:
                watch.verified_s = started_s

    async def _learn(self) -> None:
        """Learns the rhythms of the badges at the watched venues from what their traces have gained."""
        for watch in list(self._watches.values()):
            record = watch.record
            if isinstance(record, presence.Record):
                now_ms = presence.now_ms_of(record, times.to_ms(self._clock()))
                learn = functools.partial(presence.learn_again, record=record, now_ms=now_ms)
                try:
                    learnt = await self._in_thread(learn)
                except SQLAlchemyError as error:
                    _log.warning("the trace of %s cannot be read: %s", watch.name, type(error).__name__)
                    continue
                record.rhythms.clear()
                record.rhythms.update(learnt)

    # -- machinery

    async def _every(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await act()
            except Exception:
                _log.exception("the live stream stumbled and goes on")

    async def _in_thread(self, act: Callable[[Session], T]) -> T:
        assert self._loop is not None

        def run() -> T:
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                return act(session)

        return await self._loop.run_in_executor(self._threads, run)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        assert self._loop is not None
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _call(self, act: Callable[..., object], *given: object) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                loop.call_soon_threadsafe(act, *given)

    def _close(self) -> None:
        self._closing = True
        for viewer in tuple(self._viewers):
            viewer.end()

    def _time_s(self) -> float:
        assert self._loop is not None
        return self._loop.time()


def _needs(watch: Watch) -> Iterable[str]:
    return [watch.name, *(f"venue/{key}" for key in watch.venue_ids)]
