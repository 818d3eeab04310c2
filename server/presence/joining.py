"""The algebra of presence: intervals that join, and the zone a trace of loudness tells; pure, order-free, event time.

An interval is a closed pair (from_ms, to_ms) in milliseconds since the epoch. Joining is commutative, associative and
idempotent, so it does not matter in which order, how often or in which batches readings come.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from config.settings import Presence
from server.presence.trace import SILENT

Interval = tuple[int, int]


class Stay(NamedTuple):
    """A time in one zone, from from_ms until the visit's next stay begins or the visit ends."""

    from_ms: int
    zone_id: str


def join(intervals: Iterable[Interval], gap_ms: int) -> list[Interval]:
    """The intervals, ascending, with those that are at most gap_ms apart made one."""
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and start - joined[-1][1] <= gap_ms:
            if end > joined[-1][1]:
                joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def cut(intervals: Iterable[Interval], windows: Iterable[Interval]) -> list[Interval]:
    """The parts of the intervals that lie in one of the windows, ascending; windows must not overlap."""
    bounds = list(windows)
    parts = [
        (max(start, low), min(end, high))
        for start, end in intervals
        for low, high in bounds
        if max(start, low) <= min(end, high)
    ]
    return sorted(parts)


def moment_reached(intervals: Iterable[Interval], needed_ms: int) -> int | None:
    """When the intervals' total length reached needed_ms, or None; the intervals must be disjoint and ascending."""
    left = needed_ms
    for start, end in intervals:
        if end - start >= left:
            return start + left
        left -= end - start
    return None


def total_ms(intervals: Iterable[Interval]) -> int:
    """The summed length of disjoint intervals."""
    return sum(end - start for start, end in intervals)


class Trace:
    """How loud each zone heard one badge, slot by slot; only maxima are kept, so repetition changes nothing."""

    def __init__(self, slot_ms: int) -> None:
        """slot_ms: the length of a slot; it divides a block."""
        self.slot_ms = slot_ms
        self.peaks: dict[int, dict[str, int]] = {}  # slot number since the epoch -> zone -> dBm

    def hear(self, zone_id: str, slot: int, rssi: int) -> None:
        """Takes one peak (dBm)."""
        self.take(zone_id, ((slot, rssi),))

    def take(self, zone_id: str, peaks: Iterable[tuple[int, int]]) -> None:
        """Takes slots with their peaks (dBm)."""
        for slot, rssi in peaks:
            zones = self.peaks.get(slot)
            if zones is None:
                self.peaks[slot] = {zone_id: rssi}
            elif rssi > zones.get(zone_id, SILENT):
                zones[zone_id] = rssi

    def read_slots(self, zone_id: str, block_ms: int, slots: bytes) -> None:
        """Takes one badge's slots of a stored block: one signed byte a slot."""
        at = enumerate(slots, block_ms // self.slot_ms)
        self.take(zone_id, ((slot, byte - 256 if byte > 127 else byte) for slot, byte in at if byte != 0x80))

    def loudness(self, zone_id: str, slot: int, slots: int) -> int:
        """The zone's peak over so many slots up to this one."""
        return max(self.peaks.get(at, {}).get(zone_id, SILENT) for at in range(slot - slots + 1, slot + 1))


def slots_of(from_ms: int, to_ms: int, slot_ms: int) -> range:
    """The slots that an interval touches."""
    return range(from_ms // slot_ms, to_ms // slot_ms + 1)


def memory_slots(rule: Presence) -> int:
    """How many slots before a slot its decision looks at, at most."""
    return max(rule.smooth_slots + rule.settle_slots, rule.lost_slots)


def stays(
    visit: Interval,
    trace: Trace,
    rule: Presence,
    start_ms: int,
    before: Stay | None = None,
    settled: Callable[[int, str], bool] = lambda _slot, _zone_id: False,
) -> list[Stay]:
    """The stays of a visit from start_ms on, ascending; they tile it.

    The zone is that of the agent that hears the badge best (peak over smooth_slots), with hysteresis: another one takes
    over when it is louder by switch_margin_db in settle_slots slots in a row, or when the old one has not heard the
    badge for lost_slots. While nobody hears the badge it stays where it was. What is decided in a slot depends only on
    the zone before it and on the last few slots, so the result from start_ms on can be computed from there.

    visit: the interval of the visit. trace: at least from `memory_slots` before start_ms on. before: the stay in force
    just before start_ms, which is then continued and returned first; None when the visit begins at start_ms.
    settled(slot, zone_id): whether everything after this slot is known to be as before; asked after each slot.
    """
    slot_ms, first_slot = trace.slot_ms, start_ms // trace.slot_ms
    visit_slots = slots_of(*visit, slot_ms)
    found: list[Stay] = [] if before is None else [before]
    for slot in sorted(slot for slot in trace.peaks if slot >= first_slot and slot in visit_slots):
        challenger = _loudest(trace, slot, rule.smooth_slots)
        if not found:
            found.append(Stay(visit[0], challenger))
        elif challenger != found[-1].zone_id and _beats(trace, challenger, found[-1].zone_id, slot, rule):
            found.append(Stay(max(visit[0], slot * slot_ms), challenger))
        if settled(slot, found[-1].zone_id):
            break
    return found


def _loudest(trace: Trace, slot: int, slots: int) -> str:
    # Equal loudness is decided by the name, so that the order of arrival never decides. In plain loops: thousands of
    # badges are asked about, slot by slot, when many arrive.
    loudest, name = SILENT - 1, ""
    for at in range(slot - slots + 1, slot + 1):
        for zone, rssi in trace.peaks.get(at, {}).items():
            if rssi > loudest or (rssi == loudest and zone < name):
                loudest, name = rssi, zone
    return name


def _beats(trace: Trace, challenger: str, current: str, slot: int, rule: Presence) -> bool:
    # The challenger's own slots, not smoothed ones: one lucky packet would be smoothed into several.
    return all(
        trace.loudness(challenger, at, 1) >= trace.loudness(current, at, rule.smooth_slots) + rule.switch_margin_db
        for at in range(slot - rule.settle_slots + 1, slot + 1)
    ) or (
        # A badge of low power is seldom heard twice in a row: then it is enough that the old zone has lost it.
        trace.loudness(challenger, slot, 1) > SILENT and trace.loudness(current, slot, rule.lost_slots) == SILENT
    )


def carry_on(found: list[Stay], stored: Sequence[Stay], from_ms: int, to_ms: int) -> None:
    """Adds to the stays found before from_ms those stored from there up to, and without, to_ms.

    For a time of which the trace is forgotten: its stays are as they were, whatever is known now of the time before.
    """
    if from_ms >= to_ms:
        return
    before = in_force(stored, from_ms + 1)
    first = [] if before is None else [Stay(from_ms, before.zone_id)]
    for stay in (*first, *(stay for stay in stored if from_ms < stay.from_ms < to_ms)):
        if not found or found[-1].zone_id != stay.zone_id:
            found.append(stay)


def in_force(stays_so_far: Sequence[Stay], at_ms: int) -> Stay | None:
    """The stay that had begun before at_ms last, or None."""
    return max((stay for stay in stays_so_far if stay.from_ms < at_ms), default=None)
