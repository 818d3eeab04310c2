"""How long a badge may be silent before it counts as away: learnt from its own intervals; pure.

Most badges are heard several times a second, some send every ten seconds to save their battery, and a weak one far off
is heard now and then. What was heard in the last half hour tells which, slot by slot of the trace. Nothing of it is
kept, and nothing of it enters visits: the same trace gives the same rhythm, in whatever order it came.
"""

import itertools
from collections.abc import Sequence

from server.presence import intervals, trace
from server.presence.intervals import Interval
from server.presence.rule import Rule

BACK_MS = 30 * 60_000  # what a badge did earlier was in another pocket or another room; 45 intervals of a 40 s beacon
# Intervals that held a silent slot: fewer say nothing, more would leave a badge of 40 s flickering for longer.
LEAST = 4
# Of the intervals, the longest tenth (one at least) may be real absences, bodies in the way, a way to the next room.
USUAL = 0.9
_SILENT_BYTE = trace.SILENT & 0xFF
FACTOR = 3  # two adverts in a row may be lost before it is away: 30 s for a badge of 10 s, as the constant has it


def usual_ms(slots: Sequence[int], listened: Sequence[Interval], rule: Rule) -> int | None:
    """How far apart a badge is usually heard when it is silent at all, None when there is too little to tell.

    slots: the numbers since the epoch of the slots in which it was heard anywhere at the venue, ascending. listened:
    when everybody did, merged; intervals that were not wholly listened to, or that ended a visit, don't count.
    """
    found = []
    for earlier, later in itertools.pairwise(slots):
        between = (earlier * rule.slot_ms, later * rule.slot_ms)
        if rule.slot_ms < between[1] - between[0] <= rule.join_gap_ms:
            run = intervals.around(listened, between[0])
            if run is not None and run[1] >= between[1]:
                found.append(between[1] - between[0])
    return sorted(found)[int((len(found) - 1) * USUAL)] if len(found) >= LEAST else None


def away_after_ms(usual: int | None, rule: Rule) -> int:
    """After which silence a badge with these usual intervals is away: between away_after_ms and rhythm_max_ms."""
    return rule.away_after_ms if usual is None else max(rule.away_after_ms, min(FACTOR * usual, rule.rhythm_max_ms))


class Recent:
    """In which slots of the last half hour each badge was heard at a venue, out of the blocks of its trace."""

    def __init__(self, slot_ms: int) -> None:
        """slot_ms: the length of a slot; it divides a block."""
        self.newest_ms = 0  # start of the newest block taken
        self._slot_ms = slot_ms
        self._per_block = trace.BLOCK_MS // slot_ms
        self._blocks: dict[int, dict[int, int]] = {}  # block_ms -> badge -> a bit for each slot in which it was heard

    def take(self, block_ms: int, peaks: bytes) -> None:
        """Takes a block as it is stored; what several placements heard is united."""
        self.newest_ms = max(self.newest_ms, block_ms)
        heard = self._blocks.setdefault(block_ms, {})
        for badge_id, slots in trace.unpack(peaks, self._per_block).items():
            heard[badge_id] = heard.get(badge_id, 0) | _bits(slots)

    def forget_before(self, at_ms: int) -> None:
        """Drops the blocks that began before."""
        for block_ms in [block_ms for block_ms in self._blocks if block_ms < at_ms]:
            del self._blocks[block_ms]

    def slots_of(self, badge_id: int) -> list[int]:
        """The numbers of the slots in which a badge was heard, ascending."""
        return [
            block_ms // self._slot_ms + place
            for block_ms, heard in sorted(self._blocks.items())
            if (bits := heard.get(badge_id))
            for place in range(self._per_block)
            if bits >> place & 1
        ]

    def rhythms(self, listened: Sequence[Interval], rule: Rule) -> dict[int, int]:
        """After which silence (ms) each badge is away, as far as that is not the constant."""
        badges = {badge_id for heard in self._blocks.values() for badge_id in heard}
        found = {badge_id: usual_ms(self.slots_of(badge_id), listened, rule) for badge_id in badges}
        own = {badge_id: away_after_ms(usual, rule) for badge_id, usual in found.items()}
        return {badge_id: after_ms for badge_id, after_ms in own.items() if after_ms != rule.away_after_ms}


def _bits(slots: bytes) -> int:
    return sum(1 << place for place, byte in enumerate(slots) if byte != _SILENT_BYTE)
