"""The hub of the live stream: sends each viewer what changes of what she watches, and looks whether she still may.

MQTT news --take--> watch (model of a topic) --draw, each second and after news--> view (per seat) --> viewers
tables ----load---> watch, first and whenever news cannot be followed; every 5 s revisions, sessions and rights
tables --holders--> watch of a venue: whose a badge is that news tell of, and who may see her; until then nobody does

Everything but reading the tables happens in the event loop, so nothing needs a lock.
"""

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from config.settings import Presence
from server import topics
from server.errors import MusterError, Refused, SignInNeeded, Unavailable
from server.events import service as events
from server.live import holders, news, rights
from server.live.rights import Seeing
from server.live.viewer import Viewer, Wanted
from server.live.watch import Seat, View, Watch
from server.live.watches import SHOW_AGAIN_S, Watches
from server.live.work import Work
from server.people import service as people

TICK_S = 1.0  # states that come from time alone are as fine as that
CHECK_S = 5.0  # lost news, a sign-out and a lost right are noticed within this (design: every 5 s)
READ_AGAIN_S = 3600.0  # a wall that shows a venue for weeks forgets who has not been there for long
LEARN_S = 60.0  # badges' rhythms are learnt anew: they come from half an hour, and a minute of it is one more block
KEEP_S = 10.0  # a reload of the page finds its topics still in memory

_log = logging.getLogger(__name__)


class Hub:
    """All that is watched in this process. Make one per event loop; `start` it there and `stop` it."""

    def __init__(self, engine: Engine, settings: Presence, clock: Callable[[], dt.datetime] | None = None) -> None:
        """clock: the current time, UTC."""
        self._clock = clock or (lambda: dt.datetime.now(dt.UTC))
        self._work = Work(engine)
        self._watches = Watches(self._work, settings, self._clock, self._show)
        self._viewers: set[Viewer] = set()
        self._closing = False

    @property
    def viewers(self) -> int:
        """How many connections there are."""
        return len(self._viewers)

    async def start(self) -> None:
        """Begins to keep time, in the running loop."""
        self._work.start()
        self._closing = False
        self._work.begin_every(TICK_S, self._tick)
        self._work.begin_every(CHECK_S, self._check)
        self._work.begin_every(LEARN_S, self._watches.learn)

    async def stop(self) -> None:
        """Ends all streams and everything that the hub started."""
        self._close()
        await self._work.stop()

    def close(self) -> None:
        """Ends all streams and takes no new ones, before the server waits for them; from any thread or signal."""
        self._work.call(self._close)

    def take(self, mqtt_topic: str, payload: bytes, _kept: bool = False) -> None:
        """Takes an MQTT message, from any thread. What cannot be read makes the tables be read again."""
        name = news.topic_name(mqtt_topic)
        if name is not None:
            self._work.call(self._take, name, payload)

    def doubt(self) -> None:
        """Compares everything with the tables now, from any thread: the broker was away, news may be lost."""
        self._work.call(lambda: self._work.begin(self._check()))

    async def join(self, token: str | None, wanted: Wanted) -> Viewer:
        """A new viewer, whose first event is a snapshot; `leave` must be called for it.

        Raises SignInNeeded, Refused, NotFound as `rights.audience` does, and Unavailable without a database.
        """
        self._check_open()
        if token is None:
            raise SignInNeeded
        try:
            granted = await self._work.read(lambda session: self._grant(session, token, wanted))
            await asyncio.gather(*(self._watches.make_ready(self._watches.get(name)) for name in granted))
        except SQLAlchemyError:
            raise Unavailable from None
        self._check_open()
        # From here to the end nothing waits, so no delta is missed and none comes twice.
        viewer = Viewer(token, wanted, granted, self._clock)
        watches, now = [self._watches.get(name) for name in granted], self._clock()
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
        if self._closing or self._work.loop is None:
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

    # -- news

    def _take(self, name: str, payload: bytes) -> None:
        watch = self._watches.by_name.get(name)
        if watch is None:
            return
        try:
            taken = watch.take(news.read(payload))
        except news.Unreadable as error:
            _log.warning("news of %s cannot be read: %s", name, error)
            taken = False
        if not taken:
            self._watches.reload(watch)
        elif watch.loading is None:
            self._watches.know_holders(watch)
            if not watch.unknown_badges:  # else who came is shown with all the rest, in a moment
                self._show_soon(watch)

    # -- what viewers get

    def _show_soon(self, watch: Watch) -> None:
        """Shows now, or later when it was shown a moment ago; many news in that time are one delta."""
        assert self._work.loop is not None
        wait_s = watch.shown_s + SHOW_AGAIN_S - self._work.time_s
        if wait_s <= 0:
            self._show_news(watch)
        elif not watch.show_planned:
            watch.show_planned = True
            self._work.loop.call_later(wait_s, self._show_news, watch)

    def _show_news(self, watch: Watch) -> None:
        # What is drawn because time passes does not count, or news that come just then would wait for no reason.
        watch.show_planned = False
        watch.shown_s = self._work.time_s
        self._show(watch)

    def _show(self, watch: Watch) -> None:
        if watch.record is None:
            return
        now = self._clock()
        for seat, view in tuple(watch.views.items()):
            if not view.viewers:
                del watch.views[seat]
        if watch.views:
            known, records = self._watches.pictures_of(watch, now), self._watches.records_of(watch)
            for seat, view in watch.views.items():
                view.show(watch.draw(seat, now, known, records), now)

    def _draw(self, watch: Watch, seat: Seat, now: dt.datetime) -> dict[str, Any]:
        return watch.draw(seat, now, self._watches.pictures_of(watch, now), self._watches.records_of(watch))

    # -- time

    async def _tick(self) -> None:
        now_s = self._work.time_s
        needed = {name for watch in self._watches.by_name.values() if watch.viewers for name in _needs(watch)}
        for name in needed:
            self._watches.get(name)
        for watch in [watch for watch in self._watches.by_name.values() if watch.wanted_s < now_s - KEEP_S]:
            if watch.loading is None:
                del self._watches.by_name[watch.name]
        for name in needed:
            self._show(self._watches.by_name[name])
            await asyncio.sleep(0)  # news wait for one drawing at most, not for those of all that is watched

    async def _check(self) -> None:
        """Compares what is watched with the tables, and what viewers watch with what they still may."""
        watches = [
            watch for watch in self._watches.by_name.values() if watch.record is not None and watch.loading is None
        ]
        viewers = list(self._viewers)
        if not watches and not viewers:
            return
        before = {watch.name: watch.rev for watch in watches}
        asked = [(viewer.token, viewer.wanted) for viewer in viewers]

        def look(session: Session) -> tuple[dict[str, int], list[dict[str, Seeing]]]:
            revs = topics.revisions(session, [*before, *holders.CONCERN_ALL])
            return revs, self._still_granted(session, asked)

        started_s = self._work.time_s
        try:
            revs, granted = await self._work.read(look)
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
                self._watches.know_holders(watch, again=True)
            if (
                lost
                or moved
                or (whose and watch.kind == "event")
                or watch.doubtful
                or started_s - watch.loaded_s > READ_AGAIN_S
            ):
                self._watches.reload(watch)
            else:
                watch.verified_s = started_s

    def _close(self) -> None:
        self._closing = True
        for viewer in tuple(self._viewers):
            viewer.end()


def _needs(watch: Watch) -> Iterable[str]:
    return [watch.name, *(f"venue/{key}" for key in watch.venue_ids)]
