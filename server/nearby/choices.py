"""How much each factor weighs, learnt from what people chose among what there was to go to; by geo/learning.py.

What is known of a choice is what was known before it: habits from before its day, likeness and crowds from before all
choices that are learnt from. Where somebody was then nobody keeps: she is taken to be in the middle of where she goes.
"""

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from geo import chords, likeness, postgis, ranking
from geo import learning as logit
from geo.areas import Position
from geo.ranking import FACTORS, Factor, Floats
from server import constraints, database
from server.nearby import asking, facts, learning
from server.nearby import person as people
from server.nearby.candidates import Candidate
from server.nearby.learning import Crowds, Likenesses
from server.nearby.model import LearntWeight
from server.nearby.person import Alike, Person

_log = logging.getLogger(__name__)

OF_LATE = dt.timedelta(weeks=4)  # what is learnt from; what came before is the past that it is learnt with
FEWEST_CHOICES = 200  # of fewer nothing is learnt: of 40 people at least, since nobody has more than MOST_EACH
MOST_CHOICES = 5_000  # some minutes; more would change no weight by a hundredth
MOST_EACH = 5  # of a person: who goes out each day does not decide for all
RIVALS = 50  # drawn by chance of what was there
WITHIN_VENUES = 120  # the nearest, and what takes place there: what lies behind is hardly looked at
# No night makes a list absurd: a weight is never more than so many times what is shipped, or than so small a part.
MOST_TIMES = 4.0
# A gathering and its venue's day may be one coming: of the hours before a choice nothing counts as habit.
JUST_BEFORE = dt.timedelta(hours=12)

# What each came to, once for a gathering. When she decided is known of whom signed up; of a venue it is the moment.
_CHOSEN = text("""
    SELECT member_id, event_id, step_id, venue_id, decided_at, signed_up FROM (
        SELECT *, row_number() OVER (PARTITION BY member_id ORDER BY chance) AS nth FROM (
            SELECT DISTINCT ON (checkin.member_id, coalesce(step.event_id, checkin.id::text))
                   checkin.member_id, step.event_id, step.id AS step_id, checkin.venue_id,
                   hashtextextended(checkin.id::text, :seed) AS chance,
                   coalesce(sign_up.at < least(checkin.at, step.starts_at), false) AS signed_up,
                   least(checkin.at, step.starts_at, sign_up.at) AS decided_at
            FROM checkin LEFT JOIN step ON step.id = checkin.step_id
            LEFT JOIN sign_up ON sign_up.event_id = step.event_id AND sign_up.member_id = checkin.member_id
            WHERE checkin.recorded_at > :since AND checkin.at > :since AND checkin.at < :until
            AND checkin.undone_at IS NULL AND checkin.member_id IS NOT NULL
            ORDER BY checkin.member_id, coalesce(step.event_id, checkin.id::text), checkin.at) AS came
        WHERE decided_at > :since) AS ordered
    WHERE nth <= :each ORDER BY chance, member_id LIMIT :most
""")
_MEMBER_OF = text("SELECT community_id FROM community_member WHERE member_id = :member AND joined_at <= :at")
# What there was to go to then, as server.nearby.candidates finds what there is now; the chosen first. OFFSET 0: steps
# are looked up by each venue, never all read and then joined.
_AWAY = postgis.away("venue.location")
_THERE = text(f"""
    WITH near AS MATERIALIZED (
        SELECT id, kind, listed, created_at, location, {_AWAY} AS away_m FROM venue
        WHERE location IS NOT NULL ORDER BY {_AWAY} LIMIT :venues
    ), there AS (
        SELECT 'v/' || id AS key, NULL AS event_id, NULL AS step_id, id AS venue_id, away_m, location,
               NULL::timestamptz AS starts_at, NULL::timestamptz AS ends_at, NULL AS community_id,
               NULL AS organizer_id, NULL AS series_id, NULL::bigint AS capacity
        FROM near WHERE kind = 'place' AND listed AND created_at <= :at
        UNION ALL (
        SELECT DISTINCT ON (event.id)
               'e/' || event.id, event.id, step.id, near.id, away_m,
               CASE near.kind WHEN 'home' THEN ST_SnapToGrid(location::geometry, 0.02)::geography ELSE location END,
               step.starts_at, step.ends_at, event.community_id, event.organizer_id, event.series_id, step.capacity
        FROM near CROSS JOIN LATERAL (
            SELECT * FROM step WHERE venue_id = near.id AND starts_at < :until AND ends_at > :at OFFSET 0) AS step
        JOIN event ON event.id = step.event_id
        WHERE event.state = 'published' AND event.created_at <= :at
        AND NOT event.list_only AND (event.open_to_all OR event.community_id IS NULL AND NOT event.community_gone
             OR event.community_id = ANY(:communities))
        ORDER BY event.id, step.id IS DISTINCT FROM :step, away_m, step.id)
    ), drawn AS (
        SELECT *, count(*) OVER () AS rivals FROM there WHERE key <> :chosen
        ORDER BY hashtextextended(key, :seed), key LIMIT :rivals
    ), shown AS (
        SELECT *, 0 AS rivals FROM there WHERE key = :chosen UNION ALL SELECT * FROM drawn
    )
    SELECT rivals, event_id, step_id, venue_id, away_m, ST_X(location::geometry), ST_Y(location::geometry),
           starts_at, ends_at, community_id, organizer_id, series_id,
           ARRAY(SELECT interest_id FROM event_interest WHERE event_interest.event_id = shown.event_id
                 ORDER BY interest_id),
           ARRAY(SELECT interest_id FROM community_interest WHERE community_interest.community_id = shown.community_id
                 ORDER BY interest_id),
           capacity,
           CASE WHEN capacity IS NOT NULL THEN (
               SELECT coalesce(sum(1 + guests), 0)::bigint FROM going_to
               WHERE going_to.step_id = shown.step_id AND going_to.at < :at) ELSE 0 END
    FROM shown ORDER BY key <> :chosen, key
""")  # noqa: S608 -- a text of ours


