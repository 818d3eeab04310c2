"""A small org.bluez on a private system bus, so that bleak itself and the agent's real radio code run.

It is what bleak needs of BlueZ and no more: the object manager, one adapter that can be made to fail, and devices
that advertise through InterfacesAdded and PropertiesChanged. Runs in a thread with a loop of its own, so that a
test may be synchronous or drive a real `muster-agent run`.
"""

import asyncio
import contextlib
import subprocess
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

from dbus_fast import BusType, ErrorType, Message, MessageType, RequestNameReply, Variant
from dbus_fast.aio import MessageBus

ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
OBJECTS, PROPERTIES = "org.freedesktop.DBus.ObjectManager", "org.freedesktop.DBus.Properties"
PACE_MESSAGES = 50  # after so many signals the sender waits for an answer: dbus-fast overflows the socket otherwise

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow user="*"/><allow own="*"/>
    <allow send_type="method_call"/><allow send_type="signal"/>
    <allow send_requested_reply="true"/><allow receive_type="method_call"/><allow receive_type="signal"/>
    <allow receive_type="method_return"/><allow receive_type="error"/>
  </policy>
</busconfig>
"""


@contextlib.contextmanager
def private_bus(folder: Path) -> Iterator[str]:
    """A dbus-daemon of this test alone; gives the address for DBUS_SYSTEM_BUS_ADDRESS."""
    socket = folder / "bus"
    config = folder / "bus.conf"
    config.write_text(BUS_CONFIG.format(socket=socket))
    with subprocess.Popen(
        ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address=1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as daemon:
        assert daemon.stdout is not None
        try:
            yield daemon.stdout.readline().strip()
        finally:
            daemon.terminate()


class FakeBlueZ:
    """bluetoothd with one adapter, hci0. The public methods may be called from any thread and wait until done."""

    def __init__(self, address: str) -> None:
        """address: of the private bus."""
        self._address = address
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-bluez", daemon=True)
        self._thread.start()
        self._bus: MessageBus | None = None
        self._devices: dict[str, dict[str, Variant]] = {}
        self._unanswered = 0
        self.has_adapter = True
        self.refuses_to_scan = False
        self.hangs_until_switched = False  # a scan fails until the adapter was off
        self.is_powered = True
        self.switched: list[bool] = []
        self.is_scanning = False
        self.scans = 0
        self.filters: list[dict[str, Any]] = []

    def start(self) -> None:
        """Takes the name org.bluez."""
        self._do(self._start())

    def stop(self) -> None:
        """Leaves the bus, as bluetoothd does when it ends or crashes."""
        self._do(self._stop())

    def close(self) -> None:
        """Ends everything."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def remove_adapter(self) -> None:
        """The USB dongle is pulled."""
        self.has_adapter = self.is_scanning = False
        self._do(self._signal("/", OBJECTS, "InterfacesRemoved", "oas", ["/org/bluez/hci0", [ADAPTER]]))

    def add_adapter(self) -> None:
        """The USB dongle is put in."""
        self.has_adapter = True
        self._do(self._signal("/", OBJECTS, "InterfacesAdded", "oa{sa{sv}}", ["/org/bluez/hci0", self._adapter()]))

    def advertise(self, address: str, company: int | None, data: bytes, rssi_dbm: int | None = -60) -> None:
        """One packet of a device: its first by InterfacesAdded, later ones by PropertiesChanged."""
        self._do(self._advertise(address, company, data, rssi_dbm))

    def advertise_many(self, address: str, company: int, datas: list[bytes], rssi_dbm: int = -60) -> None:
        """Many packets of one device, as fast as the bus takes them."""

        async def send() -> None:
            for data in datas:
                await self._advertise(address, company, data, rssi_dbm)

        self._do(send())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _start(self) -> None:
        self._bus = await MessageBus(bus_address=self._address, bus_type=BusType.SYSTEM).connect()
        self._bus.add_message_handler(self._answer)
        assert await self._bus.request_name("org.bluez") is RequestNameReply.PRIMARY_OWNER

    async def _stop(self) -> None:
        self.is_scanning = False
        self._devices.clear()
        if self._bus is not None:
            bus, self._bus = self._bus, None
            bus.disconnect()
            with contextlib.suppress(Exception):
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    def _adapter(self) -> dict[str, dict[str, Variant]]:
        return {
            ADAPTER: {
                "Address": Variant("s", "00:11:22:33:44:55"),
                "Powered": Variant("b", self.is_powered),
                "Discovering": Variant("b", self.is_scanning),
                "Roles": Variant("as", ["central", "peripheral"]),
            }
        }

    def _answer(self, message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        if message.member == "GetManagedObjects":
            objects: dict[str, Any] = {path: {DEVICE: device} for path, device in self._devices.items()}
            if self.has_adapter:
                objects["/org/bluez/hci0"] = self._adapter()
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [objects])
        if (message.interface, message.member) == (PROPERTIES, "Set") and self.has_adapter:
            return self._switch(message)
        if message.interface != ADAPTER:
            return None
        if not self.has_adapter:
            return Message.new_error(message, ErrorType.UNKNOWN_OBJECT, "no such adapter")
        if message.member == "SetDiscoveryFilter":
            self.filters.append({name: value.value for name, value in message.body[0].items()})
        elif message.member == "StartDiscovery":
            if self.refuses_to_scan or self.hangs_until_switched:
                return Message.new_error(message, "org.bluez.Error.InProgress", "Operation already in progress")
            self.is_scanning = True
            self.scans += 1
        elif message.member == "StopDiscovery":
            self.is_scanning = False
        return Message.new_method_return(message)

    def _switch(self, message: Message) -> Message:
        assert (message.path, *message.body[:2]) == ("/org/bluez/hci0", ADAPTER, "Powered")
        self.is_powered = message.body[2].value
        self.switched.append(self.is_powered)
        self.is_scanning = self.is_scanning and self.is_powered
        self.hangs_until_switched = self.hangs_until_switched and self.is_powered
        news = {"Powered": Variant("b", self.is_powered)}
        self._sending = asyncio.ensure_future(
            self._signal("/org/bluez/hci0", PROPERTIES, "PropertiesChanged", "sa{sv}as", [ADAPTER, news, []])
        )
        return Message.new_method_return(message)

    async def _advertise(self, address: str, company: int | None, data: bytes, rssi_dbm: int | None) -> None:
        path = f"/org/bluez/hci0/dev_{address.replace(':', '_')}"
        news: dict[str, Variant] = {}
        if company is not None:
            news["ManufacturerData"] = Variant("a{qv}", {company: Variant("ay", data)})
        if rssi_dbm is not None:
            news["RSSI"] = Variant("n", rssi_dbm)
        device = self._devices.get(path)
        if device is None:
            device = self._devices[path] = {
                "Address": Variant("s", address),
                "AddressType": Variant("s", "random"),
                "Alias": Variant("s", address.replace(":", "-")),
                "Adapter": Variant("o", "/org/bluez/hci0"),
                **news,
            }
            await self._signal("/", OBJECTS, "InterfacesAdded", "oa{sa{sv}}", [path, {DEVICE: device}])
        else:
            device.update(news)
            await self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [DEVICE, news, []])

    async def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        assert self._bus is not None
        await self._bus.send(Message.new_signal(path, interface, member, signature, body))
        self._unanswered += 1
        if self._unanswered >= PACE_MESSAGES:
            self._unanswered = 0
            await self._bus.call(
                Message(
                    destination="org.freedesktop.DBus",
                    path="/org/freedesktop/DBus",
                    interface="org.freedesktop.DBus",
                    member="GetId",
                )
            )


@contextlib.contextmanager
def running_bluez(folder: Path) -> Iterator[tuple[FakeBlueZ, str]]:
    """A started FakeBlueZ and the address of its bus, for DBUS_SYSTEM_BUS_ADDRESS."""
    with private_bus(folder) as address:
        bluez = FakeBlueZ(address)
        bluez.start()
        try:
            yield bluez, address
        finally:
            bluez.close()
