"""Sentences about check-ins, for the person at the phone."""

import datetime as dt

from server.presence.schema import local_time
from server.venues.service import EVERYWHERE

_EVIDENCE = {
    "beacon": "by your badge",
    "screen": "by the code on the screen at the door",
    "poster": "by the poster at the door",
    "qr": "by your personal code",
    "manual": "by the host",
    "phone": "by your phone",
}
# A check-in known this long after it happened came from a backlog, or from a fact that was corrected: on the straight
# way it takes 20 s at most.
LATE_AFTER_S = 60
_ORDINALS = {1: "first time", 2: "second time here", 3: "third time here"}


def arrived(at: dt.datetime, time_zone: str, evidence: str, zone_name: str | None) -> str:
    """`19:28 · by your badge, at the entrance`."""
    return f"{local_time(at, time_zone)} · {_EVIDENCE.get(evidence, evidence)}{_where(zone_name)}"


def late(at: dt.datetime, recorded_at: dt.datetime, replayed: bool) -> str | None:
    """`recorded 2 h later`, None for what was known at once; at a replayed venue everything is long ago."""
    seconds = (recorded_at - at).total_seconds()
    if replayed or seconds <= LATE_AFTER_S:
        return None
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"recorded {minutes} min later"
    hours = round(seconds / 3600)
    return f"recorded {hours} h later" if hours < 48 else f"recorded {round(seconds / 86400)} days later"


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
