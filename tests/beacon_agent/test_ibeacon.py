"""The parser: real packets and published vectors are read right, and no bytes make it raise."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beacon_agent import ibeacon
from beacon_agent.ibeacon import Rejection

DATA = Path(__file__).parents[3] / "shared" / "data"
VECTORS = DATA / "beacon-frames" / "beacon_frames.json"
DUMP = DATA / "summit2015" / "hcidump.raw.txt"
BADGE = bytes.fromhex("daf246cef20111e4b116123b93f75cba000e0001")
FRAME = ibeacon.compose(BADGE, -59)


def test_an_ibeacon_is_its_identity_and_power() -> None:
    assert ibeacon.parse(FRAME) == (BADGE, -59)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Rejection.EMPTY),
        (FRAME[:-1], Rejection.WRONG_LENGTH),
        (FRAME + b"\0", Rejection.WRONG_LENGTH),
        (FRAME[:4], Rejection.WRONG_LENGTH),
        (b"\x4c\x00\x10" + FRAME[3:], Rejection.NOT_IBEACON),
        (b"\x4c\x00\x02\x16" + FRAME[4:], Rejection.NOT_IBEACON),
        (b"\x15\x00" + FRAME[2:], Rejection.NOT_APPLE),
        (b"\x4c", Rejection.NOT_APPLE),
    ],
)
def test_anything_else_is_rejected_with_its_reason(data: bytes, reason: Rejection) -> None:
    assert ibeacon.parse(data) is reason


@given(st.binary(min_size=20, max_size=20), st.integers(-128, 127))
def test_what_is_composed_is_parsed_back(identity: bytes, power: int) -> None:
    data = ibeacon.compose(identity, power)
    assert ibeacon.parse(data) == (identity, power)
    assert ibeacon.parse_advertising(b"\x02\x01\x06" + bytes([26, 0xFF]) + data) == (identity, power)


@given(st.binary(max_size=64) | st.binary(max_size=40).map(lambda tail: FRAME[:4] + tail))
def test_no_bytes_make_the_parsers_raise(data: bytes) -> None:
    for result in (ibeacon.parse(data), ibeacon.parse_advertising(data)):
        assert isinstance(result, Rejection) or (len(result[0]) == 20 and -128 <= result[1] <= 127)
    ibeacon.parse_hci(data)
    ibeacon.parse_hci(b"\x04\x3e" + bytes([len(data) + 1]) + b"\x02" + data)


def test_a_structure_that_is_cut_off_rejects_the_packet() -> None:
    assert ibeacon.parse_advertising(bytes([26, 0xFF]) + FRAME[:-1]) is Rejection.MALFORMED
    assert ibeacon.parse_advertising(bytes([26, 0xFF]) + FRAME + b"\x05\x09") is Rejection.MALFORMED


def test_padding_after_the_last_structure_must_be_zero() -> None:
    assert ibeacon.parse_advertising(bytes([26, 0xFF]) + FRAME + bytes(3)) == (BADGE, -59)
    assert ibeacon.parse_advertising(bytes([26, 0xFF]) + FRAME + b"\0\1") is Rejection.MALFORMED


def read_vectors() -> list[dict[str, Any]]:
    if not VECTORS.exists():
        pytest.skip("../shared/data is absent")
    vectors: list[dict[str, Any]] = json.loads(VECTORS.read_text())
    return vectors


def test_the_published_vectors_are_read_as_their_authors_say() -> None:
    seen = 0
    for vector in read_vectors():
        data = bytes.fromhex(vector["hex"])
        whole = not vector["form"].startswith("manufacturer")
        result = ibeacon.parse_advertising(data) if whole else ibeacon.parse(data)
        expected = vector["expect"]
        if expected is None or expected["type"] != "ibeacon":
            assert isinstance(result, Rejection), vector["id"]
            continue
        identity = bytes.fromhex(expected["uuid"].replace("-", ""))
        identity += expected["major"].to_bytes(2, "big") + expected["minor"].to_bytes(2, "big")
        assert result == (identity, expected["tx_power"]), vector["id"]
        seen += 1
    assert seen >= 5


def test_the_recorded_packets_hold_113_ibeacons() -> None:
    if not DUMP.exists():
        pytest.skip("../shared/data is absent")
    packets: list[bytes] = []
    for line in DUMP.read_text().splitlines():
        if line.startswith(">"):
            packets.append(b"")
        if line[:1] in (">", " ") and packets:
            packets[-1] += bytes.fromhex(line[1:])
    assert len(packets) == 242
    heard = [report for packet in packets for report in ibeacon.parse_hci(packet) if not isinstance(report, str)]
    beacons = [(result, rssi) for result, rssi in heard if isinstance(result, tuple)]
    assert len(beacons) == 113
    assert len({identity for (identity, _), _ in beacons}) == 2
    assert all(-110 < rssi < 0 for _, rssi in beacons)


def test_an_hci_packet_of_another_kind_or_length_is_rejected() -> None:
    report = b"\x00\x00" + bytes(6) + bytes([28]) + b"\x02\x01\x06"[:0] + bytes([26, 0xFF]) + FRAME + b"\0"[:1]
    packet = b"\x04\x3e" + bytes([len(report) + 3]) + b"\x02\x01" + report + b"\xc4"
    assert ibeacon.parse_hci(packet) == [((BADGE, -59), -60)]
    assert ibeacon.parse_hci(packet[:-1]) is Rejection.MALFORMED
    assert ibeacon.parse_hci(packet + b"\0") is Rejection.MALFORMED
    assert ibeacon.parse_hci(b"\x04\x0e\x04\x01\x0c\x20\x00") is Rejection.NOT_ADVERTISING
    assert ibeacon.parse_hci(b"") is Rejection.EMPTY
