"""Sets of half-open intervals [from_ms, to_ms), milliseconds since the epoch; pure.

*Merged* lists are ascending and disjoint, and what touches is one. Looking into one takes a search by halves, so that
its length costs nothing.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

Interval = tuple[int, int]

EVER_MS = 1 << 62  # the end of what has no end


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """The union of half-open intervals, merged."""
    merged: list[Interval] = []
    for start, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def add(merged: Sequence[Interval], new: Interval) -> list[Interval]:
    """A merged list with one more interval in it."""
    if new[0] >= new[1]:
        return list(merged)
    first = bisect_left(merged, new[0], key=_end)
    after = bisect_right(merged, new[1], key=_start)
    touched = merged[first:after]
    whole = (min(new[0], touched[0][0]), max(new[1], touched[-1][1])) if touched else new
    return [*merged[:first], whole, *merged[after:]]


def cut(merged: Sequence[Interval], low_ms: int, high_ms: int) -> list[Interval]:
    """The parts of a merged list within [low_ms, high_ms)."""
    found = merged[place_after(merged, low_ms) : place_from(merged, high_ms)]
    return [(max(start, low_ms), min(end, high_ms)) for start, end in found if low_ms < high_ms]


def around(merged: Sequence[Interval], at_ms: int) -> Interval | None:
    """The interval of a merged list that holds the moment, its end included; the later of two that touch it."""
    place = bisect_right(merged, at_ms, key=_start) - 1
    return merged[place] if place >= 0 and merged[place][1] >= at_ms else None


def following(merged: Sequence[Interval], at_ms: int) -> Sequence[Interval]:
    """The intervals of a merged list that end after the moment."""
    return merged[place_after(merged, at_ms) :]


def place_after(merged: Sequence[Interval], at_ms: int) -> int:
    """The place in a merged list of the first interval that ends after the moment."""
    return bisect_right(merged, at_ms, key=_end)


def place_from(merged: Sequence[Interval], at_ms: int) -> int:
    """The place in a merged list of the first interval that begins at the moment or later."""
    return bisect_left(merged, at_ms, key=_start)


def without(merged: Sequence[Interval], holes: Sequence[Interval]) -> list[Interval]:
    """The parts of merged intervals that lie in none of the merged holes."""
    left: list[Interval] = []
    at = 0
    for start, end in merged:
        while at and holes[at - 1][1] > start:
            at -= 1
        while at < len(holes) and holes[at][1] <= start:
            at += 1
        while at < len(holes) and holes[at][0] < end:
            if start < holes[at][0]:
                left.append((start, holes[at][0]))
            start = holes[at][1]
            at += 1
        if start < end:
            left.append((start, end))
    return left


def within(merged: Sequence[Interval], windows: Sequence[Interval]) -> list[Interval]:
    """The parts of merged intervals that lie in one of the merged windows."""
    found: list[Interval] = []
    at = other = 0
    while at < len(merged) and other < len(windows):
        start, end = max(merged[at][0], windows[other][0]), min(merged[at][1], windows[other][1])
        if start < end:
            found.append((start, end))
        if merged[at][1] < windows[other][1]:
            at += 1
        else:
            other += 1
    return found


def total_ms(merged: Iterable[Interval]) -> int:
    """The summed length of disjoint intervals."""
    return sum(end - start for start, end in merged)


def _start(interval: Interval) -> int:
    return interval[0]


def _end(interval: Interval) -> int:
    return interval[1]
