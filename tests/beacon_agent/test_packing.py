"""The packed form: small, exact, and refused when it is something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beacon_agent import packing, wire
from tests.beacon_agent.conftest import make_draft, make_reading


@st.composite
def readings(draw: st.DrawFn) -> wire.Reading:
    first = draw(st.integers(0, 30_000))
    top = draw(st.integers(*wire.RSSI_DBM))
    return wire.Reading(
        draw(st.binary(min_size=20, max_size=20)),
        first,
        draw(st.integers(first, 30_000)),
        draw(st.integers(1, wire.MAX_COUNT)),
        draw(st.integers(wire.RSSI_DBM[0] * 10, top * 10)) / 10,
        top,
        draw(st.integers(*wire.POWER_DBM)),
    )


@given(st.lists(readings(), max_size=40).map(tuple))
def test_what_is_packed_comes_back_exactly(heard: tuple[wire.Reading, ...]) -> None:
    assert packing.unpack(packing.pack(heard)) == heard


@given(st.binary(max_size=2000))
def test_a_body_comes_back_byte_for_byte(body: bytes) -> None:
    assert packing.unpack_body(packing.pack_body(body)) == body


@given(st.binary(min_size=1, max_size=300))
def test_what_was_never_packed_is_refused_or_read_but_never_another_error(junk: bytes) -> None:
    for unpack in (packing.unpack, packing.unpack_body):
        try:
            unpack(junk)
        except ValueError:
            continue


def test_a_window_takes_a_seventh_of_its_body() -> None:
    heard = tuple(
        wire.Reading(bytes(18) + number.to_bytes(2, "big"), 7 * number, 1900 - number, 2, -70.5 - number / 10, -60, -59)
        for number in range(100)
    )
    body = wire.encode(wire.Report("a", "00000000", 1, 0, 2000, wire.Radio.OK, wire.Clock.SYNCED, heard))
    assert len(packing.pack(heard)) * 7 < len(body)
    assert packing.pack(()) == b""


def test_a_crowd_is_cut_so_that_no_body_is_too_long() -> None:
    longest = wire.Reading(bytes(20), 29_999, 30_000, wire.MAX_COUNT, -127.5, -127, -128)
    draft = make_draft(0, *[longest] * (2 * packing.MOST_READINGS + 1))
    parts = packing.cut(draft)
    assert [len(part.readings) for part in parts] == [packing.MOST_READINGS, packing.MOST_READINGS, 1]
    report = wire.Report(
        "a" * 64, "00000000", wire.MAX_SEQ, 0, 30_000, wire.Radio.OK, wire.Clock.ANCHORED, parts[0][-1]
    )
    assert len(wire.encode(report)) <= wire.SPLIT_BYTES
    assert packing.cut(make_draft(0)) == [make_draft(0)]
    with pytest.raises(ValueError, match="not packed"):
        packing.unpack(b"\x07")
    assert packing.unpack(packing.pack((make_reading(),))) == (make_reading(),)
