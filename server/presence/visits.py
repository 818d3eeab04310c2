"""Visits as they are told, and attendances: what counts and compares them.

A visit is what the radio says. When nobody listened for a part of the time between two visits of a badge at a venue,
nobody can tell whether it was away in between: both are one attendance, so that a Pi that was restarted does not make
one guest two.
"""

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Presence
from server import paging, times
from server.consent import reading
from server.consent.reading import Eyes
from server.consent.rules import Level
from server.presence import intervals, joining, listening, rhythm, rule, service, states
from server.presence.intervals import Interval
from server.presence.listening import Reckoning
from server.presence.rhythm import Recent
from server.presence.rule import Rule
from server.presence.states import Kind
from server.venues import service as venues

VISITS_BACK_MS = 24 * 3600 * 1000  # what a shop owner means by "today" when she does not say since when
MAX_COUNTED = 50_000  # visits behind one figure or one list; a shop's busy day has 1000
# A longer gap is never bridged, listened to or not: an evening and the night after it, as long as the picture of a
# venue waits for somebody. Without that a shop whose Pi sleeps at night would have one endless guest per regular.
BRIDGED_MS = service.LOOK_BACK_MS


class SeenVisit(NamedTuple):
    """A visit, and how it ended.

    observed: everybody listened when it did, for a whole join gap from then on. False: it may have ended later, though
    by now the badge may have left for sure. None: it has not ended.
    """

    id: int
    badge_id: int
    from_ms: int
    to_ms: int
    kind: Kind
    observed: bool | None


class Attendance(NamedTuple):
    """Visits of a badge between which nobody can tell whether it was away, ascending; and how long it was heard."""

    visits: tuple[SeenVisit, ...]
    heard_ms: int

    @property
    def badge_id(self) -> int:
        """Whose visits these are."""
        return self.visits[0].badge_id


class Count(NamedTuple):
    """How many attendances, and of how many nobody saw the end."""

    attendances: int
    unobserved: int


class Visited(NamedTuple):
    """A visit as the table has it."""

    id: int
    badge_id: int
    from_ms: int
    to_ms: int


_VISITS = text("""
    SELECT id, badge_id, from_ms, to_ms FROM visit
    WHERE venue_id = :venue AND to_ms >= :since_ms
    ORDER BY to_ms DESC, id DESC LIMIT :limit
""")

_SPANS = text("""
    SELECT span.badge_id, span.from_ms, span.to_ms
    FROM span JOIN placement ON placement.id = span.placement_id
    WHERE span.badge_id = ANY(:badges) AND placement.venue_id = :venue AND span.to_ms >= :since_ms
""")


def see(rows: Iterable[Visited], reckoning: Reckoning, rhythms: dict[int, int], rule: Rule) -> list[SeenVisit]:
    """How these visits ended, in their order; pure.

    rows: all of each badge from the oldest of them on. A visit before another one has ended, and only what was listened
    to between the two tells how.
    """
    found = list(rows)
    nexts: dict[int, int] = {}
    for earlier, later in _neighbours(found):
        nexts[earlier.id] = later.from_ms
    seen = []
    for row in found:
        left_ms = states.left_at(row.to_ms, nexts.get(row.id, reckoning.judged_ms), reckoning, rule)
        if row.id in nexts:
            kind = Kind.UNKNOWN if left_ms is None else Kind.LEFT
        else:
            kind = states.state(row.from_ms, row.to_ms, reckoning, rule, rhythms.get(row.badge_id)).kind
        ended = kind in (Kind.LEFT, Kind.UNKNOWN)
        seen.append(SeenVisit(*row, kind, left_ms == row.to_ms + rule.join_gap_ms if ended else None))
    return seen


def _neighbours(rows: Sequence[Visited]) -> Iterator[tuple[Visited, Visited]]:
    ordered = sorted(rows, key=lambda row: (row.badge_id, row.from_ms))
    return ((one, other) for one, other in itertools.pairwise(ordered) if one.badge_id == other.badge_id)


def group(visits: Iterable[SeenVisit], runs: Sequence[Interval]) -> list[tuple[SeenVisit, ...]]:
    """Visits as attendances, by badge and time; pure.

    runs: when everybody listened, merged. Two visits are of one attendance unless the whole time between them was
    listened to, or it was longer than BRIDGED_MS.
    """
    groups: list[list[SeenVisit]] = []
    for visit in sorted(visits, key=lambda visit: (visit.badge_id, visit.from_ms)):
        last = groups[-1][-1] if groups else None
        if last is not None and last.badge_id == visit.badge_id and _is_bridged(last.to_ms, visit.from_ms, runs):
            groups[-1].append(visit)
        else:
            groups.append([visit])
    return [tuple(visits) for visits in groups]


def _is_bridged(left_ms: int, back_ms: int, runs: Sequence[Interval]) -> bool:
    run = intervals.around(runs, left_ms)
    listened = run is not None and run[1] >= back_ms
    return not listened and back_ms - left_ms <= BRIDGED_MS


class _Read(NamedTuple):
    visits: list[SeenVisit]  # without those of who is hidden from the viewer
    reckoning: Reckoning
    rule: Rule


