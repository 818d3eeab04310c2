"""The trace as it is stored: how loud one placement heard each badge, slot by slot, a minute a row; pure.

A block holds an entry for every badge heard in its minute, ascending by badge: the badge's id (8 bytes, big-endian),
then one signed byte of dBm a slot, SILENT for nothing heard. Only maxima are kept, so repetition changes nothing.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping

BLOCK_MS = 60_000  # a row a minute: rewriting the newest costs little, and an hour at a placement is sixty rows
SILENT = -128  # dBm that no radio reports: nothing heard in this slot
_SILENT_BYTE = b"\x80"
_ID_BYTES = 8


class Forgotten:
    """The times of a venue's trace of which blocks were deleted: its stays are settled there.

    Whole blocks, as disjoint and ascending times from from_ms up to, and without, to_ms.
    """

    __slots__ = ("_ends", "_starts", "until_ms")

    def __init__(self, times: Iterable[tuple[int, int]] = ()) -> None:
        """times: (from_ms, to_ms) of each."""
        found = list(times)
        self._starts, self._ends = [start for start, _ in found], [end for _, end in found]
        self.until_ms = self._ends[-1] if found else 0  # everything from here on is whole: nearly all that comes

    def __contains__(self, at_ms: int) -> bool:
        """Whether the trace is gone at a moment."""
        place = bisect_right(self._ends, at_ms)
        return place < len(self._ends) and self._starts[place] <= at_ms

    def times(self) -> list[tuple[int, int]]:
        """All of them."""
        return list(zip(self._starts, self._ends, strict=True))

    def whole(self, from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
        """The parts of a time that are not forgotten, each from its first moment up to, and without, its end."""
        at_ms = from_ms
        for place in range(bisect_right(self._ends, from_ms), len(self._ends)):
            start = self._starts[place]
            if start >= to_ms:
                break
            if at_ms < start:
                yield at_ms, start
            at_ms = self._ends[place]
        if at_ms < to_ms:
            yield at_ms, to_ms

    def next_after(self, at_ms: int) -> int | None:
        """When the next forgotten time begins after a moment, None if none does."""
        place = bisect_right(self._starts, at_ms)
        return self._starts[place] if place < len(self._starts) else None


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
