"""What all messages share: the reasons for refusing one, the bounds of what is possible, and JSON."""

import json
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NoReturn

VERSION = 1
MAX_PAYLOAD_BYTES = 256 * 1024  # a bound a receiver can afford per message; far above any honest window
SPLIT_BYTES = 200 * 1024  # well below the bound, so that a body with its signature never comes near it
MAX_WINDOW_MS = 30 * 60 * 1000  # a longer window says too little about when a badge was heard
MAX_TIME_MS = 4_102_444_800_000  # 2100-01-01: beyond it is a broken clock, and databases' timestamps stay far away
MAX_SEQ = 2**63 - 1  # SQLite's and PostgreSQL's bigint
MAX_COUNT = 2**31 - 1  # PostgreSQL's integer
IDENTITY_BYTES = 20
RSSI_DBM = (-128, 20)  # what an HCI advertising report may say; 127 there means "not available"
POWER_DBM = (-128, 127)  # any signed byte: a badge may be set to nonsense, its window still counts

BOOT = re.compile(r"[0-9a-f]{8}\Z")


class Reason(StrEnum):
    """Why something is refused: counted under this name, and sent back as this text in an acknowledgement."""

    TOO_LARGE = "too_large"
    BAD_TOPIC = "bad_topic"
    BAD_SIGNATURE = "bad_signature"
    NOT_JSON = "not_json"
    BAD_VERSION = "bad_version"
    BAD_REPORT = "bad_report"  # a report with impossible values or shape
    BAD_MESSAGE = "bad_message"  # an ack, config or status with impossible values or shape
    WRONG_AGENT = "wrong_agent"  # the body names another agent than the topic
    UNKNOWN_AGENT = "unknown_agent"
    NOT_PLACED = "not_placed"  # no placement of the agent at the report's time
    UNDATED = "undated"  # the agent's clock was unknown
    FUTURE = "future"
    EXPIRED = "expired"
    UNPROCESSABLE = "unprocessable"  # well formed, and still the database would not take it


class Unacceptable(ValueError):
    """A message cannot be taken."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        """reason: what callers branch on; detail: for people, never the message's content."""
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason


class Radio(StrEnum):
    """Whether the radio listened throughout the window."""

    OK = "ok"
    DEAF = "deaf"
    OFF = "off"


class Clock(StrEnum):
    """How well the agent knew the time."""

    SYNCED = "synced"
    ANCHORED = "anchored"
    UNKNOWN = "unknown"


def dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def load(payload: bytes, loads: Callable[[bytes], Any], wrong: Reason) -> dict[str, Any]:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Unacceptable(Reason.TOO_LARGE)
    try:
        fields = loads(payload)
    except (ValueError, RecursionError):
        raise Unacceptable(Reason.NOT_JSON) from None
    if not isinstance(fields, dict):
        raise Unacceptable(wrong, "not an object")
    return fields


def number(fields: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = fields.get(name, default)
    if type(value) not in (int, float) or not low <= value <= high:
        refuse(name)
    return float(value)


def refuse(detail: str) -> NoReturn:
    raise Unacceptable(Reason.BAD_MESSAGE, detail)
