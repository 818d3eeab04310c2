"""The figures of a gathering, each with what proves it and how far off it may be: pure.

A figure lies between `low`, what is proven, and `high`, what may have been missed besides. What says more of somebody
who is known already never widens it, and time in which nobody listened never narrows it.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from server.turnout import evidence
from server.turnout.evidence import Mix

TOLD_FROM = 5  # people: of fewer everybody who was there would know whose time or room it is
MOST_BARS = 24  # of the curve of arrivals: as many as can be told apart on a phone
_BAR_MINUTES = (5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2 * 1440)
MINUTE_MS = 60_000


class Person(NamedTuple):
    """Somebody who came. evidence: of her check-ins; at_ms: the first of them.

    before: whether she came to something of the same people before, None where nobody knows any more.
    """

    who: str
    evidence: tuple[str, ...]
    at_ms: int
    signed_up: bool
    before: bool | None


class Absent(NamedTuple):
    """Somebody who signed up, and of whom nothing tells that she came. badge: she held one meanwhile."""

    who: str
    steps: tuple[str, ...]
    badge: bool
    before: bool


class Silence(NamedTuple):
    """Time of a step in which an agent at its place did not listen. place: its room; none: there is no agent at all."""

    step_id: str
    place: str
    from_ms: int
    to_ms: int
    none: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a figure may be off, and by how many. code: weak, no_badge, silent, nobody_listens or erased."""

    code: str
    count: int
    silence: Silence | None = None


class Figure(NamedTuple):
    """A number of people. by: what proves them."""

    value: int
    low: int
    high: int
    by: Mix
    reasons: tuple[Reason, ...] = ()


def came(people: Sequence[Person], absent: Sequence[Absent], silences: Sequence[Silence]) -> Figure:
    """How many came."""
    by = evidence.mix(person.evidence for person in people)
    missed = _missed(absent, silences)
    reasons = (*_weak(by), *_why(absent, silences))
    return Figure(by.total, by.proven, by.total + len(missed), by, reasons)


def no_shows(people: Sequence[Person], absent: Sequence[Absent], silences: Sequence[Silence]) -> Figure:
    """How many signed up and did not come; at least those who would have been heard, at most all who prove little."""
    by = evidence.mix(person.evidence for person in people if person.signed_up)
    weak = by.total - by.proven
    reasons = (*_weak(by), *_why(absent, silences))
    value = len(absent)
    return Figure(value, value - len(_missed(absent, silences)), value + weak, Mix(()), reasons)


def first_timers(people: Sequence[Person], absent: Sequence[Absent], silences: Sequence[Silence]) -> Figure:
    """How many came for the first time."""
    by = evidence.mix(person.evidence for person in people if person.before is False)
    erased = sum(person.before is None for person in people)
    strangers = [one for one in absent if not one.before]
    forgotten = (Reason("erased", erased),) if erased else ()
    reasons = (*_weak(by), *forgotten, *_why(strangers, silences))
    return Figure(by.total, by.proven, by.total + erased + len(_missed(strangers, silences)), by, reasons)


def walk_ins(people: Sequence[Person]) -> Figure:
    """How many came without having signed up. Nobody can say how many more did while nobody listened."""
    by = evidence.mix(person.evidence for person in people if not person.signed_up)
    return Figure(by.total, by.proven, by.total, by, _weak(by))


def _missed(absent: Iterable[Absent], silences: Iterable[Silence]) -> set[str]:
    """Who may have come all the same: she has no badge, or it may not have been heard."""
    silent = {silence.step_id for silence in silences}
    return {one.who for one in absent if not one.badge or not silent.isdisjoint(one.steps)}


def _weak(by: Mix) -> tuple[Reason, ...]:
    weak = by.total - by.proven
    return (Reason("weak", weak),) if weak else ()


def _why(absent: Sequence[Absent], silences: Sequence[Silence]) -> tuple[Reason, ...]:
    without = len({one.who for one in absent if not one.badge})
    found = [Reason("no_badge", without)] if without else []
    for silence in sorted(silences, key=lambda one: (one.from_ms, one.place, one.step_id)):
        count = len({one.who for one in absent if one.badge and silence.step_id in one.steps})
        if count:
            found.append(Reason("nobody_listens" if silence.none else "silent", count, silence))
    return tuple(found)


class Stayed(NamedTuple):
    """How long somebody was at a step. observed: her leaving was; longest: the most it can have been."""

    minutes: float
    observed: bool
    longest: float
    by: str


