"""Goes outwards from a place, ring by ring, and orders what lies in each: by its points, or by its distance alone."""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo import postgis, ranking
from geo.ranking import FACTORS, Factor
from server import paging
from server.nearby import candidates, facts, known, moments
from server.nearby.candidates import NOWHERE, Asked, Candidate, Edge
from server.nearby.facts import Fact, Known
from server.nearby.moments import Mood
from server.nearby.person import Person
from server.venues import hours
from server.venues.model import Venue

# As many are ranked at once. More would find little that is better: what is further away loses by that alone, and what
# is hers comes whatever its distance. Behind them the next ring begins.
EVENTS = 120
VENUES = 80
# What is open cannot be asked of the database: after so many rings without enough of it a page ends all the same.
MOST_RINGS = 10
_BEST = "nearby best"
_NEAREST = "nearby nearest"
_THE_END = Edge(float(2**53), 2**62)  # behind everything


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


def rank(
    session: Session, her: Person, near: Sequence[Candidate], *, at: dt.datetime, now: dt.datetime
) -> list[Scored]:
    """Candidates with their points, in the order in which they came; the strongest reason first."""
    if not near:
        return []
    beside = Known(
        known.likeness(session, her),
        known.going(session, her, at=at, now=now),
        moments.levels(session, {one.venue_id for one in near}, now=now),
    )
    told = facts.of_each(her, near, beside)
    points = ranking.points(ranking.values(facts.to_weigh(her, told, at=at)), known.weights(session))
    scored = []
    for fact, row in zip(told, (points * 100).round().astype(int).tolist(), strict=True):
        reasons = [Reason(factor, part) for factor, part in zip(FACTORS, row, strict=True) if part]
        scored.append(Scored(fact, sum(row), tuple(sorted(reasons, key=lambda one: -one.hundredths))))
    return scored


def best(session: Session, her: Person, wanted: Wanted, *, now: dt.datetime, page: paging.Page) -> list[Scored]:
    """What is nearest, and what is hers, in the order of its points; then the same of what lies behind it.

    A cursor holds when the search began, from where what is soon is reckoned; where its ring begins; and what of the
    ring was told last.
    """
    assert page.rows is not None
    after = page.after(_BEST, dt.datetime, str, int, str, int, int, int)
    edges, told = (NOWHERE, NOWHERE), None
    asked = wanted.asked
    if after is not None:
        asked = asked._replace(at=after[0])
        edges, told = (_edge(after[1], after[2]), _edge(after[3], after[4])), (after[5], after[6])
    hers = {one.id: one for one in _hers(session, her, wanted, asked, now)}
    found: list[tuple[tuple[object, ...], Scored]] = []
    for _ in range(MOST_RINGS):
        near, ends = _ring(session, her, wanted, asked, edges)
        ring = {one.id: one for one in near if one.id not in hers} | (hers if edges == (NOWHERE, NOWHERE) else {})
        scored = rank(session, her, _pick(session, wanted, ring.values(), asked.at), at=asked.at, now=now)
        found += [
            ((asked.at, *_write(edges[0]), *_write(edges[1]), *_by_points(one)), one)
            for one in sorted(scored, key=_by_points)
            if told is None or _by_points(one) > told
        ]
        if len(found) >= page.rows or ends == (_THE_END, _THE_END):
            break
        edges, told = ends, None
    return [one for _, one in page.cut(found, _BEST, lambda row: row[0])]


def nearest(session: Session, her: Person, wanted: Wanted, *, now: dt.datetime, page: paging.Page) -> list[Scored]:
    """The nearest, in the order of distance."""
    assert page.rows is not None
    after = page.after(_NEAREST, str, int)
    edge = NOWHERE if after is None else _edge(*after)
    most = page.rows if not (wanted.open_now or wanted.moods) else EVENTS
    found: list[Candidate] = []
    for _ in range(MOST_RINGS):
        events, venues = _near(session, her, wanted, wanted.asked, (edge, edge), (most, most))
        near = sorted((*events, *venues), key=_by_distance)[:most]
        found += _pick(session, wanted, near, wanted.asked.at)
        if len(found) >= page.rows or len(near) < most:
            break
        edge = Edge(near[-1].away_m, near[-1].id)
    cut = page.cut(found, _NEAREST, lambda one: _write(Edge(one.away_m, one.id)))
    return rank(session, her, cut, at=wanted.asked.at, now=now)


def _ring(
    session: Session, her: Person, wanted: Wanted, asked: Asked, edges: tuple[Edge, Edge]
) -> tuple[list[Candidate], tuple[Edge, Edge]]:
    """The next nearest gatherings and venues, and where they end."""
    events, venues = _near(session, her, wanted, asked, edges, (EVENTS, VENUES))
    return [*events, *venues], (_end(events, EVENTS), _end(venues, VENUES))


def _near(
    session: Session, her: Person, wanted: Wanted, asked: Asked, edges: tuple[Edge, Edge], most: tuple[int, int]
) -> tuple[list[Candidate], list[Candidate]]:
    events: list[Candidate] = []
    venues: list[Candidate] = []
    if wanted.events and edges[0] != _THE_END:
        events = candidates.events_near(session, asked, communities=her.communities, most=most[0], beyond=edges[0])
    if wanted.venues and edges[1] != _THE_END:
        venues = candidates.venues_near(session, asked, most=most[1], beyond=edges[1])
    return events, venues


def _hers(session: Session, her: Person, wanted: Wanted, asked: Asked, now: dt.datetime) -> list[Candidate]:
    if not wanted.events:
        return []
    return candidates.hers(
        session,
        asked,
        communities=her.communities,
        event_ids=known.going(session, her, at=asked.at, now=now),
        venue_ids=[came.venue_id for came in her.came],
    )


def _pick(session: Session, wanted: Wanted, near: Iterable[Candidate], at: dt.datetime) -> list[Candidate]:
    """Those that pass what the database was not asked: whether they are open, and how lively they are."""
    picked = list(near)
    if wanted.moods:
        moods = moments.read(session, {one.venue_id for one in picked}, now=at)
        picked = [one for one in picked if one.venue_id in moods and moods[one.venue_id] in wanted.moods]
    if wanted.open_now:
        ids = sorted({one.venue_id for one in picked if one.event_id is None})
        rows = session.scalars(select(Venue).where(Venue.id.in_(ids)))
        opened = {venue.id for venue in rows if hours.is_open(venue, postgis.to_position(venue.location), at)}
        picked = [one for one in picked if one.venue_id in opened or _is_on(one, at)]
    return picked


def _is_on(one: Candidate, at: dt.datetime) -> bool:
    return one.starts_at is not None and one.ends_at is not None and one.starts_at <= at < one.ends_at


def _end(near: Sequence[Candidate], most: int) -> Edge:
    return Edge(near[-1].away_m, near[-1].id) if len(near) == most else _THE_END


def _by_points(one: Scored) -> tuple[int, int]:
    return -one.hundredths, one.fact.candidate.id


def _by_distance(one: Candidate) -> tuple[float, int]:
    return one.away_m, one.id


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
