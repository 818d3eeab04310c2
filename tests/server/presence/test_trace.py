"""Blocks of the trace: packed, found again, and only ever raised."""

from hypothesis import given
from hypothesis import strategies as st

from server.presence import joining, trace
from server.presence.joining import Trace

SLOTS = 12
SLOT_MS = trace.BLOCK_MS // SLOTS

heard = st.dictionaries(st.integers(0, SLOTS - 1), st.integers(-127, 20))
blocks = st.dictionaries(st.integers(1, 2**60), st.binary(min_size=SLOTS, max_size=SLOTS), max_size=20)


@given(blocks)
def test_what_was_packed_is_found_again(block: dict[int, bytes]) -> None:
    packed = trace.pack(block)
    assert trace.unpack(packed, SLOTS) == block
    assert trace.pack(dict(reversed(list(trace.unpack(packed, SLOTS).items())))) == packed
    assert all(trace.slots_of(packed, badge_id, SLOTS) == slots for badge_id, slots in block.items())
    assert trace.slots_of(packed, 2**61, SLOTS) is None
    assert trace.slots_of(packed, 0, SLOTS) is None


@given(heard, heard)
def test_the_maximum_is_kept_whatever_comes_first(one: dict[int, int], other: dict[int, int]) -> None:
    first = trace.raise_peaks(trace.raise_peaks(None, one.items(), SLOTS), other.items(), SLOTS)
    second = trace.raise_peaks(trace.raise_peaks(None, other.items(), SLOTS), one.items(), SLOTS)
    assert first == second == trace.raise_peaks(first, one.items(), SLOTS)
    read = Trace(SLOT_MS)
    read.read_slots("bar", trace.BLOCK_MS, first)
    assert read.peaks == {
        SLOTS + place: {"bar": max(one.get(place, -128), other.get(place, -128))} for place in {*one, *other}
    }


def test_peaks_of_other_blocks_are_passed_over() -> None:
    heard = [(SLOTS - 1, -40), (SLOTS, -50), (2 * SLOTS - 1, -60), (2 * SLOTS, -70)]
    slots = trace.raise_peaks(None, heard, SLOTS, SLOTS)
    read = Trace(SLOT_MS)
    read.read_slots("bar", trace.BLOCK_MS, slots)
    assert read.peaks == {SLOTS: {"bar": -50}, 2 * SLOTS - 1: {"bar": -60}}


def test_a_moment_lies_in_the_block_of_its_minute() -> None:
    assert [trace.block_of(at) for at in (0, 59_999, 60_000, 1_763_805_659_999)] == [0, 0, 60_000, 1_763_805_600_000]


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(1, 20)), max_size=6), st.integers(0, 130), st.integers(0, 40)
)
def test_forgotten_times_and_whole_ones_share_every_moment(
    gone: list[tuple[int, int]], from_ms: int, length_ms: int
) -> None:
    moments = {at for low, length in gone for at in range(low, low + length)}
    forgotten = trace.Forgotten(joining.join([(low, low + length) for low, length in gone], 0))
    assert {at for at in range(-5, 130) if at in forgotten} == moments
    assert {at for low, high in forgotten.times() for at in range(low, high)} == moments
    assert forgotten.until_ms == max(moments, default=-1) + 1
    whole = list(forgotten.whole(from_ms, from_ms + length_ms))
    assert {at for low, high in whole for at in range(low, high)} == set(range(from_ms, from_ms + length_ms)) - moments
    assert all(low < high for low, high in whole)
    starts = [low for low, _ in forgotten.times() if low > from_ms]
    assert forgotten.next_after(from_ms) == min(starts, default=None)
