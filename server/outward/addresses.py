"""Which addresses of strangers are ones to send to, and whether a machine is on the Internet; pure."""

import ipaddress
from urllib.parse import urlsplit

from server.errors import Invalid

URL_MAX_LENGTH = 2000
_MAIL_AND_OTHERS = frozenset(range(1, 1024)) - {80, 443}  # nothing below 1024 but these two speaks HTTP on purpose
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressWrong(Invalid):
    """The address begins with https:// or http:// and names a machine on the Internet."""

    code = "address_wrong"


class AddressPrivate(Invalid):
    """This address lies in a private network, and this server does not send there."""

    code = "address_private"


def check_url(url: str, *, allow_private: bool) -> str:
    """The address itself; raises AddressWrong, AddressPrivate. What its name means is checked when it is called."""
    plain = url.isascii() and url.isprintable() and not set(' "<>\\^`{|}') & set(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressWrong from None
    if not (plain and len(url) <= URL_MAX_LENGTH and parts.scheme in ("http", "https") and parts.hostname):
        raise AddressWrong
    if parts.username is not None or port == 0 or port in _MAIL_AND_OTHERS:
        raise AddressWrong
    try:
        address = ipaddress.ip_address(parts.hostname)
    except ValueError:
        if not allow_private and (parts.hostname == "localhost" or "." not in parts.hostname.strip(".")):
            raise AddressPrivate from None
    else:
        if not allow_private and not is_public(address):
            raise AddressPrivate
    return url


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether this is a machine on the Internet, also behind the ways in which IPv6 carries IPv4."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            carried.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        if any(inner is not None and not is_public(inner) for inner in carried):
            return False
        if address.ipv4_mapped is not None:
            return True
    return address.is_global and not address.is_multicast
