"""Sentences about check-ins, for the person at the phone."""

import datetime as dt

from server.presence.schema import local_time
from server.venues.service import EVERYWHERE

_EVIDENCE = {
    "beacon": "by your badge",
    "door": "by the code at the door",
    "qr": "by your QR code",
    "manual": "by the host",
    "phone": "by your phone",
}
_ORDINALS = {1: "first time", 2: "second time here", 3: "third time here"}


def arrived(at: dt.datetime, time_zone: str, evidence: str, zone_name: str | None) -> str:
    """`19:28 · by your badge, at the entrance`."""
    return f"{local_time(at, time_zone)} · {_EVIDENCE.get(evidence, evidence)}{_where(zone_name)}"


def times_here(earlier: int) -> str:
    """How often somebody has come, this time included."""
    return _ORDINALS.get(earlier + 1, f"{earlier + 1} times here")


def initials(name: str) -> str:
    """The first letters of the first and the last word of a name."""
    words = name.split()
    return "".join(word[0] for word in ([words[0], words[-1]] if len(words) > 1 else words)).upper()


def place(zone_name: str) -> str:
    """A zone within a sentence: `the entrance`; names of one's own, such as Studio 2, take no article."""
    return f"the {zone_name}" if zone_name[0].islower() else zone_name


def _where(zone_name: str | None) -> str:
    return "" if zone_name is None or zone_name == EVERYWHERE else f", at {place(zone_name)}"
