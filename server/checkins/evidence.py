"""Reads all that check-ins depend on, for many members and steps at once: a few statements, however many they are.

Thousands of rows go through here in each batch. Times are therefore made milliseconds by the database, and lists reach
it as texts with commas between (ids hold none), which costs a tenth of what arrays and dates cost on their way.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from server import times
from server.checkins import days, remembered, rules
from server.checkins.rows import Given, Pair, by_pair, read
from server.presence import joining
from server.presence.joining import Interval


class Step(NamedTuple):
    """A step as its check-ins are judged, times in ms. tells: when being heard says something, early or late too.

    A venue's day (`cafe@2026-03-13`, with its `day` and no event) is judged as a step of the whole venue, for members
    whose visits it remembers. list_only: nobody walks in.
    """

    id: str
    event_id: str
    venue_id: str
    zone_id: str | None
    opens_ms: int
    ends_ms: int
    dwell_signed_up_ms: int
    dwell_walk_in_ms: int
    tells: Interval
    day: dt.date | None = None
    list_only: bool = False


class Standing(NamedTuple):
    """A check-in that was not taken back."""

    id: int
    at_ms: int
    badge_id: int | None
    evidence: str


class Case(NamedTuple):
    """One member and one step: what is asked, what was heard, and what the tables say so far."""

    member_id: str
    step: Step
    asked: rules.Asked
    badges: tuple[rules.Held, ...]
    standing: Standing | None
    refusals: tuple[rules.Refusal, ...]


_STEP = """
    SELECT step.id, step.event_id, step.venue_id, step.zone_id,
           floor(extract(epoch FROM step.opens_at) * 1000)::bigint,
           floor(extract(epoch FROM step.ends_at) * 1000)::bigint, step.dwell_signed_up_s, step.dwell_walk_in_s,
           event.list_only
"""
# Of a gathering that is not announced, or was called off, nothing is judged any more: what was, stays.
_ANNOUNCED = "JOIN event ON event.id = step.event_id AND event.state = 'published'"
_STEPS = text(_STEP + f" FROM step {_ANNOUNCED} WHERE step.id = ANY(string_to_array(:steps, ','))")
_STEPS_NEAR = text(
    _STEP
    + f"""
    FROM unnest(string_to_array(:venues, ','), string_to_array(:lows, ',')::bigint[],
                string_to_array(:highs, ',')::bigint[]) AS heard (venue_id, low, high)
    JOIN step ON step.venue_id = heard.venue_id AND step.opens_at <= to_timestamp((heard.high + :early) / 1000.0)
         AND step.ends_at >= to_timestamp((heard.low - :late) / 1000.0)
    {_ANNOUNCED}
    ORDER BY step.opens_at, step.id
"""
)

_TIME_ZONES = text("SELECT id, time_zone FROM venue WHERE id = ANY(string_to_array(:venues, ','))")

_NEXT_OPENS = text(
    """
    SELECT heard.venue_id, floor(extract(epoch FROM min(step.opens_at)) * 1000)::bigint
    FROM unnest(string_to_array(:venues, ','), string_to_array(:highs, ',')::bigint[]) AS heard (venue_id, high)
    JOIN step ON step.venue_id = heard.venue_id AND step.opens_at > to_timestamp((heard.high + :early) / 1000.0)
    JOIN event ON event.id = step.event_id AND event.state = 'published'
    GROUP BY heard.venue_id
"""
)

# All that the holders of some badges hold or held: somebody's time heard is that of all her badges.
_HANDS = text("""
    SELECT badge_id, member_id, floor(extract(epoch FROM lower(valid)) * 1000)::bigint,
           floor(extract(epoch FROM upper(valid)) * 1000)::bigint
    FROM pairing WHERE valid && tstzrange(to_timestamp(:since / 1000.0), NULL) AND member_id IN (
        SELECT held.member_id FROM unnest(string_to_array(:badges, ',')::bigint[]) AS asked (badge_id)
        JOIN pairing AS held USING (badge_id) WHERE held.valid && tstzrange(to_timestamp(:since / 1000.0), NULL))
""")
_HANDS_OF = text("""
    SELECT badge_id, member_id, floor(extract(epoch FROM lower(valid)) * 1000)::bigint,
           floor(extract(epoch FROM upper(valid)) * 1000)::bigint
    FROM pairing WHERE valid && tstzrange(to_timestamp(:since / 1000.0), NULL)
    AND member_id = ANY(string_to_array(:members, ','))
