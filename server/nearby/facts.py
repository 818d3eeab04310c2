"""What is known of candidates for one person: as arrays to be weighed, and, of those that are shown, what tells why."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from geo import distances
from geo.ranking import Facts, Floats
from server.nearby.candidates import Candidate
from server.nearby.known import Name
from server.nearby.moments import LEVELS, Mood
from server.nearby.person import Alike, Came, Person

# A taste is what she says she likes and what she came to; the second tells more, once there is enough of it.
SAID = 1.0
CAME = 0.25  # of each thing that she came to
ANCHORS = 10  # places that she goes to, the latest: a distance to each of them for each candidate


Going = Mapping[str, Sequence[Name]]  # whom she knows and may see going, by event


class Fact(NamedTuple):
    """What of one candidate is told. anchor: the place of hers that it is near, and how near in metres."""

    candidate: Candidate
    anchor: tuple[Came, float] | None
    liked: tuple[str, ...]
    regular: int
    alike: Alike | None
    known: Sequence[Name]


class Known(NamedTuple):
    """The facts of n candidates for one person. weighed: as arrays of n."""

    person: Person
    candidates: Sequence[Candidate]
    going: Going
    weighed: Facts
    liked: Mapping[str, float]
    times: Mapping[str, int]
    anchors: Sequence[Came]
    ways_m: Floats | None  # (n, anchors)

    def tell(self, number: int) -> Fact:
        """What of the candidate of this number is told."""
        candidate = self.candidates[number]
        keys = _keys_of(candidate)
        anchor = None
        if self.ways_m is not None:
            nearest = int(self.ways_m[number].argmin())
            anchor = self.anchors[nearest], float(self.ways_m[number, nearest])
        return Fact(
            candidate,
            anchor,
            tuple(one for one in candidate.interests if one in self.liked),
            max(self.times.get(key, 0) for key in keys),
            _most_alike(self.person, keys),
            self.going.get(candidate.event_id or "", ()),
        )


def gather(person: Person, candidates: Sequence[Candidate], going: Going, *, at: dt.datetime) -> Known:
    """What is known of candidates. at: the time that is asked about."""
    liked, times = taste(person), person.times()
    length = math.sqrt(sum(much * much for much in liked.values())) or 1.0
    anchors = _anchors(person)
    ways_m = None
    if anchors and candidates:
        places = [came.place for came in anchors if came.place is not None]
        ways_m = distances.all_m([(one.lon, one.lat) for one in candidates], places)
    keys = [_keys_of(one) for one in candidates]

    def of_taste(about: Sequence[str]) -> float:
        return sum([liked.get(one, 0.0) for one in about]) / (length * math.sqrt(len(about))) if about else 0.0

    def alike(of: Sequence[str]) -> float:
        found = _most_alike(person, of)
        return 0.0 if found is None else found.share

    weighed = Facts(
        distance_m=_array(one.away_m for one in candidates),
        way_m=np.full(len(candidates), np.nan) if ways_m is None else ways_m.min(axis=1),
        hours_until=_array(
            math.nan if one.starts_at is None else max(0.0, (one.starts_at - at).total_seconds() / 3600)
            for one in candidates
        ),
        interests=_array(of_taste(one.interests) for one in candidates),
        community=_array(one.community_id in person.communities for one in candidates),
        known=_array(len(going.get(one.event_id or "", ())) for one in candidates),
        regular=_array(max([times.get(key, 0) for key in of]) for of in keys),
        alike=_array(alike(of) for of in keys),
        came=_array(one.came for one in candidates),
        full=_array(one.full for one in candidates),
        lively=_array(LEVELS[Mood(one.mood)] if one.mood else 0.0 for one in candidates),
    )
    return Known(person, candidates, going, weighed, liked, times, anchors, ways_m)


def taste(person: Person) -> dict[str, float]:
    """How much she likes which interest: what she says, and what she came to was about."""
    liked: dict[str, float] = dict.fromkeys(person.interests, SAID)
    for came in person.came:
        for interest in came.interests:
            liked[interest] = liked.get(interest, 0.0) + CAME
    return liked


def _keys_of(candidate: Candidate) -> list[str]:
    """What a candidate is of: as server.nearby.person.keys_of."""
    keys = ["venue/" + candidate.venue_id]
    if candidate.series_id is not None:
        keys.append("series/" + candidate.series_id)
    if candidate.community_id is not None:
        keys.append("community/" + candidate.community_id)
    if candidate.organizer_id is not None:
        keys.append("organizer/" + candidate.organizer_id)
    return keys


def _most_alike(person: Person, keys: Sequence[str]) -> Alike | None:
    found = [person.likeness[key] for key in keys if key in person.likeness]
    return max(found, key=lambda one: one.share) if found else None


def _anchors(person: Person) -> list[Came]:
    """The places that she goes to, the latest first, each once."""
    seen: dict[str, Came] = {}
    for came in person.came:
        if came.place is not None:
            seen.setdefault(came.venue_id, came)
    return list(seen.values())[:ANCHORS]


def _array(numbers: Iterable[float]) -> Floats:
    return np.array(list(numbers), dtype=np.float64)
