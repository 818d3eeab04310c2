"""What is known of candidates for one person: as arrays to be weighed, and, of those that are shown, what tells why.

The facts are those that geo/habits.py and geo/likeness.py tell, as the weights were learnt (tests/bench/past.py).
"""

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from geo import chords, habits
from geo.ranking import Facts, Floats
from server.nearby.candidates import Candidate
from server.nearby.moments import LEVELS
from server.nearby.person import Alike, Came, Name, Person, lasting

ANCHORS = 20  # places that she goes to, those that count most: a distance to each of them for each candidate

KINDS = ("venue", "series", "community", "organizer")  # of what she comes to again
_LIVELY = {None: 0.0} | {mood.value: level for mood, level in LEVELS.items()}

Going = Mapping[str, Sequence[Name]]  # whom she knows and may see going, by event
Columns = Mapping[str, Sequence[Any]]  # of candidates


class Habits(NamedTuple):
    """What somebody does, of what she came to; each faded with its age.

    counts: of each of KINDS, by its id. taste: how much she likes which interest, of length 1 or 0. anchors: places
    that she goes to, with what each counts; units, strengths: where they are, and the same, as arrays.
    """

    counts: Mapping[str, Mapping[str, float]]
    taste: Mapping[str, float]
    anchors: Sequence[tuple[Came, float]]
    units: Floats
    strengths: Floats


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
            strongest = int((self.habits.strengths / (away_m + habits.ROOM_M)).argmax())
            anchor = self.habits.anchors[strongest][0], float(away_m[strongest])
        return Fact(
            candidate,
            anchor,
            tuple(one for one in candidate.interests if one in self.habits.taste),
            self.person.likeness.get(
                lasting(candidate.series_id, candidate.community_id, candidate.organizer_id, candidate.venue_id)
            ),
            self.going.get(candidate.event_id or "", ()),
        )


def gather(person: Person, candidates: Sequence[Candidate], going: Going, *, at: dt.datetime) -> Known:
    """What is known of candidates. at: the time that is asked about."""
    hers = habits_of(person, at)
    # By columns, since most is done for all at once; a row at a time would take as long as the database's answer.
    columns = list(zip(*candidates, strict=True)) or [()] * len(Candidate._fields)
    of = dict(zip(Candidate._fields, columns, strict=True))
    away_m = _array(of["away_m"])
    ways_m, way_m = None, away_m  # where she was nowhere yet, all that is known is where she is
    if hers.anchors and candidates:
        units = chords.units(np.array((of["lon"], of["lat"])).T)
        ways_m = chords.metres(units @ hers.units.T)
        way_m = habits.way_m(ways_m, hers.strengths)
    seconds = [math.nan if starts_at is None else (starts_at - at).total_seconds() for starts_at in of["starts_at"]]
    nothing = np.zeros(len(candidates))
    weighed = Facts(
        distance_m=away_m,
        way_m=way_m,
        hours_until=np.maximum(_array(seconds), 0.0) / 3600,
        interests=_array([_liking(hers.taste, about) for about in of["interests"]]) if hers.taste else nothing,
        community=_array([one in person.communities for one in of["community_id"]]),
        known=_array([len(going.get(one, ())) for one in of["event_id"]]) if going else nothing,
        regular=_regular(hers.counts, of) if person.came else nothing,
        alike=_array(_much(person.likeness, of)) if person.likeness else nothing,
        came=_array(of["came"]),
        full=_array(
            [most is not None and going >= most for most, going in zip(of["capacity"], of["going"], strict=True)]
        ),
        lively=_array([_LIVELY[mood] for mood in of["mood"]]) if any(of["mood"]) else nothing,
    )
    return Known(person, candidates, going, weighed, hers, ways_m)


def habits_of(person: Person, at: dt.datetime) -> Habits:
    """What somebody does, as of a time."""
    fades = habits.fade([(at - came.at).total_seconds() for came in person.came]).tolist()
    counts: dict[str, dict[str, float]] = {kind: defaultdict(float) for kind in KINDS}
    shown: dict[str, float] = defaultdict(float)
    places: dict[str, Came] = {}
    for came, counted in zip(person.came, fades, strict=True):
        for kind, of_id in zip(
            KINDS, (came.venue_id, came.series_id, came.community_id, came.organizer_id), strict=True
        ):
            if of_id is not None:
                counts[kind][of_id] += counted
        for interest in came.interests:
            shown[interest] += counted / math.sqrt(len(came.interests))
        if came.place is not None:
            places.setdefault(came.venue_id, came)
    interests = sorted({*person.interests, *shown})
    told = _array([one in person.interests for one in interests])
    liked = habits.taste(told, _array([shown.get(one, 0.0) for one in interests]), sum(fades))
    there = counts["venue"]
    most = sorted(places.values(), key=lambda came: (-there[came.venue_id], came.venue_id))[:ANCHORS]
    return Habits(
        {kind: dict(of_kind) for kind, of_kind in counts.items()},
        {one: much for one, much in zip(interests, liked.tolist(), strict=True) if much > 0},
        [(came, there[came.venue_id]) for came in most],
        chords.units(_array([came.place for came in most]).reshape(-1, 2)),
        _array([there[came.venue_id] for came in most]),
    )


def _liking(taste: Mapping[str, float], about: Sequence[str]) -> float:
    """The cosine of a taste and of what something is about."""
    return sum([taste.get(one, 0.0) for one in about]) / math.sqrt(len(about)) if about else 0.0


def _regular(counts: Mapping[str, Mapping[str, float]], of: Columns) -> Floats:
    there, series, community, organizer = (
        _array([counts[kind].get(one, 0.0) for one in of[f"{kind}_id"]]) for kind in KINDS
    )
    is_venue = np.array([one is None for one in of["event_id"]], dtype=np.bool_)
    hosts = np.where(is_venue, 0.0, organizer + community + there)
    return habits.regular(np.where(is_venue, there, series), hosts)


def _much(alike: Mapping[str, Alike], of: Columns) -> Sequence[float]:
    keys = map(lasting, of["series_id"], of["community_id"], of["organizer_id"], of["venue_id"])
    found = map(alike.get, keys)
    return [0.0 if one is None else one.much for one in found]


def _array(numbers: Sequence[Any]) -> Floats:
    return np.array(numbers, dtype=np.float64)
