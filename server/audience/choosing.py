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
from geo.ranking import FACTORS, Factor, Facts, Weights
from server import database, times
from server.consent import reading, rules
from server.consent.rules import Kind, Level, Viewer
from server.inbox import wishes
from server.inbox.groups import Group
from server.positions import around
from server.positions.around import Use
from server.positions.service import Source

FARTHEST_M = 100_000.0  # nobody may choose a wider radius (position_use.radius_m)
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


class Known(NamedTuple):
    """What is known of candidates. of n each: likes, of how many interests; liked: those it is about; came: faded."""

    interests: Sequence[int]
    liked: Sequence[Sequence[str]]
    belongs: Sequence[bool]
    regular: Sequence[float]
    known: Sequence[int]


class Chosen(NamedTuple):
    """Somebody to tell, and what is told her of why."""

    candidate: Candidate
    points: float
    liked: tuple[str, ...]
    belongs: bool
    came: bool
    knows: bool


_LIKES = text("""
    SELECT likes.number, likes.liked, :community <> '' AND EXISTS (
               SELECT FROM community_member WHERE community_id = :community AND member_id = asked.id)
    FROM unnest(CAST(:ids AS text[])) WITH ORDINALITY AS asked (id, place)
    CROSS JOIN LATERAL (
        SELECT count(*) AS number, array_agg(interest_id) FILTER (WHERE interest_id = ANY(:interests)) AS liked
        FROM member_interest WHERE member_id = asked.id) AS likes
    ORDER BY place
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
    JOIN position_use AS uses ON uses.member_id = asked.id AND uses.told
    JOIN member ON member.id = asked.id AND member.simulated = :simulated
    WHERE NOT EXISTS (SELECT FROM consent_pause WHERE member_id = asked.id AND ended_at IS NULL
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
STANDS = text(_STANDS)
# The same, and none of them takes it back before this is committed.
_HOLD = text(_STANDS + " FOR SHARE OF uses")


def choose(session: Session, wanted: Wanted, *, most: int, least_points: float, now: dt.datetime) -> list[Chosen]:
    """The best to tell, at most so many, each with why; within her caps. least_points: of what is hers alone."""
    found, came = _candidates(session, wanted, now)
    if not found:
        return []
    known = know(session, wanted, found, came, now=now)
    chosen: list[Chosen] = []
    for some in _in_turn(rank(wanted, found, known, weights(session), least_points, now), most):
        ids = stand(session, wanted, [one.candidate.member_id for one in some], now=now)
        allowed = set(wishes.allowed(session, ids, group=Group.NEAR, now=now))
        chosen += [one for one in some if one.candidate.member_id in allowed]
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
    found: Sequence[Candidate],
    came: Mapping[str, tuple[float, float]],
    *,
    now: dt.datetime,
) -> Known:
    """What is known of candidates."""
    ids = [one.member_id for one in found]
    given = {"ids": ids, "interests": list(wanted.interests), "community": wanted.community_id or ""}
    rows = database.read_rows(session, _LIKES, given)
    met = _met(session, wanted, ids, now)
    return Known(
        [row[0] for row in rows],
        [row[1] or () for row in rows],
        [row[2] for row in rows],
        [float(habits.regular(*came[one])) if one in came else 0.0 for one in ids],
        [met.get(one, 0) for one in ids],
    )


def rank(
    wanted: Wanted, found: Sequence[Candidate], known: Known, weights: Weights, least_points: float, now: dt.datetime
) -> list[Chosen]:
    """Candidates for whom something of their own speaks, the best first; pure."""
    count = len(found)
    nothing = np.zeros(count)
    away_m = np.array([math.nan if one.away_m is None else one.away_m for one in found])
    likes = np.array(known.interests, dtype=np.float64)
    liked = np.array([len(one) for one in known.liked], dtype=np.float64)
    facts = Facts(
        distance_m=away_m,
        # Who comes there anyway has it on her ways.
        way_m=np.where(np.isnan(away_m), 0.0, away_m),
        hours_until=np.full(count, max(0.0, (wanted.starts_at - now).total_seconds() / 3600)),
        interests=liked / np.sqrt(np.maximum(1.0, likes) * max(1, len(wanted.interests))),
        community=np.array(known.belongs, dtype=np.float64),
        known=np.array(known.known, dtype=np.float64),
        regular=np.array(known.regular),
        alike=nothing,
        came=nothing,
        full=nothing,
        lively=nothing,
    )
    points = ranking.points(ranking.values(facts), weights)
    personal = points[:, [FACTORS.index(one) for one in PERSONAL]].sum(axis=1)
    sums = points.sum(axis=1)
    speaks = np.flatnonzero(personal >= max(least_points, 1e-9))
    if not wanted.for_all:
        speaks = speaks[facts.community[speaks] > 0]
    ordered = sorted(speaks.tolist(), key=lambda number: (-sums[number], found[number].member_id))
    return [
        Chosen(
            found[number],
            float(sums[number]),
            tuple(sorted(known.liked[number])),
            known.belongs[number],
            known.regular[number] > 0,
            known.known[number] > 0,
        )
        for number in ordered
    ]


def _candidates(
    session: Session, wanted: Wanted, now: dt.datetime
) -> tuple[list[Candidate], dict[str, tuple[float, float]]]:
    """Those within whose radius it is, by the nearest of their positions, and those who come there; how often these."""
    soon = wanted.starts_at - now <= SOON
    nearest: dict[str, Candidate] = {}
    for one in around.members(session, place=wanted.place, within_m=FARTHEST_M, use=Use.TOLD, now=now):
        if one.away_m > one.radius_m or (one.source is not Source.HOME and not soon):
            continue
        before = nearest.get(one.member_id)
        if before is None or before.away_m is None or one.away_m < before.away_m:
            nearest[one.member_id] = Candidate(one.member_id, one.away_m, one.source)
    came = _came(session, wanted, now)
    others = sorted(came.keys() - nearest.keys())
    if others:
        willing = database.read_rows(session, _WILLING, {"ids": others})
        nearest |= {row[0]: Candidate(row[0], None, None) for row in willing}
    return list(nearest.values()), came


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


def _in_turn(ranked: Sequence[Chosen], most: int) -> Iterator[Sequence[Chosen]]:
    """Some after some: a few more than are wanted, since not all of them may be told."""
    some = most + most // 4 + 20
    for first in range(0, len(ranked), some):
        yield ranked[first : first + some]
