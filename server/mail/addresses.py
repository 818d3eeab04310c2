"""E-mail addresses: one spelling for each, and nothing in them that could be read as another header or recipient."""

import re

from server.errors import Invalid

MOST = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets
_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
MOST_LOCAL = 64  # the same, section 4.5.3.1.1


class AddressInvalid(Invalid):
    """An e-mail address looks like name@example.org; please look at it again."""

    code = "address_invalid"


def normalise(text: str) -> str:
    """The address in lower case, its domain in ASCII; raises AddressInvalid.

    Case says nothing at any mailbox in use, and people's keyboards write the first letter large.
    """
    if len(text) > 2 * MOST:
        raise AddressInvalid
    local, at, domain = text.strip().lower().rpartition("@")
    try:
        labels = domain.rstrip(".").encode("idna").decode().lower().split(".") if at else []
    except UnicodeError:
        raise AddressInvalid from None
    address = f"{local}@{'.'.join(labels)}"
    plain = len(labels) >= 2 and all(map(_LABEL.match, labels)) and not labels[-1].isdecimal()
    if not plain or not _LOCAL.match(local) or len(local) > MOST_LOCAL or len(address) > MOST:
        raise AddressInvalid
    return address
