"""The fewest changes of rows: of intervals, and of stays that are computed again."""

import random
from array import array

from hypothesis import event, given, settings
from hypothesis import strategies as st

from config import settings as config
from gateway import rows, stays
from gateway.memory import Present
from gateway.visits import Touched
from gateway.waiting import Portion, Waiting, packed
from server.presence import joining
from server.presence.joining import Stay, Trace
from server.presence.trace import Forgotten

RULE = config.load(environment={}).presence
SLOT = RULE.slot_s * 1000

intervals = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 200)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=20
)


@given(intervals, intervals, st.integers(0, 300))
def test_changing_rows_gives_the_join_of_both_and_touches_nothing_else(
    stored: list[joining.Interval], new: list[joining.Interval], gap: int
) -> None:
    before = dict(joining.join(stored, gap))
    changes = rows.change(before.items(), new, gap)
    untouched = {start for start in before if start not in changes.gone and start not in dict(changes.written)}
    after = {start: end for start, end in before.items() if start not in changes.gone} | dict(changes.written)
    assert sorted(after.items()) == joining.join([*stored, *new], gap)
    assert all(after[start] == before[start] for start in untouched)
    assert all(before.get(start) != end for start, end in changes.written)


heard_slots = st.lists(
    st.tuples(st.integers(0, 50), st.sampled_from(["bar", "hall", "yard"]), st.integers(-95, -40)),
    min_size=1,
    max_size=50,
)


@given(heard_slots, st.randoms(), st.integers(1, 6))
def test_stays_computed_batch_by_batch_in_any_order_equal_those_of_the_whole(
    heard: list[tuple[int, str, int]], chance: random.Random, batches: int
) -> None:
    """Visits never break here (50 slots are shorter than join_gap_s); batches come in any order, with repetitions."""
    shuffled = [*heard, *heard[: len(heard) // 2]]
    chance.shuffle(shuffled)
    trace, stored, seen = Trace(SLOT), dict[int, Stay](), list[joining.Interval]()
    known: list[joining.Interval] = []
    for start in range(0, len(shuffled), -(-len(shuffled) // batches)):
        batch = shuffled[start : start + -(-len(shuffled) // batches)]
        for slot, zone, rssi in batch:
            trace.hear(zone, slot, rssi)
            seen.append((slot * SLOT + 10, slot * SLOT + 20))
        (visit,) = joining.join(seen, 300_000)
        numbers = [slot for slot, _, _ in batch]
        changed = (
            min(numbers) * SLOT + 10,
            max([max(numbers) * SLOT, *(start for start, _ in known if start > visit[0])]),
        )
        known = [visit]
        changes = stays.restay(visit, changed, stored.values(), trace, RULE)
        stored = {at: stay for at, stay in stored.items() if at not in changes.gone}
        stored |= {stay.from_ms: stay for stay in changes.written}
    whole = Trace(SLOT)
    for slot, zone, rssi in heard:
        whole.hear(zone, slot, rssi)
    assert [stored[at] for at in sorted(stored)] == joining.stays(visit, whole, RULE, visit[0])


ZONES = ["bar", "hall", "yard"]


def piece(zone: str, peaks: dict[int, int]) -> "array[int]":
    """What waits of a badge at the zone's placement."""
    slots = sorted(peaks)
    numbers = [packed(slot, peaks[slot]) for slot in slots]
    return array("q", (ZONES.index(zone), slots[0] * SLOT, slots[-1] * SLOT, *numbers))


some_peaks = st.dictionaries(st.integers(0, 30), st.integers(-75, -60), min_size=1)


@settings(max_examples=500)
@given(heard_slots, st.dictionaries(st.sampled_from(ZONES), some_peaks, min_size=1))
def test_a_badge_that_stays_put_needs_no_fold(
    before: list[tuple[int, str, int]], waiting: dict[str, dict[int, int]]
) -> None:
    trace = Trace(SLOT)
    for slot, zone, rssi in before:
        trace.hear(zone, slot, rssi)
    first, last = min(trace.peaks) * SLOT, (max(*trace.peaks, 30) + 1) * SLOT
    known = joining.stays((first, last), trace, RULE, first)
    present = Present(1, first, last)
    present.settle(known[-1].zone_id, known[-1].from_ms, SLOT)
    venue = Waiting("hall", 0)
    venue.placed = {at: (zone, zone) for at, zone in enumerate(ZONES)}
    touched = Touched(Portion(venue, [7], coverage=False, whole=False), 7, (first, last), present, first, 0)
    pieces = [piece(zone, peaks) for zone, peaks in waiting.items()]
    put = stays._stays_put(touched, pieces, RULE)
    event(f"stays put: {put}")
    for zone, peaks in waiting.items():
        trace.take(zone, peaks.items())
    if put:
        assert joining.stays((first, last), trace, RULE, first) == known


def test_windows_of_another_zone_that_came_first_are_no_reason_to_fold() -> None:
    present = Present(1, 0, SLOT)
    present.settle("bar", 0, SLOT)
    venue = Waiting("hall", 0)
    venue.placed = {at: (zone, zone) for at, zone in enumerate(ZONES)}
    touched = Touched(Portion(venue, [7], coverage=True, whole=True), 7, (0, 9 * SLOT), present, SLOT, 0)
    yard, bar = dict.fromkeys(range(2, 8), -65), dict.fromkeys(range(1, 9), -70)
    assert stays._stays_put(touched, [piece("yard", yard), piece("bar", bar)], RULE)
    assert not stays._stays_put(touched, [piece("yard", yard | {5: -64}), piece("bar", bar)], RULE)
    assert not stays._stays_put(touched, [piece("yard", yard | {9: -90}), piece("bar", bar)], RULE)
    assert not stays._stays_put(touched, [piece("bar", bar | {0: -90})], RULE)


def test_stays_end_to_change_where_the_trace_is_forgotten_and_change_again_beyond_it() -> None:
    """Slots 24 to 47 are gone, with a walk to the yard in slot 36; before and after them somebody is told of anew."""
    stored = [Stay(0, "hall"), Stay(36 * SLOT, "yard")]
    forgotten = Forgotten([(24 * SLOT, 48 * SLOT)])
    trace = Trace(SLOT)
    for slot in [*range(24), *range(48, 60)]:
        trace.hear("hall" if slot < 24 else "yard", slot, -70)
    visit = (0, 60 * SLOT - 1)
    for slot in (22, 23, 58, 59):
        trace.hear("bar", slot, -40)
    early = stays.restay(visit, (22 * SLOT, 23 * SLOT), stored, trace, RULE, forgotten=forgotten)
    assert early.found == [Stay(0, "hall"), Stay(23 * SLOT, "bar"), Stay(24 * SLOT, "hall"), Stay(36 * SLOT, "yard")]
    assert (early.gone, early.written, early.settled) == ([], early.found[1:3], True)
    both = stays.restay(visit, (22 * SLOT, 59 * SLOT), stored, trace, RULE, forgotten=forgotten)
    assert both.found == [*early.found, Stay(59 * SLOT, "bar")]
