"""The agent's time: counted by the kernel's monotonic clock, dated by an anchor that no jump of the wall clock moves.

    wall time = anchor + monotonic time

The anchor is the system's clock once the kernel says that it is synchronised, or else what a gateway answered to a
probe. Until there is one, time is monotonic and windows are undated.
"""

import ctypes
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from beacon_agent import wire

log = logging.getLogger(__name__)

EARLIEST_MS = 1_735_689_600_000  # 2025-01-01, before this program was: a clock that says less has not been set
PROBE_WITHIN_MS = 2000  # an answer that took longer dates no better than by a second
CONTRADICTION_MS = 2000  # what a probe may be wrong by, and twice what NTP over a bad link is
CONTRADICTIONS = 3  # in a row: one is a gateway whose clock was just being set
PROBE_EVERY_MS = 10_000  # while there is a need: a gateway answers at once or not at all
KERNEL_BOOT = Path("/proc/sys/kernel/random/boot_id")

_STA_UNSYNC = 0x0040  # linux/timex.h
_TIME_ERROR = 5


class Dating(NamedTuple):
    """What windows are dated by."""

    kernel: str  # the id of the kernel's boot that counts; empty for time that a recording brings along
    anchor_ms: int | None  # wall time less monotonic time; None while it is not known
    clock: wire.Clock


RECORDED = Dating("", 0, wire.Clock.SYNCED)


def monotonic_ms() -> float:
    """Milliseconds since the kernel's boot; time asleep counts where the system can say so."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) / 1e6


def read_kernel_boot() -> str:
    """The id of this boot of the kernel; where there is none, one of this process alone."""
    try:
        return KERNEL_BOOT.read_text().strip()
    except OSError:
        return os.urandom(16).hex()


class _Timex(ctypes.Structure):
    """struct timex of linux/timex.h; its `long` is the system's, as ctypes' is."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        *((name, ctypes.c_long) for name in ("offset", "freq", "maxerror", "esterror")),
        ("status", ctypes.c_int),
        *((name, ctypes.c_long) for name in ("constant", "precision", "tolerance", "tv_sec", "tv_usec", "tick")),
        ("rest", ctypes.c_byte * 256),
    )


def read_synchronised_ms() -> float | None:
    """The system's wall time, None unless the kernel says that something keeps it right (adjtimex(2), asking only)."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    found = _Timex()
    state = adjtimex(ctypes.byref(found))
    if state < 0 or state == _TIME_ERROR or found.status & _STA_UNSYNC:
        return None
    return read_system_ms()


def read_system_ms() -> float:
    """The system's wall time, believed as it is."""
    return time.time_ns() / 1e6


class Clock:
    """Tells the time; `tick` is the only moment at which what dates it may change.

    `hear` and `wants_probe` may be called from another thread than the rest.
    """

    def __init__(
        self,
        kernel: str,
        known: Dating | None = None,
        *,
        ask_system: Callable[[], float | None] = read_synchronised_ms,
        count_ms: Callable[[], float] = monotonic_ms,
    ) -> None:
        """known: what dated the newest windows of this kernel's boot. The functions are seams: wall, monotonic ms."""
        self._ask_system = ask_system
        self._count_ms = count_ms
        self._lock = threading.Lock()
        self._dating = known or Dating(kernel, None, wire.Clock.UNKNOWN)
        self._next: Dating | None = None
        self._contradictions = 0
        self._doubted = False
        self._believes_system = True
        self._probed_ms: float | None = None
        self.tick()

    @property
    def dating(self) -> Dating:
        """What dates the present."""
        return self._dating

    def now_ms(self) -> int:
        """Milliseconds since the epoch, or since the kernel's boot while there is no anchor."""
        return int(self._count_ms() + (self._dating.anchor_ms or 0))

    def count_ms(self) -> float:
        """Monotonic milliseconds, for `hear`."""
        return self._count_ms()

    def tick(self) -> bool:
        """Lets a new anchor take over, between two windows; True when it did, so that time made a jump."""
        with self._lock:
            found = self._find_system() or self._next
            self._next = None
            if found is None or found == self._dating:
                return False
            if self._dating.anchor_ms is not None and found.anchor_ms is not None:
                log.warning("the time was wrong by %d ms", found.anchor_ms - self._dating.anchor_ms)
            self._dating = found
            self._contradictions, self._doubted = 0, False
            log.info("the time is known: %s", found.clock)
            return True

    def leave_to_recording(self) -> None:
        """From now on time is what a recording says: nothing moves it."""
        with self._lock:
            self._dating, self._next = RECORDED, None

    def _find_system(self) -> Dating | None:
        # Once only: a synchronised clock that jumps later on is no better than the count from then.
        if self._dating.clock is wire.Clock.SYNCED or not self._believes_system:
            return None
        wall_ms = self._ask_system()
        if wall_ms is None or wall_ms < EARLIEST_MS:
            return None
        return self._dating._replace(anchor_ms=round(wall_ms - self._count_ms()), clock=wire.Clock.SYNCED)

    def wants_probe(self) -> bool:
        """Whether a probe is to be sent now; then it counts as sent."""
        with self._lock:
            if self._dating.anchor_ms is not None and not self._doubted:
                return False
            now_ms = self._count_ms()
            if self._probed_ms is not None and now_ms - self._probed_ms < PROBE_EVERY_MS:
                return False
            self._probed_ms = now_ms
            return True

    def hear(self, said_ms: int, *, at_ms: float, probed_at_ms: float | None = None) -> None:
        """Takes an acknowledgement's `now`, which it had between its making and its receipt.

        at_ms: when it was received, monotonic. probed_at_ms: when the probe that it answers was sent, monotonic; None
        for an acknowledgement of reports, which may have been under way for any time.
        """
        with self._lock:
            if said_ms < EARLIEST_MS or self._dating is RECORDED:
                return
            took_ms = None if probed_at_ms is None else at_ms - probed_at_ms
            if took_ms is not None and took_ms > PROBE_WITHIN_MS:
                return
            anchor_ms = round(said_ms + (took_ms or 0) / 2 - at_ms)
            if self._dating.anchor_ms is None:
                if took_ms is not None and self._next is None:
                    self._next = self._dating._replace(anchor_ms=anchor_ms, clock=wire.Clock.ANCHORED)
                return
            self._judge(anchor_ms, took_ms)

    def _judge(self, anchor_ms: int, took_ms: float | None) -> None:
        assert self._dating.anchor_ms is not None
        ahead_ms = self._dating.anchor_ms - anchor_ms
        if abs(ahead_ms) <= CONTRADICTION_MS:
            self._contradictions, self._doubted = 0, False
            return
        self._doubted = True
        if took_ms is None and ahead_ms > 0:
            return  # it may have been made so long ago: a probe will tell
        self._contradictions += 1
        if self._contradictions >= CONTRADICTIONS:
            self._believes_system = self._dating.clock is not wire.Clock.SYNCED
            self._next = self._dating._replace(anchor_ms=anchor_ms, clock=wire.Clock.ANCHORED)
            self._contradictions, self._doubted = 0, False
