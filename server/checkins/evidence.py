"""Reads all that check-ins depend on, for many members and steps at once: a few statements, however many they are."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from server import times
from server.checkins import rules
from server.presence.joining import Interval

Pair = tuple[str, str]  # member, step


class Step(NamedTuple):
    """A step as its check-ins are judged, times in ms."""

    id: str
    event_id: str
    venue_id: str
    zone_id: str | None
    opens_ms: int
    ends_ms: int
    dwell_signed_up_ms: int
    dwell_walk_in_ms: int

    @property
    def tells(self) -> Interval:
        """The time in which being heard says something: from when somebody is told that it is early or late."""
        return self.opens_ms - rules.EARLY_MS, self.ends_ms + rules.LATE_MS


class Standing(NamedTuple):
    """A check-in that was not taken back."""

    id: int
    at_ms: int
    badge_id: int | None
    evidence: str


@dataclass(frozen=True, slots=True)
class Case:
    """One member and one step: what is asked, what was heard, and what the tables say so far."""

    member_id: str
    step: Step
    asked: rules.Asked
    badges: tuple[rules.Held, ...]
    standing: Standing | None
    refusals: tuple[rules.Refusal, ...]


_STEP = """
    SELECT step.id, step.event_id, step.venue_id, step.zone_id, step.opens_at, step.ends_at,
           step.dwell_signed_up_s, step.dwell_walk_in_s FROM
"""
_STEPS = text(_STEP + " step WHERE step.id = ANY(:steps)")
_STEPS_NEAR = text(
    _STEP
    + """
    unnest(:venues ::text[], :lows ::timestamptz[], :highs ::timestamptz[]) AS heard (venue_id, low, high)
    JOIN step ON step.venue_id = heard.venue_id
         AND step.opens_at <= heard.high + :early AND step.ends_at >= heard.low - :late
    ORDER BY step.opens_at, step.id
"""
)

_NEXT_OPENS = text("""
    SELECT heard.venue_id, min(step.opens_at)
    FROM unnest(:venues ::text[], :highs ::timestamptz[]) AS heard (venue_id, high)
    JOIN step ON step.venue_id = heard.venue_id AND step.opens_at > heard.high + :early
    GROUP BY heard.venue_id
""")

_HOLDERS = text("""
    SELECT badge_id, member_id, lower(valid) AS since, upper(valid) AS until
    FROM pairing WHERE badge_id = ANY(:badges) AND valid && tstzrange(:since, NULL)
""")

_PAIRINGS = text("""
    SELECT badge_id, member_id, lower(valid) AS since, upper(valid) AS until
    FROM pairing WHERE member_id = ANY(:members) AND valid && tstzrange(:since, :until, '[]')
""")

_SIGN_UPS = text("""
    SELECT member_id, event_id
    FROM unnest(:members ::text[], :events ::text[]) AS asked (member_id, event_id)
    JOIN sign_up USING (member_id, event_id)
""")

_CHECK_INS = text("""
    SELECT checkin.member_id, checkin.step_id, checkin.id, checkin.at, checkin.badge_id, checkin.evidence,
           checkin.signed_up, checkin.undone_at
    FROM unnest(:members ::text[], :steps ::text[]) AS asked (member_id, step_id)
    JOIN checkin USING (member_id, step_id)
""")

_REFUSALS = text("""
    SELECT refusal.member_id, refusal.step_id, refusal.code, refusal.first_at, refusal.last_at
    FROM unnest(:members ::text[], :steps ::text[]) AS asked (member_id, step_id)
    JOIN refusal USING (member_id, step_id)
""")

_PLACEMENTS = text("""
    SELECT id, venue_id, zone_id FROM placement
    WHERE venue_id = ANY(:venues) AND valid && tstzrange(:low, :high, '[]')
""")

# Spans of a badge at a placement are disjoint: the last that began before the time may reach into it, and later ones.
_SPANS = text("""
    SELECT span.badge_id, span.placement_id, span.from_ms, span.to_ms
    FROM unnest(:badges ::bigint[], :placements ::bigint[], :lows ::bigint[], :highs ::bigint[])
         AS asked (badge_id, placement_id, low, high)
    JOIN span ON span.badge_id = asked.badge_id AND span.placement_id = asked.placement_id
         AND span.from_ms <= asked.high AND span.from_ms >= coalesce(
            (SELECT max(earlier.from_ms) FROM span AS earlier WHERE earlier.badge_id = asked.badge_id
             AND earlier.placement_id = asked.placement_id AND earlier.from_ms <= asked.low), asked.low)
