"""Who and where: verifies a report, finds the placement it is judged by and the badges behind its identities."""

import hmac
import re
from typing import Annotated, Literal, NamedTuple

import msgspec
import orjson
from msgspec import Meta

from beacon_agent import wire
from config.settings import Gateway
from gateway.facts import Facts, Placed
from gateway.ingest import Arrived

SIGNATURE_BYTES = 64  # SHA-256 as hex digits
_PIECE_BYTES = 2047
_BOOT = re.compile(r"[0-9a-f]{8}")
_IDENTITY = re.compile(r"[0-9a-f]{40}")

Heard = tuple[int, int, int, int]  # badge, first and last moment (ms), loudest packet (dBm)


class Accepted(NamedTuple):
    """A report that can be recorded. heard: registered badges over the floor; beacons: whose, first and last moment."""

    agent: str
    boot: str
    seq: int
    body: bytes
    from_ms: int
    to_ms: int
    listened: bool
    placed: Placed
    heard: list[Heard]
    beacons: list[tuple[str, int, int]]
    unregistered: int
    below_floor: int


class Refused(NamedTuple):
    """An authentic report that never will be recorded."""

    agent: str
    boot: str
    seq: int
    body: bytes
    reason: str


class Probe(NamedTuple):
    """An agent without a clock asks for the time: answered at once, stored nowhere."""

    agent: str
    boot: str
    seq: int


_Rssi = Annotated[int, Meta(ge=wire.RSSI_DBM[0], le=wire.RSSI_DBM[1])]
_Offset = Annotated[int, Meta(ge=0)]


class _Report(msgspec.Struct, rename={"from_ms": "from", "to_ms": "to"}, gc=False):
    """A body as it stands, with the bounds that msgspec checks as it reads: half the time of looking after."""

    v: Literal[1]
    agent: str
    boot: str
    seq: Annotated[int, Meta(ge=1, le=wire.MAX_SEQ)]
    from_ms: Annotated[int, Meta(ge=0)]
    to_ms: Annotated[int, Meta(ge=0, le=wire.MAX_TIME_MS)]
    radio: Literal["ok", "deaf", "off"]
    clock: Literal["synced", "anchored", "unknown"]
    readings: list[
        tuple[
            str,
            _Offset,
            _Offset,
            Annotated[int, Meta(ge=1, le=wire.MAX_COUNT)],
            Annotated[float, Meta(ge=wire.RSSI_DBM[0], le=wire.RSSI_DBM[1])],
            _Rssi,
            Annotated[int, Meta(ge=wire.POWER_DBM[0], le=wire.POWER_DBM[1])],
        ]
    ]


_decode = msgspec.json.Decoder(_Report).decode


def read(body: bytes) -> _Report:
    """Reads a body as wire.decode does, three times as fast; raises what that raises."""
    try:
        report = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_slowly(body)
    length_ms = report.to_ms - report.from_ms
    if not 0 < length_ms <= wire.MAX_WINDOW_MS or report.from_ms % length_ms:
        return _read_slowly(body)
    if not _BOOT.fullmatch(report.boot) or not wire.is_id(report.agent):
        return _read_slowly(body)
    for reading in report.readings:
        if not (reading[1] <= reading[2] <= length_ms and reading[4] <= reading[5]):
            return _read_slowly(body)
    return report


def _read_slowly(body: bytes) -> _Report:
    """For what is refused (with the reason), and for the few bodies that only the reference takes, such as a probe."""
    report = wire.decode(body, orjson.loads)
    readings = [(reading.identity.hex(), *reading[1:]) for reading in report.readings]
    return _Report(
        1,
        report.agent,
        report.boot,
        report.seq,
        report.from_ms,
        report.to_ms,
        report.radio.value,
        report.clock.value,
        readings,
    )


def verify(signer: hmac.HMAC, payload: bytes) -> bytes:
    """The body of a payload, as wire.verify; signer: an HMAC of the key, with nothing taken in yet.

    Taken in by pieces of less than 2 KiB, for which hashlib keeps the interpreter's lock: letting it go to the MQTT
    thread and waiting for it again took a sixth of the gateway's time.
    """
    body = payload[SIGNATURE_BYTES + 1 :]
    if len(payload) > wire.MAX_PAYLOAD_BYTES:
        raise wire.Unacceptable(wire.Reason.TOO_LARGE)
    signer = signer.copy()
    for at in range(0, len(body), _PIECE_BYTES):
        signer.update(body[at : at + _PIECE_BYTES])
    signature, newline = payload[:SIGNATURE_BYTES], payload[SIGNATURE_BYTES : SIGNATURE_BYTES + 1]
    if newline != b"\n" or not hmac.compare_digest(signer.hexdigest().encode(), signature):
        raise wire.Unacceptable(wire.Reason.BAD_SIGNATURE)
    return body


