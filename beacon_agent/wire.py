"""The wire: topics, signed reports, exact acknowledgements, configs and statuses, as docs/protocol.md describes them.

Standard library only: the gateway and server/fleet import this module and nothing else of the agent.
"""

import dataclasses
import hashlib
import hmac
import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, NoReturn

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
SHARDS = 64
SIGNATURE_BYTES = 64  # SHA-256 as hex digits

_ID = re.compile(r"[a-z0-9-]{1,64}\Z")
_BOOT = re.compile(r"[0-9a-f]{8}\Z")
_SHARD = re.compile(r"[0-3][0-9a-f]\Z")
_LOGIN = b"muster broker login v1"


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


@dataclasses.dataclass(frozen=True, slots=True)
class Ack:
    """Which reports of a boot are settled: `done` are committed, `refused` never will be (seq -> reason)."""

    boot: str
    done: tuple[tuple[int, int], ...]  # closed ranges of seq
    refused: Mapping[int, str]
    now_ms: int  # the gateway's clock


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    """What an agent is to report. Only a higher `rev` than the one in force is taken."""

    rev: int
    shard: int
    patterns: tuple[tuple[int, bytes], ...]  # (offset, bytes) on the 20 bytes of an identity
    rssi_floor: int = RSSI_DBM[0]  # dBm: readings whose maximum is below are not reported
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
    radio: Radio = Radio.OFF
    clock: Clock = Clock.UNKNOWN
    spooled_reports: int = 0
    spooled_bytes: int = 0
    version: str = ""
    counters: Mapping[str, int] = dataclasses.field(default_factory=dict)


# --- reports -------------------------------------------------------------------------------------------------------


