"""Joins a batch: from accepted reports to intervals and peaks, and from rows to the fewest changes; pure functions."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from config.settings import Presence
from gateway.identify import Accepted
from server.presence import joining
from server.presence.joining import Interval, Stay, Trace


class Batch(NamedTuple):
    """What a batch of reports says, in intervals of event time."""

    spans: dict[tuple[int, int], list[Interval]]  # (badge, placement) -> joined over heard_gap_s
    peaks: dict[tuple[int, int, int], dict[int, int]]  # (badge, block_ms, placement) -> place in the block -> dBm
    heard: dict[tuple[int, str], list[Interval]]  # (badge, venue) -> joined over heard_gap_s
    coverage: dict[str, list[Interval]]  # agent -> time its radio listened
    venues_of: dict[str, set[str]]  # agent -> the venues where its radio listened: two, when it has just moved


class Changes(NamedTuple):
    """How stored intervals become joined ones: the keys (from_ms) to delete and the intervals to write."""

    gone: list[int]
    written: list[Interval]


def gather(reports: Iterable[Accepted], rule: Presence) -> Batch:
    """What these reports say, whatever their order and however often each is among them."""
    slot_ms = rule.slot_s * 1000
    spans: dict[tuple[int, int], list[Interval]] = defaultdict(list)
    peaks: dict[tuple[int, int, int], dict[int, int]] = defaultdict(dict)
    heard: dict[tuple[int, str], list[Interval]] = defaultdict(list)
    coverage: dict[str, list[Interval]] = defaultdict(list)
    venues_of: dict[str, set[str]] = defaultdict(set)
    for report in reports:
        placed = report.placed
        if report.listened:
            venues_of[report.agent].add(placed.venue_id)
            coverage[report.agent].append((report.from_ms, report.to_ms))
        for reading in report.heard:
            interval = (reading.from_ms, reading.to_ms)
            spans[reading.badge_id, placed.id].append(interval)
            heard[reading.badge_id, placed.venue_id].append(interval)
            for slot in joining.slots_of(*interval, slot_ms):
                block_ms = slot * slot_ms // joining.BLOCK_MS * joining.BLOCK_MS
                block = peaks[reading.badge_id, block_ms, placed.id]
                place = slot - block_ms // slot_ms
                block[place] = max(reading.rssi, block.get(place, joining.SILENT))
    gap_ms = round(rule.heard_gap_s * 1000)
    return Batch(
        {key: joining.join(found, gap_ms) for key, found in spans.items()},
        dict(peaks),
        {key: joining.join(found, gap_ms) for key, found in heard.items()},
        {agent: joining.join(found, 0) for agent, found in coverage.items()},
        dict(venues_of),
    )


def change(stored: Iterable[Interval], new: Iterable[Interval], gap_ms: int) -> Changes:
    """The fewest writes that make the stored intervals the join of both; a row is known by its from_ms."""
    before = dict(stored)
    after = joining.join([*before.items(), *new], gap_ms)
    kept = {start for start, _ in after}
    return Changes(
        [start for start in before if start not in kept],
        [(start, end) for start, end in after if before.get(start) != end],
    )


class StayChanges(NamedTuple):
    """The stays of one visit from a moment on: what replaces what."""

    gone: list[int]
    written: list[Stay]
    found: list[Stay]  # all from the first that may have changed to the visit's end


def restay(visit: Interval, new_from_ms: int, stored: Iterable[Stay], trace: Trace, rule: Presence) -> StayChanges:
    """Recomputes the stays of a visit from the first new reading on.

    stored: the visit's stays as they are. trace: from joining.reach_back_ms before new_from_ms on, the new included.
    """
    start_ms = new_from_ms // trace.slot_ms * trace.slot_ms
    mine = [stay for stay in stored if visit[0] <= stay.from_ms <= visit[1]]
    before = joining.in_force(mine, start_ms)
    found = joining.stays(visit, trace, rule, start_ms, before)
    replaced = {stay.from_ms: stay for stay in mine if before is None or stay.from_ms >= before.from_ms}
    kept = {stay.from_ms for stay in found}
    return StayChanges(
        [start for start in replaced if start not in kept],
        [stay for stay in found if replaced.get(stay.from_ms) != stay],
        found,
    )
