"""Checking in by what was heard: the one question a gateway asks, so nothing here needs maps or pages."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from config.settings import Presence
from server.checkins import evidence, record, rules
from server.checkins.evidence import Step
from server.checkins.record import Judged
from server.checkins.rows import Pair
from server.presence.joining import Interval

BadgeAt = tuple[int, str]  # badge, venue


class HeardAt(NamedTuple):
    """A badge was heard at a venue: the interval that a batch of readings touched."""

    badge_id: int
    venue_id: str
    from_ms: int
    to_ms: int


class Outcome(NamedTuple):
    """What hearing badges changed, and when it may change something again.

    topics: `event/<id>` and `member/<id>`, whose revisions the caller is to raise.
    waits: for each badge and venue that was heard, the earliest time (ms) at which more time heard could change
    anything, None for never. Time heard that begins at most rules.SLACK_MS before the newest that was known of that
    badge at that venue when this was answered, and ends before this time, need not be told; what begins earlier is
    late, and always must. Ask again whenever the topic `expected` was raised, since who is expected has changed.
    others: the same for other badges of the same members there, which has to wait no longer than was known before.
    """

    topics: set[str]
    waits: dict[BadgeAt, int | None]
    others: dict[BadgeAt, int | None]


def check_in_heard(session: Session, heard: Iterable[HeardAt], presence: Presence, now: dt.datetime) -> Outcome:
    """Checks in whoever was heard long enough, from the spans as they are in the session's transaction.

    heard: what changed; it only says about whom to ask, what follows is read from the spans. now: kept as when a
    check-in was recorded.
    """
    changes = list(heard)
    if not changes:
        return Outcome(set(), {}, {})
    gap_ms = round(presence.heard_gap_s * 1000)
    at_venues = _ranges(changes, gap_ms)
    near = evidence.steps_near(session, at_venues)
    far = evidence.next_opens(session, at_venues)
    remembering = evidence.remembering(
        session,
        [(change.badge_id, change.venue_id, change.from_ms - gap_ms, change.to_ms + gap_ms) for change in changes],
    )
    of_days = [step for steps, _ in remembering.values() for step in steps]
    known = {step.id: step for step in (*(step for steps in near.values() for step in steps), *of_days)}
    asked = {change.badge_id for change in changes if change.venue_id in near} | {badge for badge, _ in remembering}
    held = _hands(session, asked, known.values(), gap_ms)
    holders = _holders(held)
    pairs: dict[Pair, None] = {}
    for change in changes:
        days, whose = remembering.get((change.badge_id, change.venue_id), ((), frozenset()))
        for step in (*near.get(change.venue_id, ()), *days):
            if step.tells[0] <= change.to_ms + gap_ms and step.tells[1] >= change.from_ms - gap_ms:
                for member_id, until_ms in holders.get(change.badge_id, ()):
                    if until_ms >= change.from_ms - gap_ms and (step.day is None or member_id in whose):
                        pairs[member_id, step.id] = None
    judged = [
        Judged(case, rules.judge(case.asked, case.badges, gap_ms))
        for case in evidence.cases(session, pairs, known, held, gap_ms)
    ]
    changed = record.grow(session, judged, now)
    waits = {
        (change.badge_id, change.venue_id): sooner(
            _next_step(change, near, far, holders, gap_ms),
            _next_day(change, remembering.get((change.badge_id, change.venue_id), ((), frozenset()))[0], gap_ms),
        )
        for change in sorted(changes, key=lambda change: change.to_ms)
    }
    others: dict[BadgeAt, int | None] = {}
    for key, wait_ms in _waits(judged, gap_ms):
        of = waits if key in waits else others
        of[key] = sooner(of.get(key), wait_ms)
    return Outcome(topics_of(changed, known), waits, others)


def sooner(one_ms: int | None, other_ms: int | None) -> int | None:
    """The earlier of two times, where None is never."""
    if one_ms is None or other_ms is None:
        return other_ms if one_ms is None else one_ms
    return min(one_ms, other_ms)


def topics_of(pairs: Iterable[Pair], known: Mapping[str, Step]) -> set[str]:
    """The topics of whom and what these changes concern."""
    found = {f"member/{member_id}" for member_id, _ in pairs}
    return found | {f"event/{known[step_id].event_id}" for _, step_id in pairs if known[step_id].day is None}


def _ranges(changes: Iterable[HeardAt], gap_ms: int) -> dict[str, Interval]:
    found: dict[str, Interval] = {}
    for change in changes:
        low, high = found.get(change.venue_id, (change.from_ms, change.to_ms))
        found[change.venue_id] = (min(low, change.from_ms), max(high, change.to_ms))
    return {venue_id: (low - gap_ms, high + gap_ms) for venue_id, (low, high) in found.items()}


def _hands(session: Session, asked: Collection[int], steps: Iterable[Step], gap_ms: int) -> evidence.Hands:
    if not asked:
        return {}
    return evidence.hands(session, badges=asked, since_ms=min(step.tells[0] for step in steps) - gap_ms)


def _holders(held: evidence.Hands) -> dict[int, list[tuple[str, int]]]:
    """Badge -> who holds it, each until when (ms)."""
    found: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for member_id, of_hers in held.items():
        for badge_id, times_held in of_hers.items():
            found[badge_id].append((member_id, max([until_ms for _, until_ms in times_held])))
    return found


def _next_step(
    change: HeardAt,
    near: Mapping[str, Sequence[Step]],
    far: Mapping[str, int],
    holders: Mapping[int, Sequence[tuple[str, int]]],
    gap_ms: int,
) -> int | None:
    """From when on being heard may concern a step that is not asked about yet."""
    steps = near.get(change.venue_id, ())
    if steps and not any(until_ms >= change.from_ms - gap_ms for _, until_ms in holders.get(change.badge_id, ())):
        return None  # nobody's, now and later
    starts = [step.tells[0] for step in steps if step.tells[0] > change.to_ms + gap_ms]
    if change.venue_id in far:
        starts.append(far[change.venue_id] - rules.EARLY_MS)
    return min(starts, default=None)


def _next_day(change: HeardAt, days: Sequence[Step], gap_ms: int) -> int | None:
    """When the next day begins at a venue that remembers her visits."""
    return min((day.tells[0] for day in days if day.tells[0] > change.to_ms + gap_ms), default=None)


def _waits(judged: Iterable[Judged], gap_ms: int) -> Iterator[tuple[BadgeAt, int | None]]:
    for case, verdict in judged:
        came_ms = min(
            (at for at in (case.standing and case.standing.at_ms, verdict.arrival and verdict.arrival.at_ms) if at),
            default=None,
        )
        for badge in case.badges:
            wait_ms = rules.next_change(case.asked, verdict, badge, gap_ms, came_ms)
            yield (badge.badge_id, case.step.venue_id), wait_ms