def encode(report: Report) -> bytes:
    """Writes a report's body. Done once per report: what is sent again is these bytes."""
    return _dump(
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
    fields = _load(body, loads, Reason.BAD_REPORT)
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
    if not is_id(agent) or type(boot) is not str or not _BOOT.match(boot):
        raise Unacceptable(Reason.BAD_REPORT, "agent or boot")
    if type(seq) is not int or not 1 <= seq <= MAX_SEQ:
        raise Unacceptable(Reason.BAD_REPORT, "seq")
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
                append(Reading(raw, first, last, count, mean, top, power))
            else:
                raise Unacceptable(Reason.BAD_REPORT, "a reading")
    except (TypeError, ValueError) as error:
        raise (error if isinstance(error, Unacceptable) else Unacceptable(Reason.BAD_REPORT, "a reading")) from None
    return tuple(readings)


def split(report: Report) -> tuple[Report, ...]:
    """Cuts a window whose body is over SPLIT_BYTES into several reports of the same window.

    They are numbered upwards from the report's own seq; a small window comes back as it is.
    """
    parts = _halve(report)
    return tuple(dataclasses.replace(part, seq=report.seq + index) for index, part in enumerate(parts))


def _halve(report: Report) -> list[Report]:
    if len(report.readings) < 2 or len(encode(report)) <= SPLIT_BYTES:
        return [report]
    middle = len(report.readings) // 2
    return [
        part
        for readings in (report.readings[:middle], report.readings[middle:])
        for part in _halve(dataclasses.replace(report, readings=readings))
    ]


# --- acknowledgements ----------------------------------------------------------------------------------------------


def ranges(seqs: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Writes numbers as closed ranges, ascending: exactly these numbers, each once."""
    found: list[tuple[int, int]] = []
    for seq in sorted(set(seqs)):
        if found and found[-1][1] == seq - 1:
            found[-1] = (found[-1][0], seq)
        else:
            found.append((seq, seq))
    return tuple(found)


def encode_ack(ack: Ack) -> bytes:
    """Writes an acknowledgement."""
    refused = {str(seq): str(reason) for seq, reason in ack.refused.items()}
    return _dump({"boot": ack.boot, "done": ack.done, "refused": refused, "now": ack.now_ms})


def decode_ack(payload: bytes) -> Ack:
    """Reads an acknowledgement strictly; raises Unacceptable (too_large, not_json, bad_message)."""
    fields = _load(payload, json.loads, Reason.BAD_MESSAGE)
    boot, done, refused, now_ms = fields.get("boot"), fields.get("done"), fields.get("refused"), fields.get("now")
    if type(boot) is not str or not _BOOT.match(boot) or not isinstance(done, list) or not isinstance(refused, dict):
        _refuse("boot, done or refused")
    if type(now_ms) is not int or not 0 <= now_ms <= MAX_TIME_MS:
        _refuse("now")
    for pair in done:
        if not isinstance(pair, list) or len(pair) != 2 or not all(type(seq) is int for seq in pair):
            _refuse("done")
        if not 1 <= pair[0] <= pair[1] <= MAX_SEQ:
            _refuse("done")
    for seq, reason in refused.items():
        if not (seq.isascii() and seq.isdigit() and 1 <= len(seq) <= 19) or not isinstance(reason, str):
            _refuse("refused")
        if not 1 <= int(seq) <= MAX_SEQ:
            _refuse("refused")
    return Ack(
        boot, tuple((pair[0], pair[1]) for pair in done), {int(seq): why for seq, why in refused.items()}, now_ms
    )


# --- config and status ---------------------------------------------------------------------------------------------


def encode_config(config: Config) -> bytes:
    """Writes a config."""
    fields = dataclasses.asdict(config)
    fields["shard"] = shard_name(config.shard)
    fields["patterns"] = [(offset, pattern.hex()) for offset, pattern in config.patterns]
    return _dump(fields)


def decode_config(payload: bytes) -> Config:
    """Reads a config strictly; unknown fields are ignored. Raises Unacceptable (too_large, not_json, bad_message)."""
    fields = _load(payload, json.loads, Reason.BAD_MESSAGE)
    rev, shard, rows = fields.get("rev"), fields.get("shard"), fields.get("patterns")
    if type(rev) is not int or not 1 <= rev <= MAX_SEQ:
        _refuse("rev")
    if type(shard) is not str or not _SHARD.match(shard):
        _refuse("shard")
    if not isinstance(rows, list):
        _refuse("patterns")
    patterns = []
    for row in rows:
        try:
            offset, text = row
            pattern = bytes.fromhex(text)
        except (TypeError, ValueError):
            _refuse("patterns")
        if type(offset) is not int or offset < 0 or not 1 <= len(pattern) <= IDENTITY_BYTES - offset:
            _refuse("patterns")
        patterns.append((offset, pattern))
    floor = fields.get("rssi_floor", RSSI_DBM[0])
    if type(floor) is not int or not RSSI_DBM[0] <= floor <= RSSI_DBM[1]:
        _refuse("rssi_floor")
    window_s = _number(fields, "window_s", 2.0, 0.5, 30)  # the same bounds as the setting's
    if window_s * 1000 % 1:
        _refuse("window_s is not a whole number of milliseconds")
    rate = _number(fields, "reports_per_s", 200.0, 0.5, 100_000)
    return Config(rev, int(shard, 16), tuple(patterns), floor, window_s, rate)


def matches(patterns: Iterable[tuple[int, bytes]], identity: bytes) -> bool:
    """Whether any of the patterns lies in the identity at its offset."""
    return any(identity.startswith(pattern, offset) for offset, pattern in patterns)


def encode_status(status: Status) -> bytes:
    """Writes a status."""
    fields = dataclasses.asdict(status)
    if status.rejected_rev is None:
        del fields["rejected_rev"]
    return _dump(fields)


def decode_status(payload: bytes) -> Status:
    """Reads a status; what is missing takes its default. Raises Unacceptable (too_large, not_json, bad_message)."""
    fields = _load(payload, json.loads, Reason.BAD_MESSAGE)
    if type(fields.get("online")) is not bool or not isinstance(fields.get("boot"), str):
        _refuse("online or boot")
    if not _BOOT.match(fields["boot"]):
        _refuse("boot")
    for name in ("conn", "rev", "rejected_rev", "spooled_reports", "spooled_bytes"):
        value = fields.get(name, 0)
        if type(value) is not int or not 0 <= value <= MAX_SEQ:
            _refuse(name)
    if "conn" not in fields:
        _refuse("conn")
    version, counters = fields.get("version", ""), fields.get("counters", {})
    if not isinstance(version, str) or not isinstance(counters, dict):
        _refuse("version or counters")
    if not all(type(count) is int and 0 <= count <= MAX_SEQ for count in counters.values()):
        _refuse("counters")
    known = {field.name for field in dataclasses.fields(Status)}
    try:
        radio, clock = Radio(fields.get("radio", Radio.OFF)), Clock(fields.get("clock", Clock.UNKNOWN))
    except ValueError:
        _refuse("radio or clock")
    taken = {name: value for name, value in fields.items() if name in known}
    return Status(**{**taken, "radio": radio, "clock": clock})


# --- topics, ids, logins -------------------------------------------------------------------------------------------


def is_id(text: object) -> bool:
    """Whether this is an id: lower-case letters, digits and `-`, 1 to 64 of them."""
    return type(text) is str and _ID.match(text) is not None


def shard_of(venue_id: str) -> int:
    """The shard of a venue, 0 to 63."""
    return zlib.crc32(venue_id.encode()) % SHARDS


def shard_name(shard: int) -> str:
    """Two hex digits, as topics and configs write a shard."""
    return f"{shard:02x}"


def report_topic(shard: int, agent: str) -> str:
    """Where an agent publishes reports of a venue in this shard."""
    return f"muster/v1/report/{shard_name(shard)}/{agent}"


def parse_report_topic(topic: str) -> tuple[int, str]:
    """Reads (shard, agent) of a report topic; raises Unacceptable (bad_topic)."""
    parts = topic.split("/")
    if len(parts) != 5 or parts[:3] != ["muster", "v1", "report"] or not _SHARD.match(parts[3]) or not is_id(parts[4]):
        raise Unacceptable(Reason.BAD_TOPIC)
    return int(parts[3], 16), parts[4]


def ack_topic(agent: str) -> str:
    """Where the gateway acknowledges."""
    return f"muster/v1/agent/{agent}/ack"


def status_topic(agent: str) -> str:
    """Where an agent's status is retained."""
    return f"muster/v1/agent/{agent}/status"


def config_topic(agent: str) -> str:
    """Where an agent's config is retained."""
    return f"muster/v1/agent/{agent}/config"


def epoch_topic(shard: int) -> str:
    """Where a gateway says that it has taken the shard."""
    return f"muster/v1/shard/{shard_name(shard)}"


def live_topic(kind: str, key: str) -> str:
    """Where changes of a venue, event or member go out."""
    return f"muster/v1/live/{kind}/{key}"


def broker_password(key: bytes) -> str:
    """The password of an agent at the broker: derived from its key, so that a Pi keeps one secret."""
    return hmac.digest(key, _LOGIN, hashlib.sha256).hex()


# --- JSON ----------------------------------------------------------------------------------------------------------


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def _load(payload: bytes, loads: Callable[[bytes], Any], wrong: Reason) -> dict[str, Any]:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Unacceptable(Reason.TOO_LARGE)
    try:
        fields = loads(payload)
    except (ValueError, RecursionError):
        raise Unacceptable(Reason.NOT_JSON) from None
    if not isinstance(fields, dict):
        raise Unacceptable(wrong, "not an object")
    return fields


def _number(fields: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = fields.get(name, default)
    if type(value) not in (int, float) or not low <= value <= high:
        _refuse(name)
    return float(value)


def _refuse(detail: str) -> NoReturn:
    raise Unacceptable(Reason.BAD_MESSAGE, detail)
