"""Whom to tell: those near, or who come there anyway, in the order of what would bring each of them."""

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import habits, ranking
from geo.areas import Position
from geo.ranking import FACTORS, Factor, Facts, Floats, Weights
from server import database, times
from server.consent import reading, rules
from server.consent.rules import Kind, Level, Viewer
from server.inbox import wishes
from server.inbox.groups import Group
from server.positions import around
from server.positions.around import Use
from server.positions.service import Source

# Where somebody is at this moment says where she will be for an evening, not for next week: then her home alone counts.
SOON = dt.timedelta(hours=6)
SINCE = dt.timedelta(days=180)  # who came: three half-lives of a habit
STEPS, COMINGS = 40, 4000  # of the place, the community and the host each, the latest: bounds on what is read
MOST_GOING = 200  # of whom it is asked who knows them
# What speaks for it to her alone. Without any of these she is never told, however near: distance is no interest.
PERSONAL = (Factor.INTERESTS, Factor.COMMUNITY, Factor.KNOWN, Factor.REGULAR)


class Wanted(NamedTuple):
    """For what members are wanted: an event (its first step to come), or a proposal at its best option.

    for_all: also for who does not belong to its community. venue_id: None where a place is no venue.
    """

    event_id: str | None
    proposal_id: str | None
    place: Position
    starts_at: dt.datetime
    ends_at: dt.datetime
    for_all: bool
    community_id: str | None
    organizer_id: str | None
    series_id: str | None
    venue_id: str | None
    interests: tuple[str, ...]
    simulated: bool


class Candidate(NamedTuple):
    """Somebody who might be told. away_m: from what of hers, within her own radius; None: she comes there anyway."""

    member_id: str
    away_m: float | None
    source: Source | None


class Candidates(NamedTuple):
    """All who might be told, as columns of n: a thousand and more, most of whom nothing is told of.

    away_m: (n,) metres, NaN of who comes there anyway; those are the last, without a source.
    """

    member_ids: list[str]
    sources: list[Source]
    away_m: Floats

    def read(self, number: int) -> Candidate:
        """One of them."""
        if number >= len(self.sources):
            return Candidate(self.member_ids[number], None, None)
        return Candidate(self.member_ids[number], float(self.away_m[number]), self.sources[number])


class Known(NamedTuple):
    """What is known of n candidates, arrays of n. interests: 0 to 1, how much it is about what each likes.

    liked: of which interests, by the number of a candidate; nothing of most. belongs: 0 or 1. known: how many go.
    """

    interests: Floats
    liked: Mapping[int, Sequence[str]]
    belongs: Floats
    regular: Floats
    known: Floats


class Chosen(NamedTuple):
    """Somebody to tell, and what is told her of why."""

    candidate: Candidate
    points: float
    liked: tuple[str, ...]
    belongs: bool
    came: bool
    knows: bool


