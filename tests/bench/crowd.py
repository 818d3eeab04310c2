"""Who is where in the town, and what its agents hear of them: signed reports of one window after another."""

import hashlib
import hmac
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from tests.bench import packets, town
from tests.bench.town import Town

BOOT = "be9c4a11"
TAILS = 512  # so many different readings at hand: random enough, and a reading is made by one concatenation


@dataclass(frozen=True, slots=True)
class Habits:
    """How restless people are."""

    moves_every_s: float = 300.0  # each walks to the next zone about that often
    turnover_per_min: float = 0.01  # that share leaves, and as many others arrive


@dataclass(frozen=True, slots=True)
class Chunk:
    """PUBLISH packets that are sent together: (agent, seq) of each, and how many readings they hold."""

    data: bytes
    reports: tuple[tuple[int, int], ...]
    readings: int


@dataclass(frozen=True, slots=True)
class Round:
    """One window of all agents."""

    from_ms: int
    to_ms: int
    chunks: tuple[Chunk, ...]
    arrived: tuple[int, ...]  # badges
    moved: tuple[tuple[int, int], ...]  # badge, zone

    @property
    def reports(self) -> int:
        """How many reports it has."""
        return sum(len(chunk.reports) for chunk in self.chunks)

    @property
    def readings(self) -> int:
        """How many readings it has."""
        return sum(chunk.readings for chunk in self.chunks)


class Crowd:
    """The people of a town as time passes; the same for the same seed."""

    def __init__(self, town: Town, habits: Habits = Habits()) -> None:
        """Everybody but the spare badges is in a zone of their venue."""
        self.town = town
        self.habits = habits
        self._random = random.Random(town.seed)
        share = town.present + town.spare
        self.here = [list(range(venue * share, venue * share + town.present)) for venue in range(town.venues)]
        self._away = [deque(range(venue * share + town.present, (venue + 1) * share)) for venue in range(town.venues)]
        self.zone = [self._random.randrange(town.zones) for _ in range(town.badges)]
        self._next_venue = cycle(range(town.venues))
        self._turnover = self._moves = 0.0

    def pass_time(self, seconds: float) -> tuple[list[int], list[tuple[int, int]]]:
        """Lets people come, go and walk; returns who arrived, and (badge, new zone) of who walked."""
        present = self.town.venues * self.town.present
        self._turnover += present * self.habits.turnover_per_min * seconds / 60
        self._moves += present * seconds / self.habits.moves_every_s
        arrived: list[int] = []
        while self._turnover >= 1:
            self._turnover -= 1
            arrived.append(self._replace(next(self._next_venue)))
        moved: list[tuple[int, int]] = []
        while self._moves >= 1:
            self._moves -= 1
            moved.append(self._walk())
        return arrived, moved

    def _replace(self, venue: int) -> int:
        here, away = self.here[venue], self._away[venue]
        place = self._random.randrange(len(here))
        away.append(here[place])
        here[place] = away.popleft()
        return here[place]

    def _walk(self) -> tuple[int, int]:
        badge = self._random.choice(self._random.choice(self.here))
        self.zone[badge] = (self.zone[badge] + self._random.choice((-1, 1))) % self.town.zones
        return badge, self.zone[badge]


class Reporter:
    """Writes what the agents hear of a crowd as signed reports in PUBLISH packets, numbered upwards from 1."""

    def __init__(self, crowd: Crowd, chunk_reports: int = 20) -> None:
        """chunk_reports: how many are sent together."""
        self.crowd = crowd
        self._chunk_reports = chunk_reports
        self._random = random.Random(crowd.town.seed + 1)
        self._seq = 0
        self._packet_id = 0
        self._heads = [f'["{town.identity(badge).hex()}",' for badge in range(crowd.town.badges)]
        self._agents = [
            (town.zone_id(venue, zone), town.key(crowd.town, town.zone_id(venue, zone)), town.topic(venue, zone))
            for venue in range(crowd.town.venues)
            for zone in range(crowd.town.zones)
        ]
        self._tails: dict[tuple[int, int], list[str]] = {}

    def rounds(self, count: int, from_ms: int, length_ms: int) -> Iterator[Round]:
        """`count` windows that follow each other. from_ms: a multiple of length_ms."""
        for index in range(count):
            yield self.round(from_ms + index * length_ms, length_ms)

    def round(self, from_ms: int, length_ms: int) -> Round:
        """The next window, after the time it takes has passed for the crowd."""
        arrived, moved = self.crowd.pass_time(length_ms / 1000) if self._seq else ([], [])
        self._seq += 1
        head = f'"seq":{self._seq},"from":{from_ms},"to":{from_ms + length_ms},"radio":"ok","clock":"synced"'
        chunks: list[Chunk] = []
        data: list[bytes] = []
        reports: list[tuple[int, int]] = []
        readings = 0
        for agent, heard in enumerate(self._heard(length_ms)):
            name, key, topic = self._agents[agent]
            body = f'{{"v":1,"agent":"{name}","boot":"{BOOT}",{head},"readings":[{",".join(heard)}]}}'.encode()
            payload = hmac.digest(key, body, hashlib.sha256).hex().encode() + b"\n" + body
            data.append(packets.publish(self._packet_id + 1, topic, payload))
            self._packet_id = (self._packet_id + 1) % packets.MAX_PACKET_ID
            reports.append((agent, self._seq))
            readings += len(heard)
            if len(reports) == self._chunk_reports:
                chunks.append(Chunk(b"".join(data), tuple(reports), readings))
                data, reports, readings = [], [], 0
        if reports:
            chunks.append(Chunk(b"".join(data), tuple(reports), readings))
        return Round(from_ms, from_ms + length_ms, tuple(chunks), tuple(arrived), tuple(moved))

    def _heard(self, length_ms: int) -> Iterator[list[str]]:
        """The readings of each agent: a badge is heard in its own zone, in the next, and every second time behind."""
        near, far = self._readings(-65, length_ms), self._readings(-78, length_ms)
        bits, heads, zone_of = self._random.getrandbits, self._heads, self.crowd.zone
        zones = self.crowd.town.zones
        for here in self.crowd.here:
            heard: list[list[str]] = [[] for _ in range(zones)]
            for badge in here:
                zone, head, dice = zone_of[badge], heads[badge], bits(28)
                heard[zone].append(head + near[dice & 511])
                heard[(zone + 1) % zones].append(head + far[dice >> 9 & 511])
                if dice >> 27:
                    heard[zone - 1].append(head + far[dice >> 18 & 511])
            yield from heard

    def _readings(self, loudness_dbm: int, length_ms: int) -> list[str]:
        """Ends of readings: first, last, count, mean, max, power. A badge advertises about once a second."""
        if (loudness_dbm, length_ms) not in self._tails:
            found = []
            for _ in range(TAILS):
                first = self._random.randrange(0, min(1000, length_ms // 2))
                last = length_ms - 1 - self._random.randrange(0, min(1000, length_ms // 2))
                top = loudness_dbm + self._random.randint(-5, 5)
                count = max(1, (last - first) // 1000 + 1)
                mean = top - self._random.randrange(0, 60) / 10
                found.append(f"{first},{last},{count},{mean:.1f},{top},{town.POWER_DBM}]")
            self._tails[loudness_dbm, length_ms] = found
        return self._tails[loudness_dbm, length_ms]