def _answerable(agent: str, body: bytes, error: wire.Unacceptable) -> Refused:
    """An authentic body that cannot be read: refused by its number, if it has one, so that it leaves the spool."""
    try:
        fields = orjson.loads(body)
        boot, seq = fields["boot"], fields["seq"]
    except (ValueError, KeyError, TypeError):
        raise error from None
    if fields.get("agent") != agent or not isinstance(boot, str) or not _BOOT.fullmatch(boot):
        raise error
    if type(seq) is not int or not 0 < seq <= wire.MAX_SEQ:
        raise error
    return Refused(agent, boot, seq, body, error.reason)


def identify(arrived: Arrived, facts: Facts, limits: Gateway, now_ms: int) -> Accepted | Refused | Probe:
    """Judges one message.

    Returns what to record, to set aside or to answer; raises wire.Unacceptable for what cannot be authenticated, which
    is only counted. now_ms: the server's clock.
    """
    key = facts.keys.get(arrived.agent)
    if key is None:
        raise wire.Unacceptable(wire.Reason.UNKNOWN_AGENT)
    body = verify(key, arrived.payload)
    try:
        report = read(body)
        if report.agent != arrived.agent:
            raise wire.Unacceptable(wire.Reason.WRONG_AGENT)
        return _judge(report, body, facts, limits, now_ms)
    except wire.Unacceptable as error:
        if error.reason is wire.Reason.WRONG_AGENT:
            raise
        return _answerable(arrived.agent, body, error)


def _judge(report: _Report, body: bytes, facts: Facts, limits: Gateway, now_ms: int) -> Accepted | Refused | Probe:
    from_ms, to_ms = report.from_ms, report.to_ms

    def refuse(reason: wire.Reason) -> Refused:
        return Refused(report.agent, report.boot, report.seq, body, reason)

    if report.clock == "unknown":
        return Probe(report.agent, report.boot, report.seq) if to_ms == 0 else refuse(wire.Reason.UNDATED)
    placed = facts.placement(report.agent, from_ms)
    if placed is None:
        return refuse(wire.Reason.NOT_PLACED)
    if facts.venues[placed.venue_id].replayed:
        facts.replayed_now_ms[placed.venue_id] = max(facts.replayed_now_ms.get(placed.venue_id, 0), to_ms)
        now_ms = facts.replayed_now_ms[placed.venue_id]
    # A window that was cut short ends before its `to`: it tells of nothing later than its readings.
    until_ms = to_ms if report.radio == "ok" else from_ms + max((reading[2] for reading in report.readings), default=0)
    if until_ms > now_ms + limits.future_max_s * 1000:
        return refuse(wire.Reason.FUTURE)
    if from_ms < now_ms - limits.report_max_age_s * 1000:
        return refuse(wire.Reason.EXPIRED)
    heard: list[Heard] = []
    beacons: list[tuple[str, int, int]] = []
    unregistered = below_floor = 0
    identities, floor = facts.identities, placed.rssi_floor
    for identity, first, last, _count, _mean, rssi, _power in report.readings:
        at_ms = from_ms + first
        for shown in identities.get(identity, ()):
            if shown[0] <= at_ms < shown[1]:
                break
        else:
            if not _IDENTITY.fullmatch(identity):
                raise wire.Unacceptable(wire.Reason.BAD_REPORT, "an identity")
            unregistered += 1
            continue
        if shown.badge_id is None:
            beacons.append((shown.beacon_of or "", at_ms, from_ms + last))
        elif rssi < floor:
            below_floor += 1
        else:
            heard.append((shown.badge_id, at_ms, from_ms + last, rssi))
    return Accepted(
        report.agent,
        report.boot,
        report.seq,
        body,
        from_ms,
        to_ms,
        report.radio == "ok",
        placed,
        heard,
        beacons,
        unregistered,
        below_floor,
    )
