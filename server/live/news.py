"""Reads what the gateway and other servers announce on `muster/v1/live/<kind>/<id>`, strictly."""

import re
from typing import Any, NamedTuple

import orjson

from server.presence.intervals import EVER_MS, Interval
from server.presence.states import Heard

PREFIX = "muster/v1/live/"
SUBSCRIPTION = PREFIX + "#"
# A venue's news of one batch: 400 reports of 200 badges are below 100 kB. Beyond this reading the tables is cheaper.
MAX_BYTES = 1_000_000
_NAME = re.compile(r"(?:venue|event|member)/[a-z0-9-]{1,64}\Z")


class Unreadable(ValueError):
    """A payload is not what the stream's senders send."""


class News(NamedTuple):
    """What changed with this revision. badges, coverage: None when the tables have to be read again.

    coverage: agent, run. beacons: agent, whose beacon it heard, run. Runs are half-open and hold all that grew.
    """

    rev: int
    badges: list[Heard] | None = None
    coverage: list[tuple[str, Interval]] | None = None
    beacons: tuple[tuple[str, str, Interval], ...] = ()


def topic_name(mqtt_topic: str) -> str | None:
    """`venue/<id>` of `muster/v1/live/venue/<id>`; None for what is no live topic."""
    name = mqtt_topic.removeprefix(PREFIX)
    return name if mqtt_topic.startswith(PREFIX) and is_topic(name) else None


def is_topic(name: str) -> bool:
    """Whether this is the name of something that can be watched."""
    return _NAME.match(name) is not None


def mqtt_topic(name: str) -> str:
    """Where the news of a topic are published."""
    return PREFIX + name


def encode(rev: int) -> bytes:
    """News that say no more than: read again."""
    return orjson.dumps({"rev": rev})


def read(payload: bytes) -> News:
    """Reads a payload; raises Unreadable. Unknown fields are ignored."""
    if len(payload) > MAX_BYTES:
        raise Unreadable("too large")
    try:
        fields = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise Unreadable("no JSON") from None
    if not isinstance(fields, dict):
        raise Unreadable("no object")
    rev = _whole(fields.get("rev"), 1)
    if "badges" not in fields and "coverage" not in fields:
        return News(rev)
    badges, coverage = fields.get("badges"), fields.get("coverage")
    if not isinstance(badges, list) or not isinstance(coverage, list):
        raise Unreadable("badges and coverage are lists")
    beacons = fields.get("beacons", [])
    if not isinstance(beacons, list):
        raise Unreadable("beacons are a list")
    return News(
        rev,
        [_read_badge(entry) for entry in badges],
        [_read_coverage(entry) for entry in coverage],
        tuple(_read_beacon(entry) for entry in beacons),
    )


def _read_badge(entry: Any) -> Heard:
    if not isinstance(entry, dict):
        raise Unreadable("a badge is an object")
    from_ms, to_ms = _interval(entry)
    stays = entry.get("stays")
    if not isinstance(stays, list) or not all(isinstance(stay, list) and len(stay) == 2 for stay in stays):
        raise Unreadable("stays are pairs")
    return Heard(
        _whole(entry.get("badge"), 1),
        from_ms,
        to_ms,
        tuple((_whole(since_ms), _text(zone)) for since_ms, zone in stays),
    )


def _read_coverage(entry: Any) -> tuple[str, Interval]:
    if not isinstance(entry, dict):
        raise Unreadable("a run is an object")
    return _text(entry.get("agent")), _interval(entry)


def _read_beacon(entry: Any) -> tuple[str, str, Interval]:
    if not isinstance(entry, list) or len(entry) != 4:
        raise Unreadable("a beacon is heard by an agent, of an agent, from, to")
    agent, beacon_agent, from_ms, to_ms = entry
    if _whole(from_ms) > _whole(to_ms):
        raise Unreadable("it ends before it begins")
    return _text(agent), _text(beacon_agent), (from_ms, to_ms + 1)


def _interval(entry: dict[str, Any]) -> Interval:
    from_ms, to_ms = _whole(entry.get("from")), _whole(entry.get("to"))
    if from_ms > to_ms:
        raise Unreadable("it ends before it begins")
    return from_ms, to_ms


def _whole(value: Any, low: int = 0) -> int:
    if type(value) is not int or not low <= value < EVER_MS:
        raise Unreadable("not a number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unreadable("not a text")
    return value
