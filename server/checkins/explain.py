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
from server.events.states import State
from server.presence import joining, schema
from server.presence.joining import Interval
from server.texts import IN_ENGLISH, Texts


class StepUnknown(NotFound):
    """There is no such step."""

    code = "step_unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """The step's rule for this member, times in ms; zone_name: where she has to be heard, None for the whole venue.

    state: of its gathering; only what is announced checks anybody in. reason: why it was called off, as its host says.
    """

    step_id: str
    event_id: str
    venue_name: str
    time_zone: str
    zone_name: str | None
    opens_ms: int
    ends_ms: int
    needed_ms: int
    signed_up: bool
    state: str = State.PUBLISHED
    reason: str = ""


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


def answer(facts: Facts, now_ms: int, heard_gap_ms: int, say: Texts = IN_ENGLISH) -> Explanation:
    """Why she is or is not checked in at now_ms, in the reader's language; pure."""
    asked = facts.asked
    window = rules.open_window(asked.opens_ms, asked.ends_ms, facts.undone_ms)
    by_badge = {
        badge.badge_id: [] if window is None else rules.counted(badge.counting, heard_gap_ms, window, badge.held)
        for badge in facts.badges
    }
    heard_ms = joining.total_ms(joining.join((part for parts in by_badge.values() for part in parts), 0))
    code, sentence = _say(facts, heard_ms, now_ms, say)
    return Explanation(
        code,
        sentence,
        heard_ms / 1000,
        asked.needed_ms / 1000,
        {badge_id: joining.total_ms(parts) / 1000 for badge_id, parts in by_badge.items()},
        facts,
    )


def _say(facts: Facts, heard_ms: int, now_ms: int, say: Texts) -> tuple[str, str]:
    asked = facts.asked
    if facts.checked_in is not None:
        return "checked_in", _say_checked_in(facts.checked_in, asked, say)
    if asked.state == State.CANCELLED:
        off = say.gettext("It was called off, so nobody is checked in.")
        return "called_off", say.sentences(off, asked.reason)
    if asked.state == State.DRAFT:
        return "not_announced", say.gettext("It is not announced, so nobody is checked in.")
    over = now_ms >= asked.ends_ms
    host = say.gettext("Ask the host to check you in.")
    enough = heard_ms >= asked.needed_ms and _ever_heard(facts)
    place = asked.venue_name if asked.zone_name is None else words.place(asked.zone_name, say)
    stay = say.gettext("Stay at %(place)s.", place=place)
    so_far = {"heard": _seconds(heard_ms, down=True), "needed": _seconds(asked.needed_ms)}
    if facts.undone_ms is not None and not enough:
        taken_back = say.gettext(
            "The check-in was taken back at %(time)s; what was heard before does not count, and since then the badge"
            " was heard for %(heard)s of %(needed)s seconds.",
            time=_clock(facts.undone_ms, asked),
            **so_far,
        )
        return "undone", say.sentences(taken_back, host if over else stay)
    if now_ms < asked.opens_ms:
        return "not_open_yet", words.opens_in(times.from_ms(asked.opens_ms), times.from_ms(now_ms), say)
    if not facts.badges:
        return "no_badge", say.sentences(say.gettext("No badge was yours while check-in was open."), host)
    if enough:
        return "due", say.gettext("The badge was heard long enough; the check-in comes with the next report.")
    if heard_ms > 0 and not over:
        missing = _seconds(asked.needed_ms - heard_ms)
        known = say.gettext("The badge was heard for %(heard)s of %(needed)s seconds.", **so_far)
        more = say.gettext("Stay at %(place)s for %(seconds)s more seconds.", place=place, seconds=missing)
        return "not_long_enough", say.sentences(known, more)
    if heard_ms > 0:
        known = say.gettext("The badge was heard for %(heard)s of %(needed)s seconds before it ended.", **so_far)
        return "not_long_enough", say.sentences(known, host)
    return _say_unheard(facts, place, host if over else "", say)


def _say_checked_in(found: CheckedIn, asked: Asked, say: Texts) -> str:
    arrived = words.arrived(found.at, asked.time_zone, found.evidence, None, say)
    said = arrived if found.late is None else f"{arrived} · {found.late}"
    if found.over_capacity:
        return say.gettext("Checked in: %(arrived)s, when all places were taken.", arrived=said)
    return say.gettext("Checked in: %(arrived)s.", arrived=said)


