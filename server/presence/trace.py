"""The trace as it is stored: how loud one placement heard each badge, slot by slot, a minute a row; pure.

A block holds an entry for every badge heard in its minute, ascending by badge: the badge's id (8 bytes, big-endian),
then one signed byte of dBm a slot, SILENT for nothing heard. Only maxima are kept, so repetition changes nothing.
"""

from collections.abc import Iterable, Mapping

BLOCK_MS = 60_000  # a row a minute: rewriting the newest costs little, and an hour at a placement is sixty rows
SILENT = -128  # dBm that no radio reports: nothing heard in this slot
_SILENT_BYTE = b"\x80"
_ID_BYTES = 8


def block_of(at_ms: int) -> int:
    """The start (ms) of the block in which a moment lies."""
    return at_ms - at_ms % BLOCK_MS


def pack(peaks: Mapping[int, bytes]) -> bytes:
    """A block's bytes from each badge's slots."""
    return b"".join(badge_id.to_bytes(_ID_BYTES, "big") + slots for badge_id, slots in sorted(peaks.items()))


def unpack(block: bytes, slots: int) -> dict[int, bytes]:
    """Each badge's slots from a block's bytes; slots: how many a block has."""
    step = _ID_BYTES + slots
    return {
        int.from_bytes(block[at : at + _ID_BYTES], "big"): block[at + _ID_BYTES : at + step]
        for at in range(0, len(block), step)
    }


def slots_of(block: bytes, badge_id: int, slots: int) -> bytes | None:
    """One badge's slots in a block, None when it was not heard in it: a search by halves, without unpacking."""
    step, wanted = _ID_BYTES + slots, badge_id.to_bytes(_ID_BYTES, "big")
    low, high = 0, len(block) // step
    while low < high:
        middle = (low + high) // 2
        found = block[middle * step : middle * step + _ID_BYTES]
        if found == wanted:
            return block[middle * step + _ID_BYTES : (middle + 1) * step]
        low, high = (middle + 1, high) if found < wanted else (low, middle)
    return None


def raise_peaks(old: bytes | None, heard: Iterable[tuple[int, int]], slots: int, first: int = 0) -> bytes:
    """One badge's slots with these peaks taken in: the maximum of both.

    heard: slots and their peaks (dBm); those outside the block are passed over. first: the block's first slot.
    """
    block = bytearray(old or _SILENT_BYTE * slots)
    for slot, rssi in heard:
        place = slot - first
        if 0 <= place < slots:
            byte = block[place]
            if rssi > (byte - 256 if byte > 127 else byte):
                block[place] = rssi & 0xFF
    return bytes(block)