""")

# As the view going_to has it; but through that PostgreSQL, which cannot know how much is asked, looks for each pair at
# all who signed up for the event.
_SIGN_UPS = text("""
    SELECT asked.member_id, asked.step_id
    FROM unnest(string_to_array(:members, ','), string_to_array(:events, ','), string_to_array(:steps, ','))
         AS asked (member_id, event_id, step_id)
    JOIN going USING (event_id, member_id)
    LEFT JOIN sign_up_step AS chosen ON chosen.step_id = asked.step_id AND chosen.member_id = asked.member_id
    WHERE chosen.state = 'going' OR chosen.state IS NULL AND NOT EXISTS (
        SELECT FROM sign_up_step AS other WHERE other.event_id = asked.event_id AND other.member_id = asked.member_id)
""")

_CHECK_INS = text("""
    SELECT member_id, step_id, id, floor(extract(epoch FROM at) * 1000)::bigint, badge_id, evidence, signed_up,
           floor(extract(epoch FROM undone_at) * 1000)::bigint
    FROM unnest(string_to_array(:members, ','), string_to_array(:steps, ',')) AS asked (member_id, step_id)
    JOIN checkin USING (member_id, step_id)
""")

_REFUSALS = text("""
    SELECT member_id, step_id, code, floor(extract(epoch FROM first_at) * 1000)::bigint,
           floor(extract(epoch FROM last_at) * 1000)::bigint
    FROM unnest(string_to_array(:members, ','), string_to_array(:steps, ',')) AS asked (member_id, step_id)
    JOIN refusal USING (member_id, step_id) WHERE NOT refusal.at_door
""")

_PLACEMENTS = text("""
    SELECT id, venue_id, zone_id FROM unnest(string_to_array(:venues, ',')) AS asked (venue_id)
    JOIN placement USING (venue_id)
    WHERE valid && tstzrange(to_timestamp(:low / 1000.0), to_timestamp(:high / 1000.0), '[]')
""")

# Spans of a badge at a placement are disjoint: the last that began before the time may reach into it, and later ones.
_SPANS = text("""
    SELECT span.badge_id, span.placement_id, span.from_ms, span.to_ms
    FROM unnest(string_to_array(:badges, ',')::bigint[], string_to_array(:venues, ','),
                string_to_array(:lows, ',')::bigint[], string_to_array(:highs, ',')::bigint[])
         AS asked (badge_id, venue_id, low, high)
    JOIN unnest(string_to_array(:placements, ',')::bigint[], string_to_array(:places, ','))
         AS place (id, venue_id) USING (venue_id)
    JOIN span ON span.badge_id = asked.badge_id AND span.placement_id = place.id
         AND span.from_ms <= asked.high AND span.from_ms >= coalesce(
            (SELECT max(earlier.from_ms) FROM span AS earlier WHERE earlier.badge_id = asked.badge_id
             AND earlier.placement_id = place.id AND earlier.from_ms <= asked.low), asked.low)
""")

# Member -> badge -> when she held it.
Hands = Mapping[str, Mapping[int, list[Interval]]]


def steps(session: Session, ids: Collection[str]) -> dict[str, Step]:
    """These steps and venues' days, as far as there are any."""
    of_days = {occasion: found for occasion in ids if (found := days.read(occasion)) is not None}
    known = {step.id: step for row in read(session, _STEPS, steps=ids) for step in [_step(row)]}
    if of_days:
        zones = dict(read(session, _TIME_ZONES, venues={venue_id for venue_id, _ in of_days.values()}))
        known |= {
            occasion: day_step(venue_id, day, zones[venue_id])
            for occasion, (venue_id, day) in of_days.items()
            if venue_id in zones
        }
    return known


def day_step(venue_id: str, day: dt.date, time_zone: str) -> Step:
    """A venue's day as a step."""
    begins_ms, ends_ms = days.bounds(day, time_zone)
    dwell_ms = rules.VENUE_DWELL_MS
    tells = (begins_ms, ends_ms)
    return Step(days.name(venue_id, day), "", venue_id, None, begins_ms, ends_ms, dwell_ms, dwell_ms, tells, day)


def remembering(
    session: Session, heard: Collection[tuple[int, str, int, int]]
) -> dict[tuple[int, str], tuple[list[Step], frozenset[str]]]:
    """Badge and venue -> the days of that venue it was heard on, and the next one; and whose visits it remembers.

    heard: badge, venue, from and to (ms). Only where a holder of the badge has her visits remembered.
    """
    if not heard:
        return {}
    members: dict[tuple[int, str], set[str]] = defaultdict(set)
    zones: dict[str, str] = {}
    for badge_id, venue_id, member_id, time_zone in remembered.holders(session, heard):
        members[badge_id, venue_id].add(member_id)
        zones[venue_id] = time_zone
    ranges: dict[tuple[int, str], Interval] = {}
    for badge_id, venue_id, low, high in heard:
        if (key := (badge_id, venue_id)) in members:
            before = ranges.get(key, (low, high))
            ranges[key] = (min(low, before[0]), max(high, before[1]))
    return {
        key: ([day_step(key[1], day, zones[key[1]]) for day in _days(ranges[key], zones[key[1]])], frozenset(of))
        for key, of in members.items()
    }


