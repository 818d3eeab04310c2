"""Reads what a gathering was with a number of statements that follows from its places, not from who came.

Whoever is hidden counts as a number who came, and in nothing that says how long or where.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Presence
from server import times
from server.checkins import rights
from server.consent import reading as consent
from server.consent.rules import Level
from server.events import service as events
from server.events.model import Event, Step
from server.events.states import Phase, State
from server.presence import intervals, listening, rule, states
from server.presence import service as presence_service
from server.presence.listening import Reckoning
from server.presence.rule import Rule
from server.recaps import figures
from server.recaps.figures import MINUTE_MS, Absent, Bar, Dwell, Figure, Fullest, Person, Room, Silence, Stayed
from server.venues import service as venues
from server.venues.model import Venue


@dataclass(frozen=True, slots=True)
class StepFigures:
    """One step of several: how many came to it."""

    step: Step
    venue: Venue
    came: Figure


@dataclass(frozen=True, slots=True)
class RoomFigures:
    """A room of a venue, what it is called, and who was there for how long."""

    name: str
    room: Room


@dataclass(frozen=True, slots=True)
class Recap:
    """What a gathering was, as far as is known at `as_of`.

    signed_up: members who are going, or went. time_zone: its first step's; zones: each step's.
    """

    event: Event
    time_zone: str
    zones: Mapping[str, str]
    phase: Phase
    as_of: dt.datetime
    signed_up: int
    came: Figure
    no_shows: Figure
    first_timers: Figure
    walk_ins: Figure
    dwell: Dwell
    fullest: Fullest | None
    arrivals: tuple[Bar, ...]
    steps: tuple[StepFigures, ...]
    rooms: tuple[RoomFigures, ...]
    silences: tuple[Silence, ...]


_CHECK_INS = text("""
    SELECT coalesce(checkin.member_id, 'erased ' || coalesce(checkin.stranger, checkin.id)) AS who, checkin.member_id,
           checkin.step_id, checkin.at, checkin.evidence, checkin.signed_up, door.last_in_at, door.out_at
    FROM checkin JOIN step ON step.id = checkin.step_id
    LEFT JOIN LATERAL (
        SELECT max(at) FILTER (WHERE direction = 'in') AS last_in_at, max(at) FILTER (WHERE direction = 'out') AS out_at
        FROM passage WHERE passage.checkin_id = checkin.id) AS door ON true
    WHERE step.event_id = :event AND checkin.undone_at IS NULL ORDER BY checkin.at, checkin.id
""")
_GOING = text("SELECT step_id, member_id FROM going_to WHERE event_id = :event")
_BADGES = text("""
    SELECT DISTINCT member_id FROM pairing WHERE member_id = ANY(:members) AND valid && tstzrange(:since, :until)
""")
# Something of the same community before; of a gathering without one, of the same organizer.
_BEFORE = text("""
    SELECT DISTINCT checkin.member_id FROM checkin JOIN step ON step.id = checkin.step_id
    JOIN event ON event.id = step.event_id
    WHERE checkin.member_id = ANY(:members) AND checkin.undone_at IS NULL AND checkin.at < :since
      AND event.id <> :event AND CASE WHEN CAST(:community AS text) IS NULL
          THEN event.community_id IS NULL AND event.organizer_id = :organizer ELSE event.community_id = :community END