# Of most there is nothing to say: no row. place: of a candidate among those asked about, from 1.
_LIKES = text("""
    SELECT place, likes.number, likes.liked, belongs
    FROM unnest(CAST(:ids AS text[])) WITH ORDINALITY AS asked (id, place)
    CROSS JOIN LATERAL (
        SELECT count(*) AS number, array_agg(interest_id) FILTER (WHERE interest_id = ANY(:interests)) AS liked
        FROM member_interest WHERE member_id = asked.id) AS likes
    CROSS JOIN LATERAL (
        SELECT :community <> '' AND EXISTS (
            SELECT FROM community_member WHERE community_id = :community AND member_id = asked.id) AS belongs) AS hers
    WHERE likes.liked IS NOT NULL OR belongs
""")
# series: of the very series; hosts: how many of the place, the host and the community are the same.
_CAME = text("""
    WITH steps AS MATERIALIZED (
        (SELECT step.id, venue_id, organizer_id, community_id, series_id
         FROM step, LATERAL (SELECT * FROM event WHERE event.id = step.event_id OFFSET 0) AS event
         WHERE step.venue_id = :venue AND step.opens_at BETWEEN :since AND :now
         ORDER BY step.opens_at DESC LIMIT :steps)
        UNION
        (SELECT step.id, venue_id, organizer_id, community_id, series_id
         FROM event, LATERAL (SELECT * FROM step WHERE step.event_id = event.id OFFSET 0) AS step
         WHERE event.organizer_id = :organizer AND step.opens_at BETWEEN :since AND :now
         ORDER BY step.opens_at DESC LIMIT :steps)
        UNION
        (SELECT step.id, venue_id, organizer_id, community_id, series_id
         FROM event, LATERAL (SELECT * FROM step WHERE step.event_id = event.id OFFSET 0) AS step
         WHERE event.community_id = :community AND step.opens_at BETWEEN :since AND :now
         ORDER BY step.opens_at DESC LIMIT :steps)
    )
    (SELECT member_id, CAST(extract(epoch FROM :now - checkin.at) AS float),
            CAST(coalesce(steps.series_id = :series, false) AS int),
            CAST(coalesce(steps.venue_id = :venue, false) AS int)
            + CAST(coalesce(steps.organizer_id = :organizer, false) AS int)
            + CAST(coalesce(steps.community_id = :community, false) AS int)
     FROM steps JOIN checkin ON checkin.step_id = steps.id
     WHERE checkin.undone_at IS NULL AND member_id IS NOT NULL ORDER BY checkin.at DESC LIMIT :comings)
    UNION ALL
    (SELECT member_id, CAST(extract(epoch FROM :now - at) AS float), 0, 1
     FROM checkin WHERE venue_id = :venue AND day >= CAST(:since AS date) AND undone_at IS NULL
                        AND member_id IS NOT NULL
     ORDER BY day DESC LIMIT :comings)
""")
_WILLING = text("""
    SELECT asked.id FROM unnest(CAST(:ids AS text[])) AS asked (id)
    WHERE (SELECT told FROM position_use WHERE member_id = asked.id)
      AND NOT EXISTS (SELECT FROM consent_pause WHERE member_id = asked.id AND ended_at IS NULL OFFSET 0)
""")
_GOING = text("SELECT member_id FROM going WHERE event_id = :event LIMIT :most")
# As server.met.reading tells: both want to know, and neither wants nothing of the other.
_MET = text("""
    SELECT met.member_id, count(DISTINCT met.other_id) FROM met
    WHERE met.other_id = ANY(:others) AND met.member_id = ANY(:ids)
      AND 2 = (SELECT count(*) FROM met_switch
               WHERE met_switch.member_id IN (met.member_id, met.other_id) AND met_switch.willing)
      AND NOT EXISTS (SELECT FROM met_without AS without
                      WHERE (without.member_id, without.other_id) IN (
                            (met.member_id, met.other_id), (met.other_id, met.member_id)))
    GROUP BY met.member_id
""")
_WEIGHTS = text("SELECT factor, weight FROM learnt_weight")
# Asked of those who come into question, the best first: nobody who said no, is busy then, or was told already. OFFSET 0
# has it looked up for each: of hundreds, where else a plan would read what all members do.
_STANDS = """
    SELECT asked.id FROM unnest(CAST(:ids AS text[])) WITH ORDINALITY AS asked (id, place)
    CROSS JOIN LATERAL (SELECT FROM position_use WHERE member_id = asked.id AND told OFFSET 0 {held}) AS uses
    CROSS JOIN LATERAL (SELECT simulated FROM member WHERE member.id = asked.id OFFSET 0) AS hers
    WHERE hers.simulated = :simulated
      AND NOT EXISTS (SELECT FROM consent_pause WHERE member_id = asked.id AND ended_at IS NULL
                      OFFSET 0)
      AND asked.id <> :organizer
      AND NOT EXISTS (SELECT FROM called JOIN call ON call.id = called.call_id
                      WHERE called.member_id = asked.id AND (call.event_id = :event OR call.proposal_id = :proposal)
                      OFFSET 0)
      AND NOT EXISTS (SELECT FROM sign_up WHERE sign_up.event_id = :event AND sign_up.member_id = asked.id
                      OFFSET 0)
      AND NOT EXISTS (SELECT FROM commitment JOIN proposal_option AS option ON option.id = commitment.option_id
                      WHERE commitment.member_id = asked.id AND option.proposal_id = :proposal
                      OFFSET 0)
      AND NOT EXISTS (SELECT FROM role WHERE role.kind = 'event' AND role.of_id = :event AND role.member_id = asked.id
                      OFFSET 0)
      AND NOT EXISTS (SELECT FROM met_without AS without
                      WHERE (without.member_id, without.other_id) IN ((asked.id, :organizer), (:organizer, asked.id))
                      OFFSET 0)
      AND NOT EXISTS (SELECT FROM community_removal AS removal
                      WHERE removal.community_id = :community AND removal.member_id = asked.id AND removal.until > :now
                      OFFSET 0)
      AND (:for_all OR EXISTS (SELECT FROM community_member AS belonging
                               WHERE belonging.community_id = :community AND belonging.member_id = asked.id
                      OFFSET 0))
      AND NOT EXISTS (SELECT FROM sign_up JOIN step ON step.event_id = sign_up.event_id
                      WHERE sign_up.member_id = asked.id AND sign_up.state = 'going'
                        AND step.starts_at < :ends AND step.ends_at > :starts
                      OFFSET 0)
    ORDER BY asked.place
"""
STANDS = text(_STANDS.format(held=""))
# The same, and none of them takes it back before this is committed.
_HOLD = text(_STANDS.format(held="FOR SHARE"))