def days_of(session: Session, members: Collection[str], heard: Mapping[str, Interval]) -> set[Pair]:
    """These members beside each venue's days in its time (ms), where their visits were ever remembered."""
    return {
        (member_id, days.name(venue_id, day))
        for member_id, venue_id, time_zone in remembered.venues_of(session, members, heard)
        for day in _days(heard[venue_id], time_zone)
    }


def _days(heard: Interval, time_zone: str) -> list[dt.date]:
    """The days that a time (ms) lies in, and the one after."""
    first, last = (days.day_of(times.from_ms(ms), time_zone) for ms in heard)
    return [first + dt.timedelta(days=number) for number in range((last - first).days + 2)]


def steps_near(session: Session, heard: Mapping[str, Interval]) -> dict[str, list[Step]]:
    """The steps of each venue that being heard there in this time (ms) may matter to, those that open first first."""
    found: dict[str, list[Step]] = defaultdict(list)
    lows, highs = [low for low, _ in heard.values()], [high for _, high in heard.values()]
    near: dict[str, Given] = {
        "venues": heard,
        "lows": lows,
        "highs": highs,
        "early": rules.EARLY_MS,
        "late": rules.LATE_MS,
    }
    for row in read(session, _STEPS_NEAR, **near):
        step = _step(row)
        found[step.venue_id].append(step)
    return dict(found)


def next_opens(session: Session, heard: Mapping[str, Interval]) -> dict[str, int]:
    """When (ms) the first step of each venue opens that is too far ahead for `steps_near`."""
    highs = [high for _, high in heard.values()]
    return dict(read(session, _NEXT_OPENS, venues=heard, highs=highs, early=rules.EARLY_MS))


def hands(session: Session, *, since_ms: int, badges: Collection[int]) -> dict[str, dict[int, list[Interval]]]:
    """What all who held one of these badges since a time (ms), or will, held since then."""
    return _hands(read(session, _HANDS, badges=badges, since=since_ms))


def hands_of(session: Session, *, since_ms: int, members: Collection[str]) -> dict[str, dict[int, list[Interval]]]:
    """What these members held since a time (ms), or will."""
    return _hands(read(session, _HANDS_OF, members=members, since=since_ms))


def cases(
    session: Session, pairs: Collection[Pair], known: Mapping[str, Step], held: Hands, heard_gap_ms: int
) -> list[Case]:
    """What decides about each of these members and steps, in their order; nothing about who would walk in to a list.

    known: the steps by their ids. held: at least since heard_gap_ms before the steps tell something.
    """
    if not pairs:
        return []
    members, step_ids = [member_id for member_id, _ in pairs], [step_id for _, step_id in pairs]
    event_ids = [known[step_id].event_id for step_id in step_ids]
    signed_up = set(map(tuple, read(session, _SIGN_UPS, members=members, events=event_ids, steps=step_ids)))
    checkins, refusals = (
        by_pair(read(session, statement, members=members, steps=step_ids)) for statement in (_CHECK_INS, _REFUSALS)
    )
    of_days = [(member_id, step.venue_id, step.day) for member_id, key in pairs if (step := known[key]).day is not None]
    kept: dict[Pair, list[Interval]] = {}
    if of_days:
        checkins |= remembered.check_ins(session, of_days)
        kept = remembered.times_of(session, of_days)
    heard = _heard(session, pairs, known, held, heard_gap_ms)

    def in_hands(member_id: str, step: Step) -> Mapping[int, list[Interval]]:
        of_hers = held.get(member_id, {})
        return of_hers if step.day is None else _while(of_hers, kept.get((member_id, step.venue_id), ()))

    return [
        _case(
            member_id,
            known[step_id],
            (member_id, step_id) in signed_up,
            checkins.get((member_id, step_id), ()),
            refusals.get((member_id, step_id), ()),
            in_hands(member_id, known[step_id]),
            heard,
        )
        for member_id, step_id in pairs
        if not known[step_id].list_only or (member_id, step_id) in signed_up or (member_id, step_id) in checkins
    ]


def _while(held: Mapping[int, list[Interval]], kept: Sequence[Interval]) -> dict[int, list[Interval]]:
    """What she held while her visits were remembered."""
    wanted = joining.join(kept, 0)
    return {badge_id: joining.cut(times_held, wanted) for badge_id, times_held in held.items()}