def _read(
    session: Session,
    venue_id: str,
    since_ms: int | None,
    back_ms: int,
    limit: int,
    now: dt.datetime,
    rules: Presence,
    eyes: Eyes,
) -> tuple[int, _Read]:
    """since_ms: None for a day before the venue's now. back_ms: how much earlier visits may have ended."""
    venue = venues.get(session, venue_id)
    judged_by = rule.make(rules, venue.join_gap_s)
    now_ms = times.to_ms(service.now_of(session, venue=venue, now=now))
    since_ms = now_ms - VISITS_BACK_MS if since_ms is None else since_ms
    wanted = {"venue": venue_id, "since_ms": since_ms - back_ms, "limit": limit}
    rows = [Visited(*row) for row in session.execute(_VISITS, wanted)]
    from_ms = min([now_ms - rhythm.BACK_MS, *(row.to_ms for row in rows)])
    ears, _ = service.load_ears(session, venue_id, from_ms - judged_by.given_up_after_ms, judged_by)
    reckoning = listening.reckon(ears.values(), now_ms - judged_by.unjudged_ms, judged_by, from_ms)
    recent = Recent(judged_by.slot_ms)
    for block_ms, peaks in service.read_trace(session, venue_id, now_ms):
        recent.take(block_ms, peaks)
    seen = see(rows, reckoning, recent.rhythms(reckoning.runs, judged_by), judged_by)
    return since_ms, _Read(_shown(session, venue_id, seen, now_ms, eyes), reckoning, judged_by)


def _shown(session: Session, venue_id: str, visits: Sequence[SeenVisit], now_ms: int, eyes: Eyes) -> list[SeenVisit]:
    """Those in which nobody who held the badge is hidden from these eyes."""
    held = reading.holdings(session, {visit.badge_id for visit in visits}, venue_id=venue_id, now=times.from_ms(now_ms))
    hidden = {
        badge_id: [(one.from_ms, one.to_ms) for one in holders if eyes.level(one, now_ms) is Level.HIDDEN]
        for badge_id, holders in held.items()
    }
    return [
        visit
        for visit in visits
        if not any(start <= visit.to_ms and visit.from_ms < end for start, end in hidden[visit.badge_id])
    ]


def visits_since(
    session: Session,
    *,
    venue_id: str,
    since: dt.datetime | None,
    now: dt.datetime,
    presence: Presence,
    eyes: Eyes,
    page: paging.Page = paging.EVERYTHING,
) -> list[SeenVisit]:
    """The visits that had not ended by `since`, the newest first, of the newest MAX_COUNTED; raises VenueUnknown.

    since: None for a day before the venue's now.
    """
    since_ms = None if since is None else times.to_ms(since)
    read = _read(session, venue_id, since_ms, 0, MAX_COUNTED, now, presence, eyes)[1]
    # All of them are read, since how a visit ended is told by the next one, which may stand on another page.
    return page.sort(read.visits, "visits", lambda visit: (-visit.to_ms, -visit.id))


def attendances_since(
    session: Session,
    *,
    venue_id: str,
    since: dt.datetime | None,
    now: dt.datetime,
    presence: Presence,
    eyes: Eyes,
    page: paging.Page = paging.EVERYTHING,
) -> list[Attendance]:
    """The attendances that had not ended by `since`, the newest first, of MAX_COUNTED visits; raises VenueUnknown.

    since: None for a day before the venue's now. Visits before it belong to them as far back as gaps are bridged.
    """
    since_ms = None if since is None else times.to_ms(since)
    since_ms, read = _read(session, venue_id, since_ms, BRIDGED_MS, MAX_COUNTED, now, presence, eyes)
    found = [visits for visits in group(read.visits, read.reckoning.runs) if visits[-1].to_ms >= since_ms]
    groups = page.sort(found, "attendances", lambda visits: (-visits[-1].to_ms, -visits[-1].id))
    heard = _read_heard(session, venue_id, groups, read.rule)
    return [
        Attendance(
            visits, joining.total_ms(joining.cut(heard[visits[0].badge_id], [(visits[0].from_ms, visits[-1].to_ms)]))
        )
        for visits in groups
    ]


def _read_heard(
    session: Session, venue_id: str, groups: Sequence[tuple[SeenVisit, ...]], rule: Rule
) -> dict[int, list[Interval]]:
    """When each badge was heard by anybody at the venue, joined over heard_gap_s as for check-ins; ends included."""
    badges = {visits[0].badge_id for visits in groups}
    spans: dict[int, list[Interval]] = {badge_id: [] for badge_id in badges}
    since_ms = min((visits[0].from_ms for visits in groups), default=0)
    for row in session.execute(_SPANS, {"badges": list(badges), "venue": venue_id, "since_ms": since_ms}):
        spans[row.badge_id].append((row.from_ms, row.to_ms))
    return {badge_id: joining.join(found, rule.heard_gap_ms) for badge_id, found in spans.items()}


def count_since(
    session: Session, *, venue_id: str, since: dt.datetime, now: dt.datetime, presence: Presence, eyes: Eyes
) -> Count:
    """How many attendances had not ended by `since`; raises VenueUnknown."""
    since_ms, read = _read(session, venue_id, times.to_ms(since), BRIDGED_MS, MAX_COUNTED, now, presence, eyes)
    lasts = [visits[-1] for visits in group(read.visits, read.reckoning.runs) if visits[-1].to_ms >= since_ms]
    return Count(len(lasts), sum(visit.observed is False for visit in lasts))
