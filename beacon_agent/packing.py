"""Packs windows that wait to be published, and bodies that were, into few bytes: a pure codec."""

import struct
import zlib
from typing import NamedTuple

from beacon_agent import wire

MOST_READINGS = 2300  # of at most 86 bytes each, so that no body is over wire.SPLIT_BYTES
LEVEL = 6  # of zlib: level 9 saves nothing here; lzma saves a tenth and takes ten times as long
PLAIN, DEFLATED = 0, 1
_COLUMNS = ("H", "H", "I", "h", "b", "b")  # first, last - first, count, mean in tenths, max, power
RADIOS = (wire.Radio.OK, wire.Radio.DEAF, wire.Radio.OFF)


class Draft(NamedTuple):
    """A window that was never published, so that it may still be dated and merged; ms by whatever dates it."""

    shard: int
    from_ms: int
    to_ms: int
    radio: wire.Radio
    rev: int  # of the config that was in force, since another one asks for other identities
    rssi_floor: int  # dBm, of that config
    readings: tuple[wire.Reading, ...]

    @property
    def length_ms(self) -> int:
        """How long it is."""
        return self.to_ms - self.from_ms


def cut(draft: Draft) -> list[Draft]:
    """Several drafts of the same window where one would make too long a body."""
    return [
        draft._replace(readings=draft.readings[start : start + MOST_READINGS])
        for start in range(0, max(1, len(draft.readings)), MOST_READINGS)
    ]


def pack(readings: tuple[wire.Reading, ...]) -> bytes:
    """Writes readings of a window of at most 65 s column by column, byte by byte: what is alike lies side by side."""
    if not readings:
        return b""
    values = [
        (first, last - first, count, round(mean * 10), top, power)
        for _, first, last, count, mean, top, power in readings
    ]
    number = len(readings)
    planes = [bytes(column) for column in zip(*(reading[0] for reading in readings), strict=True)]
    for kind, column in zip(_COLUMNS, zip(*values, strict=True), strict=True):
        raw = struct.pack(f"<{number}{kind}", *column)
        width = struct.calcsize(kind)
        planes += [raw[place::width] for place in range(width)]
    return _squeeze(struct.pack("<H", number) + b"".join(planes))


def unpack(packed: bytes) -> tuple[wire.Reading, ...]:
    """Reads what `pack` wrote; raises ValueError for anything else."""
    if not packed:
        return ()
    try:
        return _unpack(_expand(packed))
    except (struct.error, IndexError, ZeroDivisionError) as error:
        raise ValueError(f"this was not packed here: {error}") from None


def _unpack(plain: bytes) -> tuple[wire.Reading, ...]:
    (number,) = struct.unpack_from("<H", plain)
    planes = [plain[2 + place * number : 2 + (place + 1) * number] for place in range((len(plain) - 2) // number)]
    identities = [bytes(identity) for identity in zip(*planes[: wire.IDENTITY_BYTES], strict=True)]
    columns = []
    place = wire.IDENTITY_BYTES
    for kind in _COLUMNS:
        width = struct.calcsize(kind)
        raw = bytearray(number * width)
        for index in range(width):
            raw[index::width] = planes[place + index]
        columns.append(struct.unpack(f"<{number}{kind}", raw))
        place += width
    return tuple(
        wire.Reading(identity, first, first + span, count, tenths / 10, top, power)
        for identity, first, span, count, tenths, top, power in zip(identities, *columns, strict=True)
    )


def pack_body(body: bytes) -> bytes:
    """Compresses the body of a report: `unpack_body` gives exactly these bytes again, in later versions too."""
    return _squeeze(body)


def unpack_body(packed: bytes) -> bytes:
    """The body that was packed; raises ValueError when it was none."""
    return _expand(packed)


def _squeeze(plain: bytes) -> bytes:
    squeezer = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
    deflated = squeezer.compress(plain) + squeezer.flush()
    return bytes([PLAIN]) + plain if len(deflated) >= len(plain) else bytes([DEFLATED]) + deflated


def _expand(packed: bytes) -> bytes:
    try:
        if packed[0] == PLAIN:
            return packed[1:]
        if packed[0] == DEFLATED:
            return zlib.decompress(packed[1:], -15)
    except (IndexError, zlib.error):
        pass
    raise ValueError("this was not packed here")