def choose(session: Session, wanted: Wanted, *, most: int, least_points: float, now: dt.datetime) -> list[Chosen]:
    """The best to tell, at most so many, each with why; within her caps. least_points: of what is hers alone."""
    # How many are asked about is not known beforehand, and makes no difference to how they are looked up.
    database.keep_plans(session)
    found, came = _candidates(session, wanted, now)
    if not found.member_ids:
        return []
    known = know(session, wanted, found, came, now=now)
    ranked = rank(wanted, found, known, weights(session), least_points, now)
    chosen: list[Chosen] = []
    for some in _in_turn(ranked, most):
        ids = stand(session, wanted, [found.member_ids[number] for number, _ in some], now=now)
        allowed = set(wishes.allowed(session, ids, group=Group.NEAR, now=now))
        chosen += [_chosen(found, known, *one) for one in some if found.member_ids[one[0]] in allowed]
        if len(chosen) >= most:
            break
    return chosen[:most]


def stand(session: Session, wanted: Wanted, ids: Sequence[str], *, now: dt.datetime, hold: bool = False) -> list[str]:
    """Those of members who may be told of it, in their order. hold: and their consent stays until the commit."""
    given = {
        "ids": ids,
        "now": now,
        "event": wanted.event_id,
        "proposal": wanted.proposal_id,
        "organizer": wanted.organizer_id or "",
        "community": wanted.community_id,
        "for_all": wanted.for_all,
        "simulated": wanted.simulated,
        "starts": wanted.starts_at,
        "ends": wanted.ends_at,
    }
    return [row[0] for row in database.read_rows(session, _HOLD if hold else STANDS, given)] if ids else []


def weights(session: Session) -> Weights:
    """How much each factor weighs: as learnt here, else as shipped."""
    learnt = dict(database.read_rows(session, _WEIGHTS, {}))
    return {factor: learnt.get(factor.value, ranking.DEFAULT[factor]) for factor in Factor}


def know(
    session: Session,
    wanted: Wanted,
    found: Candidates,
    came: Mapping[str, tuple[float, float]],
    *,
    now: dt.datetime,
) -> Known:
    """What is known of candidates."""
    ids = found.member_ids
    given = {"ids": ids, "interests": list(wanted.interests), "community": wanted.community_id or ""}
    share, belongs, regular, known = (np.zeros(len(ids)) for _ in range(4))
    liked: dict[int, Sequence[str]] = {}
    for place, likes, hers, within in database.read_rows(session, _LIKES, given):
        if hers:
            liked[place - 1] = hers
            share[place - 1] = len(hers) / math.sqrt(likes * max(1, len(wanted.interests)))
        belongs[place - 1] = within
    met = _met(session, wanted, ids, now)
    if came or met:
        numbers = {one: number for number, one in enumerate(ids)}
        for one, (same, hosts) in came.items():
            if one in numbers:
                regular[numbers[one]] = habits.regular(same, hosts)
        for one, many in met.items():
            known[numbers[one]] = many
    return Known(share, liked, belongs, regular, known)