class Weight(NamedTuple):
    """How much a factor weighs: as shipped, and as learnt here from so many choices; learnt_at: None for as shipped."""

    factor: Factor
    shipped: float
    weight: float
    learnt_at: dt.datetime | None
    choices: int | None


class Choice(NamedTuple):
    """What somebody chose (a step or a venue), and when; signed_up: whether that is when she decided."""

    member_id: str
    event_id: str | None
    step_id: str | None
    venue_id: str | None
    decided_at: dt.datetime
    signed_up: bool


def weights(session: Session) -> list[Weight]:
    """How much each factor weighs."""
    learnt = {row.factor: row for row in session.scalars(select(LearntWeight))}
    found = []
    for factor in FACTORS:
        shipped, row = ranking.DEFAULT[factor], learnt.get(factor.value)
        if row is None:
            found.append(Weight(factor, shipped, shipped, None, None))
        else:
            found.append(Weight(factor, shipped, row.weight, row.learnt_at, row.choices))
    return found


def put_back(session: Session) -> None:
    """Makes each factor weigh as shipped, until it is learnt anew."""
    constraints.take_turn(session, learning.TURN)
    session.execute(delete(LearntWeight))


def learn_weights(session: Session, *, now: dt.datetime) -> int:
    """Learns from what was chosen of late how much each factor weighs; from how many choices, 0 where these are few."""
    constraints.take_turn(session, learning.TURN)
    since = now - OF_LATE
    chosen = sample(session, since=since, until=now)
    sets: list[tuple[Floats, Floats, float]] = []
    if len(chosen) >= FEWEST_CHOICES:
        crowds = learning.count_crowds(session, until=since)
        alike = learning.find_likeness(learning.read(session, until=since))
        weighed = [weigh(session, one, alike, crowds) for one in chosen]
        sets = [one for one in weighed if one is not None]
    if len(sets) < FEWEST_CHOICES:
        _log.info("nearby learnt no weights: %d choices that tell something, of %d", len(sets), len(chosen))
        return 0
    found = logit.learn(logit.gather(sets), ranking.DEFAULT)
    kept = {factor: bound(weight, ranking.DEFAULT[factor]) for factor, weight in found.weights.items()}
    for factor in FACTORS:
        values = {"weight": kept[factor], "learnt_at": now, "choices": found.choices}
        session.merge(LearntWeight(factor=factor.value, **values))
    session.flush()
    told = ", ".join(f"{factor.value} {kept[factor]:.2f}" for factor in FACTORS)
    _log.info("nearby learnt weights from %d choices: %s", found.choices, told)
    return found.choices


def bound(weight: float, shipped: float) -> float:
    """A weight that makes no list absurd."""
    return min(max(weight, shipped / MOST_TIMES), shipped * MOST_TIMES)


