"""Reads what OwnTracks sends (owntracks.org/booklet/tech/json): pure, and whatever arrives, an answer and no exception.

Both apps speak of one thing at a time, or of several in a list. What says where a phone is, and which region it entered
or left, is taken; cards, statuses and commands are known and passed over; everything else is counted by why.
"""

import datetime as dt
import json
import math
import re
import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from geo.areas import Position
from server import fields

PAYLOAD_MAX_BYTES = 65_536  # a picture on a card has 5 kB; a location 0.3
MESSAGES_MAX = 200  # in one list: all that fits, were they as short as they can be
ACCURACY_UNKNOWN_M = 1000.0  # where nothing is said of it: as far off as the mast of a phone
ACCURACY_MAX_M = 100_000.0  # what is further off says nothing
REGION_MAX = 300  # signs of a region's name
REGIONS_MAX = 40  # that a phone is in at once: iOS watches 20
# Known, and of no use here; a phone that says them is well.
PASSED_OVER = frozenset(
    ("card", "cmd", "configuration", "dump", "lwt", "request", "status", "steps", "waypoint", "waypoints")
)
_REGION_BEACON = re.compile(r"([0-9A-Fa-f-]{32,36}):(\d{1,5}):(\d{1,5})\Z")


class Reason(StrEnum):
    """Why something was not taken."""

    ENCRYPTED = "encrypted"
    TOO_LARGE = "too_large"
    NO_JSON = "no_json"
    NO_TIME = "no_time"
    NO_PLACE = "no_place"
    NO_SENDER = "no_sender"
    WRONG = "wrong"


class Located(NamedTuple):
    """Where the phone was. regions: names of the beacons and circles that it was in."""

    place: Position
    accuracy_m: float
    at: dt.datetime
    regions: tuple[str, ...] = ()


class Beacon(NamedTuple):
    """A region that is a beacon. identity: uuid, major and minor where they are told; region: its name."""

    identity: bytes | None
    region: str
    marked: int | None  # wtst, by which a region that we gave to the phone is known again


class Crossed(NamedTuple):
    """The phone came into hearing of a beacon, or out of it; inside: it hears it, whenever it came."""

    event: str
    beacon: Beacon
    at: dt.datetime


class Passed(NamedTuple):
    """Something known that is of no use here, or of a kind that is not known."""

    kind: str
    known: bool


class Wrong(NamedTuple):
    """Something that cannot be taken."""

    reason: Reason


class Read(NamedTuple):
    """What a payload says. topics: those that it says it was sent on."""

    said: tuple[Located | Crossed | Passed | Wrong, ...]
    topics: tuple[str, ...] = ()


def read(payload: bytes, *, has_topic: bool) -> Read:
    """What a payload says, in its order. has_topic: it came on an MQTT topic, which says by whom."""
    if len(payload) > PAYLOAD_MAX_BYTES:
        return Read((Wrong(Reason.TOO_LARGE),))
    if not payload.strip():
        return Read(())  # how a retained message is removed
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return Read((Wrong(Reason.NO_JSON),))
    messages = found if isinstance(found, list) else [found]
    said: list[Located | Crossed | Passed | Wrong] = []
    topics = []
    for message in messages[:MESSAGES_MAX]:
        if not isinstance(message, dict):
            said.append(Wrong(Reason.WRONG))
            continue
        if isinstance(topic := message.get("topic"), str):
            topics.append(topic)
        try:
            said += _read_one(message, has_topic)
        except _Unusable as error:
            said.append(Wrong(error.reason))
    return Read(tuple(said), tuple(topics))


class _Unusable(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def _read_one(message: Mapping[str, Any], has_topic: bool) -> list[Located | Crossed | Passed | Wrong]:
    kind = message.get("_type")
    if kind == "encrypted":
        raise _Unusable(Reason.ENCRYPTED)
    if kind == "location":
        return _location(message, has_topic)
    if kind == "transition":
        return _transition(message)
    if kind == "beacon":
        return [Crossed("inside", _beacon(message, ""), _time(message))]
    shown = kind if isinstance(kind, str) else ""
    return [Passed(shown[:20], shown in PASSED_OVER)]


def _location(message: Mapping[str, Any], has_topic: bool) -> list[Located | Crossed | Passed | Wrong]:
    at = _time(message)
    place = _place(message)
    if place is None:
        raise _Unusable(Reason.NO_PLACE)
    # Both apps name themselves, by two letters or by a topic: what does neither was made by no app.
    if not has_topic and not isinstance(message.get("topic"), str) and not isinstance(message.get("tid"), str):
        raise _Unusable(Reason.NO_SENDER)
    named = message.get("inregions")
    regions = tuple(name[:REGION_MAX] for name in named if isinstance(name, str)) if isinstance(named, list) else ()
    return [Located(place, _accuracy(message), at, regions[:REGIONS_MAX])]


def _transition(message: Mapping[str, Any]) -> list[Located | Crossed | Passed | Wrong]:
    at = _time(message)
    event = message.get("event")
    if event not in ("enter", "leave"):
        raise _Unusable(Reason.WRONG)
    found: list[Located | Crossed | Passed | Wrong] = []
    place = _place(message)
    if place is not None:
        found.append(Located(place, _accuracy(message), at))
    region = message.get("desc")
    if message.get("t") == "b":
        found.append(Crossed(event, _beacon(message, region if isinstance(region, str) else ""), at))
    elif not found:
        found.append(Passed("transition", True))
    return found


def _beacon(message: Mapping[str, Any], region: str) -> Beacon:
    marked = message.get("wtst")
    return Beacon(
        identity_of(message.get("uuid"), message.get("major"), message.get("minor")) or identity_in(region),
        region[:REGION_MAX],
        marked if isinstance(marked, int) and 0 < marked < 2**53 else None,
    )


def identity_in(region: str) -> bytes | None:
    """The identity in a region's name as older apps write it: `name:uuid:major:minor`; None if there is none."""
    found = _REGION_BEACON.search(region)
    return None if found is None else identity_of(found[1], int(found[2]), int(found[3]))


def identity_of(shown: object, major: object, minor: object) -> bytes | None:
    """uuid, major and minor as 20 bytes; None where one of them is missing or impossible."""
    if not isinstance(shown, str) or len(shown) > len(str(uuid.UUID(int=0))):
        return None
    numbers = []
    for number in (major, minor):
        if isinstance(number, str) and number.isascii() and number.isdecimal() and len(number) <= 5:
            number = int(number)
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= 0xFFFF:
            return None
        numbers.append(number.to_bytes(2, "big"))
    try:
        return uuid.UUID(shown).bytes + b"".join(numbers)
    except ValueError:
        return None


def _time(message: Mapping[str, Any]) -> dt.datetime:
    told = message.get("tst")
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told):
        raise _Unusable(Reason.NO_TIME)
    if not fields.EARLIEST.timestamp() <= told < fields.LATEST.timestamp():
        raise _Unusable(Reason.NO_TIME)
    return dt.datetime.fromtimestamp(told, dt.UTC)


def _place(message: Mapping[str, Any]) -> Position | None:
    lat, lon = (_number(message.get(name)) for name in ("lat", "lon"))
    if lat is None or lon is None or not (-90 <= lat <= 90 and -180 <= lon <= 180):
        return None
    return lon, lat


def _accuracy(message: Mapping[str, Any]) -> float:
    told = _number(message.get("acc"))
    if told is None or told <= 0:  # iOS says -1 where it does not know
        return ACCURACY_UNKNOWN_M
    return min(told, ACCURACY_MAX_M)


def _number(told: object) -> float | None:
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    try:
        found = float(told)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
