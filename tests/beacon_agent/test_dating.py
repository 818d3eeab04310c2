"""The agent on its own clock: jumps are ignored, what was heard before the time was known is dated, restarts go on."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from beacon_agent import wire
from beacon_agent.agent import Agent
from beacon_agent.clock import EARLIEST_MS, Clock, Dating, read_system_ms
from beacon_agent.source import Ear, keep_time
from beacon_agent.spool import Spool
from config import settings as config_settings
from tests.beacon_agent.conftest import AGENT, KEY, SHARD, Broker, TinyGateway, wait_for
from tests.beacon_agent.test_agent import CONFIG, DATA, read_spool
from tests.beacon_agent.test_clock import World


class Kernel(World):
    """A machine whose time a test moves; `boot` names this run of its kernel."""

    boot = "this-boot"

    def make_clock(self, kernel: str, known: Dating | None) -> Clock:
        """For an agent on this machine."""
        assert kernel == self.boot
        return self.clock(known)

    def clock(self, known: Dating | None = None) -> Clock:
        """Names its own boot."""
        found = super().clock(known)
        return found if known else Clock(self.boot, None, ask_system=found._ask_system, count_ms=found._count_ms)


class Listening:
    """A source that hears a badge once a second of the machine's time, while a test's script runs."""

    def __init__(self, machine: Kernel, clock: Clock, play: Callable[["Listening"], Awaitable[None]]) -> None:
        self._machine, self._clock, self._play = machine, clock, play

    async def listen(self, ear: Ear) -> None:
        self._ear = ear
        ear.tell(self._clock.now_ms(), wire.Radio.OK)
        self._due_ms = await ear.reach(self._clock.now_ms())
        await self._play(self)

    async def for_s(self, seconds: int, *, asleep: bool = False) -> None:
        """Time passes as `keep_time` would tell it."""
        if asleep:
            self._machine.pass_ms(seconds * 1000)
            await self._ear.jump(self._clock.now_ms())
            self._due_ms = await self._ear.reach(self._clock.now_ms())
            return
        for step in range(1, seconds * 10 + 1):
            self._machine.pass_ms(100)
            if step % 10 == 5:
                self._ear.hear(self._clock.now_ms(), DATA, -60)
            if self._clock.now_ms() >= self._due_ms:
                self._due_ms = await self._ear.reach(self._clock.now_ms())
                if self._clock.tick():
                    await self._ear.jump(self._clock.now_ms())
                    self._due_ms = await self._ear.reach(self._clock.now_ms())


@pytest.fixture(autouse=True)
def _short_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beacon_agent.agent.GOODBYE_S", 0.0)


def run(folder: Path, machine: Kernel, play: Callable[[Listening, Agent], Awaitable[None]]) -> None:
    """One run of the agent's process on the machine, without a broker."""
    settings = config_settings.load(
        environment={
            "MUSTER_AGENT__ID": AGENT,
            "MUSTER_AGENT__KEY": KEY.hex(),
            "MUSTER_AGENT__FOLDER": str(folder),
            "MUSTER_BROKER__PORT": "1",
        }
    )

    async def go() -> None:
        agent = Agent(settings, kernel=machine.boot, make_clock=machine.make_clock)
        agent._take_config(CONFIG)
        source = Listening(machine, agent.clock, lambda listening: play(listening, agent))
        await agent.run(source, asyncio.Event())

    asyncio.run(go())


def heard_ms(reports: list[wire.Report]) -> list[tuple[int, int]]:
    return [
        (report.from_ms + reading.first_ms, report.from_ms + reading.last_ms)
        for report in reports
        for reading in report.readings
    ]


def test_a_wall_clock_that_jumps_changes_nothing(tmp_path: Path) -> None:
    machine = Kernel(synchronised=True)

    async def play(listening: Listening, _agent: Agent) -> None:
        for jump_ms in (0, 3_600_000, -7_200_000):
            machine.wall_ms += jump_ms
            await listening.for_s(4)

    begin_ms = machine.wall_ms
    run(tmp_path, machine, play)
    reports = read_spool(tmp_path)
    assert [report.from_ms for report in reports] == [begin_ms + offset for offset in range(0, 12_000, 2000)]
    assert [report.radio for report in reports] == [wire.Radio.OK] * 6
    assert {report.clock for report in reports} == {wire.Clock.SYNCED}


