"""The clock: counts monotonic time, is anchored once, and moves only when three answers say so."""

import ctypes
import time
from unittest.mock import Mock

import pytest

from beacon_agent import clock, wire
from beacon_agent.clock import CONTRADICTIONS, EARLIEST_MS, PROBE_EVERY_MS, RECORDED, Clock, Dating

WALL_MS = EARLIEST_MS + 10_000_000_000


class World:
    """Wall and monotonic time that a test moves; the wall may jump."""

    def __init__(self, synchronised: bool = False) -> None:
        self.count_ms = 50_000.0
        self.wall_ms = WALL_MS
        self.synchronised = synchronised

    def pass_ms(self, by_ms: float) -> None:
        """Time passes."""
        self.count_ms += by_ms
        self.wall_ms += round(by_ms)

    def clock(self, known: Dating | None = None) -> Clock:
        """A clock in this world."""
        return Clock(
            "this-boot",
            known,
            ask_system=lambda: float(self.wall_ms) if self.synchronised else None,
            count_ms=lambda: self.count_ms,
        )

    def answer(self, found: Clock, said_ms: float | None = None, rtt_ms: float = 100) -> None:
        """A probe and its answer; said_ms: what the gateway says, unless the truth."""
        sent_ms = self.count_ms
        self.pass_ms(rtt_ms / 2)
        said = round(self.wall_ms if said_ms is None else said_ms)
        self.pass_ms(rtt_ms / 2)
        found.hear(said, at_ms=self.count_ms, probed_at_ms=sent_ms)


def test_a_synchronised_system_clock_is_the_anchor_and_its_jumps_are_ignored() -> None:
    world = World(synchronised=True)
    found = world.clock()
    assert found.now_ms() == world.wall_ms
    assert found.dating == Dating("this-boot", WALL_MS - 50_000, wire.Clock.SYNCED)
    for jump_ms in (3_600_000, -86_400_000):
        world.wall_ms += jump_ms
        world.pass_ms(1000)
        assert not found.tick()
    assert found.now_ms() == WALL_MS + 2000
    assert not found.wants_probe()


def test_a_sleeping_machine_wakes_at_the_right_time() -> None:
    world = World(synchronised=True)
    found = world.clock()
    world.pass_ms(8 * 3_600_000)
    assert found.now_ms() == world.wall_ms


def test_without_one_time_is_monotonic_until_a_probe_is_answered() -> None:
    world = World()
    found = world.clock()
    assert found.dating == Dating("this-boot", None, wire.Clock.UNKNOWN)
    assert found.now_ms() == 50_000
    assert found.wants_probe()
    world.answer(found, rtt_ms=800)
    assert found.dating.anchor_ms is None, "the open window keeps its dating"
    assert found.tick()
    assert found.dating.clock is wire.Clock.ANCHORED
    assert abs(found.now_ms() - world.wall_ms) <= 1
    assert not found.tick()


def test_an_answer_that_took_too_long_anchors_nothing_and_another_probe_is_due_later() -> None:
    world = World()
    found = world.clock()
    assert found.wants_probe()
    world.answer(found, rtt_ms=2001)
    assert not found.tick()
    assert not found.wants_probe()
    world.pass_ms(PROBE_EVERY_MS)
    assert found.wants_probe()


def test_an_acknowledgement_of_reports_alone_anchors_nothing() -> None:
    world = World()
    found = world.clock()
    found.hear(world.wall_ms, at_ms=world.count_ms)
    assert not found.tick()


def test_a_gateway_whose_clock_was_never_set_is_not_believed() -> None:
    world = World()
    found = world.clock()
    world.answer(found, said_ms=EARLIEST_MS - 1)
    assert not found.tick()
    world.wall_ms = EARLIEST_MS - 1
    world.synchronised = True
    assert not found.tick()


def test_a_system_clock_that_gets_synchronised_later_takes_over_between_two_windows() -> None:
    world = World()
    found = world.clock()
    world.answer(found, said_ms=WALL_MS - 1500)
    found.tick()
    assert found.now_ms() < world.wall_ms - 1000
    world.synchronised = True
    assert found.tick()
    assert found.dating.clock is wire.Clock.SYNCED
    assert found.now_ms() == world.wall_ms