class Spread(NamedTuple):
    """A number of minutes with its error bar."""

    value: float
    low: float
    high: float


class Dwell(NamedTuple):
    """How long those stayed whose leaving was observed: a quarter, half, three quarters of them at most so long.

    quarter, half, three: None where fewer than TOLD_FROM were observed.
    """

    observed: int
    unobserved: int
    by: Mix
    quarter: Spread | None = None
    half: Spread | None = None
    three: Spread | None = None


def dwell(stays: Sequence[Stayed]) -> Dwell:
    """How long people stayed. Whoever's leaving nobody saw may have gone at once, or stayed as long as it was open."""
    seen = sorted(stay.minutes for stay in stays if stay.observed)
    unseen = len(stays) - len(seen)
    by = evidence.mix((stay.by,) for stay in stays if stay.observed)
    if len(seen) < TOLD_FROM:
        return Dwell(len(seen), unseen, by)
    longest = max(max(stay.longest, stay.minutes) for stay in stays)
    low, high = [0.0] * unseen + seen, seen + [longest] * unseen
    quarter, half, three = (Spread(_rank(seen, at), _rank(low, at), _rank(high, at)) for at in (0.25, 0.5, 0.75))
    return Dwell(len(seen), unseen, by, quarter, half, three)


def _rank(ordered: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed (nearest rank)."""
    return ordered[math.ceil(share * len(ordered)) - 1]


@dataclass(frozen=True, slots=True)
class Bar:
    """How many came in [from_ms, to_ms), and by its end."""

    from_ms: int
    to_ms: int
    count: int
    total: int


def arrivals(at_ms: Iterable[int], from_ms: int, to_ms: int) -> list[Bar]:
    """Arrivals over the time of a gathering in equal parts; who came before or after it counts in the first or last."""
    length = max(1, to_ms - from_ms)
    minutes = next((each for each in _BAR_MINUTES if length <= each * MINUTE_MS * MOST_BARS), None)
    part = minutes * MINUTE_MS if minutes is not None else -(-length // MOST_BARS)
    counts = [0] * -(-length // part)
    for at in at_ms:
        counts[min(len(counts) - 1, max(0, (at - from_ms) // part))] += 1
    totals = itertools.accumulate(counts)
    return [
        Bar(from_ms + number * part, from_ms + (number + 1) * part, count, total)
        for number, (count, total) in enumerate(zip(counts, totals, strict=True))
    ]


@dataclass(frozen=True, slots=True)
class Fullest:
    """When most were there at once, as far as is known, for the first time; and how many."""

    at_ms: int
    count: int


def fullest(stays: Iterable[tuple[str, int, int]]) -> Fullest | None:
    """When most were there; stays: who, from when, until when (ms). None where nobody was."""
    moves: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for who, from_ms, to_ms in stays:
        if from_ms < to_ms:
            moves[from_ms].append((1, who))
            moves[to_ms].append((-1, who))
    inside: dict[str, int] = defaultdict(int)
    here, best = 0, None
    for at_ms in sorted(moves):
        for more, who in moves[at_ms]:
            before = inside[who]
            inside[who] += more
            here += (inside[who] > 0) - (before > 0)
        if here and (best is None or here > best.count):
            best = Fullest(at_ms, here)
    return best


class Room(NamedTuple):
    """How many were in a room, and how long half of them; both None where fewer than TOLD_FROM were."""

    zone_id: str
    people: Spread | None
    half: Spread | None


def rooms(stays: Iterable[tuple[str, str, int, int]], zone_ids: Sequence[str], silent_ms: dict[str, int]) -> list[Room]:
    """Who was where: stays as who, zone, from when, until when (ms). silent_ms: how long each room was not listened to.

    Somebody may have been in a room for as long as nobody listened there.
    """
    spent: dict[str, dict[str, int]] = {zone_id: defaultdict(int) for zone_id in zone_ids}
    everybody = set()
    for who, zone_id, from_ms, to_ms in stays:
        everybody.add(who)
        if zone_id in spent and from_ms < to_ms:
            spent[zone_id][who] += to_ms - from_ms
    found = []
    for zone_id, by in spent.items():
        if len(by) < TOLD_FROM:
            found.append(Room(zone_id, None, None))
            continue
        missed = silent_ms.get(zone_id, 0) / MINUTE_MS
        middle = _rank(sorted(by.values()), 0.5) / MINUTE_MS
        people = Spread(len(by), len(by), len(everybody) if missed else len(by))
        found.append(Room(zone_id, people, Spread(middle, middle, middle + missed)))
    return found