def test_what_was_heard_before_the_time_was_known_is_dated_when_it_is(tmp_path: Path) -> None:
    machine = Kernel()
    machine.count_ms += 1234

    async def play(listening: Listening, agent: Agent) -> None:
        await listening.for_s(10)
        assert agent.publisher._spool.waiting() == []
        machine.answer(agent.clock, rtt_ms=0)
        await listening.for_s(10)

    begin_ms = machine.wall_ms
    run(tmp_path, machine, play)
    reports = sorted(read_spool(tmp_path), key=lambda report: (report.from_ms, report.radio))
    assert {report.clock for report in reports} == {wire.Clock.ANCHORED}
    assert all(report.from_ms % 2000 == 0 for report in reports)
    moments = heard_ms(reports)
    assert (min(moments)[0], max(moments)[1]) == (begin_ms + 500, begin_ms + 19_500)
    assert sum(reading.count for report in reports for reading in report.readings) == 20
    listened = [(report.from_ms, report.to_ms) for report in reports if report.radio is wire.Radio.OK]
    assert all(begin_ms <= from_ms and to_ms <= machine.wall_ms for from_ms, to_ms in listened)
    assert len(listened) >= 6


def test_a_reboot_before_the_time_was_known_leaves_undated_what_was_heard(tmp_path: Path) -> None:
    machine = Kernel()

    async def play(listening: Listening, _agent: Agent) -> None:
        await listening.for_s(4)

    run(tmp_path, machine, play)
    after = Kernel(synchronised=True)
    after.boot = "next-boot"
    run(tmp_path, after, play)
    reports = read_spool(tmp_path)
    undated = [report for report in reports if report.clock is wire.Clock.UNKNOWN]
    dated = [report for report in reports if report.clock is wire.Clock.SYNCED]
    assert (len(undated), len(dated)) == (2, 2)
    assert all(report.from_ms < EARLIEST_MS for report in undated)
    assert sum(reading.count for report in undated for reading in report.readings) == 4


def test_a_restart_within_one_boot_of_the_kernel_keeps_the_anchor_and_dates_what_it_finds(tmp_path: Path) -> None:
    machine = Kernel()

    async def unknown(listening: Listening, _agent: Agent) -> None:
        await listening.for_s(4)

    async def answered(listening: Listening, agent: Agent) -> None:
        machine.answer(agent.clock, rtt_ms=0)
        await listening.for_s(4)

    async def known(listening: Listening, agent: Agent) -> None:
        assert agent.clock.dating.clock is wire.Clock.ANCHORED
        assert not agent.clock.wants_probe()
        await listening.for_s(4)

    begin_ms = machine.wall_ms
    for play in (unknown, answered, known):
        run(tmp_path, machine, play)
    reports = read_spool(tmp_path)
    assert {report.clock for report in reports} == {wire.Clock.ANCHORED}
    moments = heard_ms(reports)
    assert (min(moments)[0], max(moments)[1]) == (begin_ms + 500, begin_ms + 11_500)


def test_time_asleep_counts_and_was_not_listened_to(tmp_path: Path) -> None:
    machine = Kernel(synchronised=True)

    async def play(listening: Listening, _agent: Agent) -> None:
        await listening.for_s(3)
        await listening.for_s(7200, asleep=True)
        await listening.for_s(4)

    begin_ms = machine.wall_ms
    run(tmp_path, machine, play)
    found = [(report.from_ms - begin_ms, report.radio) for report in read_spool(tmp_path)]
    assert found == [
        (0, wire.Radio.OK),
        (2000, wire.Radio.OFF),
        (7_202_000, wire.Radio.OFF),
        (7_204_000, wire.Radio.OK),
        (7_206_000, wire.Radio.OFF),
    ]