""")
# Each stay of who held the badge meanwhile, at the places of the event while it was on; a visit without is one row.
_STAYS = text("""
    WITH place AS (
        SELECT venue_id, floor(extract(epoch FROM min(opens_at)) * 1000)::bigint AS opens_ms,
               floor(extract(epoch FROM max(ends_at)) * 1000)::bigint AS ends_ms
        FROM step WHERE event_id = :event GROUP BY venue_id
    ), hers AS (
        SELECT visit.badge_id, visit.venue_id, visit.from_ms AS visit_ms, visit.to_ms, pairing.member_id,
               coalesce(ceil(extract(epoch FROM lower(pairing.valid)) * 1000)::bigint, 0) AS held_ms,
               coalesce(ceil(extract(epoch FROM upper(pairing.valid)) * 1000)::bigint, :ever) AS given_ms
        FROM place JOIN visit ON visit.venue_id = place.venue_id AND visit.reach_ms >= place.opens_ms
             AND visit.to_ms >= place.opens_ms AND visit.from_ms <= place.ends_ms
        JOIN pairing ON pairing.badge_id = visit.badge_id AND pairing.member_id = ANY(:members)
             AND pairing.valid && tstzrange(to_timestamp(visit.from_ms / 1000.0),
                                            to_timestamp(visit.to_ms / 1000.0), '[]')
    )
    SELECT hers.member_id, hers.venue_id, hers.badge_id, stay.zone_id,
           greatest(coalesce(stay.from_ms, hers.visit_ms), hers.held_ms) AS from_ms,
           least(coalesce(stay.until_ms, hers.to_ms), hers.given_ms) AS to_ms,
           hers.to_ms AS left_ms
    FROM hers LEFT JOIN LATERAL (
        SELECT zone_id, from_ms, lead(from_ms, 1, hers.to_ms) OVER (ORDER BY from_ms) AS until_ms FROM stay
        WHERE stay.badge_id = hers.badge_id AND stay.venue_id = hers.venue_id
          AND stay.from_ms BETWEEN hers.visit_ms AND hers.to_ms) AS stay ON true
