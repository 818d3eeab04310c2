"""One watched topic in memory: what the tables said, kept up to date by news, drawn for each audience and language."""

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import orjson

from server import texts, times
from server.consent.reading import Eyes
from server.live import gatherings, members, news
from server.live.changes import CannotTell, Topic, changes
from server.live.gatherings import Gathering
from server.live.members import Diary
from server.live.rights import Audience, Seeing
from server.presence import ears, states
from server.presence import schema as presence_schema
from server.presence import service as presence
from server.presence.service import Record, VenuePicture
from server.texts import ENGLISH


class Viewer(Protocol):
    """Whoever gets the events of a view."""

    def push(self, event: bytes) -> None:
        """Takes an encoded event."""

    def resync(self) -> None:
        """Takes a new snapshot, since a delta cannot say what changed."""


class View:
    """A topic as seen last from one seat: a new viewer there starts from it, and all get the same deltas."""

    def __init__(self, name: str, seen: Topic) -> None:
        """seen: the topic as it is now."""
        self.name = name
        self.viewers: set[Viewer] = set()
        self._seen = seen
        self._encoded: bytes | None = None

    @property
    def seen(self) -> Topic:
        """The topic as all viewers have it."""
        return self._seen

    def encoded(self) -> bytes:
        """The same as JSON, made once for all that ask before it changes."""
        if self._encoded is None:
            self._encoded = orjson.dumps(self._seen)
        return self._encoded

    def show(self, seen: Topic, now: dt.datetime) -> None:
        """Sends what changed to all viewers."""
        if seen is self._seen:
            return
        try:
            delta = changes(self._seen, seen)
        except CannotTell:
            self._seen, self._encoded = seen, None
            for viewer in tuple(self.viewers):
                viewer.resync()
            return
        if delta is None:
            if seen["rev"] == self._seen["rev"]:
                return
        elif self.viewers:
            event = encode_event("delta", now, {self.name: orjson.dumps(delta)})
            for viewer in tuple(self.viewers):
                viewer.push(event)
        self._seen, self._encoded = seen, None


class Seat(NamedTuple):
    """From where a topic is seen: who shares it sees the same."""

    audience: Seeing
    language: str = ENGLISH


