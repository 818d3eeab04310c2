"""Writes gatherings as iCalendar (RFC 5545, RFC 7986), pure: one VEVENT for each step."""

import datetime as dt
import hashlib
import re
import uuid
import zoneinfo
from collections.abc import Sequence
from typing import Any

from icalendar import Calendar, Event, Timezone, vDDDTypes, vDuration, vGeo, vText

from server.sharing.gathering import Gathering, Part
from server.texts import Texts

PRODUCT = "-//muster//muster//EN"
REFRESH = dt.timedelta(hours=1)  # programs that listen ask so often; Google asks when it likes, twice a day or so
_OURS = uuid.UUID("6f0a3c1e-5d2b-4c8f-9a67-0b4f1d2e7c93")  # a namespace of our own for UIDs
_STAMP = re.compile(rb"^DTSTAMP[^\r\n]*\r?\n", re.MULTILINE)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")  # no text value may hold them (RFC 5545 3.1)


def write(gatherings: Sequence[Gathering], *, name: str, own_url: str, now: dt.datetime, say: Texts) -> bytes:
    """A calendar of these gatherings. name: what a program calls it; own_url: of this server."""
    calendar = Calendar()
    calendar.add("PRODID", PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", "PUBLISH")
    for key in ("NAME", "X-WR-CALNAME"):
        calendar.add(key, vText(_clean(name)))
    calendar.add("REFRESH-INTERVAL", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", vDuration(REFRESH))
    parts = [(gathering, part) for gathering in gatherings for part in gathering.parts]
    for zone in _zones([part for _, part in parts]):
        calendar.add_component(zone)
    for gathering, part in sorted(parts, key=lambda each: (each[1].starts_at, each[1].id)):
        calendar.add_component(_event(gathering, part, own_url, now, say))
    written: bytes = calendar.to_ical()
    return written


def etag(calendar: bytes) -> str:
    """What tells one version from another: weak, since when it was written (DTSTAMP) does not count."""
    return f'W/"{hashlib.sha256(_STAMP.sub(b"", calendar)).hexdigest()[:32]}"'


def uid_of(gathering: Gathering, part: Part) -> str:
    """The same for ever, whatever is changed, and no other server's: an id alone is not, but with when it was made."""
    return str(uuid.uuid5(_OURS, f"{gathering.id}/{part.id}/{gathering.created_at.astimezone(dt.UTC).isoformat()}"))


def _event(gathering: Gathering, part: Part, own_url: str, now: dt.datetime, say: Texts) -> Event:
    address = f"{own_url}/g/{gathering.id}"
    zone = zoneinfo.ZoneInfo(part.time_zone)
    said: dict[str, Any] = {
        "UID": uid_of(gathering, part),
        "DTSTAMP": now.astimezone(dt.UTC).replace(microsecond=0),
        "SEQUENCE": gathering.version + part.version - 2,
        "STATUS": "CANCELLED" if gathering.standing == "cancelled" else "CONFIRMED",
        "SUMMARY": _clean(f"{gathering.name}: {part.name}" if gathering.several else gathering.name),
        "DTSTART": part.starts_at.astimezone(zone).replace(microsecond=0),
        "DTEND": part.ends_at.astimezone(zone).replace(microsecond=0),
        "LOCATION": _clean(str(part.place)),
        "DESCRIPTION": _clean(_describe(gathering, address, say)),
        "URL": address,
    }
    made = Event()
    for key, value in said.items():
        made.add(key, value)
    if part.place.pin is not None:
        longitude, latitude = part.place.pin
        made.add("GEO", vGeo((round(latitude, 6), round(longitude, 6))))
    if gathering.community:
        made.add("CATEGORIES", [_clean(gathering.community)])
    return made


def _describe(gathering: Gathering, address: str, say: Texts) -> str:
    lines = [
        say.gettext("Called off: %(reason)s", reason=gathering.reason) if gathering.reason else "",
        gathering.about,
        say.gettext("with %(host)s", host=gathering.host),
        gathering.price,
        address,
    ]
    return "\n".join(line for line in lines if line)


def _zones(parts: Sequence[Part]) -> list[Timezone]:
    """The rules of each zone for the years that matter; none for UTC, which is written with a Z."""
    found = []
    for name in sorted({part.time_zone for part in parts}):
        there = [part for part in parts if part.time_zone == name]
        if "TZID" not in vDDDTypes(there[0].starts_at.astimezone(zoneinfo.ZoneInfo(name))).params:
            continue
        first = min(part.starts_at for part in there).date() - dt.timedelta(days=366)
        last = max(part.ends_at for part in there).date() + dt.timedelta(days=366)
        found.append(Timezone.from_tzid(name, first_date=first, last_date=last))
    return found


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