""")


@dataclass(frozen=True, slots=True)
class _Place:
    """A venue of the event, and who listened there."""

    venue: Venue
    rule: Rule
    reckoning: Reckoning
    zones: Mapping[str, str]
    agents: Mapping[str, Sequence[tuple[str, int, int]]]  # where each stood, from when, until when


def read(session: Session, *, event_id: str, now: dt.datetime, presence: Presence) -> Recap:
    """What a gathering was, or is so far; raises EventUnknown."""
    event = events.get(session, event_id)
    steps = sorted(events.steps_of(session, event_id=event_id), key=lambda step: (step.starts_at, step.position))
    as_of = rights.own_now(session, event_id=event_id, now=now)
    opens, ends = min(step.opens_at for step in steps), max(step.ends_at for step in steps)
    placed = _places(session, steps, opens, presence, now)
    rows = session.execute(_CHECK_INS, {"event": event_id}).all()
    going: dict[str, set[str]] = defaultdict(set)
    for step_id, member_id in session.execute(_GOING, {"event": event_id}):
        going[member_id].add(step_id)
    expected = {} if event.state == State.CANCELLED else going  # to what does not take place nobody is missing
    members = sorted({row.member_id for row in rows if row.member_id} | set(going))
    badges = set(session.scalars(_BADGES, {"members": members, "since": opens, "until": ends}))
    known = {"members": members, "event": event_id, "community": event.community_id, "organizer": event.organizer_id}
    before = set(session.scalars(_BEFORE, {**known, "since": opens}))
    people = _people(rows, going, before)
    there = {person.who for person in people}
    absent = [
        Absent(one, tuple(sorted(chosen)), one in badges, one in before)
        for one, chosen in sorted(expected.items())
        if one not in there
    ]
    silences = _silences(steps, placed, as_of)
    stays = _read_stays(session, event_id, members, as_of)
    stayed, inside = _stayed(steps, rows, stays, placed, as_of)
    return Recap(
        event=event,
        time_zone=placed[steps[0].venue_id].venue.time_zone,
        zones={step.id: placed[step.venue_id].venue.time_zone for step in steps},
        phase=events.phase_of(session, event, as_of),
        as_of=as_of,
        signed_up=len(going),
        came=figures.came(people, absent, silences),
        no_shows=figures.no_shows(people, absent, silences),
        first_timers=figures.first_timers(people, absent, silences),
        walk_ins=figures.walk_ins(people),
        dwell=figures.dwell(stayed),
        fullest=figures.fullest(inside),
        arrivals=tuple(
            figures.arrivals([person.at_ms for person in people], times.to_ms(opens), times.to_ms(min(ends, as_of)))
        ),
        steps=_by_step(steps, rows, expected, before, absent, silences, placed) if len(steps) > 1 else (),
        rooms=_rooms(steps, rows, stays, placed, silences),
        silences=tuple(silences),
    )


def _people(rows: Sequence[Any], going: Mapping[str, set[str]], before: Collection[str]) -> list[Person]:
    by: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by[row.who].append(row)
    return [
        Person(
            who,
            tuple(row.evidence for row in hers),
            min(times.to_ms(row.at) for row in hers),
            who in going or any(row.signed_up for row in hers),
            (who in before) if hers[0].member_id is not None else None,
        )
        for who, hers in by.items()
    ]


def _by_step(
    steps: Sequence[Step],
    rows: Sequence[Any],
    going: Mapping[str, set[str]],
    before: Collection[str],
    absent: Sequence[Absent],
    silences: Sequence[Silence],
    placed: Mapping[str, _Place],
) -> tuple[StepFigures, ...]:
    badges = {one.who for one in absent if one.badge}
    found = []
    for step in steps:
        people = _people([row for row in rows if row.step_id == step.id], going, before)
        there = {person.who for person in people}
        missing = [
            Absent(one, (step.id,), one in badges, one in before)
            for one, chosen in going.items()
            if step.id in chosen and one not in there
        ]
        figure = figures.came(people, missing, [one for one in silences if one.step_id == step.id])
        found.append(StepFigures(step, placed[step.venue_id].venue, figure))
    return tuple(found)


def _places(
    session: Session, steps: Sequence[Step], opens: dt.datetime, presence: Presence, now: dt.datetime
) -> dict[str, _Place]:
    found = {}
    for venue_id in sorted({step.venue_id for step in steps}):
        venue = venues.get(session, venue_id)
        judged_by = rule.make(presence, venue.join_gap_s)
        since_ms = times.to_ms(opens)
        ears, _ = presence_service.load_ears(session, venue_id, since_ms - judged_by.given_up_after_ms, judged_by)
        now_ms = times.to_ms(presence_service.now_of(session, venue=venue, now=now))
        reckoning = listening.reckon(ears.values(), now_ms - judged_by.unjudged_ms, judged_by, since_ms)
        zones = {zone.id: zone.name for zone in venues.zones_of(session, venue_id=venue_id)}
        agents = {one.agent_id: [(at.zone_id, at.from_ms, at.to_ms) for at in one.placed] for one in ears.values()}
        found[venue_id] = _Place(venue, judged_by, reckoning, zones, agents)
    return found


def _silences(steps: Sequence[Step], placed: Mapping[str, _Place], as_of: dt.datetime) -> list[Silence]:
    """When agents at the steps' places did not listen while these were open, each agent by itself."""
    found = []
    for step in steps:
        place = placed[step.venue_id]
        low_ms = times.to_ms(step.opens_at)
        high_ms = min(times.to_ms(min(step.ends_at, as_of)), place.reckoning.judged_ms)
        stood = [
            (agent_id, zone_id, max(low_ms, from_ms), min(high_ms, to_ms))
            for agent_id, all_of in place.agents.items()
            for zone_id, from_ms, to_ms in all_of
            if step.zone_id in (None, zone_id) and max(low_ms, from_ms) < min(high_ms, to_ms)
        ]
        if not stood and low_ms < high_ms:
            found.append(Silence(step.id, place.venue.name, low_ms, high_ms, none=True))
        for agent_id, zone_id, from_ms, to_ms in stood:
            listened = place.reckoning.ears.get(agent_id, ())
            found += [
                Silence(step.id, place.zones.get(zone_id, place.venue.name), start_ms, end_ms)
                for start_ms, end_ms in intervals.without([(from_ms, to_ms)], listened)
                if end_ms - start_ms > place.rule.heard_gap_ms
            ]
    return found


