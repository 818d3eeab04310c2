"""What is known of candidates for one person: as arrays to be weighed, and, of those that are shown, what tells why.

The facts are those that geo/habits.py and geo/likeness.py tell, as the weights were learnt (tests/bench/past.py).
"""

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from geo import chords, habits
from geo.ranking import Facts, Floats
from server.nearby.candidates import Candidate
from server.nearby.moments import LEVELS, Mood
from server.nearby.person import Alike, Came, Name, Person, lasting

ANCHORS = 20  # places that she goes to, those that count most: a distance to each of them for each candidate

Going = Mapping[str, Sequence[Name]]  # whom she knows and may see going, by event


class Habits(NamedTuple):
    """What somebody does, of what she came to; each faded with its age.

    counts: by series, community, organizer and venue. taste: how much she likes which interest, of length 1 or 0.
    anchors: places that she goes to, with what each counts; units: where they are.
    """

    counts: Mapping[tuple[str, str], float]
    taste: Mapping[str, float]
    anchors: Sequence[tuple[Came, float]]
    units: Floats


class Fact(NamedTuple):
    """What of one candidate is told. anchor: the place of hers that it is near, and how near in metres."""

    candidate: Candidate
    anchor: tuple[Came, float] | None
    liked: tuple[str, ...]
    alike: Alike | None
    known: Sequence[Name]


class Known(NamedTuple):
    """The facts of n candidates for one person. weighed: as arrays of n. ways_m: (n, anchors)."""

    person: Person
    candidates: Sequence[Candidate]
    going: Going
    weighed: Facts
    habits: Habits
    ways_m: Floats | None

    def tell(self, number: int) -> Fact:
        """What of the candidate of this number is told."""
        candidate = self.candidates[number]
        anchor = None
        if self.ways_m is not None:
            away_m = self.ways_m[number]
            counts = np.array([count for _, count in self.habits.anchors])
            strongest = int((counts / (away_m + habits.ROOM_M)).argmax())
            anchor = self.habits.anchors[strongest][0], float(away_m[strongest])
        return Fact(
            candidate,
            anchor,
            tuple(one for one in candidate.interests if one in self.habits.taste),
            self.person.likeness.get(_lasting(candidate)),
            self.going.get(candidate.event_id or "", ()),
        )


def gather(person: Person, candidates: Sequence[Candidate], going: Going, *, at: dt.datetime) -> Known:
    """What is known of candidates. at: the time that is asked about."""
    hers = habits_of(person, at)
    away_m = np.array([one.away_m for one in candidates])
    ways_m, way_m = None, away_m  # where she was nowhere yet, all that is known is where she is
    if hers.anchors and candidates:
        units = chords.units(np.array([(one.lon, one.lat) for one in candidates]))
        ways_m = chords.metres(units @ hers.units.T)
        way_m = habits.way_m(ways_m, np.array([count for _, count in hers.anchors]))
    taste, counts, alike = hers.taste, hers.counts, person.likeness
    weighed = Facts(
        distance_m=away_m,
        way_m=way_m,
        hours_until=np.array([_hours(one, at) for one in candidates]),
        interests=np.array([_liking(taste, one.interests) if taste and one.interests else 0.0 for one in candidates]),
        community=np.array([1.0 if one.community_id in person.communities else 0.0 for one in candidates]),
        known=np.array([float(len(going.get(one.event_id or "", ()))) for one in candidates])
        if going
        else np.zeros(len(candidates)),
        regular=np.array([_regular(counts, one) for one in candidates]) if counts else np.zeros(len(candidates)),
        alike=np.array([_much(alike.get(_lasting(one))) for one in candidates]) if alike else np.zeros(len(candidates)),
        came=np.array([one.came for one in candidates]),
        full=np.array([1.0 if one.full else 0.0 for one in candidates]),
        lively=np.array([LEVELS[Mood(one.mood)] if one.mood else 0.0 for one in candidates]),
    )
    return Known(person, candidates, going, weighed, hers, ways_m)


def habits_of(person: Person, at: dt.datetime) -> Habits:
    """What somebody does, as of a time."""
    fades = habits.fade([(at - came.at).total_seconds() for came in person.came]).tolist()
    counts: dict[tuple[str, str], float] = defaultdict(float)
    shown: dict[str, float] = defaultdict(float)
    places: dict[str, Came] = {}
    for came, counted in zip(person.came, fades, strict=True):
        for kind, of_id in (
            ("series", came.series_id),
            ("community", came.community_id),
            ("organizer", came.organizer_id),
            ("venue", came.venue_id),
        ):
            if of_id is not None:
                counts[kind, of_id] += counted
        for interest in came.interests:
            shown[interest] += counted / math.sqrt(len(came.interests))
        if came.place is not None:
            places.setdefault(came.venue_id, came)
    interests = sorted({*person.interests, *shown})
    told = _array([one in person.interests for one in interests])
    liked = habits.taste(told, _array([shown.get(one, 0.0) for one in interests]), sum(fades))
    most = sorted(places.values(), key=lambda came: (-counts["venue", came.venue_id], came.venue_id))[:ANCHORS]
    return Habits(
        dict(counts),
        {one: much for one, much in zip(interests, liked.tolist(), strict=True) if much > 0},
        [(came, counts["venue", came.venue_id]) for came in most],
        chords.units(np.array([came.place for came in most], dtype=np.float64).reshape(-1, 2)),
    )


def _liking(taste: Mapping[str, float], about: Sequence[str]) -> float:
    """The cosine of a taste and of what something is about."""
    return sum([taste.get(one, 0.0) for one in about]) / math.sqrt(len(about))


def _regular(counts: Mapping[tuple[str, str], float], one: Candidate) -> float:
    there = counts.get(("venue", one.venue_id), 0.0)
    if one.event_id is None:
        return float(habits.regular(there, 0.0))
    hosts = counts.get(("organizer", one.organizer_id or ""), 0.0) + counts.get(
        ("community", one.community_id or ""), 0.0
    )
    return float(habits.regular(counts.get(("series", one.series_id or ""), 0.0), hosts + there))


def _lasting(one: Candidate) -> str:
    return lasting(one.series_id, one.community_id, one.organizer_id, one.venue_id)


def _much(alike: Alike | None) -> float:
    return 0.0 if alike is None else alike.much


def _hours(one: Candidate, at: dt.datetime) -> float:
    return math.nan if one.starts_at is None else max(0.0, (one.starts_at - at).total_seconds() / 3600)


def _array(numbers: Sequence[float]) -> Floats:
    return np.array(numbers, dtype=np.float64)
