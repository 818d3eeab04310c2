"""What is known of candidates for one person, as geo.ranking weighs it, and what of it tells why."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from geo import distances
from geo.areas import Position
from geo.ranking import Facts, Floats
from server.nearby.candidates import Candidate
from server.nearby.person import Came, Person

# A taste is what she says she likes and what she came to; the second tells more, once there is enough of it.
SAID = 1.0
CAME = 0.25  # of each thing that she came to
ANCHORS = 10  # places that she goes to, the latest: a distance to each of them for each candidate


class Alike(NamedTuple):
    """People who come to `of`, as she does, come to this as well: `share` of them, `people` in number (5 or more)."""

    of: str
    share: float
    people: int


class Known(NamedTuple):
    """What is known for one person, beside her and the candidates.

    likeness: the strongest reason for a key, see keys_of. known: names of whom she knows and may see going, by event.
    moods: how lively it is now, 0 to 1, by venue.
    """

    likeness: Mapping[str, Alike]
    known: Mapping[str, Sequence[tuple[str, bool]]]
    moods: Mapping[str, float]


class Fact(NamedTuple):
    """What of one candidate is told. anchor: the place of hers that it is near, and how near."""

    candidate: Candidate
    anchor: tuple[Came, float] | None
    liked: tuple[str, ...]
    regular: int
    alike: Alike | None
    known: Sequence[tuple[str, bool]]
    mood: float | None


def taste(person: Person) -> dict[str, float]:
    """How much she likes which interest: what she says, and what she came to was about."""
    liked: dict[str, float] = dict.fromkeys(person.interests, SAID)
    for came in person.came:
        for interest in came.interests:
            liked[interest] = liked.get(interest, 0.0) + CAME
    return liked


def keys_of(candidate: Candidate) -> list[str]:
    """What a candidate is of, the most special first: as server.nearby.person.keys_of."""
    if candidate.event_id is None:
        return [f"venue/{candidate.venue_id}"]
    kinds = (
        ("series", candidate.series_id),
        ("community", candidate.community_id),
        ("organizer", candidate.organizer_id),
        ("venue", candidate.venue_id),
    )
    return [f"{kind}/{of_id}" for kind, of_id in kinds if of_id is not None]


def of_each(person: Person, candidates: Sequence[Candidate], known: Known) -> list[Fact]:
    """What is told of each candidate."""
    liked, times = taste(person), person.times()
    anchors = _nearest(candidates, _anchors(person))
    facts = []
    for candidate, anchor in zip(candidates, anchors, strict=True):
        keys = keys_of(candidate)
        alike = [known.likeness[key] for key in keys if key in known.likeness]
        facts.append(
            Fact(
                candidate,
                anchor,
                tuple(one for one in candidate.interests if one in liked),
                max(times[key] for key in keys),
                max(alike, key=lambda one: one.share, default=None),
                known.known.get(candidate.event_id or "", ()),
                known.moods.get(candidate.venue_id),
            )
        )
    return facts


def to_weigh(person: Person, facts: Sequence[Fact], *, at: dt.datetime) -> Facts:
    """The facts as arrays. at: the time that is asked about."""
    liked = taste(person)
    length = math.sqrt(sum(much * much for much in liked.values())) or 1.0

    def of_taste(fact: Fact) -> float:
        about = fact.candidate.interests
        return sum(liked.get(one, 0.0) for one in about) / (length * math.sqrt(len(about))) if about else 0.0

    return Facts(
        distance_m=_array(fact.candidate.away_m for fact in facts),
        way_m=_array(math.nan if fact.anchor is None else fact.anchor[1] for fact in facts),
        hours_until=_array(_hours(fact.candidate, at) for fact in facts),
        interests=_array(of_taste(fact) for fact in facts),
        community=_array(float(fact.candidate.community_id in person.communities) for fact in facts),
        known=_array(float(len(fact.known)) for fact in facts),
        regular=_array(float(fact.regular) for fact in facts),
        alike=_array(0.0 if fact.alike is None else fact.alike.share for fact in facts),
        came=_array(fact.candidate.came for fact in facts),
        full=_array(float(fact.candidate.full) for fact in facts),
        lively=_array(0.0 if fact.mood is None else fact.mood for fact in facts),
    )


def _anchors(person: Person) -> list[tuple[Came, Position]]:
    """The places that she goes to, the latest first, each once."""
    seen: dict[str, tuple[Came, Position]] = {}
    for came in person.came:
        if came.place is not None:
            seen.setdefault(came.venue_id, (came, came.place))
    return list(seen.values())[:ANCHORS]


def _nearest(
    candidates: Sequence[Candidate], anchors: Sequence[tuple[Came, Position]]
) -> list[tuple[Came, float] | None]:
    if not anchors or not candidates:
        return [None] * len(candidates)
    away_m = distances.all_m([(one.lon, one.lat) for one in candidates], [place for _, place in anchors])
    best = away_m.argmin(axis=1)
    return [
        (anchors[number][0], metres) for number, metres in zip(best.tolist(), away_m.min(axis=1).tolist(), strict=True)
    ]


def _hours(candidate: Candidate, at: dt.datetime) -> float:
    if candidate.starts_at is None:
        return math.nan
    return max(0.0, (candidate.starts_at - at).total_seconds() / 3600)


def _array(numbers: Iterable[float]) -> Floats:
    return np.fromiter(numbers, dtype=np.float64)