def _read_stays(session: Session, event_id: str, members: Sequence[str], as_of: dt.datetime) -> list[Any]:
    """The stays of members whom the host may count in a room."""
    seen = consent.for_event(session, event_id, members) if members else {}
    at_ms = times.to_ms(as_of)
    rows = session.execute(_STAYS, {"event": event_id, "members": list(members), "ever": intervals.EVER_MS})
    return [row for row in rows if seen[row.member_id].of_organizer(row.venue_id, at_ms) is not Level.HIDDEN]


def _stayed(
    steps: Sequence[Step], rows: Sequence[Any], stays: Sequence[Any], placed: Mapping[str, _Place], as_of: dt.datetime
) -> tuple[list[Stayed], list[tuple[str, int, int]]]:
    """How long each who came to a step stayed there, and from when until when she was there as far as is known."""
    by_id = {step.id: step for step in steps}
    there: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for stay in stays:
        there[stay.member_id, stay.venue_id].append(stay)
    found, inside = [], []
    for row in rows:
        step = by_id[row.step_id]
        opens_ms, ends_ms = times.to_ms(step.opens_at), times.to_ms(step.ends_at)
        over_ms = min(ends_ms, times.to_ms(as_of))
        at_ms = min(max(times.to_ms(row.at), opens_ms), over_ms)
        hers = [
            one
            for one in there.get((row.member_id, step.venue_id), ())
            if one.to_ms >= opens_ms and one.from_ms <= ends_ms
        ]
        parts = intervals.merge((max(one.from_ms, opens_ms), min(one.to_ms, ends_ms)) for one in hers)
        out_ms = None
        if row.out_at is not None and (row.last_in_at is None or row.out_at > row.last_in_at):
            out_ms = min(max(times.to_ms(row.out_at), at_ms), ends_ms)
        longest = (ends_ms - opens_ms) / MINUTE_MS
        if parts:
            observed = parts[-1][1] >= ends_ms or _is_observed(max(one.left_ms for one in hers), placed[step.venue_id])
            found.append(Stayed(intervals.total_ms(parts) / MINUTE_MS, observed, longest, "beacon"))
            inside.append((row.who, min(at_ms, parts[0][0]), parts[-1][1] if observed else over_ms))
        elif out_ms is not None:
            found.append(Stayed((out_ms - at_ms) / MINUTE_MS, True, longest, row.evidence))
            inside.append((row.who, at_ms, out_ms))
        else:
            found.append(Stayed(0.0, False, longest, row.evidence))
            inside.append((row.who, at_ms, over_ms))
    return found, inside


def _is_observed(left_ms: int, place: _Place) -> bool:
    gone_ms = states.left_at(left_ms, place.reckoning.judged_ms, place.reckoning, place.rule)
    return gone_ms == left_ms + place.rule.join_gap_ms


def _rooms(
    steps: Sequence[Step],
    rows: Sequence[Any],
    stays: Sequence[Any],
    placed: Mapping[str, _Place],
    silences: Sequence[Silence],
) -> tuple[RoomFigures, ...]:
    """The rooms of the places that have several, of who came."""
    came = {row.member_id for row in rows}
    silent: dict[tuple[str, str], int] = defaultdict(int)
    by_id = {step.id: step for step in steps}
    for one in silences:
        silent[by_id[one.step_id].venue_id, one.place] += one.to_ms - one.from_ms
    found = []
    for venue_id, place in placed.items():
        if len(place.zones) < 2 or not place.agents:
            continue
        low_ms = min(times.to_ms(step.opens_at) for step in steps if step.venue_id == venue_id)
        high_ms = max(times.to_ms(step.ends_at) for step in steps if step.venue_id == venue_id)
        spent = [
            (stay.member_id, stay.zone_id, max(stay.from_ms, low_ms), min(stay.to_ms, high_ms))
            for stay in stays
            if stay.venue_id == venue_id and stay.member_id in came and stay.zone_id is not None
        ]
        missed = {zone_id: silent[venue_id, name] for zone_id, name in place.zones.items()}
        found += [RoomFigures(place.zones[one.zone_id], one) for one in figures.rooms(spent, list(place.zones), missed)]
    return tuple(found)
