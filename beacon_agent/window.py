"""Turns adverts into the readings of one aligned window, and keeps account of when the radio listened."""

import bisect
from collections import Counter
from collections.abc import Iterable

from beacon_agent import ibeacon, wire

MOST_IDENTITIES = 10_000  # about 5 MB and five reports; a stadium's badges fit, a flood of forged ones ends here
MOST_STRANGERS = 20_000  # remembered so that they are parsed once a window; beyond it each packet is parsed again


class Interest:
    """Which identities are to be reported: patterns, looked up by hash instead of one by one."""

    def __init__(self, patterns: Iterable[tuple[int, bytes]]) -> None:
        """patterns: (offset, bytes) on the 20 bytes of an identity."""
        slices: dict[tuple[int, int], set[bytes]] = {}
        for offset, pattern in patterns:
            slices.setdefault((offset, offset + len(pattern)), set()).add(pattern)
        self._slices = list(slices.items())

    def wants(self, identity: bytes) -> bool:
        """Whether the identity is to be reported."""
        return any(identity[start:end] in wanted for (start, end), wanted in self._slices)


class Window:
    """What is heard from `from_ms` to before `to_ms`."""

    def __init__(
        self, from_ms: int, to_ms: int, interest: Interest, rssi_floor: int = wire.RSSI_DBM[0], rev: int = 0
    ) -> None:
        """rssi_floor in dBm: what never is louder than this is not reported. rev: of the config that said both."""
        self.from_ms = from_ms
        self.to_ms = to_ms
        self.rev = rev
        self.rssi_floor = rssi_floor
        self.counts: Counter[str] = Counter()
        self._interest = interest
        self._strangers: set[bytes] = set()
        # data -> first ms, last ms, count, sum of RSSI, max RSSI
        self._heard: dict[bytes, list[int]] = {}

    def hear(self, at_ms: int, data: bytes, rssi: int) -> None:
        """Takes one advert of this window (manufacturer data with company id)."""
        if not wire.RSSI_DBM[0] <= rssi <= wire.RSSI_DBM[1]:
            self.counts["without_rssi"] += 1
            return
        offset_ms = at_ms - self.from_ms
        entry = self._heard.get(data)
        if entry is None:
            if self._admit(data):
                self._heard[data] = [offset_ms, offset_ms, 1, rssi, rssi]
            return
        if offset_ms > entry[1]:
            entry[1] = offset_ms
        elif offset_ms < entry[0]:
            entry[0] = offset_ms
        entry[2] += 1
        entry[3] += rssi
        if rssi > entry[4]:
            entry[4] = rssi

    def _admit(self, data: bytes) -> bool:
        if data in self._strangers:
            self.counts["strangers"] += 1
            return False
        parsed = ibeacon.parse(data)
        if isinstance(parsed, ibeacon.Rejection) or not self._interest.wants(parsed[0]):
            self.counts["strangers"] += 1
            if len(self._strangers) < MOST_STRANGERS:
                self._strangers.add(data)
            return False
        if len(self._heard) >= MOST_IDENTITIES:
            self.counts["flooded"] += 1
            return False
        return True

    def readings(self) -> tuple[wire.Reading, ...]:
        """What is to be reported, ordered by identity."""
        merged: dict[bytes, tuple[list[int], int]] = {}
        for data, entry in self._heard.items():
            identity, power = data[4:24], data[24] - 256 if data[24] > 127 else data[24]
            other = merged.get(identity)
            if other is None:
                merged[identity] = (entry, power)
            else:  # the same identity with another measured power: the one heard more often is believed
                merged[identity] = (_join(entry, other[0]), power if entry[2] > other[0][2] else other[1])
        return tuple(
            wire.Reading(identity, first_ms, last_ms, count, round(rssi_sum / count, 1), rssi_max, power)
            for identity, ((first_ms, last_ms, count, rssi_sum, rssi_max), power) in sorted(merged.items())
            if rssi_max >= self.rssi_floor
        )


def _join(one: list[int], other: list[int]) -> list[int]:
    return [
        min(one[0], other[0]),
        max(one[1], other[1]),
        one[2] + other[2],
        one[3] + other[3],
        max(one[4], other[4]),
    ]


class Coverage:
    """When the radio listened, was deaf or off."""

    def __init__(self) -> None:
        self._changes: list[tuple[int, wire.Radio]] = []
        self._before = wire.Radio.OFF

    @property
    def now(self) -> wire.Radio:
        """The state last told."""
        return self._changes[-1][1] if self._changes else self._before

    def tell(self, at_ms: int, radio: wire.Radio) -> None:
        """Notes the state from this time on."""
        bisect.insort(self._changes, (at_ms, radio), key=lambda change: change[0])

    def over(self, from_ms: int, to_ms: int) -> wire.Radio:
        """ok only if it listened from the first to the last moment of this time; else the worse of what it was."""
        state = self._before
        seen: set[wire.Radio] = set()
        for at_ms, radio in self._changes:
            if at_ms >= to_ms:
                break
            if at_ms > from_ms:
                seen.add(state)
            state = radio
        seen.add(state)
        return next(radio for radio in (wire.Radio.OFF, wire.Radio.DEAF, wire.Radio.OK) if radio in seen)

    def forget(self, until_ms: int) -> None:
        """Drops changes from before this time, which no later window asks for."""
        while self._changes and self._changes[0][0] <= until_ms:
            self._before = self._changes.pop(0)[1]
