"""What an agent is told (its config) and what it says of itself (its status)."""

import dataclasses
import json
from collections.abc import Iterable, Mapping

from beacon_agent.wire import messages, topics


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    """What an agent is to report. Only a higher `rev` than the one in force is taken."""

    rev: int
    shard: int
    patterns: tuple[tuple[int, bytes], ...]  # (offset, bytes) on the 20 bytes of an identity
    rssi_floor: int = messages.RSSI_DBM[0]  # dBm: readings whose maximum is below are not reported
    window_s: float = 2.0
    reports_per_s: float = 200.0  # how fast a backlog may be sent


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """What an agent says of itself; its last will is the same with `online` false."""

    online: bool
    boot: str
    conn: int  # counts the connections of this boot from 1
    rev: int = 0  # of the config in force, 0 without one
    rejected_rev: int | None = None
    radio: messages.Radio = messages.Radio.OFF
    clock: messages.Clock = messages.Clock.UNKNOWN
    spooled_reports: int = 0
    spooled_bytes: int = 0
    version: str = ""
    counters: Mapping[str, int] = dataclasses.field(default_factory=dict)


def encode_config(config: Config) -> bytes:
    """Writes a config."""
    fields = dataclasses.asdict(config)
    fields["shard"] = topics.shard_name(config.shard)
    fields["patterns"] = [(offset, pattern.hex()) for offset, pattern in config.patterns]
    return messages.dump(fields)


def decode_config(payload: bytes) -> Config:
    """Reads a config strictly; unknown fields are ignored. Raises Unacceptable (too_large, not_json, bad_message)."""
    fields = messages.load(payload, json.loads, messages.Reason.BAD_MESSAGE)
    rev, shard, rows = fields.get("rev"), fields.get("shard"), fields.get("patterns")
    if type(rev) is not int or not 1 <= rev <= messages.MAX_SEQ:
        messages.refuse("rev")
    if type(shard) is not str or not topics.SHARD.match(shard):
        messages.refuse("shard")
    if not isinstance(rows, list):
        messages.refuse("patterns")
    patterns = []
    for row in rows:
        try:
            offset, text = row
            pattern = bytes.fromhex(text)
        except (TypeError, ValueError):
            messages.refuse("patterns")
        if type(offset) is not int or offset < 0 or not 1 <= len(pattern) <= messages.IDENTITY_BYTES - offset:
            messages.refuse("patterns")
        patterns.append((offset, pattern))
    floor = fields.get("rssi_floor", messages.RSSI_DBM[0])
    if type(floor) is not int or not messages.RSSI_DBM[0] <= floor <= messages.RSSI_DBM[1]:
        messages.refuse("rssi_floor")
    window_s = messages.number(fields, "window_s", 2.0, 0.5, 30)  # the same bounds as the setting's
    if abs(window_s * 1000 - round(window_s * 1000)) > 1e-6:  # 2.01 * 1000 is not 2010 in floating point
        messages.refuse("window_s is not a whole number of milliseconds")
    rate = messages.number(fields, "reports_per_s", 200.0, 0.5, 100_000)
    return Config(rev, int(shard, 16), tuple(patterns), floor, window_s, rate)


def matches(patterns: Iterable[tuple[int, bytes]], identity: bytes) -> bool:
    """Whether any of the patterns lies in the identity at its offset."""
    return any(identity.startswith(pattern, offset) for offset, pattern in patterns)


def encode_status(status: Status) -> bytes:
    """Writes a status."""
    fields = dataclasses.asdict(status)
    if status.rejected_rev is None:
        del fields["rejected_rev"]
    return messages.dump(fields)


def decode_status(payload: bytes) -> Status:
    """Reads a status; what is missing takes its default. Raises Unacceptable (too_large, not_json, bad_message)."""
    fields = messages.load(payload, json.loads, messages.Reason.BAD_MESSAGE)
    if type(fields.get("online")) is not bool or not isinstance(fields.get("boot"), str):
        messages.refuse("online or boot")
    if not messages.BOOT.match(fields["boot"]):
        messages.refuse("boot")
    for name in ("conn", "rev", "rejected_rev", "spooled_reports", "spooled_bytes"):
        value = fields.get(name, 0)
        if type(value) is not int or not 0 <= value <= messages.MAX_SEQ:
            messages.refuse(name)
    if "conn" not in fields:
        messages.refuse("conn")
    version, counters = fields.get("version", ""), fields.get("counters", {})
    if not isinstance(version, str) or not isinstance(counters, dict):
        messages.refuse("version or counters")
    if not all(type(count) is int and 0 <= count <= messages.MAX_SEQ for count in counters.values()):
        messages.refuse("counters")
    if not all(text.isprintable() for text in (version, *counters)):  # zero bytes and lone surrogates fit no database
        messages.refuse("version or counters")
    known = {field.name for field in dataclasses.fields(Status)}
    try:
        radio = messages.Radio(fields.get("radio", messages.Radio.OFF))
        clock = messages.Clock(fields.get("clock", messages.Clock.UNKNOWN))
    except ValueError:
        messages.refuse("radio or clock")
    taken = {name: value for name, value in fields.items() if name in known}
    return Status(**{**taken, "radio": radio, "clock": clock})
