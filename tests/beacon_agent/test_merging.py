"""Merged and dated windows say the same of presence as those they are made of: visits, heard time, listening."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beacon_agent import merging, wire
from beacon_agent.merging import Row, Slots
from beacon_agent.packing import Draft
from server.presence import joining
from tests.beacon_agent.conftest import BEGIN_MS, SHARD, make_draft, make_reading

FLOOR = -80
HEARD_GAP_MS, JOIN_GAP_MS = 60_000, 300_000
LENGTH_MS = 2000


@st.composite
def windows(draw: st.DrawFn) -> list[Draft]:
    """Windows of two badges over up to ten minutes: silences of any length, holes, times without listening."""
    drafts: list[Draft] = []
    index = draw(st.integers(0, 20))
    for _ in range(draw(st.integers(1, 12))):
        present = draw(st.lists(st.sampled_from([0, 1]), max_size=2, unique=True))
        for _ in range(draw(st.integers(1, 40))):
            heard = []
            for number in present:
                if draw(st.integers(0, 3)):
                    first = draw(st.integers(0, LENGTH_MS))
                    last = draw(st.integers(first, LENGTH_MS))
                    rssi = draw(st.integers(FLOOR - 5, FLOOR + 5))
                    heard.append(make_reading(number, first, last, rssi, 1 + (last > first)))
            drafts.append(make_draft(index, *heard)._replace(rssi_floor=FLOOR))
            index += 1
        if draw(st.booleans()):
            drafts[-1] = drafts[-1]._replace(radio=draw(st.sampled_from([wire.Radio.OFF, wire.Radio.DEAF])))
        index += draw(st.sampled_from([0, 0, 0, 1, 7, 40, 160]))
    return drafts


def merge_some(drafts: list[Draft], length_ms: int, chosen: st.DataObject) -> list[Draft]:
    """Merges any subset of the runs that fill a slot."""
    slots, merged = Slots(length_ms), dict(enumerate(drafts))
    for index, draft in enumerate(drafts):
        if draft.radio is not wire.Radio.OK:
            continue
        row = Row(index, 1, draft.shard, draft.from_ms, draft.length_ms, draft.rev, draft.rssi_floor)
        found: list[Row] = slots.take(row)
        wanted: bool = chosen.draw(st.booleans()) if found else False
        if wanted:
            one = merging.merge([merged.pop(part.id) for part in found])
            assert one.length_ms == length_ms
            assert one.from_ms % length_ms == 0
            merged[found[-1].id] = one
    return [merged[index] for index in sorted(merged)]


def heard(drafts: list[Draft], number: int) -> list[joining.Interval]:
    """What a gateway takes: over the floor of the placement."""
    return [
        (draft.from_ms + reading.first_ms, draft.from_ms + reading.last_ms)
        for draft in drafts
        for reading in draft.readings
        if reading.identity[0] == number and reading.rssi_max >= FLOOR
    ]


def listened(drafts: list[Draft]) -> list[joining.Interval]:
    return joining.join([(draft.from_ms, draft.to_ms) for draft in drafts if draft.radio is wire.Radio.OK], 0)


def assert_same_presence(before: list[Draft], after: list[Draft]) -> None:
    for number in (0, 1):
        old, new = heard(before, number), heard(after, number)
        assert joining.join(old, JOIN_GAP_MS) == joining.join(new, JOIN_GAP_MS)
        spans = joining.join(old, HEARD_GAP_MS)
        assert spans == joining.join(new, HEARD_GAP_MS)
        step = [(BEGIN_MS + 33_333, BEGIN_MS + 222_222)]
        assert joining.total_ms(joining.cut(spans, step)) == joining.total_ms(
            joining.cut(joining.join(new, HEARD_GAP_MS), step)
        )


@settings(max_examples=60)
@given(windows(), st.data())
def test_merging_changes_neither_visits_nor_heard_time_nor_listening(
    drafts: list[Draft], chosen: st.DataObject
) -> None:
    to_10_s = merge_some(drafts, 10_000, chosen)
    to_30_s = merge_some(to_10_s, 30_000, chosen)
    for merged in (to_10_s, to_30_s, merge_some(drafts, 30_000, chosen)):
        assert_same_presence(drafts, merged)
        assert listened(merged) == listened(drafts)
        counts = [sum(reading.count for draft in each for reading in draft.readings) for each in (drafts, merged)]
        assert counts[0] == counts[1]


def test_counts_add_up_and_the_mean_is_of_all_packets() -> None:
    one = make_draft(0, wire.Reading(bytes(20), 100, 1900, 3, -70.0, -65, -59))
    other = make_draft(1, wire.Reading(bytes(20), 0, 500, 1, -60.0, -60, -55))
    (reading,) = merging.merge([one, other]).readings
    assert reading == wire.Reading(bytes(20), 100, 2500, 4, -67.5, -60, -59)


def test_what_is_below_the_floor_is_kept_apart_from_what_is_over_it() -> None:
    drafts = [make_draft(index, make_reading(1, 0, 9, rssi)) for index, rssi in enumerate((-90, -70, -91, -71, -92))]
    merged = merging.merge([draft._replace(rssi_floor=-80) for draft in drafts])
    below, above = merged.readings
    assert (below.first_ms, below.last_ms, below.count, below.rssi_max) == (0, 8009, 3, -90)
    assert (above.first_ms, above.last_ms, above.count, above.rssi_max) == (2000, 6009, 2, -70)
    body = wire.encode(wire.Report("a", "00000000", 1, 0, 10_000, wire.Radio.OK, wire.Clock.SYNCED, merged.readings))
    assert wire.decode(body).readings == merged.readings, "two readings of one identity may be told"


def rows_of(count: int, **changed: int) -> list[Row]:
    return [Row(index, 1, SHARD, BEGIN_MS + index * 2000, 2000, 1, -128)._replace(**changed) for index in range(count)]


@pytest.mark.parametrize(
    "at_2",
    [{"era": 2}, {"shard": 5}, {"rev": 2}, {"rssi_floor": -80}, {"from_ms": BEGIN_MS + 4001}, {"length_ms": 1999}],
    ids=str,
)
def test_only_what_is_alike_and_follows_without_a_hole_is_merged(at_2: dict[str, int]) -> None:
    rows = rows_of(5)
    slots = Slots(10_000)
    assert [slots.take(row) for row in rows] == [[], [], [], [], rows]
    rows[2] = rows[2]._replace(**at_2)
    assert [slots.take(row) for row in rows] == [[]] * 5


def test_a_slot_begins_at_a_multiple_of_its_length() -> None:
    rows = [row._replace(from_ms=row.from_ms + 2000) for row in rows_of(10)]
    slots = Slots(10_000)
    found = [slots.take(row) for row in rows]
    assert [len(each) for each in found] == [0] * 8 + [5, 0]
    assert slots.first_open_id == rows[9].id


# --- from an undated time to a dated one ---------------------------------------------------------------------------


@settings(max_examples=60)
@given(windows(), st.integers(-5_000_000, 5_000_000))
def test_dating_loses_no_reading_and_claims_no_listening(drafts: list[Draft], shift_ms: int) -> None:
    dated = list(itertools.chain.from_iterable(merging.align(drafts, shift_ms)))
    assert all(draft.from_ms % LENGTH_MS == 0 and draft.length_ms == LENGTH_MS for draft in dated)
    for draft in dated:
        wire.decode(
            wire.encode(
                wire.Report(
                    "a", "00000000", 1, draft.from_ms, draft.to_ms, draft.radio, wire.Clock.ANCHORED, draft.readings
                )
            )
        )
    moved = [draft._replace(from_ms=draft.from_ms + shift_ms, to_ms=draft.to_ms + shift_ms) for draft in drafts]
    assert_same_presence(moved, dated)
    counts = [sum(reading.count for draft in each for reading in draft.readings) for each in (drafts, dated)]
    assert counts[0] <= counts[1]
    was, now = listened(moved), listened(dated)
    assert joining.cut(now, was) == now, "nothing that was not listened to"
    assert joining.total_ms(now) >= joining.total_ms(was) - 2 * LENGTH_MS * len(was), "only the ends are lost"


def test_a_reading_across_an_edge_is_told_on_both_sides() -> None:
    drafts = [make_draft(index, make_reading(1, 200, 1800, -70, 5)) for index in range(3)]
    dated = list(itertools.chain.from_iterable(merging.align(drafts, 700)))
    assert [(draft.from_ms - BEGIN_MS, draft.radio) for draft in dated] == [
        (0, wire.Radio.OFF),
        (2000, wire.Radio.OK),
        (4000, wire.Radio.OK),
        (6000, wire.Radio.OFF),
    ]
    first = dated[0].readings[0]
    assert (first.first_ms, first.last_ms) == (900, 2000)
    assert dated[1].readings[0].first_ms == 0
    assert sum(reading.count for draft in dated for reading in draft.readings) == 15
