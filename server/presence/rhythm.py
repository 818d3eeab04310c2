"""How long a badge may be silent before it counts as away: learnt from its own intervals; pure.

Most badges are heard several times a second, some send every ten seconds to save their battery, and a weak one far off
is heard now and then. What was heard in the last half hour tells which, slot by slot of the trace. Nothing of it is
kept, and nothing of it enters visits: the same trace gives the same rhythm, in whatever order it came.
"""

import functools
import itertools
import struct
from collections.abc import Sequence

from server.presence import intervals, trace
from server.presence.intervals import Interval
from server.presence.rule import Rule

BACK_MS = 30 * 60_000  # what a badge did earlier was in another pocket or another room; 45 intervals of a 40 s beacon
# Intervals that held a silent slot: fewer say nothing, more would leave a badge of 40 s flickering for longer.
LEAST = 4
# Of the intervals, the longest tenth (one at least) may be real absences, bodies in the way, a way to the next room.
USUAL = 0.9
_ID_BYTES = 8  # as the trace is packed
_HEARD = bytes(byte != trace.SILENT & 0xFF for byte in range(256))
FACTOR = 3  # two adverts in a row may be lost before it is away: 30 s for a badge of 10 s, as the constant has it


def usual_ms(slots: Sequence[int], listened: Sequence[Interval], rule: Rule) -> int | None:
    """How far apart a badge is usually heard when it is silent at all, None when there is too little to tell.

    slots: the numbers since the epoch of the slots in which it was heard anywhere at the venue, ascending. listened:
    when everybody did, merged; intervals that were not wholly listened to, or that ended a visit, don't count.
    """
    found = []
    for earlier, later in itertools.pairwise(slots):
        if later - earlier == 1:
            continue
        between = (earlier * rule.slot_ms, later * rule.slot_ms)
        if between[1] - between[0] <= rule.join_gap_ms:
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
        step = _ID_BYTES + self._per_block
        # Not through trace.unpack: a venue's half hour has ten thousands of entries, and a request waits for them.
        for badge_id, slots in struct.iter_unpack(f">Q{self._per_block}s", peaks[: len(peaks) // step * step]):
            heard[badge_id] = heard.get(badge_id, 0) | _bits_of(slots.translate(_HEARD))

    def forget_before(self, at_ms: int) -> None:
        """Drops the blocks that began before."""
        for block_ms in [block_ms for block_ms in self._blocks if block_ms < at_ms]:
            del self._blocks[block_ms]

    def slots_of(self, badge_id: int) -> list[int]:
        """The numbers of the slots in which a badge was heard, ascending."""
        slots: list[int] = []
        for block_ms in sorted(self._blocks):
            bits, first = self._blocks[block_ms].get(badge_id, 0), block_ms // self._slot_ms
            slots.extend([first + place for place in _places_of(bits)])
        return slots

    def rhythms(self, listened: Sequence[Interval], rule: Rule) -> dict[int, int]:
        """After which silence (ms) each badge is away, as far as that is not the constant."""
        badges = {badge_id for heard in self._blocks.values() for badge_id in heard}
        found = {badge_id: usual_ms(self.slots_of(badge_id), listened, rule) for badge_id in badges}
        own = {badge_id: away_after_ms(usual, rule) for badge_id, usual in found.items()}
        return {badge_id: after_ms for badge_id, after_ms in own.items() if after_ms != rule.away_after_ms}


@functools.lru_cache(maxsize=65_536)
def _bits_of(heard: bytes) -> int:
    """heard: a byte of 0 or 1 for each slot; there are few patterns of a minute, and many badges and minutes."""
    return sum(1 << place for place, byte in enumerate(heard) if byte)


@functools.lru_cache(maxsize=65_536)
def _places_of(bits: int) -> tuple[int, ...]:
    return tuple(place for place in range(bits.bit_length()) if bits >> place & 1)
