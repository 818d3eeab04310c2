"""Says under which addresses a local network reaches this machine, from what the kernel tells without a packet sent."""

import array
import fcntl
import ipaddress
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROUTES = Path("/proc/net/route")
SIOCGIFCONF = 0x8912  # linux/sockios.h: all IPv4 addresses of interfaces that are up
ENTRY_BYTES = 40 if struct.calcsize("P") == 8 else 32  # struct ifreq
MOST_ENTRIES = 256  # a machine with more addresses is no laptop and no Pi
# Made by Docker, libvirt and the like: real addresses that no phone reaches.
VIRTUAL = ("docker", "br-", "veth", "virbr", "vmnet", "lxc", "lxd", "cni", "podman")


@dataclass(frozen=True, slots=True)
class Interface:
    """An address and the interface that has it."""

    name: str
    address: ipaddress.IPv4Address


def addresses() -> list[ipaddress.IPv4Address]:
    """This machine's IPv4 addresses that others may reach, the likeliest first."""
    return ordered(interfaces(), default_route(ROUTES))


def ordered(found: Sequence[Interface], default: str | None) -> list[ipaddress.IPv4Address]:
    """Without loopback and virtual ones; those of the interface that leads to the Internet first."""
    real = [one for one in found if not one.address.is_loopback and not one.name.startswith(VIRTUAL)]
    real.sort(key=lambda one: (one.name != default, one.address.is_link_local))
    return list(dict.fromkeys(one.address for one in real))


def default_route(routes: Path) -> str | None:
    """The interface of the default route with the lowest metric, if there is one."""
    try:
        rows = [line.split() for line in routes.read_text().splitlines()[1:]]
    except OSError:
        return None
    metrics = {row[0]: int(row[6]) for row in reversed(rows) if len(row) > 7 and row[1] == row[7] == "00000000"}
    return min(metrics, key=lambda name: metrics[name], default=None)


def interfaces() -> list[Interface]:
    """All IPv4 addresses with their interfaces."""
    room = array.array("B", bytes(MOST_ENTRIES * ENTRY_BYTES))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        request = struct.pack("iP", len(room), room.buffer_info()[0])
        answer = fcntl.ioctl(asked.fileno(), SIOCGIFCONF, request)
    length: int = struct.unpack("iP", answer)[0]
    entries = [room[start : start + ENTRY_BYTES].tobytes() for start in range(0, length, ENTRY_BYTES)]
    return [
        # an alias such as eth0:1 is an address of eth0
        Interface(entry[:16].split(b"\0")[0].decode().partition(":")[0], ipaddress.IPv4Address(entry[20:24]))
        for entry in entries
    ]