class Watch:
    """A topic that somebody watches; `record` is None until it was read for the first time."""

    def __init__(self, name: str) -> None:
        """name: `venue/<id>`, `event/<id>` or `member/<id>`."""
        self.name = name
        self.kind, _, self.key = name.partition("/")
        self.record: Record | Gathering | Diary | None = None
        self.views: dict[Seat, View] = {}
        self.loading: asyncio.Task[None] | None = None
        self.holders_doubtful = False  # whose badges are here has to be read again, as soon as that succeeds
        self.known: dict[str, int] = {}  # the revisions of what concerns all topics, as they were when it was read
        self.loaded_s = float("-inf")  # by the loop's clock, when the last reading of the tables began
        self.verified_s = float("-inf")  # when its revision was last known to be the table's
        self.shown_s = float("-inf")
        self.show_planned = False
        self.wanted_s = 0.0  # when somebody last watched it
        self.doubtful = False  # the tables have to be read again, as soon as that succeeds
        self._waiting: list[news.News] = []

    @property
    def viewers(self) -> list[Viewer]:
        """All who watch it."""
        return [viewer for view in self.views.values() for viewer in view.viewers]

    @property
    def venue_ids(self) -> list[str]:
        """The venues whose pictures it is drawn with."""
        return self.record.venue_ids if isinstance(self.record, Gathering | Diary) else []

    @property
    def rev(self) -> int:
        """The revision in memory, -1 before the first reading."""
        return -1 if self.record is None else self.record.rev

    @property
    def simulated(self) -> bool:
        """Whether it shows what is not real."""
        if isinstance(self.record, Record):
            return self.record.facts.simulated
        return isinstance(self.record, Gathering) and self.record.simulated

    def seat(self, audience: Seeing, language: str) -> Seat:
        """Where a viewer sits. A real venue's picture has no words, so it is drawn once for all languages."""
        return Seat(audience, ENGLISH if self.kind == "venue" and not self.simulated else language)

    def take(self, found: news.News) -> bool:
        """Takes news; False when the tables have to be read again."""
        if self.loading is not None:
            self._waiting.append(found)
            return True
        return self._apply(found)

    def loaded(self, record: Record | Gathering | Diary) -> bool:
        """Takes what was read, then what came meanwhile; False when it has to be read once more."""
        self.record = record
        waiting, self._waiting = sorted(self._waiting, key=lambda found: found.rev), []
        return all(self._apply(found) for found in waiting)

    def failed(self) -> None:
        """Nothing could be read: what came meanwhile is older than what will be."""
        self._waiting = []

    def _apply(self, found: news.News) -> bool:
        if found.rev <= self.rev:
            return True
        record = self.record
        if not isinstance(record, Record) or found.badges is None or found.coverage is None:
            return False
        agents = {agent for agent, _ in found.coverage} | {agent for agent, _, _ in found.beacons}
        if found.rev != record.rev + 1 or not agents <= record.ears.keys():
            return False
        for badge in found.badges:
            record.heard[badge.badge_id] = _continued(record.heard.get(badge.badge_id), badge)
            record.memory.gone.discard(badge.badge_id)
        for agent, run in found.coverage:
            newest = record.ears[agent].listened[-1:]
            if newest and run[0] < newest[0][0]:
                record.memory.forget()  # an old hole in the listening was filled
            record.ears[agent] = ears.listen(record.ears[agent], run)
        for agent, beacon_agent, run in found.beacons:
            learn_ms = record.facts.rule.beacon_learn_ms
            record.ears[agent] = ears.hear_beacon(record.ears[agent], beacon_agent, run, learn_ms)
        self.record = dataclasses.replace(record, rev=found.rev)
        return True

    @property
    def unknown_badges(self) -> list[int]:
        """The badges whose holders have to be read: nobody is shown them before; all where that is in doubt."""
        record = self.record
        if not isinstance(record, Record):
            return []
        return [badge_id for badge_id in record.heard if self.holders_doubtful or badge_id not in record.held]

    def picture(self, now: dt.datetime) -> VenuePicture | None:
        """The venue at `now`, None for what is no venue or was not read yet."""
        return presence.draw(self.record, times.to_ms(now)) if isinstance(self.record, Record) else None

    def draw(
        self,
        seat: Seat,
        now: dt.datetime,
        venues: dict[str, VenuePicture],
        records: Mapping[str, Record] = members.NO_RECORDS,
    ) -> Topic:
        """The topic as it is seen from there now. venues: the pictures of `venue_ids`; records: for a member's."""
        say, audience = texts.of(seat.language), seat.audience
        if isinstance(self.record, Record):
            assert isinstance(audience, Eyes)
            seen: Any = presence_schema.venue_topic(venues[self.key], audience, say)
            return dict(seen)
        if isinstance(self.record, Gathering):
            assert isinstance(audience, Audience)
            return gatherings.draw(self.record, times.to_ms(now), audience, venues, say)
        assert self.record is not None
        return members.draw(self.record, now, say, records)


def _continued(before: states.Heard | None, news: states.Heard) -> states.Heard:
    """A badge's visit after news of it, which tell only the stays that may have changed."""
    if before is None or not news.stays:
        return news
    kept = (stay for stay in before.stays if news.arrived_ms <= stay[0] < news.stays[0][0])
    return news._replace(stays=(*kept, *news.stays))


def encode_event(kind: str, now: dt.datetime, encoded: dict[str, bytes], simulated: bool | None = None) -> bytes:
    """A server-sent event `snapshot` or `delta` from topics that are JSON already."""
    inner = b",".join(orjson.dumps(name) + b":" + topic for name, topic in encoded.items())
    more = b"" if simulated is None else b'"simulated":' + orjson.dumps(simulated) + b","
    at = orjson.dumps(presence_schema.rfc3339(now))
    return b'event: %b\ndata: {"at":%b,%b"topics":{%b}}\n\n' % (kind.encode(), at, more, inner)
