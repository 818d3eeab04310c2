"""Signed, numbered reports: the readings of one agent for one window."""

import dataclasses
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from beacon_agent.wire import messages, topics
from beacon_agent.wire.messages import (
    IDENTITY_BYTES,
    MAX_COUNT,
    MAX_PAYLOAD_BYTES,
    MAX_SEQ,
    MAX_TIME_MS,
    MAX_WINDOW_MS,
    POWER_DBM,
    RSSI_DBM,
    VERSION,
    Clock,
    Radio,
    Reason,
    Unacceptable,
)

SIGNATURE_BYTES = 64  # SHA-256 as hex digits


class Reading(NamedTuple):
    """What one agent heard of one identity in one window. A tuple, since a gateway makes 60,000 of them a second."""

    identity: bytes  # uuid, major, minor: 20 bytes
    first_ms: int  # after the window's from
    last_ms: int  # after the window's from
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody wants of a reading
    rssi_mean: float  # dBm
    rssi_max: int  # dBm
    power: int  # dBm at 1 m, as the badge says


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """The readings of one agent for one window; times in ms since the epoch."""

    agent: str
    boot: str
    seq: int
    from_ms: int
    to_ms: int
    radio: Radio
    clock: Clock
    readings: tuple[Reading, ...]


def encode(report: Report) -> bytes:
    """Writes a report's body. Done once per report: what is sent again is these bytes."""
    return messages.dump(
        {
            "v": VERSION,
            "agent": report.agent,
            "boot": report.boot,
            "seq": report.seq,
            "from": report.from_ms,
            "to": report.to_ms,
            "radio": report.radio,
            "clock": report.clock,
            "readings": [(reading.identity.hex(), *reading[1:]) for reading in report.readings],
        }
    )


def make_probe(agent: str, boot: str, seq: int) -> Report:
    """A report that tells nothing and asks for the time: it is acknowledged at once, and stored nowhere."""
    return Report(agent, boot, seq, 0, 0, Radio.OFF, Clock.UNKNOWN, ())


def is_probe(report: Report) -> bool:
    """Whether it only asks for the acknowledgement's `now`; `decode` takes an empty window as nothing else."""
    return report.from_ms == report.to_ms


def sign(key: bytes, body: bytes) -> bytes:
    """Makes the payload of a body: HMAC-SHA256 as 64 hex digits, a newline, the body."""
    return hmac.digest(key, body, hashlib.sha256).hex().encode() + b"\n" + body


def verify(key: bytes, payload: bytes) -> bytes:
    """Returns the body of a payload signed with the key; raises Unacceptable (too_large, bad_signature)."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Unacceptable(Reason.TOO_LARGE)
    body = payload[SIGNATURE_BYTES + 1 :]
    if payload[SIGNATURE_BYTES : SIGNATURE_BYTES + 1] != b"\n":
        raise Unacceptable(Reason.BAD_SIGNATURE)
    expected = hmac.digest(key, body, hashlib.sha256).hex().encode()
    if not hmac.compare_digest(expected, payload[:SIGNATURE_BYTES]):
        raise Unacceptable(Reason.BAD_SIGNATURE)
    return body


def decode(body: bytes, loads: Callable[[bytes], Any] = json.loads) -> Report:
    """Reads a body strictly; unknown fields are ignored.

    loads: a faster JSON reader, such as orjson.loads. Raises Unacceptable (not_json, bad_version, bad_report).
    """
    fields = messages.load(body, loads, Reason.BAD_REPORT)
    version = fields.get("v")
    if type(version) is not int or version != VERSION:
        raise Unacceptable(Reason.BAD_VERSION)
    try:
        agent, boot, seq = fields["agent"], fields["boot"], fields["seq"]
        from_ms, to_ms = fields["from"], fields["to"]
        radio, clock = Radio(fields["radio"]), Clock(fields["clock"])
        rows = fields["readings"]
    except (KeyError, ValueError, TypeError):
        raise Unacceptable(Reason.BAD_REPORT, "a field is missing or unknown") from None
    if not topics.is_id(agent) or type(boot) is not str or not messages.BOOT.match(boot):
        raise Unacceptable(Reason.BAD_REPORT, "agent or boot")
    if type(seq) is not int or not 1 <= seq <= MAX_SEQ:
        raise Unacceptable(Reason.BAD_REPORT, "seq")
    if from_ms == to_ms == 0 and type(from_ms) is type(to_ms) is int and clock is Clock.UNKNOWN and rows == []:
        return Report(agent, boot, seq, 0, 0, radio, clock, ())
    if not (type(from_ms) is type(to_ms) is int and 0 <= from_ms < to_ms <= MAX_TIME_MS):
        raise Unacceptable(Reason.BAD_REPORT, "from or to")
    length_ms = to_ms - from_ms
    if length_ms > MAX_WINDOW_MS or from_ms % length_ms:
        raise Unacceptable(Reason.BAD_REPORT, "the window is too long or not aligned")
    if type(rows) is not list:
        raise Unacceptable(Reason.BAD_REPORT, "readings")
    return Report(agent, boot, seq, from_ms, to_ms, radio, clock, _decode_readings(rows, length_ms))


def _decode_readings(rows: list[Any], length_ms: int) -> tuple[Reading, ...]:
    # The hot path of the gateway: one comparison chain per rule, no calls that can be spared.
    fromhex = bytes.fromhex
    new = tuple.__new__  # what Reading(...) does, without the call in between: a third of the time
    rssi_low, rssi_high = RSSI_DBM
    power_low, power_high = POWER_DBM
    readings: list[Reading] = []
    append = readings.append
    try:
        for identity, first, last, count, mean, top, power in rows:
            raw = fromhex(identity)
            if (
                type(first) is type(last) is type(count) is type(top) is type(power) is int
                and 0 <= first <= last <= length_ms
                and 1 <= count <= MAX_COUNT
                and (type(mean) is float or type(mean) is int)
                and rssi_low <= mean <= top <= rssi_high
                and power_low <= power <= power_high
                and len(raw) == IDENTITY_BYTES
                and raw.hex() == identity  # lower case, and no blanks, which fromhex would allow
            ):
                append(new(Reading, (raw, first, last, count, mean, top, power)))
            else:
                raise Unacceptable(Reason.BAD_REPORT, "a reading")
    except (TypeError, ValueError) as error:
        raise (error if isinstance(error, Unacceptable) else Unacceptable(Reason.BAD_REPORT, "a reading")) from None
    return tuple(readings)
