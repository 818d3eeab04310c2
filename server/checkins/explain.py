"""Why somebody is, or is not, checked in to a step: what was heard of her badges beside what the rule asks for."""

import dataclasses
import datetime as dt
import math
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from config.settings import Presence
from server import times
from server.checkins import capacity, rules, words
from server.errors import NotFound
from server.presence import joining, schema
from server.presence.joining import Interval


class StepUnknown(NotFound):
    """There is no such step."""

    code = "step_unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """The step's rule for this member, times in ms; zone_name: where she has to be heard, None for the whole venue."""

    step_id: str
    event_id: str
    venue_name: str
    time_zone: str
    zone_name: str | None
    opens_ms: int
    ends_ms: int
    needed_ms: int
    signed_up: bool


@dataclasses.dataclass(frozen=True, slots=True)
class BadgeHeard:
    """One badge that she held: when, and what was heard of it where it counts, and anywhere at the venue."""

    badge_id: int
    label: str
    held: tuple[Interval, ...]
    counting: tuple[Interval, ...]
    anywhere: tuple[Interval, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """A refusal that she was given."""

    code: str
    sentence: str
    first_at: dt.datetime
    last_at: dt.datetime


class CheckedIn(NamedTuple):
    """The check-in that stands. late: how much later it was known, over_capacity: all places were taken."""

    at: dt.datetime
    evidence: str
    late: str | None = None
    over_capacity: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """All that the answer depends on. listened: when an agent that counts listened."""

    asked: Asked
    badges: tuple[BadgeHeard, ...]
    listened: tuple[Interval, ...]
    undone_ms: int | None
    checked_in: CheckedIn | None
    refusals: tuple[Told, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """The answer: a stable code, one sentence to act on, and the numbers behind it (seconds)."""

    code: str
    sentence: str
    heard_s: float
    needed_s: float
    heard_s_by_badge: dict[int, float]
    facts: Facts


def answer(facts: Facts, now_ms: int, heard_gap_ms: int) -> Explanation:
    """Why she is or is not checked in at now_ms; pure."""
    asked = facts.asked
    window = rules.open_window(asked.opens_ms, asked.ends_ms, facts.undone_ms)
    by_badge = {
        badge.badge_id: [] if window is None else rules.counted(badge.counting, heard_gap_ms, window, badge.held)
        for badge in facts.badges
    }
    heard_ms = joining.total_ms(joining.join((part for parts in by_badge.values() for part in parts), 0))
    code, sentence = _say(facts, heard_ms, now_ms)
    return Explanation(
        code,
        sentence,
        heard_ms / 1000,
        asked.needed_ms / 1000,
        {badge_id: joining.total_ms(parts) / 1000 for badge_id, parts in by_badge.items()},
        facts,
    )


def _say(facts: Facts, heard_ms: int, now_ms: int) -> tuple[str, str]:
    asked = facts.asked
    if facts.checked_in is not None:
        return "checked_in", _say_checked_in(facts.checked_in, asked)
    over = now_ms >= asked.ends_ms
    host = "Ask the host to check you in."
    enough = heard_ms >= asked.needed_ms and _ever_heard(facts)
    so_far = f"heard for {_seconds(heard_ms, down=True)} of {_seconds(asked.needed_ms)} seconds"
    place = asked.venue_name if asked.zone_name is None else words.place(asked.zone_name)
    if facts.undone_ms is not None and not enough:
        taken_back = (
            f"The check-in was taken back at {_clock(facts.undone_ms, asked)}; what was heard before does not count"
        )
        return "undone", f"{taken_back}, and since then the badge was {so_far}. {host if over else f'Stay at {place}.'}"
    if now_ms < asked.opens_ms:
        return "not_open_yet", rules.opens_in(times.from_ms(asked.opens_ms), times.from_ms(now_ms))
    if not facts.badges:
        return "no_badge", f"No badge was yours while check-in was open. {host}"
    if enough:
        return "due", "The badge was heard long enough; the check-in comes with the next report."
    if heard_ms > 0 and not over:
        missing = _seconds(asked.needed_ms - heard_ms)
        return "not_long_enough", f"The badge was {so_far}. Stay at {place} for {missing} more seconds."
    if heard_ms > 0:
        return "not_long_enough", f"The badge was {so_far} before it ended. {host}"
    return _say_unheard(facts, place, host if over else "")


def _say_checked_in(found: CheckedIn, asked: Asked) -> str:
    late = "" if found.late is None else f" · {found.late}"
    over = ", when all places were taken" if found.over_capacity else ""
    return f"Checked in: {words.arrived(found.at, asked.time_zone, found.evidence, None)}{late}{over}."


def _say_unheard(facts: Facts, place: str, host: str) -> tuple[str, str]:
    asked = facts.asked
    window: Interval = (asked.opens_ms, asked.ends_ms)
    if any(joining.cut(joining.cut(badge.anywhere, [window]), badge.held) for badge in facts.badges):
        where = f"The badge was heard at {asked.venue_name}, but not at {place}, where this takes place."
        return "elsewhere", f"{where} {host or 'Go there, your badge does the rest.'}"
    others = [part for badge in facts.badges for part in joining.cut(badge.counting, [window])]
    if others:
        first, last = min(low for low, _ in others), max(high for _, high in others)
        then = f"from {_clock(first, asked)} to {_clock(last, asked)}, when it was not yours"
        return "not_yours_then", f"The badge was heard at {place} {then}. {host or f'Stay at {place} with it.'}"
    if not joining.cut(facts.listened, [window]):
        return "nobody_listened", f"Nothing at {place} listened while check-in was open. Ask the host to check you in."
    early = [end for badge in facts.badges for _, end in badge.anywhere if end < asked.opens_ms]
    if early:
        before = f"The badge was heard until {_clock(max(early), asked)}, before check-in opened"
        return "too_early", f"{before} at {_clock(asked.opens_ms, asked)}. {host or f'Come near {place} again.'}"
    late = [start for badge in facts.badges for start, _ in badge.anywhere if start > asked.ends_ms]
    if late:
        after = f"The badge was heard from {_clock(min(late), asked)}, after check-in ended"
        return "too_late", f"{after} at {_clock(asked.ends_ms, asked)}. {host}"
    hint = host or "Take the badge out of the bag, look after its battery, or ask the host."
    return "not_heard", f"The agents at {place} listened and did not hear the badge. {hint}"


def _ever_heard(facts: Facts) -> bool:
    return any(badge.counting for badge in facts.badges)


def _seconds(ms: int, down: bool = False) -> int:
    return math.floor(ms / 1000) if down else math.ceil(ms / 1000)


def _clock(ms: int, asked: Asked) -> str:
    return schema.local_time(times.from_ms(ms), asked.time_zone)


_STEP = text("""
    SELECT step.id, step.event_id, step.venue_id, step.zone_id, step.opens_at, step.ends_at, venue.name AS venue_name,
           venue.time_zone, zone.name AS zone_name, sign_up.member_id IS NOT NULL AS signed_up,
           CASE WHEN sign_up.member_id IS NULL THEN step.dwell_walk_in_s ELSE step.dwell_signed_up_s END AS dwell_s,
           checkin.id AS checkin_id, checkin.at AS checked_in_at, checkin.recorded_at, checkin.evidence, venue.replayed,
           (SELECT max(undoing.at) FROM undoing JOIN checkin AS undone ON undone.id = undoing.checkin_id
            WHERE undone.step_id = step.id AND undone.member_id = :member) AS undone_at
    FROM step JOIN venue ON venue.id = step.venue_id LEFT JOIN zone ON zone.id = step.zone_id
    LEFT JOIN sign_up ON sign_up.event_id = step.event_id AND sign_up.member_id = :member
    LEFT JOIN checkin ON checkin.step_id = step.id AND checkin.member_id = :member AND checkin.undone_at IS NULL
    WHERE step.id = :step
""")

_BADGES = text("""
    SELECT pairing.badge_id, badge.label, lower(pairing.valid) AS since, upper(pairing.valid) AS until
    FROM pairing JOIN badge ON badge.id = pairing.badge_id
    WHERE pairing.member_id = :member AND pairing.valid && tstzrange(:from_at, :to_at, '[]')
    ORDER BY pairing.badge_id, lower(pairing.valid)
""")

_SPANS = text("""
    SELECT span.badge_id, placement.zone_id, span.from_ms, span.to_ms
    FROM span JOIN placement ON placement.id = span.placement_id
    WHERE span.badge_id = ANY(:badges) AND placement.venue_id = :venue
      AND span.to_ms >= :from_ms AND span.from_ms <= :to_ms
    ORDER BY span.from_ms
""")

_LISTENED = text("""
    SELECT coverage.from_ms, coverage.to_ms
    FROM placement JOIN coverage ON coverage.agent_id = placement.agent_id
    WHERE placement.venue_id = :venue AND (:zone ::text IS NULL OR placement.zone_id = :zone)
      AND placement.valid @> to_timestamp(coverage.to_ms / 1000.0)
      AND coverage.to_ms >= :from_ms AND coverage.from_ms <= :to_ms
    ORDER BY coverage.from_ms
""")

_REFUSALS = text("""
    SELECT code, sentence, first_at, last_at FROM refusal
    WHERE step_id = :step AND member_id = :member ORDER BY last_at DESC
""")

# As long before the doors and after the end as refusals are told for: what was heard then explains the most.
AROUND_MS = 2 * 3600 * 1000


def explain(session: Session, *, member_id: str, step_id: str, now: dt.datetime, presence: Presence) -> Explanation:
    """Why a member is or is not checked in to a step at `now`; raises StepUnknown."""
    found = session.execute(_STEP, {"step": step_id, "member": member_id}).one_or_none()
    if found is None:
        raise StepUnknown(f"There is no step {step_id[:64]!r}.")
    asked = Asked(
        found.id,
        found.event_id,
        found.venue_name,
        found.time_zone,
        found.zone_name,
        times.to_ms(found.opens_at),
        times.to_ms(found.ends_at),
        round(found.dwell_s * 1000),
        found.signed_up,
    )
    around = {
        "venue": found.venue_id,
        "zone": found.zone_id,
        "from_ms": asked.opens_ms - AROUND_MS,
        "to_ms": asked.ends_ms + AROUND_MS,
    }
    badges = _load_badges(session, member_id, asked, around)
    told = session.execute(_REFUSALS, {"step": step_id, "member": member_id})
    facts = Facts(
        asked,
        badges,
        tuple((row.from_ms, row.to_ms) for row in session.execute(_LISTENED, around)),
        None if found.undone_at is None else times.to_ms(found.undone_at),
        _checked_in(session, found),
        tuple(Told(row.code, row.sentence, row.first_at, row.last_at) for row in told),
    )
    return answer(facts, times.to_ms(now), round(presence.heard_gap_s * 1000))


def _checked_in(session: Session, found: Row[Any]) -> CheckedIn | None:
    if found.checkin_id is None:
        return None
    late = words.late(found.checked_in_at, found.recorded_at, found.replayed)
    over = found.checkin_id in capacity.over(session, [found.id])
    return CheckedIn(found.checked_in_at, found.evidence, late, over)


def _load_badges(session: Session, member_id: str, asked: Asked, around: dict[str, object]) -> tuple[BadgeHeard, ...]:
    held: dict[int, list[Interval]] = {}
    labels: dict[int, str] = {}
    open_time = {"from_at": times.from_ms(asked.opens_ms), "to_at": times.from_ms(asked.ends_ms)}
    for row in session.execute(_BADGES, {"member": member_id, **open_time}):
        since_ms = 0 if row.since is None else times.to_ms(row.since)
        until_ms = rules.EVER_MS if row.until is None else times.to_ms(row.until) - 1
        held.setdefault(row.badge_id, []).append((since_ms, until_ms))
        labels[row.badge_id] = row.label
    anywhere: dict[int, list[Interval]] = {badge_id: [] for badge_id in held}
    counting: dict[int, list[Interval]] = {badge_id: [] for badge_id in held}
    for row in session.execute(_SPANS, {**around, "badges": list(held)}):
        anywhere[row.badge_id].append((row.from_ms, row.to_ms))
        if around["zone"] is None or row.zone_id == around["zone"]:
            counting[row.badge_id].append((row.from_ms, row.to_ms))
    return tuple(
        BadgeHeard(badge_id, labels[badge_id], tuple(times_held), tuple(counting[badge_id]), tuple(anywhere[badge_id]))
        for badge_id, times_held in held.items()
    )
