"""The fewest changes of rows: of intervals, and of stays that are computed again."""

import random

from hypothesis import given
from hypothesis import strategies as st

from config import settings
from gateway import rows, stays
from server.presence import joining
from server.presence.joining import Stay, Trace

RULE = settings.load(environment={}).presence
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
