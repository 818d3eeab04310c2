"""Reads iBeacons strictly: bytes in, identity and measured power out, or the reason why not; never raises.

The layout is Apple's "Proximity Beacon Advertisement Packet": company 0x004C little-endian, type 0x02, length 0x15,
uuid, major, minor (big-endian), measured power at 1 m as a signed byte.
"""

from enum import StrEnum

PREFIX = b"\x4c\x00\x02\x15"
DATA_BYTES = 25  # manufacturer data with its company id
_MANUFACTURER = 0xFF  # AD type "manufacturer specific data"
_HCI_EVENT, _LE_META, _ADVERTISING_REPORT = 0x04, 0x3E, 0x02
_REPORT_HEAD_BYTES = 9  # event type, address type, address, data length


class Rejection(StrEnum):
    """Why bytes are no iBeacon."""

    EMPTY = "empty"
    MALFORMED = "malformed"  # lengths that do not fit the bytes
    NOT_ADVERTISING = "not_advertising"  # an HCI packet of another kind
    NO_MANUFACTURER_DATA = "no_manufacturer_data"
    NOT_APPLE = "not_apple"
    NOT_IBEACON = "not_ibeacon"  # another of Apple's types
    WRONG_LENGTH = "wrong_length"


Beacon = tuple[bytes, int]  # identity (20 bytes: uuid, major, minor), measured power in dBm at 1 m


def parse(data: bytes) -> Beacon | Rejection:
    """Reads manufacturer data that begins with its company id."""
    if len(data) == DATA_BYTES and data[:4] == PREFIX:
        power = data[24]
        return data[4:24], power - 256 if power > 127 else power
    if not data:
        return Rejection.EMPTY
    if data[:2] != PREFIX[:2]:
        return Rejection.NOT_APPLE
    if data[2:4] != PREFIX[2:]:
        return Rejection.NOT_IBEACON
    return Rejection.WRONG_LENGTH


def compose(identity: bytes, power: int) -> bytes:
    """Writes the manufacturer data, company id included, that `parse` reads; power in dBm, one signed byte."""
    return PREFIX + identity + power.to_bytes(1, "big", signed=True)


def parse_advertising(data: bytes) -> Beacon | Rejection:
    """Reads whole advertising data (AD structures); one that is malformed anywhere is rejected whole."""
    if not data:
        return Rejection.EMPTY
    found: Beacon | Rejection = Rejection.NO_MANUFACTURER_DATA
    position = 0
    while position < len(data):
        length = data[position]
        if length == 0:  # early end: the rest is padding, and must be (Core specification, vol 3, part C, 11)
            return Rejection.MALFORMED if any(data[position:]) else found
        structure = data[position + 1 : position + 1 + length]
        if len(structure) < length:
            return Rejection.MALFORMED
        if structure[0] == _MANUFACTURER and not isinstance(found, tuple):
            found = parse(structure[1:])
        position += 1 + length
    return found


def parse_hci(packet: bytes) -> list[tuple[Beacon | Rejection, int]] | Rejection:
    """Reads an HCI packet with its type byte: (beacon or rejection, RSSI in dBm) of each advertising report in it."""
    if not packet:
        return Rejection.EMPTY
    if packet[0] != _HCI_EVENT or packet[1:2] != bytes([_LE_META]) or packet[3:4] != bytes([_ADVERTISING_REPORT]):
        return Rejection.NOT_ADVERTISING
    if packet[2] != len(packet) - 3 or len(packet) < 5:
        return Rejection.MALFORMED
    heard: list[tuple[Beacon | Rejection, int]] = []
    position = 5
    for _ in range(packet[4]):
        head = packet[position : position + _REPORT_HEAD_BYTES]
        if len(head) < _REPORT_HEAD_BYTES:
            return Rejection.MALFORMED
        start = position + _REPORT_HEAD_BYTES
        end = start + head[8]
        if end >= len(packet):  # the RSSI byte follows the data
            return Rejection.MALFORMED
        rssi = packet[end] - 256 if packet[end] > 127 else packet[end]
        heard.append((parse_advertising(packet[start:end]), rssi))
        position = end + 1
    return heard if position == len(packet) else Rejection.MALFORMED
