"""Joining a batch: intervals, peaks, and the fewest changes of rows."""

import random

from hypothesis import given
from hypothesis import strategies as st

from config import settings
from gateway import join
from gateway.identify import Accepted, Heard, Placed
from server.presence import joining
from server.presence.joining import Stay, Trace

RULE = settings.load(environment={}).presence
SLOT = RULE.slot_s * 1000
PLACED = Placed(0, 1 << 62, 7, "hall", "hall-door", -90, 3)

intervals = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 200)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=20
)


def _accepted(from_ms: int, *heard: Heard, listened: bool = True) -> Accepted:
    return Accepted("a", "00000001", 1, b"", from_ms, from_ms + 2000, listened, PLACED, list(heard), 0, 0)


@given(intervals, intervals, st.integers(0, 300))
def test_changing_rows_gives_the_join_of_both_and_touches_nothing_else(
    stored: list[joining.Interval], new: list[joining.Interval], gap: int
) -> None:
    rows = dict(joining.join(stored, gap))
    changes = join.change(rows.items(), new, gap)
    untouched = {start for start in rows if start not in changes.gone and start not in dict(changes.written)}
    after = {start: end for start, end in rows.items() if start not in changes.gone} | dict(changes.written)
    assert sorted(after.items()) == joining.join([*stored, *new], gap)
    assert all(after[start] == rows[start] for start in untouched)
    assert all(rows.get(start) != end for start, end in changes.written)


def test_a_batch_does_not_depend_on_the_order_or_number_of_its_reports() -> None:
    reports = [_accepted(at, Heard(1, at + 100, at + 900, -60 - at % 7)) for at in range(0, 60_000, 2000)]
    shuffled = [*reports, *reports[5:20]]
    random.Random(4).shuffle(shuffled)
    assert join.gather(shuffled, RULE) == join.gather(reports, RULE)


def test_a_window_that_was_not_listened_to_gives_no_coverage_but_its_readings_count() -> None:
    batch = join.gather([_accepted(0, Heard(1, 10, 20, -60), listened=False)], RULE)
    assert batch.coverage == {}
    assert batch.spans == {(1, 7): [(10, 20)]}


def test_windows_that_touch_are_one_run_of_coverage() -> None:
    batch = join.gather([_accepted(0), _accepted(2000), _accepted(6000)], RULE)
    assert batch.coverage == {"a": [(0, 4000), (6000, 8000)]}


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
    for start in range(0, len(shuffled), -(-len(shuffled) // batches)):
        batch = shuffled[start : start + -(-len(shuffled) // batches)]
        for slot, zone, rssi in batch:
            trace.hear(zone, slot, rssi)
            seen.append((slot * SLOT + 10, slot * SLOT + 20))
        (visit,) = joining.join(seen, 300_000)
        changes = join.restay(visit, min(slot for slot, _, _ in batch) * SLOT + 10, stored.values(), trace, RULE)
        stored = {at: stay for at, stay in stored.items() if at not in changes.gone}
        stored |= {stay.from_ms: stay for stay in changes.written}
    whole = Trace(SLOT)
    for slot, zone, rssi in heard:
        whole.hear(zone, slot, rssi)
    assert [stored[at] for at in sorted(stored)] == joining.stays(visit, whole, RULE, visit[0])
