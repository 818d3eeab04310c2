"""What decides about webhooks, pure: which addresses, how signed, what an answer means, when to try again."""

import base64
import datetime as dt
import hashlib
import hmac
import ipaddress
import json
from enum import StrEnum
from urllib.parse import urlsplit

from server.errors import Invalid

URL_MAX_LENGTH = 2000
SECRET_BYTES = 24  # Standard Webhooks: 24 to 64
SECRET_PREFIX = "whsec_"  # noqa: S105 - it only says what follows
# A receiver's restart, a deployment, a night without line: eleven attempts within a day, the last waits evenly.
WAITS_S = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 21_600, 28_800)
GIVES_UP_AFTER = dt.timedelta(days=1)
MOST_ASKED_S = 3600  # a receiver that asks to wait is listened to, but for no longer
_MAIL_AND_OTHERS = frozenset(range(1, 1024)) - {80, 443}  # nothing below 1024 but these two speaks HTTP on purpose
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Kind(StrEnum):
    """Who reads it: a program of the host's, or the bot of a group."""

    PLAIN = "plain"
    WECOM = "wecom"
    SLACK = "slack"
    MATRIX = "matrix"


class Outcome(StrEnum):
    """What an answer means."""

    DELIVERED = "delivered"
    GONE = "gone"
    AGAIN = "again"


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


def show_secret(secret: bytes) -> str:
    """A secret as Standard Webhooks writes it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def sign(secrets: list[bytes], *, message_id: str, at: dt.datetime, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks (standardwebhooks.com, v1); several secrets while one is replaced."""
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode() for secret in secrets
    ]
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": " ".join(signatures)}


def judge(kind: Kind, status: int, answer: str) -> Outcome:
    """What an answer means: 2xx is delivered, 410 ends the webhook, everything else is tried again.

    WeCom says in the body of a 200 what went wrong.
    """
    if status == 410:
        return Outcome.GONE
    if not 200 <= status < 300:
        return Outcome.AGAIN
    if kind is Kind.WECOM:
        try:
            said = json.loads(answer)
        except ValueError:
            return Outcome.AGAIN
        return Outcome.DELIVERED if isinstance(said, dict) and said.get("errcode") == 0 else Outcome.AGAIN
    return Outcome.DELIVERED


def next_try(
    attempts: int, failing_since: dt.datetime, now: dt.datetime, asked_s: int | None = None
) -> dt.datetime | None:
    """When to try again after so many attempts; None: a day is over.

    asked_s: how long the receiver asks to wait (Retry-After).
    """
    wait_s = WAITS_S[min(attempts, len(WAITS_S)) - 1]
    if asked_s is not None:
        wait_s = max(wait_s, min(asked_s, MOST_ASKED_S))
    then = now + dt.timedelta(seconds=wait_s)
    return then if then <= failing_since + GIVES_UP_AFTER else None
