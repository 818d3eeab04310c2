"""The real radio code through bleak itself, against an org.bluez of the test's own."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from bleak import BleakScanner

from beacon_agent import ibeacon, wire
from beacon_agent.clock import Clock, read_system_ms
from beacon_agent.radio import CYCLE_AFTER, BlueZRadio
from tests.beacon_agent.conftest import AGENT, KEY, SHARD, Broker, TinyGateway, wait_for
from tests.beacon_agent.fake_bluez import FakeBlueZ, private_bus, running_bluez

BADGE = bytes.fromhex("daf246cef20111e4b116123b93f75cba000e0001")
DATA = ibeacon.compose(BADGE, -59)
APPLE = 0x004C


class Notes:
    """An ear that writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, bytes, int]] = []
        self.states: list[wire.Radio] = []

    def hear(self, at_ms: int, data: bytes, rssi: int) -> None:
        self.heard.append((at_ms, data, rssi))

    def tell(self, at_ms: int, radio: wire.Radio) -> None:
        assert abs(at_ms - time.time() * 1000) < 5000
        if not self.states or self.states[-1] is not radio:
            self.states.append(radio)

    async def reach(self, now_ms: int) -> int:
        return now_ms + 100

    async def jump(self, now_ms: int) -> None:
        raise AssertionError(f"time made no jump to {now_ms}")


@pytest.fixture
def bluez(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBlueZ]:
    with running_bluez(tmp_path) as (bluez, address):
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        yield bluez


@contextlib.asynccontextmanager
async def listening(adapter: str = "", deaf_after_s: float = 60) -> AsyncIterator[Notes]:
    notes = Notes()
    clock = Clock("", ask_system=read_system_ms)
    radio = BlueZRadio(adapter, deaf_after_s, clock, backoff_s=(0.05, 0.2))
    task = asyncio.create_task(radio.listen(notes))
    try:
        yield notes
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], object], within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 -- the condition is another thread's or process's doing
            await asyncio.sleep(0.01)


async def do(work: Callable[..., None], *arguments: object) -> None:
    await asyncio.to_thread(work, *arguments)


def test_every_packet_is_asked_for_and_passed_on_as_its_bytes(bluez: FakeBlueZ) -> None:
    async def check() -> None:
        async with listening() as notes:
            await until(lambda: bluez.is_scanning)
            assert bluez.filters[0]["DuplicateData"] is True
            assert bluez.filters[0]["Transport"] == "le"
            for rssi in (-60, -60, -71):
                await do(bluez.advertise, "AA:00:00:00:00:01", APPLE, DATA[2:], rssi)
            await until(lambda: len(notes.heard) == 3)
            assert [(data, rssi) for _, data, rssi in notes.heard] == [(DATA, -60), (DATA, -60), (DATA, -71)]
            assert notes.states == [wire.Radio.OK]
        await until(lambda: not bluez.is_scanning)

    asyncio.run(check())


def test_other_companies_and_packets_without_rssi_are_not_passed_on(bluez: FakeBlueZ) -> None:
    async def check() -> None:
        async with listening("hci0") as notes:
            await until(lambda: bluez.is_scanning)
            await do(bluez.advertise, "AA:00:00:00:00:01", 0x0059, b"\x01\x02")
            await do(bluez.advertise, "AA:00:00:00:00:02", APPLE, DATA[2:], None)
            await do(bluez.advertise, "AA:00:00:00:00:03", APPLE, DATA[2:], -50)
            await until(lambda: notes.heard)
            assert [rssi for _, _, rssi in notes.heard] == [-50]

    asyncio.run(check())


def test_a_stalled_scan_is_restarted_and_deaf_until_somebody_is_heard(bluez: FakeBlueZ) -> None:
    async def check() -> None:
        async with listening(deaf_after_s=0.3) as notes:
            await until(lambda: bluez.scans >= 3)
            assert notes.states == [wire.Radio.OK, wire.Radio.DEAF]
            await until(lambda: bluez.is_scanning)
            while notes.states[-1] is not wire.Radio.OK:
                await do(bluez.advertise, "AA:00:00:00:00:01", 0x0059, b"\x01\x02")
                await asyncio.sleep(0.02)
            assert notes.heard == []

    asyncio.run(check())


def test_empty_adverts_of_a_failing_adapter_are_no_sign_of_life(bluez: FakeBlueZ) -> None:
    async def check() -> None:
        async with listening(deaf_after_s=0.3) as notes:
            await until(lambda: bluez.is_scanning)
            async with asyncio.timeout(20):
                while wire.Radio.DEAF not in notes.states:
                    await do(bluez.advertise, "AA:00:00:00:00:01", None, b"")
                    await asyncio.sleep(0.05)

    asyncio.run(check())


def test_bluetoothd_that_goes_is_off_at_once_and_heard_again_when_it_is_back(bluez: FakeBlueZ) -> None:
    async def check() -> None:
        async with listening() as notes:
            await until(lambda: bluez.is_scanning)
            await do(bluez.stop)
            await until(lambda: notes.states == [wire.Radio.OK, wire.Radio.OFF], within_s=3)
            await do(bluez.start)
            await until(lambda: bluez.is_scanning)
            await until(lambda: notes.states[-1] is wire.Radio.OK)
            await do(bluez.advertise, "AA:00:00:00:00:01", APPLE, DATA[2:])
            await until(lambda: notes.heard)

    asyncio.run(check())