def rank(
    wanted: Wanted, found: Candidates, known: Known, weights: Weights, least_points: float, now: dt.datetime
) -> list[tuple[int, float]]:
    """Candidates for whom something of their own speaks and their points, the best first; pure."""
    nothing = np.zeros(len(found.member_ids))
    facts = Facts(
        distance_m=found.away_m,
        # Who comes there anyway has it on her ways.
        way_m=np.where(np.isnan(found.away_m), 0.0, found.away_m),
        hours_until=nothing + max(0.0, (wanted.starts_at - now).total_seconds() / 3600),
        interests=known.interests,
        community=known.belongs,
        known=known.known,
        regular=known.regular,
        alike=nothing,
        came=nothing,
        full=nothing,
        lively=nothing,
    )
    points = ranking.points(ranking.values(facts), weights)
    personal = points[:, [FACTORS.index(one) for one in PERSONAL]].sum(axis=1)
    speaks = np.flatnonzero(personal >= max(least_points, 1e-9))
    if not wanted.for_all:
        speaks = speaks[known.belongs[speaks] > 0]
    sums = points[speaks].sum(axis=1).tolist()
    return sorted(zip(speaks.tolist(), sums, strict=True), key=lambda scored: (-scored[1], found.member_ids[scored[0]]))


def _chosen(found: Candidates, known: Known, number: int, points: float) -> Chosen:
    return Chosen(
        found.read(number),
        points,
        tuple(sorted(known.liked.get(number, ()))),
        bool(known.belongs[number]),
        bool(known.regular[number] > 0),
        bool(known.known[number] > 0),
    )


def _candidates(
    session: Session, wanted: Wanted, now: dt.datetime
) -> tuple[Candidates, dict[str, tuple[float, float]]]:
    """Those within whose radius it is, by the nearest of their positions, and those who come there; how often these."""
    later = wanted.starts_at - now > SOON
    near = around.within(session, place=wanted.place, use=Use.TOLD, homes=later, now=now)
    came = _came(session, wanted, now)
    others = sorted(came.keys() - set(near.member_ids)) if came else []
    willing = [row[0] for row in database.read_rows(session, _WILLING, {"ids": others})] if others else []
    away_m = np.concatenate([near.away_m, np.full(len(willing), math.nan)])
    return Candidates(near.member_ids + willing, near.sources, away_m), came


def _came(session: Session, wanted: Wanted, now: dt.datetime) -> dict[str, tuple[float, float]]:
    """By member, faded: how often she came to the very series, and to what is of the same hosts or at the place."""
    given = {
        "venue": wanted.venue_id,
        "organizer": wanted.organizer_id,
        "community": wanted.community_id,
        "series": wanted.series_id,
        "since": now - SINCE,
        "now": now,
        "steps": STEPS,
        "comings": COMINGS,
    }
    rows = database.read_rows(session, _CAME, given)
    faded = habits.fade([row[1] for row in rows]).tolist()
    found: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for (member_id, _, series, hosts), counts in zip(rows, faded, strict=True):
        same, others = found[member_id]
        found[member_id] = same + counts * series, others + counts * hosts
    return dict(found)


def _met(session: Session, wanted: Wanted, ids: Collection[str], now: dt.datetime) -> dict[str, int]:
    """How many go whom each of them met, of those who show their names to whoever is there."""
    if wanted.event_id is None or wanted.venue_id is None:
        return {}
    rows = database.read_rows(session, _GOING, {"event": wanted.event_id, "most": MOST_GOING})
    going = [row[0] for row in rows]
    if not going:
        return {}
    said = reading.said_by(session, going)
    viewer, at_ms = Viewer(Kind.PEOPLE, wanted.venue_id), times.to_ms(now)
    shown = [one for one in going if rules.level(*said[one], viewer, at_ms) is Level.NAME]
    if not shown:
        return {}
    return dict(database.read_rows(session, _MET, {"others": shown, "ids": list(ids)}))


def _in_turn(ranked: Sequence[tuple[int, float]], most: int) -> Iterator[Sequence[tuple[int, float]]]:
    """Some after some: a few more than are wanted, since not all of them may be told."""
    some = most + most // 4 + 20
    for first in range(0, len(ranked), some):
        yield ranked[first : first + some]
