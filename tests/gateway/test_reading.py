"""The gateway's fast reading of reports: what it takes, the wire's own reading takes, with the same values."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beacon_agent import wire
from gateway import identify
from tests.gateway import scene

GOOD = json.loads(wire.encode(scene.report("hall-door", 7, 0, [(0, -60), (1, -70)])))
odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-200, 2000),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from(["ok", "deaf", "synced", "anchored", "9f3a17c2", "hall-door", "AB" * 20, "ab" * 20, [], {}, [1]]),
)


def _values(body: bytes) -> tuple[Any, ...] | str:
    try:
        report = wire.decode(body, orjson.loads)
    except wire.Unacceptable as error:
        return str(error.reason)
    readings = [(reading.identity.hex(), *reading[1:]) for reading in report.readings]
    return (report.agent, report.boot, report.seq, report.from_ms, report.to_ms, report.radio, report.clock, readings)


def _fast(body: bytes) -> tuple[Any, ...] | str:
    try:
        report = identify.read(body)
    except wire.Unacceptable as error:
        return str(error.reason)
    readings = [tuple(reading) for reading in report.readings]
    if any(not identify._IDENTITY.fullmatch(str(reading[0])) for reading in readings):
        return str(wire.Reason.BAD_REPORT)  # found when the identity is looked up
    return (report.agent, report.boot, report.seq, report.from_ms, report.to_ms, report.radio, report.clock, readings)


@given(st.sampled_from([*GOOD, "more"]), odd)
def test_any_field_may_be_anything(field: str, value: object) -> None:
    body = json.dumps({**GOOD, field: value}).encode()
    assert _fast(body) == _values(body)


@given(st.integers(0, 6), odd)
def test_any_part_of_a_reading_may_be_anything(place: int, value: object) -> None:
    readings = [list(reading) for reading in GOOD["readings"]]
    readings[1][place] = value
    body = json.dumps({**GOOD, "readings": readings}).encode()
    assert _fast(body) == _values(body)


@given(st.binary(max_size=40), st.integers(0, 300))
def test_any_bytes_may_stand_anywhere(noise: bytes, at: int) -> None:
    whole = json.dumps(GOOD, separators=(",", ":")).encode()
    body = whole[:at] + noise + whole[at + len(noise) :]
    assert _fast(body) == _values(body)


@pytest.mark.parametrize(
    "readings",
    [
        [["ab" * 20, 5, 4, 1, -60, -60, -59]],  # last before first
        [["ab" * 20, 0, 2001, 1, -60, -60, -59]],  # beyond the window
        [["ab" * 20, 0, 1, 1, -50, -60, -59]],  # the mean above the maximum
        [["ab" * 20, 0, 1, 1, -60, -60]],
        [["ab" * 20, 0, 1, 1, -60, -60, -59, 1]],
        [["AB" * 20, 0, 1, 1, -60, -60, -59]],
        [["ab" * 19, 0, 1, 1, -60, -60, -59]],
        [{}],
        {},
    ],
)
def test_readings_that_cannot_be_are_refused(readings: object) -> None:
    body = json.dumps({**GOOD, "readings": readings}).encode()
    assert _fast(body) == _values(body) == "bad_report"


def test_the_probe_is_read() -> None:
    body = wire.encode(wire.make_probe("hall-door", "9f3a17c2", 3))
    assert _fast(body) == _values(body)
    assert identify.read(body).to_ms == 0