def test_a_scan_that_hangs_at_its_end_is_off_at_once(bluez: FakeBlueZ, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_scanner: BleakScanner) -> None:
        await asyncio.sleep(4)

    async def check() -> None:
        async with listening() as notes:
            await until(lambda: bluez.is_scanning)
            monkeypatch.setattr(BleakScanner, "stop", hang)
            await do(bluez.stop)
            await until(lambda: notes.states == [wire.Radio.OK, wire.Radio.OFF], within_s=2)

    asyncio.run(check())


def test_a_missing_adapter_is_off_and_used_when_it_is_put_in(bluez: FakeBlueZ) -> None:
    bluez.has_adapter = False

    async def check() -> None:
        async with listening() as notes:
            await until(lambda: notes.states == [wire.Radio.OFF])
            await do(bluez.add_adapter)
            await until(lambda: notes.states == [wire.Radio.OFF, wire.Radio.OK])
            await do(bluez.remove_adapter)
            await until(lambda: notes.states[-1] is wire.Radio.OFF)

    asyncio.run(check())


def test_an_adapter_that_refuses_to_scan_is_tried_again(bluez: FakeBlueZ) -> None:
    bluez.refuses_to_scan = True

    async def check() -> None:
        async with listening() as notes:
            await until(lambda: len(bluez.filters) >= 3)
            assert notes.states == [wire.Radio.OFF]
            bluez.refuses_to_scan = False
            await until(lambda: notes.states[-1] is wire.Radio.OK)

    asyncio.run(check())


@pytest.mark.parametrize("adapter", ["", "hci0"])
def test_an_adapter_that_hangs_is_switched_off_and_on(
    bluez: FakeBlueZ, adapter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beacon_agent.radio.OFF_S", 0.01)
    bluez.hangs_until_switched = True

    async def check() -> None:
        async with listening(adapter) as notes:
            await until(lambda: notes.states[-1:] == [wire.Radio.OK])
            assert bluez.switched == [False, True]
            assert len(bluez.filters) == CYCLE_AFTER + 1
            await do(bluez.advertise, "AA:00:00:00:00:01", APPLE, DATA[2:])
            await until(lambda: notes.heard)

    asyncio.run(check())


def test_an_adapter_that_switching_does_not_help_is_switched_ever_more_seldom(
    bluez: FakeBlueZ, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beacon_agent.radio.OFF_S", 0.01)
    bluez.refuses_to_scan = True

    async def check() -> None:
        async with listening():
            await until(lambda: len(bluez.filters) > 3 * CYCLE_AFTER)
            assert bluez.switched == [False, True] * 2

    asyncio.run(check())


def test_a_machine_without_a_system_bus_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/nothing")

    async def check() -> None:
        async with listening() as notes:
            await until(lambda: notes.states == [wire.Radio.OFF])

    asyncio.run(check())


def test_a_bus_that_dies_is_off_and_the_next_one_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        with contextlib.ExitStack() as first:
            address = first.enter_context(private_bus(tmp_path))
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address.partition(",")[0])
            bluez = FakeBlueZ(address)
            await do(bluez.start)
            async with listening() as notes:
                await until(lambda: bluez.is_scanning)
                await do(first.close)
                await until(lambda: notes.states == [wire.Radio.OK, wire.Radio.OFF])
                with private_bus(tmp_path) as again:
                    newer = FakeBlueZ(again)
                    await do(newer.start)
                    await until(lambda: newer.is_scanning)
                    await until(lambda: notes.states[-1] is wire.Radio.OK)
                    await do(newer.close)
            await do(bluez.close)

    asyncio.run(check())


def test_thousands_of_packets_a_second_are_all_heard(bluez: FakeBlueZ) -> None:
    datas = [ibeacon.compose(BADGE[:18] + index.to_bytes(2, "big"), -59)[2:] for index in range(3000)]

    async def check() -> None:
        async with listening() as notes:
            await until(lambda: bluez.is_scanning)
            await do(bluez.advertise_many, "AA:00:00:00:00:01", APPLE, datas)
            await until(lambda: len(notes.heard) == 3000)

    asyncio.run(check())


def test_the_real_process_reports_what_bluez_hears(tmp_path: Path, broker: Broker, gateway: TinyGateway) -> None:
    gateway.configure(wire.Config(1, SHARD, ((0, BADGE[:16]),), window_s=0.5))
    with running_bluez(tmp_path) as (bluez, address):
        environment = {
            **os.environ,
            "DBUS_SYSTEM_BUS_ADDRESS": address,
            "MUSTER_AGENT__ID": AGENT,
            "MUSTER_AGENT__KEY": KEY.hex(),
            "MUSTER_AGENT__FOLDER": str(tmp_path / "agent"),
            "MUSTER_BROKER__PORT": str(broker.port),
        }
        command = [sys.executable, "-m", "beacon_agent.main", "run"]
        with subprocess.Popen(command, env=environment) as process:
            try:
                wait_for(lambda: bluez.is_scanning)
                bluez.advertise("AA:00:00:00:00:01", APPLE, DATA[2:], -64)
                wait_for(lambda: any(report.readings for report in gateway.reports))
                wait_for(lambda: gateway.reports[-1].radio is wire.Radio.OK)
                bluez.stop()
                wait_for(lambda: gateway.reports[-1].radio is wire.Radio.OFF)
                process.terminate()
                assert process.wait(20) == 0
            finally:
                process.kill()
    (reading,) = next(report.readings for report in gateway.reports if report.readings)
    assert (reading.identity, reading.rssi_max) == (BADGE, -64)
    assert all(b"AA:00" not in payload and b"AA_00" not in payload for payload in gateway.payloads)
