"""Who was in the same zone at the same time, and for how long: a sweep over the moments of coming and going. Pure.

A zone says something only while at most MOST_TOGETHER are in it: who stands in a crowd has met nobody by it, and a hall
of 2,000 would make two million pairs. With that bound each coming and going costs at most as many steps, however many
are in the zone, and nobody gets more pairs than people come and go around her.

Times are milliseconds, intervals half-open.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from server.presence import intervals
from server.presence.intervals import Interval

MOST_TOGETHER = 60  # two school classes in one room: beyond that one zone says nothing of who stood with whom
LONG_ENOUGH_MS = 10 * 60 * 1000  # in all of an evening: a queue at the bar is shorter, a talk is longer

Pair = tuple[str, str]  # two members, the smaller id first
Stays = Mapping[str, Mapping[str, Sequence[Interval]]]  # zone -> member -> when she was there, in any order


def met(stays: Stays, *, most: int = MOST_TOGETHER, long_enough_ms: int = LONG_ENOUGH_MS) -> dict[Pair, int]:
    """How long (ms) each two were together, of those who were together long enough, summed over all zones."""
    summed: Counter[Pair] = Counter()
    for hers in stays.values():
        _sweep(hers, most, summed)
    return {pair: ms for pair, ms in sorted(summed.items()) if ms >= long_enough_ms}


def _sweep(stays: Mapping[str, Iterable[Interval]], most: int, summed: Counter[Pair]) -> None:
    """Adds the pairs of one zone.

    A clock runs only while few enough are there. Since it never runs back, who came in later stands later in `inside`
    with a later time; once somebody came when the clock stood where it stands now, so did all after her.
    """
    moments = sorted(
        (at, enters, member)  # who leaves at the moment at which another enters is gone by then
        for member, hers in stays.items()
        for start, end in intervals.merge(hers)
        for at, enters in ((start, True), (end, False))
    )
    inside: dict[str, int] = {}
    clock, last = 0, 0
    for at, enters, member in moments:
        if len(inside) <= most:
            clock += at - last
        last = at
        if enters:
            inside[member] = clock
            continue
        since = inside.pop(member)
        for other, other_since in inside.items():
            together = clock - max(since, other_since)
            if together == 0:
                break
            summed[(member, other) if member < other else (other, member)] += together