def _case(
    member_id: str,
    step: Step,
    expected: bool,
    checkins: Sequence[tuple[Any, ...]],
    refusals: Sequence[tuple[Any, ...]],
    held: Mapping[int, list[Interval]],
    heard: Mapping[tuple[int, str], list[tuple[str, Interval]]],
) -> Case:
    standing, undone_ms, by_sign_up = None, None, expected
    for checkin_id, at_ms, badge_id, evidence, signed_up, undone_at_ms in checkins:
        if undone_at_ms is not None:
            undone_ms = max(undone_at_ms, undone_ms or 0)
        else:
            standing = Standing(checkin_id, at_ms, badge_id, evidence)
            # Who came as signed up is judged so for ever: withdrawing afterwards takes no check-in away.
            by_sign_up = expected or signed_up
    dwell_ms = step.dwell_signed_up_ms if by_sign_up else step.dwell_walk_in_ms
    return Case(
        member_id,
        step,
        rules.Asked(step.opens_ms, step.ends_ms, dwell_ms, expected, undone_ms, bool(checkins)),
        tuple(
            _in_hands(badge_id, step.zone_id, times_held, heard.get((badge_id, step.venue_id), ()))
            for badge_id, times_held in held.items()
        ),
        standing,
        tuple(rules.Refusal(*refusal) for refusal in refusals),
    )


def _in_hands(
    badge_id: int, zone_id: str | None, held: list[Interval], heard: Sequence[tuple[str, Interval]]
) -> rules.Held:
    if not heard:
        return rules.Held(badge_id, (), tuple(held))
    there = tuple([interval for zone, interval in heard if zone_id is None or zone == zone_id])
    return rules.Held(badge_id, there, tuple(held), max([interval[1] for _, interval in heard]))


def _heard(
    session: Session, pairs: Iterable[Pair], known: Mapping[str, Step], held: Hands, heard_gap_ms: int
) -> dict[tuple[int, str], list[tuple[str, Interval]]]:
    """Badge and venue -> the zone and time of what was heard there, as far as it may matter."""
    ranges: dict[tuple[int, str], Interval] = {}
    for member_id, step_id in pairs:
        step = known[step_id]
        low, high = step.tells[0] - heard_gap_ms, step.tells[1] + heard_gap_ms
        for badge_id in held.get(member_id, ()):
            key = (badge_id, step.venue_id)
            before = ranges.get(key)
            ranges[key] = (low, high) if before is None else (min(low, before[0]), max(high, before[1]))
    if not ranges:
        return {}
    where: dict[int, tuple[str, str]] = {}
    low, high = min(low for low, _ in ranges.values()), max(high for _, high in ranges.values())
    venues = {venue_id for _, venue_id in ranges}
    for placement_id, venue_id, zone_id in read(session, _PLACEMENTS, venues=venues, low=low, high=high):
        where[placement_id] = (venue_id, zone_id)
    found: dict[tuple[int, str], list[tuple[str, Interval]]] = defaultdict(list)
    asked: dict[str, Given] = {
        "badges": [badge_id for badge_id, _ in ranges],
        "venues": [venue_id for _, venue_id in ranges],
        "lows": [low for low, _ in ranges.values()],
        "highs": [high for _, high in ranges.values()],
        "placements": where,
        "places": [venue_id for venue_id, _ in where.values()],
    }
    for badge_id, placement_id, from_ms, to_ms in read(session, _SPANS, **asked):
        venue_id, zone_id = where[placement_id]
        found[badge_id, venue_id].append((zone_id, (from_ms, to_ms)))
    return found


def _step(row: Sequence[Any]) -> Step:
    step_id, event_id, venue_id, zone_id, opens_ms, ends_ms, signed_up_s, walk_in_s, list_only = row
    tells = (opens_ms - rules.EARLY_MS, ends_ms + rules.LATE_MS)
    dwell_ms = (round(signed_up_s * 1000), round(walk_in_s * 1000))
    return Step(step_id, event_id, venue_id, zone_id, opens_ms, ends_ms, *dwell_ms, tells, None, list_only)


def _hands(rows: Iterable[Sequence[Any]]) -> dict[str, dict[int, list[Interval]]]:
    found: dict[str, dict[int, list[Interval]]] = {}
    for badge_id, member_id, since_ms, until_ms in rows:
        # The end of a pairing is the first moment at which she no longer held it.
        held = (since_ms or 0, rules.EVER_MS if until_ms is None else until_ms - 1)
        found.setdefault(member_id, {}).setdefault(badge_id, []).append(held)
    return found