def test_three_acknowledgements_in_a_row_move_a_clock_that_is_behind() -> None:
    world = World(synchronised=True)
    world.wall_ms -= 5000
    found = world.clock()
    world.wall_ms += 5000
    for _ in range(CONTRADICTIONS - 1):
        found.hear(world.wall_ms, at_ms=world.count_ms)
    found.hear(world.wall_ms - 4000, at_ms=world.count_ms)  # within two seconds: no contradiction
    for _ in range(CONTRADICTIONS - 1):
        found.hear(world.wall_ms, at_ms=world.count_ms)
        assert not found.tick()
    found.hear(world.wall_ms, at_ms=world.count_ms)
    assert found.tick()
    assert found.now_ms() == world.wall_ms
    assert found.dating.clock is wire.Clock.ANCHORED
    world.pass_ms(2000)
    assert not found.tick(), "the system said the wrong time: it is not asked again"


def test_late_acknowledgements_raise_a_doubt_that_only_probes_settle() -> None:
    world = World(synchronised=True)
    found = world.clock()
    for _ in range(10):
        found.hear(world.wall_ms - 15_000, at_ms=world.count_ms)  # it was under way for long, or the clock is ahead
        assert not found.tick()
    assert found.wants_probe()
    world.answer(found)
    assert not found.tick()
    world.pass_ms(PROBE_EVERY_MS)
    assert not found.wants_probe(), "the probe has settled it"


def test_three_probes_in_a_row_move_a_clock_that_is_ahead() -> None:
    world = World(synchronised=True)
    world.wall_ms += 7_200_000
    found = world.clock()
    world.wall_ms -= 7_200_000
    for _ in range(CONTRADICTIONS):
        assert not found.tick()
        found.hear(world.wall_ms, at_ms=world.count_ms)
        assert found.wants_probe()
        world.answer(found)
        world.pass_ms(PROBE_EVERY_MS)
    assert found.tick()
    assert abs(found.now_ms() - world.wall_ms) <= 1


def test_a_restart_within_one_boot_of_the_kernel_keeps_the_anchor() -> None:
    world = World()
    first = world.clock()
    world.answer(first)
    first.tick()
    world.pass_ms(60_000)
    second = world.clock(first.dating)
    assert second.now_ms() == first.now_ms()
    assert not second.wants_probe()


def test_a_recording_brings_its_own_time() -> None:
    world = World()
    found = world.clock()
    found.leave_to_recording()
    assert found.dating == RECORDED
    for _ in range(CONTRADICTIONS):
        world.answer(found)
    world.synchronised = True
    assert not found.tick()
    assert not found.wants_probe()


def test_the_kernel_is_asked_whether_its_clock_is_synchronised(monkeypatch: pytest.MonkeyPatch) -> None:
    found = clock.read_synchronised_ms()
    assert found is None or abs(found - time.time() * 1000) < 1000
    assert abs(clock.read_system_ms() - time.time() * 1000) < 1000

    class Kernel:
        """Answers as adjtimex(2) does."""

        def __init__(self, state: int, status: int) -> None:
            self._state, self._status = state, status

        def adjtimex(self, found: object) -> int:
            """Fills in the status."""
            found._obj.status = self._status  # type: ignore[attr-defined]
            return self._state

    for state, status, is_good in ((0, 0x2001, True), (5, 0x0040, False), (0, 0x0041, False), (-1, 0, False)):
        monkeypatch.setattr(ctypes, "CDLL", Mock(return_value=Kernel(state, status)))
        assert (clock.read_synchronised_ms() is not None) == is_good


def test_the_real_kernel_counts_and_names_its_boot() -> None:
    before_ms = clock.monotonic_ms()
    assert clock.monotonic_ms() >= before_ms >= time.monotonic() * 1000 - 1000
    assert clock.read_kernel_boot() == clock.read_kernel_boot()