def _say_unheard(facts: Facts, place: str, host: str, say: Texts) -> tuple[str, str]:
    asked = facts.asked
    window: Interval = (asked.opens_ms, asked.ends_ms)
    if any(joining.cut(joining.cut(badge.anywhere, [window]), badge.held) for badge in facts.badges):
        where = say.gettext(
            "The badge was heard at %(venue)s, but not at %(place)s, where this takes place.",
            venue=asked.venue_name,
            place=place,
        )
        return "elsewhere", say.sentences(where, host or say.gettext("Go there, your badge does the rest."))
    others = [part for badge in facts.badges for part in joining.cut(badge.counting, [window])]
    if others:
        then = say.gettext(
            "The badge was heard at %(place)s from %(first)s to %(last)s, when it was not yours.",
            place=place,
            first=_clock(min(low for low, _ in others), asked),
            last=_clock(max(high for _, high in others), asked),
        )
        return "not_yours_then", say.sentences(then, host or say.gettext("Stay at %(place)s with it.", place=place))
    if not joining.cut(facts.listened, [window]):
        nobody = say.gettext("Nothing at %(place)s listened while check-in was open.", place=place)
        return "nobody_listened", say.sentences(nobody, say.gettext("Ask the host to check you in."))
    early = [end for badge in facts.badges for _, end in badge.anywhere if end < asked.opens_ms]
    if early:
        before = say.gettext(
            "The badge was heard until %(time)s, before check-in opened at %(opens)s.",
            time=_clock(max(early), asked),
            opens=_clock(asked.opens_ms, asked),
        )
        return "too_early", say.sentences(before, host or say.gettext("Come near %(place)s again.", place=place))
    late = [start for badge in facts.badges for start, _ in badge.anywhere if start > asked.ends_ms]
    if late:
        after = say.gettext(
            "The badge was heard from %(time)s, after check-in ended at %(ends)s.",
            time=_clock(min(late), asked),
            ends=_clock(asked.ends_ms, asked),
        )
        return "too_late", say.sentences(after, host)
    known = say.gettext("The agents at %(place)s listened and did not hear the badge.", place=place)
    hint = host or say.gettext("Take the badge out of the bag, look after its battery, or ask the host.")
    return "not_heard", say.sentences(known, hint)


def _ever_heard(facts: Facts) -> bool:
    return any(badge.counting for badge in facts.badges)


def _seconds(ms: int, down: bool = False) -> int:
    return math.floor(ms / 1000) if down else math.ceil(ms / 1000)


def _clock(ms: int, asked: Asked) -> str:
    return schema.local_time(times.from_ms(ms), asked.time_zone)


_STEP = text("""
    SELECT step.id, step.event_id, step.venue_id, step.zone_id, step.opens_at, step.ends_at, venue.name AS venue_name,
           venue.simulated, venue.time_zone, zone.name AS zone_name, going_to.member_id IS NOT NULL AS signed_up,
           CASE WHEN going_to.member_id IS NULL THEN step.dwell_walk_in_s ELSE step.dwell_signed_up_s END AS dwell_s,
           checkin.id AS checkin_id, checkin.at AS checked_in_at, checkin.recorded_at, checkin.evidence, venue.replayed,
           (SELECT max(undoing.at) FROM undoing JOIN checkin AS undone ON undone.id = undoing.checkin_id
            WHERE undone.step_id = step.id AND undone.member_id = :member) AS undone_at, event.state, event.reason
    FROM step JOIN event ON event.id = step.event_id JOIN venue ON venue.id = step.venue_id
    LEFT JOIN zone ON zone.id = step.zone_id
    LEFT JOIN going_to ON going_to.step_id = step.id AND going_to.member_id = :member
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
    SELECT code, at_door, sentence, values, first_at, last_at FROM refusal
    WHERE step_id = :step AND member_id = :member ORDER BY last_at DESC
""")

# As long before the doors and after the end as refusals are told for: what was heard then explains the most.
AROUND_MS = 2 * 3600 * 1000


def explain(
    session: Session,
    *,
    member_id: str,
    step_id: str,
    now: dt.datetime,
    presence: Presence,
    say: Texts = IN_ENGLISH,
) -> Explanation:
    """Why a member is or is not checked in to a step at `now`, in the reader's language; raises StepUnknown."""
    found = session.execute(_STEP, {"step": step_id, "member": member_id}).one_or_none()
    if found is None:
        raise StepUnknown("There is no step %(step)r.", step=step_id[:64])
    asked = Asked(
        found.id,
        found.event_id,
        say.name(found.venue_name, found.simulated),
        found.time_zone,
        None if found.zone_name is None else say.name(found.zone_name, found.simulated),
        times.to_ms(found.opens_at),
        times.to_ms(found.ends_at),
        round(found.dwell_s * 1000),
        found.signed_up,
        found.state,
        say.name(found.reason, found.simulated),
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
        _checked_in(session, found, say),
        tuple(
            Told(row.code, words.refusal(row, found.opens_at, found.ends_at, say), row.first_at, row.last_at)
            for row in told
        ),
    )
    return answer(facts, times.to_ms(now), round(presence.heard_gap_s * 1000), say)


def _checked_in(session: Session, found: Row[Any], say: Texts) -> CheckedIn | None:
    if found.checkin_id is None:
        return None
    late = words.late(found.checked_in_at, found.recorded_at, found.replayed, say)
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