def sample(session: Session, *, since: dt.datetime, until: dt.datetime) -> list[Choice]:
    """What people chose in that time, some of it where it is much: the same when asked again for the same day."""
    given = {"since": since, "until": until, "seed": _seed(until), "each": MOST_EACH, "most": MOST_CHOICES}
    return [Choice(*row) for row in database.read_rows(session, _CHOSEN, given)]


def weigh(session: Session, choice: Choice, alike: Likenesses, crowds: Crowds) -> tuple[Floats, Floats, float] | None:
    """The values of what somebody chose (first) and of what else was there, and how many things each stands for.

    None where nothing else was, or where nobody knows where she may have been.
    """
    at = choice.decided_at
    her = _as_of(session, choice, alike)
    place = _middle([came.place for came in her.came if came.place is not None])
    if place is None:
        return None
    rows = _there(session, choice, her, place)
    key = choice.event_id or choice.venue_id
    if len(rows) < 2 or (rows[0][1] or rows[0][3]) != key:
        return None
    near = [_candidate(number, row, crowds) for number, row in enumerate(rows)]
    known = facts.gather(her, near, {}, at=at).weighed
    values = ranking.values(known)
    if not choice.signed_up and choice.event_id is not None:
        # Nobody knows when she decided; at the door all that is not on seems far off, and that brought nobody.
        values[:, FACTORS.index(Factor.START)] = 0.0
    stands = np.full(len(rows), rows[1][0] / (len(rows) - 1))
    stands[0] = 1.0
    return values, stands, 1.0


def _as_of(session: Session, choice: Choice, alike: Likenesses) -> Person:
    """What was known of somebody before she chose."""
    given = {"member": choice.member_id, "at": choice.decided_at}
    joined = {row[0] for row in database.read_rows(session, _MEMBER_OF, given)}
    her = people.read(session, member_id=choice.member_id, now=choice.decided_at - JUST_BEFORE)
    communities = {one: name for one, name in her.communities.items() if one in joined}
    return her._replace(communities=communities, likeness=_reach(alike, her))


def _reach(alike: Likenesses, her: Person) -> Mapping[str, Alike]:
    """As server.nearby.person reads it of the table."""
    doubt: dict[str, float] = {}
    hers = {people.lasting(one.series_id, one.community_id, one.organizer_id, one.venue_id) for one in her.came}
    numbers = alike.numbers
    for key in sorted(hers & numbers.keys()):
        rows = alike.alike.of(numbers[key])
        for other, share in zip(alike.alike.other[rows].tolist(), alike.alike.share[rows].tolist(), strict=True):
            doubt[alike.keys[other]] = doubt.get(alike.keys[other], 1.0) * (1.0 - min(share, likeness.SURE))
    return {key: Alike(1.0 - left, "", learning.FEWEST) for key, left in doubt.items()}


def _there(session: Session, choice: Choice, her: Person, place: Position) -> Sequence[tuple[Any, ...]]:
    at = choice.decided_at
    given = {
        "here": postgis.here(place),
        "at": at,
        "until": at + asking.WITHIN,
        "communities": list(her.communities),
        "step": choice.step_id,
        "chosen": f"e/{choice.event_id}" if choice.event_id else f"v/{choice.venue_id}",
        "seed": _seed(at),
        "venues": WITHIN_VENUES,
        "rivals": RIVALS,
    }
    return database.read_rows(session, _THERE, given)


def _candidate(number: int, row: tuple[Any, ...], crowds: Crowds) -> Candidate:
    _, event, step, venue, away_m, lon, lat, starts, ends, community, organizer, series, about, of, most, going = row
    return Candidate(
        id=number,
        event_id=event,
        step_id=step,
        venue_id=venue,
        away_m=away_m,
        lon=lon,
        lat=lat,
        vague=False,
        starts_at=starts,
        ends_at=ends,
        community_id=community,
        organizer_id=organizer,
        series_id=series,
        interests=about or of,
        capacity=most,
        going=going,
        came=crowds.of_event(series, community, organizer, venue) if event else crowds.of_venue(venue),
        mood=None,
        first=True,
        part=0,
    )


def _middle(places: Sequence[Position]) -> Position | None:
    """Of some places that from which the others are nearest together: a place where she really was."""
    if not places:
        return None
    units = chords.units(np.array(places))
    return places[int(chords.metres(units @ units.T).sum(axis=1).argmin())]


def _seed(at: dt.datetime) -> int:
    return at.date().toordinal()
