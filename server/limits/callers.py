"""Whose request it is, as far as limits go: an address, or for IPv6 the network of one line."""

import ipaddress
from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from config.sections import Network
from server import requests
from server.limits.service import Caller

HOPS = 20  # of X-Forwarded-For that are read: nobody stands behind as many proxies
LINE_BITS = 64  # what one line of IPv6 is given: its addresses are as many as it likes


def network_of(peer: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """The network that a request comes from.

    peer: who is connected to us. forwarded: X-Forwarded-For; from the right, each address is believed as long as the
    one that wrote it is a proxy of ours.
    """
    hops = [hop.strip() for hop in forwarded.split(",")][-HOPS:] if forwarded else []
    address = peer
    while hops and _is_within(address, proxies):
        address = hops.pop()
    return _line(address)


def _read(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _is_within(address: str, networks: Sequence[Network]) -> bool:
    found = _read(address)
    return found is not None and any(found in network for network in networks)


def _line(address: str) -> str:
    found = _read(address)
    if found is None:
        return address[:100]
    if found.version == 6:
        return str(ipaddress.ip_network((found, LINE_BITS), strict=False))
    return str(found)


async def of(connection: HTTPConnection) -> Caller:
    """Whose request this is; a dependency."""
    found = requests.context(connection)
    peer = connection.client.host if connection.client else ""
    forwarded = ",".join(connection.headers.getlist("x-forwarded-for"))
    network = network_of(peer, forwarded, found.settings.server.proxies)
    return Caller(found.engine, found.settings.limits, network, found.clock())


InCaller = Annotated[Caller, Depends(of)]