""")


class Holding(NamedTuple):
    """Whose a badge was, for a time; closed, ms."""

    badge_id: int
    member_id: str
    held: Interval


def steps(session: Session, ids: Collection[str]) -> dict[str, Step]:
    """These steps, as far as there are any."""
    return {row.id: _step(row) for row in session.execute(_STEPS, {"steps": list(ids)})}


def steps_near(session: Session, heard: Mapping[str, Interval]) -> dict[str, list[Step]]:
    """The steps of each venue that being heard there in this time (ms) may matter to, those that open first first."""
    found: dict[str, list[Step]] = defaultdict(list)
    if heard:
        for row in session.execute(
            _STEPS_NEAR,
            {
                "venues": list(heard),
                "lows": [times.from_ms(low) for low, _ in heard.values()],
                "highs": [times.from_ms(high) for _, high in heard.values()],
                "early": dt.timedelta(milliseconds=rules.EARLY_MS),
                "late": dt.timedelta(milliseconds=rules.LATE_MS),
            },
        ):
            found[row.venue_id].append(_step(row))
    return found


def next_opens(session: Session, heard: Mapping[str, Interval]) -> dict[str, int]:
    """When (ms) the first step of each venue opens that is too far ahead for `steps_near`."""
    found = session.execute(
        _NEXT_OPENS,
        {
            "venues": list(heard),
            "highs": [times.from_ms(high) for _, high in heard.values()],
            "early": dt.timedelta(milliseconds=rules.EARLY_MS),
        },
    )
    return {venue_id: times.to_ms(opens_at) for venue_id, opens_at in found}


def holders(session: Session, badges: Collection[int], since_ms: int) -> dict[int, list[Holding]]:
    """Who held these badges, or will, since a time (ms)."""
    found: dict[int, list[Holding]] = defaultdict(list)
    if badges:
        for row in session.execute(_HOLDERS, {"badges": list(badges), "since": times.from_ms(since_ms)}):
            found[row.badge_id].append(_holding(row))
    return found


def cases(session: Session, pairs: Collection[Pair], known: Mapping[str, Step], heard_gap_ms: int) -> list[Case]:
    """What decides about each of these members and steps, in their order.

    known: the steps by their ids. Members hold badges, or held some while it mattered; without any there is a case too.
    """
    if not pairs:
        return []
    asked = [(member_id, known[step_id]) for member_id, step_id in pairs]
    signed_up = _signed_up(session, asked)
    checkins = _by_pair(session, _CHECK_INS, asked)
    refusals = _by_pair(session, _REFUSALS, asked)
    held = _held(session, asked, heard_gap_ms)
    heard = _heard(session, asked, held, heard_gap_ms)
    return [
        _case(member_id, step, signed_up, checkins[member_id, step.id], refusals[member_id, step.id], held, heard)
        for member_id, step in asked
    ]


def _case(
    member_id: str,
    step: Step,
    signed_up: Collection[Pair],
    checkins: Iterable[Row[Any]],
    refusals: Iterable[Row[Any]],
    held: Mapping[str, Mapping[int, list[Interval]]],
    heard: Mapping[tuple[int, str], list[tuple[str, Interval]]],
) -> Case:
    rows = list(checkins)
    undone = [times.to_ms(row.undone_at) for row in rows if row.undone_at is not None]
    standing = next((row for row in rows if row.undone_at is None), None)
    # Who came as signed up is judged so for ever: withdrawing afterwards takes no check-in away.
    expected = (member_id, step.event_id) in signed_up or (standing is not None and standing.signed_up)
    return Case(
        member_id,
        step,
        rules.Asked(
            step.opens_ms,
            step.ends_ms,
            step.dwell_signed_up_ms if expected else step.dwell_walk_in_ms,
            expected,
            max(undone, default=None),
            bool(rows),
        ),
        tuple(
            _in_hands(badge_id, step, times_held, heard[badge_id, step.venue_id])
            for badge_id, times_held in held[member_id].items()
        ),
        None
        if standing is None
        else Standing(standing.id, times.to_ms(standing.at), standing.badge_id, standing.evidence),
        tuple(rules.Refusal(row.code, times.to_ms(row.first_at), times.to_ms(row.last_at)) for row in refusals),
    )


def _in_hands(badge_id: int, step: Step, held: list[Interval], heard: list[tuple[str, Interval]]) -> rules.Held:
    there = [interval for zone_id, interval in heard if step.zone_id is None or zone_id == step.zone_id]
    last_ms = max((interval[1] for _, interval in heard), default=None)
    return rules.Held(badge_id, tuple(there), tuple(held), last_ms)


def _signed_up(session: Session, asked: Iterable[tuple[str, Step]]) -> set[Pair]:
    wanted = {(member_id, step.event_id) for member_id, step in asked}
    rows = session.execute(
        _SIGN_UPS, {"members": [member for member, _ in wanted], "events": [event for _, event in wanted]}
    )
    return {(member_id, event_id) for member_id, event_id in rows}


def _by_pair(session: Session, statement: Any, asked: Iterable[tuple[str, Step]]) -> dict[Pair, list[Row[Any]]]:
    pairs = list(asked)
    found: dict[Pair, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(
        statement, {"members": [member for member, _ in pairs], "steps": [step.id for _, step in pairs]}
    ):
        found[row.member_id, row.step_id].append(row)
    return found


def _held(
    session: Session, asked: Iterable[tuple[str, Step]], heard_gap_ms: int
) -> dict[str, dict[int, list[Interval]]]:
    """Member -> badge -> when she held it, as far as it may matter."""
    pairs = list(asked)
    rows = session.execute(
        _PAIRINGS,
        {
            "members": list({member_id for member_id, _ in pairs}),
            "since": times.from_ms(min(step.tells[0] for _, step in pairs) - heard_gap_ms),
            "until": times.from_ms(max(step.tells[1] for _, step in pairs) + heard_gap_ms),
        },
    )
    found: dict[str, dict[int, list[Interval]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        holding = _holding(row)
        found[holding.member_id][holding.badge_id].append(holding.held)
    return found


def _heard(
    session: Session,
    asked: Iterable[tuple[str, Step]],
    held: Mapping[str, Mapping[int, list[Interval]]],
    heard_gap_ms: int,
) -> dict[tuple[int, str], list[tuple[str, Interval]]]:
    """Badge and venue -> the zone and time of what was heard there, as far as it may matter."""
    ranges: dict[tuple[int, str], Interval] = {}
    for member_id, step in asked:
        low, high = step.tells[0] - heard_gap_ms, step.tells[1] + heard_gap_ms
        for badge_id in held[member_id]:
            known = ranges.get((badge_id, step.venue_id))
            ranges[badge_id, step.venue_id] = (
                (low, high) if known is None else (min(low, known[0]), max(high, known[1]))
            )
    found: dict[tuple[int, str], list[tuple[str, Interval]]] = defaultdict(list)
    if not ranges:
        return found
    places: dict[str, list[tuple[int, str]]] = defaultdict(list)
    where: dict[int, tuple[str, str]] = {}
    for placement_id, venue_id, zone_id in session.execute(
        _PLACEMENTS,
        {
            "venues": list({venue_id for _, venue_id in ranges}),
            "low": times.from_ms(min(low for low, _ in ranges.values())),
            "high": times.from_ms(max(high for _, high in ranges.values())),
        },
    ):
        places[venue_id].append((placement_id, zone_id))
        where[placement_id] = (venue_id, zone_id)
    wanted = [
        (badge_id, placement_id, low, high)
        for (badge_id, venue_id), (low, high) in ranges.items()
        for placement_id, _ in places[venue_id]
    ]
    if wanted:
        for badge_id, placement_id, from_ms, to_ms in session.execute(
            _SPANS,
            dict(zip(("badges", "placements", "lows", "highs"), map(list, zip(*wanted, strict=True)), strict=True)),
        ):
            venue_id, zone_id = where[placement_id]
            found[badge_id, venue_id].append((zone_id, (from_ms, to_ms)))
    return found


def _step(row: Row[Any]) -> Step:
    return Step(
        row.id,
        row.event_id,
        row.venue_id,
        row.zone_id,
        times.to_ms(row.opens_at),
        times.to_ms(row.ends_at),
        round(row.dwell_signed_up_s * 1000),
        round(row.dwell_walk_in_s * 1000),
    )


def _holding(row: Row[Any]) -> Holding:
    since_ms = 0 if row.since is None else times.to_ms(row.since)
    # The end of a pairing is the first moment at which she no longer held it.
    until_ms = rules.EVER_MS if row.until is None else times.to_ms(row.until) - 1
    return Holding(row.badge_id, row.member_id, (since_ms, until_ms))