def test_a_wrong_time_is_left_behind_from_the_next_window_on(tmp_path: Path) -> None:
    machine = Kernel(synchronised=True)
    truth_ms = machine.wall_ms
    machine.wall_ms -= 60_000

    async def play(listening: Listening, agent: Agent) -> None:
        await listening.for_s(3)
        for _ in range(3):
            agent.clock.hear(truth_ms + 3000, at_ms=machine.count_ms)
        await listening.for_s(5)

    run(tmp_path, machine, play)
    found = [(report.from_ms - truth_ms, report.radio, report.clock) for report in read_spool(tmp_path)]
    assert found == [
        (-60_000, wire.Radio.OK, wire.Clock.SYNCED),
        (-58_000, wire.Radio.OK, wire.Clock.SYNCED),
        (4000, wire.Radio.OK, wire.Clock.ANCHORED),
        (6000, wire.Radio.OK, wire.Clock.ANCHORED),
    ]


def test_keeping_time_lets_a_new_anchor_take_over(tmp_path: Path) -> None:
    """The same with the loop that radios use and the machine's own seconds."""

    class Notes:
        def __init__(self) -> None:
            self.jumps: list[int] = []
            self.reached: list[int] = []

        def hear(self, at_ms: int, data: bytes, rssi: int) -> None: ...

        def tell(self, at_ms: int, radio: wire.Radio) -> None: ...

        async def reach(self, now_ms: int) -> int:
            self.reached.append(now_ms)
            return now_ms + 20

        async def jump(self, now_ms: int) -> None:
            self.jumps.append(now_ms)

    assert tmp_path
    notes = Notes()
    found = Clock("this-boot", ask_system=lambda: None)

    async def go() -> None:
        task = asyncio.create_task(keep_time(notes, found))
        async with asyncio.timeout(10):
            while len(notes.reached) < 3:  # noqa: ASYNC110 -- what is awaited is another task's
                await asyncio.sleep(0.01)
            sent_ms = found.count_ms()
            found.hear(EARLIEST_MS + 5000, at_ms=sent_ms, probed_at_ms=sent_ms)
            while not notes.jumps:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(go())
    assert notes.reached[0] < EARLIEST_MS < notes.jumps[0] < EARLIEST_MS + 10_000


def test_a_probe_brings_the_time_from_a_gateway(tmp_path: Path, broker: Broker, gateway: TinyGateway) -> None:
    """A real agent on a machine whose clock nothing keeps right, with a real broker."""
    gateway.ahead_ms = 3_600_000
    gateway.configure(wire.Config(1, SHARD, CONFIG.patterns, window_s=0.5))
    settings = config_settings.load(
        environment={
            "MUSTER_AGENT__ID": AGENT,
            "MUSTER_AGENT__KEY": KEY.hex(),
            "MUSTER_AGENT__FOLDER": str(tmp_path / "agent"),
            "MUSTER_BROKER__PORT": str(broker.port),
        }
    )

    class Quiet:
        def __init__(self, clock: Clock) -> None:
            self._clock = clock

        async def listen(self, ear: Ear) -> None:
            ear.tell(self._clock.now_ms(), wire.Radio.OK)
            async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
                timing = tasks.create_task(keep_time(ear, self._clock))
                while not any(report.radio is wire.Radio.OK for report in gateway.reports):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                timing.cancel()

    machine = Kernel()

    async def go() -> None:
        agent = Agent(
            settings,
            kernel=machine.boot,
            make_clock=lambda kernel, known: Clock(kernel, known, ask_system=lambda: None),
        )
        await agent.run(Quiet(agent.clock), asyncio.Event())

    before_ms = read_system_ms()
    asyncio.run(go())
    wait_for(lambda: gateway.reports)
    assert gateway.probes == 1
    assert {report.clock for report in gateway.reports} == {wire.Clock.ANCHORED}
    assert all(3_590_000 < report.from_ms - before_ms < 3_630_000 for report in gateway.reports)
    spool = Spool(tmp_path / "agent" / "spool.db", 1 << 20, kernel=machine.boot)
    assert spool.find_dating() is not None
    spool.close()
