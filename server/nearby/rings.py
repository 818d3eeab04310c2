"""Goes outwards from a place, ring by ring, and orders what lies in each: by its points, or by its distance alone."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo import postgis, ranking
from geo.ranking import FACTORS, Factor
from server import paging
from server.nearby import candidates, facts, known
from server.nearby.candidates import NOTHING_OF_HERS, NOWHERE, THE_END, Asked, Candidate, Edge, Hers, Near, Part
from server.nearby.facts import Fact, Going
from server.nearby.moments import Mood
from server.nearby.person import Person
from server.venues import hours
from server.venues.model import Venue

# As many are ranked at once. More would find little that is better: what is further away loses by that alone, and what
# is hers comes whatever its distance. Behind them the next ring begins.
EVENTS = 110
VENUES = 70
# What is open cannot be asked of the database: after so many rings without enough of it a page ends all the same.
MOST_RINGS = 10
_BEST = "nearby best"
_NEAREST = "nearby nearest"


class Kind(StrEnum):
    """What is told."""

    EVENT = "event"
    VENUE = "venue"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for. kinds: events, venues or both. moods: how lively venues are now, any where empty.

    open_now: venues that are open at asked.at. on_now: gatherings that are on at asked.at, nothing else.
    """

    asked: Asked
    kinds: frozenset[Kind] = frozenset(Kind)
    open_now: bool = False
    on_now: bool = False
    moods: frozenset[Mood] = frozenset()

    @property
    def events(self) -> bool:
        """Whether gatherings are looked for."""
        return Kind.EVENT in self.kinds

    @property
    def venues(self) -> bool:
        """Whether venues are: none is of a community, about an interest, or has places."""
        narrow = self.asked.interests or self.asked.community_id or self.asked.places_left or self.on_now
        return Kind.VENUE in self.kinds and not narrow


class Reason(NamedTuple):
    """What speaks for a thing, and how many hundredths of a point it gives."""

    factor: Factor
    hundredths: int


class Scored(NamedTuple):
    """A candidate with what is known of it; hundredths: the score, exactly the sum of its reasons'."""

    fact: Fact
    hundredths: int
    reasons: tuple[Reason, ...]


class Ranked(NamedTuple):
    """Candidates that were weighed. points: (n, factors) in hundredths; scores: their sums."""

    known: facts.Known
    points: np.ndarray
    scores: list[int]

    def order(self) -> list[tuple[int, int, int]]:
        """For each in the order of its points: minus its score, its listing, its number."""
        ids = [one.id for one in self.known.candidates]
        return sorted(zip((-score for score in self.scores), ids, range(len(ids)), strict=True))

    def tell(self, number: int) -> Scored:
        """The candidate of this number with its reasons, the strongest first."""
        parts = dict(zip(FACTORS, self.points[number].tolist(), strict=True))
        if self.known.ways_m is None:
            # She was nowhere yet: where she is stands for where she goes, and both are one reason.
            parts[Factor.DISTANCE] += parts.pop(Factor.WAYS)
        reasons = sorted(
            (Reason(factor, part) for factor, part in parts.items() if part), key=lambda one: -one.hundredths
        )
        return Scored(self.known.tell(number), self.scores[number], tuple(reasons))


def rank(her: Person, near: Sequence[Candidate], going: Going, *, at: dt.datetime) -> Ranked:
    """Weighs candidates. going: whom she knows, by where they go."""
    found = facts.gather(her, near, going, at=at)
    points = np.rint(ranking.points(ranking.values(found.weighed), her.weights) * 100).astype(np.int64)
    return Ranked(found, points, points.sum(axis=1).tolist())


