"""The real radio: bleak on BlueZ, scanning actively with every packet; restarts what stalls and never gives up."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Sequence
from typing import Any

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from beacon_agent import wire
from beacon_agent.clock import Clock
from beacon_agent.source import Ear, keep_time

log = logging.getLogger(__name__)

APPLE = 0x004C
APPLE_PREFIX = APPLE.to_bytes(2, "little")
NO_RSSI_DBM = -127  # what bleak says when BlueZ gave none
BACKOFF_S = (1.0, 60.0)  # first and longest pause before another attempt; doubled each time, times 0.5 to 1.0
STOP_S = 5.0  # a bluetoothd that hangs does not answer StopDiscovery; longer would only delay the next attempt
START_S = 30.0  # StartDiscovery takes up to 10 s on a busy adapter; a bluetoothd that hangs never answers
CYCLE_AFTER = 3  # scans in a row that heard nobody: a new scan alone does not help then (peers: `InProgress` for good)
OFF_S = 1.0  # an adapter stays off: its firmware is loaded anew
BLUEZ, ADAPTER = "org.bluez", "org.bluez.Adapter1"
PROPERTIES, OBJECTS = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"


class BlueZRadio:
    """Hears through the adapter what anybody advertises, and passes Apple's manufacturer data on."""

    def __init__(
        self, adapter: str, deaf_after_s: float, clock: Clock, *, backoff_s: tuple[float, float] = BACKOFF_S
    ) -> None:
        """adapter: hci0, hci1 ..., or empty for the first one. deaf_after_s: a silence of everybody that is a stall."""
        self._adapter = adapter
        self._deaf_after_s = deaf_after_s
        self._backoff_s = backoff_s
        self._clock = clock
        self._heard_at_s = 0.0
        self._hears = False  # this scan has heard anybody

    async def listen(self, ear: Ear) -> None:
        """Listens until it is cancelled; a missing adapter or BlueZ is `off`, a stalled scan `deaf`."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_time(ear, self._clock))
            tasks.create_task(self._keep_scanning(ear))

    async def _keep_scanning(self, ear: Ear) -> None:
        pause_s = self._backoff_s[0]
        state = wire.Radio.OFF
        in_vain, cycle_after = 0, CYCLE_AFTER
        while True:
            began_s = time.monotonic()
            self._hears = False
            try:
                state = await self._scan(ear, state)
            except Exception as error:  # bleak, dbus-fast and the socket below each have their own families
                log.warning("the radio cannot be used: %s (it goes on trying)", error)
                state = wire.Radio.OFF
            ear.tell(self._clock.now_ms(), state)
            in_vain, cycle_after = (0, CYCLE_AFTER) if self._hears else (in_vain + 1, cycle_after)
            if in_vain >= cycle_after:
                in_vain, cycle_after = 0, cycle_after * 2
                await self._cycle()
            if time.monotonic() - began_s > self._backoff_s[1]:
                pause_s = self._backoff_s[0]
            await asyncio.sleep(random.uniform(0.5, 1.0) * pause_s)  # noqa: S311 -- jitter, not a secret
            pause_s = min(pause_s * 2, self._backoff_s[1])

    async def _cycle(self) -> None:
        try:
            async with asyncio.timeout(START_S):
                await cycle_power(self._adapter)
            log.warning("the adapter was switched off and on: no scan heard anybody")
        except Exception as error:  # as above: the next scan says what is wrong
            log.warning("the adapter cannot be switched off and on: %s", error)

    async def _scan(self, ear: Ear, state: wire.Radio) -> wire.Radio:
        """One scan; returns why it ended: deaf (stalled) or off (BlueZ or the adapter went away)."""
        now_ms = self._clock.now_ms
        hear = ear.hear
        deaf = state is wire.Radio.DEAF

        def take(_device: BLEDevice, advert: AdvertisementData) -> None:
            nonlocal deaf
            everything = advert.manufacturer_data
            if not everything and not advert.service_data and not advert.service_uuids and not advert.local_name:
                return  # adapters that fail can emit empty adverts: no sign of life
            self._heard_at_s = time.monotonic()
            self._hears = True
            if deaf:
                deaf = False
                ear.tell(now_ms(), wire.Radio.OK)
            if advert.rssi == NO_RSSI_DBM:
                return
            data = everything.get(APPLE)
            if data is not None:
                hear(now_ms(), APPLE_PREFIX + data, advert.rssi)

        bluez: BlueZScannerArgs = {"filters": {"DuplicateData": True}}
        if self._adapter:
            bluez["adapter"] = self._adapter
        async with _Watch(self._adapter) as watch:
            scanner = BleakScanner(take, scanning_mode="active", bluez=bluez)
            async with asyncio.timeout(START_S):
                await scanner.start()
            try:
                self._heard_at_s = time.monotonic()
                if not deaf:  # after a stall only an advert shows that it hears again
                    ear.tell(now_ms(), wire.Radio.OK)
                while (left_s := self._heard_at_s + self._deaf_after_s - time.monotonic()) > 0:
                    if await watch.wait(left_s):
                        log.warning("BlueZ or its adapter went away: %s", watch.why)
                        ear.tell(now_ms(), wire.Radio.OFF)  # at once: what hangs may take STOP_S to let go
                        return wire.Radio.OFF
                log.warning("nobody was heard for %.0f s: the scan is restarted", self._deaf_after_s)
                ear.tell(now_ms(), wire.Radio.DEAF)
                return wire.Radio.DEAF
            finally:
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(STOP_S):
                        await scanner.stop()


async def cycle_power(adapter: str) -> None:
    """Switches an adapter (or the first one) off and on through BlueZ; raises whatever the bus raises."""
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        path = f"/org/bluez/{adapter}" if adapter else await _find_adapter(bus)
        for powered in (False, True):
            body = [ADAPTER, "Powered", Variant("b", powered)]
            await _call(bus, path, PROPERTIES, "Set", "ssv", body)
            if not powered:
                await asyncio.sleep(OFF_S)
    finally:
        bus.disconnect()


async def _find_adapter(bus: MessageBus) -> str:
    (objects,) = await _call(bus, "/", OBJECTS, "GetManagedObjects")
    paths: list[str] = sorted(path for path, interfaces in objects.items() if ADAPTER in interfaces)
    if not paths:
        raise RuntimeError("there is none")
    return paths[0]


async def _call(
    bus: MessageBus, path: str, interface: str, member: str, signature: str = "", body: Sequence[Any] = ()
) -> list[Any]:
    answer = await bus.call(
        Message(destination=BLUEZ, path=path, interface=interface, member=member, signature=signature, body=list(body))
    )
    if answer is None or answer.message_type is MessageType.ERROR:
        raise RuntimeError(f"{member}: {answer.error_name if answer else 'no answer'}")
    return answer.body


class _Watch:
    """Notices at once that BlueZ left the bus or the adapter went away or off, which bleak does not tell."""

    def __init__(self, adapter: str) -> None:
        self._path = f"/org/bluez/{adapter}" if adapter else "/org/bluez/"
        self._gone = asyncio.Event()
        self.why = ""

    async def __aenter__(self) -> "_Watch":
        self._bus = MessageBus(bus_type=BusType.SYSTEM)
        try:
            await self._bus.connect()
            self._bus.add_message_handler(self._take)
            for rule in (
                f"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{BLUEZ}'",
                f"type='signal',sender='{BLUEZ}',member='InterfacesRemoved'",
                f"type='signal',sender='{BLUEZ}',member='PropertiesChanged',arg0='{ADAPTER}'",
            ):
                await self._bus.call(
                    Message(
                        destination="org.freedesktop.DBus",
                        path="/org/freedesktop/DBus",
                        interface="org.freedesktop.DBus",
                        member="AddMatch",
                        signature="s",
                        body=[rule],
                    )
                )
        except BaseException:
            self._bus.disconnect()
            raise
        self._lost = asyncio.create_task(self._notice_lost_bus())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._lost.cancel()
        self._bus.disconnect()
        await asyncio.gather(self._lost, return_exceptions=True)

    async def wait(self, for_s: float) -> bool:
        """Waits this long; True as soon as something is gone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                await self._gone.wait()
        return self._gone.is_set()

    async def _notice_lost_bus(self) -> None:
        with contextlib.suppress(Exception):
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        self._tell("the system bus is gone")

    def _take(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.member == "NameOwnerChanged" and message.body[0] == BLUEZ:
            self._tell("bluetoothd left the bus" if not message.body[2] else "bluetoothd was restarted")
        elif message.member == "InterfacesRemoved" and ADAPTER in message.body[1]:
            if message.body[0].startswith(self._path):
                self._tell("the adapter was removed")
        elif message.member == "PropertiesChanged" and message.body[0] == ADAPTER:
            powered = message.body[1].get("Powered")
            if powered is not None and not powered.value and (message.path or "").startswith(self._path):
                self._tell("the adapter was switched off")

    def _tell(self, why: str) -> None:
        self.why = self.why or why
        self._gone.set()
