"""What `muster up --lan` adds: where phones reach this machine, HTTPS by a private authority, both on the terminal."""

import dataclasses
import datetime as dt
import ipaddress
import socket
from pathlib import Path

import segno
from rich.text import Text

from config.settings import Settings
from server import certificates
from server.operations import authority, networks, ports
from server.operations.progress import Progress

FOLDER = "authority"
EVERYWHERE = "0.0.0.0"  # noqa: S104 -- what --lan is for; an address that comes later (Wi-Fi found again) is served, too
QUIET_MODULES = 2  # the standard asks for four; readers need no more than two, and a terminal is small


class LanError(RuntimeError):
    """The local network cannot be served: the message says what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Network:
    """Where muster is on the local network."""

    own_url: str  # for a browser of this machine
    url: str  # for phones
    port: int
    https_port: int
    served: certificates.Served


def prepare(folder: Path, settings: Settings, now: dt.datetime) -> tuple[Settings, Network]:
    """The settings with which the server serves the local network, and where it is. Raises LanError, AuthorityError."""
    server = settings.server
    host, found = _choose(server.host, networks.addresses())
    tls_file, served = authority.prepare(folder / FOLDER, found, socket.gethostname(), now)
    server = dataclasses.replace(
        server,
        host=host,
        public_url=server.public_url or f"http://{found[0]}:{server.port}",
        tls_file=str(tls_file),
    )
    own_host = ports.LOOPBACK if host == EVERYWHERE else host
    network = Network(f"http://{own_host}:{server.port}", server.url, server.port, server.https_port, served)
    return dataclasses.replace(settings, server=server), network


def _choose(host: str, found: list[ipaddress.IPv4Address]) -> tuple[str, list[ipaddress.IPv4Address]]:
    """Where to listen, and the local addresses that lead there."""
    if not found:
        raise LanError("this machine is on no network: connect it, or start without LAN=1")
    is_own = host == "localhost" or _is_loopback(host)
    if not is_own and host != EVERYWHERE:
        chosen = [address for address in found if str(address) == host]
        if not chosen or not authority.is_local(chosen[0]):
            have = ", ".join(map(str, found))
            raise LanError(f"server.host is {host!r}: with LAN=1 it must be a local address of this machine ({have})")
        return host, chosen
    public = [address for address in found if not authority.is_local(address)]
    if public:
        local = next((str(address) for address in found if authority.is_local(address)), "a local address")
        raise LanError(
            f"this machine has the address {public[0]}, which the Internet reaches:"
            f" set MUSTER_SERVER__HOST to the one to serve ({local})"
        )
    return EVERYWHERE, found


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def show(progress: Progress, network: Network) -> None:
    """Tells where phones find muster, as text and as a code to scan, and what HTTPS needs."""
    progress.say(f"\nphones on this network: [bold]{network.url}[/]")
    if progress.console.is_terminal:
        progress.console.print(draw(network.url))
    others = [f"http://{host}:{network.port}" for host in network.served.hosts]
    others = [url for url in others if url != network.url]
    if others:
        progress.say(f"[dim]also: {', '.join(others)}[/]")
    https = f"https://{network.served.hosts[0]}:{network.https_port}"
    progress.say(f"live camera and location: {https} once a phone trusts {network.url}/trust")
    progress.say(f"[dim]fingerprint to compare there: {network.served.fingerprint}[/]")
    progress.say("everybody on this network can open it.")


def draw(url: str) -> Text:
    """A code to scan, two modules a character; black on white whatever the terminal's colours are."""
    rows = [list(row) for row in segno.make(url, error="l", micro=False).matrix_iter(border=QUIET_MODULES)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    signs = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
    lines = (
        "".join(signs[bool(upper), bool(lower)] for upper, lower in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    )
    drawn = Text()
    for line in lines:
        drawn.append(line, style="#000000 on #ffffff")
        drawn.append("\n")
    return drawn