def best(session: Session, her: Person, wanted: Wanted, *, now: dt.datetime, page: paging.Page) -> list[Scored]:
    """What is nearest, and what is hers, in the order of its points; then the same of what lies behind it.

    A cursor holds when the search began, from where what is soon is reckoned; where its ring begins; and what of the
    ring was told last.
    """
    assert page.rows is not None
    after = page.after(_BEST, dt.datetime, str, int, str, int, int, int)
    asked, edges, told = wanted.asked, (NOWHERE, NOWHERE), None
    if after is not None:
        asked = asked._replace(at=after[0])
        edges, told = (_edge(after[1], after[2]), _edge(after[3], after[4])), (after[5], after[6])
    going = known.going(session, her, at=asked.at, now=now)
    hers = Hers(list(her.communities), list(going), list({came.venue_id for came in her.came}))
    # What is hers was told with the first ring.
    before: set[int] = set()
    if edges != (NOWHERE, NOWHERE):
        before = {one.id for one in _near(session, her, wanted, asked, (THE_END, THE_END), hers).found}
    found: list[tuple[tuple[Edge, Edge], tuple[int, int], Ranked, int]] = []
    for _ in range(MOST_RINGS):
        first = edges == (NOWHERE, NOWHERE)
        near = _near(session, her, wanted, asked, edges, hers if first else NOTHING_OF_HERS)
        ring = [one for one in near.found if one.id not in before]
        ranked = rank(her, _pick(session, wanted, ring, asked.at), going, at=asked.at)
        found += [
            (edges, (score, listing), ranked, number)
            for score, listing, number in ranked.order()
            if told is None or (score, listing) > told
        ]
        if first:
            before = {one.id for one in near.found}
        edges, told = (near.events_end, near.venues_end), None
        if len(found) >= page.rows or edges == (THE_END, THE_END):
            break
    cut = page.cut(found, _BEST, lambda row: (asked.at, *_write(row[0][0]), *_write(row[0][1]), *row[1]))
    return [ranked.tell(number) for _, _, ranked, number in cut]


def nearest(session: Session, her: Person, wanted: Wanted, *, now: dt.datetime, page: paging.Page) -> list[Scored]:
    """The nearest, in the order of distance."""
    assert page.rows is not None
    after = page.after(_NEAREST, str, int)
    edge = NOWHERE if after is None else _edge(*after)
    most = page.rows if not (wanted.open_now or wanted.moods) else EVENTS
    found: list[Candidate] = []
    for _ in range(MOST_RINGS):
        near = _near(session, her, wanted, wanted.asked, (edge, edge), NOTHING_OF_HERS, (most, most))
        # Behind where the nearer of the two kinds ends, the other may have what is not read yet.
        edge = min(near.events_end, near.venues_end)
        found += _pick(
            session, wanted, sorted((one for one in near.found if _at(one) <= edge), key=_at), wanted.asked.at
        )
        if len(found) >= page.rows or edge == THE_END:
            break
    cut = page.cut(found, _NEAREST, lambda one: _write(_at(one)))
    going = known.going(session, her, at=wanted.asked.at, now=now)
    ranked = rank(her, cut, going, at=wanted.asked.at)
    return [ranked.tell(number) for number in range(len(cut))]


def _near(
    session: Session,
    her: Person,
    wanted: Wanted,
    asked: Asked,
    edges: tuple[Edge, Edge],
    hers: Hers,
    most: tuple[int, int] | None = None,
) -> Near:
    """The next nearest gatherings and venues, and what is hers."""
    looked_for_each = (wanted.events, wanted.venues)
    events, venues = (
        Part(number if looked_for and edge != THE_END else 0, edge)
        for number, looked_for, edge in zip(most or (EVENTS, VENUES), looked_for_each, edges, strict=True)
    )
    return candidates.near(
        session,
        asked,
        communities=her.communities,
        events=events,
        venues=venues,
        hers=hers if wanted.events else NOTHING_OF_HERS,
    )


def _pick(session: Session, wanted: Wanted, near: Sequence[Candidate], at: dt.datetime) -> Sequence[Candidate]:
    """Those that pass what the database was not asked: whether they are open, and how lively they are."""
    picked = near
    if wanted.moods:
        picked = [one for one in picked if one.mood in wanted.moods]
    if wanted.open_now:
        ids = sorted({one.venue_id for one in picked if one.event_id is None})
        rows = session.scalars(select(Venue).where(Venue.id.in_(ids)))
        opened = {venue.id for venue in rows if hours.is_open(venue, postgis.to_position(venue.location), at)}
        picked = [one for one in picked if (_is_on(one, at) if one.event_id else one.venue_id in opened)]
    return picked


def _is_on(one: Candidate, at: dt.datetime) -> bool:
    return one.starts_at is not None and one.ends_at is not None and one.starts_at <= at < one.ends_at


def _at(one: Candidate) -> Edge:
    return Edge(one.away_m, one.id)


def _write(edge: Edge) -> tuple[str, int]:
    """As a cursor holds it: every bit of the distance, since what is behind it is asked for exactly."""
    return edge.away_m.hex(), edge.id


def _edge(metres: str, id: int) -> Edge:
    try:
        away_m = float.fromhex(metres)
    except (ValueError, OverflowError):
        raise paging.CursorUnknown from None
    if not math.isfinite(away_m):
        raise paging.CursorUnknown
    return Edge(away_m, id)
