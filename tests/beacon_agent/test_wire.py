"""The wire: what is written is read back exactly, and what is impossible is refused with its reason."""

import contextlib
import dataclasses
import json
import subprocess
import sys

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beacon_agent import wire

KEY = bytes(range(32))
BADGE = bytes.fromhex("daf246cef20111e4b116123b93f75cba000e0001")
FROM_MS = 1_763_805_600_000


def make_report(**changes: object) -> wire.Report:
    report = wire.Report(
        agent="cafe-door",
        boot="9f3a17c2",
        seq=42,
        from_ms=FROM_MS,
        to_ms=FROM_MS + 2000,
        radio=wire.Radio.OK,
        clock=wire.Clock.SYNCED,
        readings=(wire.Reading(BADGE, 120, 1880, 14, -71.5, -66, -59),),
    )
    return dataclasses.replace(report, **changes)  # type: ignore[arg-type]


def body_with(**changes: object) -> bytes:
    return json.dumps({**json.loads(wire.encode(make_report())), **changes}).encode()


def body_with_reading(**changes: object) -> bytes:
    names = ["identity", "first", "last", "count", "mean", "max", "power"]
    reading = dict(zip(names, [BADGE.hex(), 120, 1880, 14, -71.5, -66, -59], strict=True))
    return body_with(readings=[list({**reading, **changes}.values())])


@st.composite
def readings(draw: st.DrawFn, length_ms: int) -> wire.Reading:
    first, last = sorted(draw(st.tuples(st.integers(0, length_ms), st.integers(0, length_ms))))
    top = draw(st.integers(-128, 20))
    mean = draw(st.floats(-128, top))
    count, power = draw(st.integers(1, 2**31 - 1)), draw(st.integers(-128, 127))
    return wire.Reading(draw(st.binary(min_size=20, max_size=20)), first, last, count, mean, top, power)


@st.composite
def reports(draw: st.DrawFn) -> wire.Report:
    length_ms = draw(st.integers(1, wire.MAX_WINDOW_MS))
    from_ms = draw(st.integers(0, wire.MAX_TIME_MS // length_ms - 1)) * length_ms
    return wire.Report(
        agent=draw(st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True)),
        boot=draw(st.from_regex(r"[0-9a-f]{8}", fullmatch=True)),
        seq=draw(st.integers(1, wire.MAX_SEQ)),
        from_ms=from_ms,
        to_ms=from_ms + length_ms,
        radio=draw(st.sampled_from(wire.Radio)),
        clock=draw(st.sampled_from(wire.Clock)),
        readings=tuple(draw(st.lists(readings(length_ms), max_size=5))),
    )


@given(reports())
def test_a_report_is_read_back_exactly(report: wire.Report) -> None:
    assert wire.decode(wire.verify(KEY, wire.sign(KEY, wire.encode(report)))) == report
    assert wire.decode(wire.encode(report), orjson.loads) == report


def test_the_body_is_the_contracts_example() -> None:
    assert wire.encode(make_report()) == (
        b'{"v":1,"agent":"cafe-door","boot":"9f3a17c2","seq":42,"from":1763805600000,"to":1763805602000,'
        b'"radio":"ok","clock":"synced",'
        b'"readings":[["daf246cef20111e4b116123b93f75cba000e0001",120,1880,14,-71.5,-66,-59]]}'
    )


def test_unknown_fields_are_ignored() -> None:
    assert wire.decode(body_with(weather="rain")) == make_report()


@pytest.mark.parametrize("version", [0, 2, True, 1.0, "1", None])
def test_another_version_is_refused_as_such(version: object) -> None:
    with pytest.raises(wire.Unacceptable) as refusal:
        wire.decode(body_with(v=version))
    assert refusal.value.reason is wire.Reason.BAD_VERSION


@pytest.mark.parametrize(
    "changes",
    [
        {"agent": "Cafe"},
        {"agent": "cafe\n"},
        {"agent": ""},
        {"agent": "a" * 65},
        {"agent": 7},
        {"boot": "9F3A17C2"},
        {"boot": "9f3a17c"},
        {"boot": None},
        {"seq": 0},
        {"seq": 2**63},
        {"seq": True},
        {"seq": 1.0},
        {"from": -2000, "to": 0},
        {"from": FROM_MS + 2000},
        {"from": FROM_MS + 4000},
        {"from": FROM_MS + 1, "to": FROM_MS + 2001},
        {"from": float(FROM_MS)},
        {"from": 0, "to": wire.MAX_WINDOW_MS + 1},
        {"from": 10**20, "to": 2 * 10**20},
        {"radio": "loud"},
        {"radio": []},
        {"clock": "late"},
        {"readings": None},
        {"readings": {"a": 1}},
        {"readings": ["abcdefg"]},
        {"readings": [[]]},
        {"readings": [7]},
    ],
    ids=str,
)
def test_an_impossible_report_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(wire.Unacceptable) as refusal:
        wire.decode(body_with(**changes))
    assert refusal.value.reason is wire.Reason.BAD_REPORT


def test_a_probe_asks_for_the_time_and_tells_nothing() -> None:
    probe = wire.make_probe("cafe-door", "9f3a17c2", 7)
    for loads in (json.loads, orjson.loads):
        found = wire.decode(wire.encode(probe), loads)
        assert found == probe
        assert wire.is_probe(found)
    assert not wire.is_probe(make_report())
    assert not wire.is_probe(make_report(clock=wire.Clock.UNKNOWN, readings=()))


@pytest.mark.parametrize(
    "changes",
    [
        {"clock": "synced"},
        {"from": FROM_MS, "to": FROM_MS},
        {"from": False, "to": False},
        {"readings": [[BADGE.hex(), 0, 0, 1, -70, -70, -59]]},
        {"readings": {}},
    ],
    ids=str,
)
def test_an_empty_window_that_is_no_probe_is_refused(changes: dict[str, object]) -> None:
    probe = {"from": 0, "to": 0, "clock": "unknown", "readings": []}
    assert wire.is_probe(wire.decode(body_with(**probe)))
    with pytest.raises(wire.Unacceptable) as refusal:
        wire.decode(body_with(**{**probe, **changes}))
    assert refusal.value.reason is wire.Reason.BAD_REPORT


@pytest.mark.parametrize("field", ["agent", "boot", "seq", "from", "to", "radio", "clock", "readings"])
def test_a_missing_field_is_refused(field: str) -> None:
    fields = json.loads(wire.encode(make_report()))
    del fields[field]
    with pytest.raises(wire.Unacceptable) as refusal:
        wire.decode(json.dumps(fields).encode())
    assert refusal.value.reason is wire.Reason.BAD_REPORT


@pytest.mark.parametrize(
    "changes",
    [
        {"identity": BADGE.hex().upper()},
        {"identity": BADGE.hex()[:-2]},
        {"identity": BADGE.hex()[:-2] + "  "},
        {"identity": " ".join([BADGE.hex()[:20], BADGE.hex()[21:]])},
        {"identity": "é" * 40},
        {"identity": 7},
        {"first": -1},
        {"first": 1881},
        {"last": 2001},
        {"first": True},
        {"count": 0},
        {"count": 2**31},
        {"count": 1.5},
        {"mean": "loud"},
        {"mean": None},
        {"mean": True},
        {"mean": float("nan")},
        {"mean": float("inf")},
        {"mean": -65.9},
        {"mean": -128.1},
        {"max": 21, "mean": 0},
        {"max": -66.0},
        {"power": 128},
        {"power": None},
    ],
    ids=str,
)
def test_an_impossible_reading_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(wire.Unacceptable) as refusal:
        wire.decode(body_with_reading(**changes))
    assert refusal.value.reason is wire.Reason.BAD_REPORT


@given(st.binary(max_size=200))
def test_no_bytes_make_the_readers_fail_otherwise(payload: bytes) -> None:
    for read in (wire.decode, wire.decode_ack, wire.decode_config, wire.decode_status):
        with pytest.raises(wire.Unacceptable):
            read(payload)
    with pytest.raises(wire.Unacceptable):
        wire.verify(KEY, payload)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_any_json_in_any_field_is_taken_or_refused(data: st.DataObject) -> None:
    bases = [
        (wire.decode, wire.encode(make_report())),
        (wire.decode_ack, wire.encode_ack(wire.Ack("9f3a17c2", ((1, 2),), {3: "future"}, 5))),
        (wire.decode_config, wire.encode_config(wire.Config(1, 42, ((0, BADGE),)))),
        (wire.decode_status, wire.encode_status(wire.Status(True, "9f3a17c2", 1))),
    ]
    for read, base in bases:
        fields = json.loads(base)
        fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(json_values)
        with contextlib.suppress(wire.Unacceptable):
            read(json.dumps(fields).encode())  # type: ignore[operator]


def test_json_nested_without_end_is_refused() -> None:
    with pytest.raises(wire.Unacceptable) as refusal:
        wire.decode(b"[" * 100_000)
    assert refusal.value.reason is wire.Reason.NOT_JSON


def test_only_the_right_key_and_the_untouched_body_verify() -> None:
    payload = wire.sign(KEY, b"{}")
    assert payload[64:] == b"\n{}"
    assert wire.verify(KEY, payload) == b"{}"
    for wrong in (payload[:-1], payload + b" ", b"0" * 64 + payload[64:], payload[:64] + b" {}", b""):
        with pytest.raises(wire.Unacceptable) as refusal:
            wire.verify(KEY, wrong)
        assert refusal.value.reason is wire.Reason.BAD_SIGNATURE
    with pytest.raises(wire.Unacceptable):
        wire.verify(bytes(32), payload)


def test_a_payload_over_the_bound_is_refused_before_it_is_hashed() -> None:
    with pytest.raises(wire.Unacceptable) as refusal:
        wire.verify(KEY, bytes(wire.MAX_PAYLOAD_BYTES + 1))
    assert refusal.value.reason is wire.Reason.TOO_LARGE


def test_a_config_is_read_back_and_defaults_fill_what_is_missing() -> None:
    config = wire.Config(7, 42, ((0, BADGE[:16]), (16, b"\x00\x01")), -90, 1.0, 50.0)
    assert wire.decode_config(wire.encode_config(config)) == config
    assert wire.decode_config(b'{"rev":1,"shard":"2a","patterns":[]}') == wire.Config(1, 42, ())


@pytest.mark.parametrize(
    "changes",
    [
        {"rev": 0},
        {"rev": "1"},
        {"shard": "40"},
        {"shard": 42},
        {"patterns": None},
        {"patterns": [[0, "xx"]]},
        {"patterns": [[0, ""]]},
        {"patterns": [[16, "0011223344"]]},
        {"patterns": [[-1, "00"]]},
        {"rssi_floor": 1.5},
        {"window_s": 0.1},
        {"window_s": 0.5001},
        {"window_s": "2"},
        {"reports_per_s": 0},
    ],
    ids=str,
)
def test_an_impossible_config_is_refused(changes: dict[str, object]) -> None:
    fields = json.loads(wire.encode_config(wire.Config(1, 42, ())))
    with pytest.raises(wire.Unacceptable):
        wire.decode_config(json.dumps({**fields, **changes}).encode())


@pytest.mark.parametrize("window_s", [0.5, 1.001, 2.01, 30])
def test_a_window_of_whole_milliseconds_is_taken_however_floating_point_writes_it(window_s: float) -> None:
    config = wire.Config(1, 42, (), window_s=window_s)
    assert wire.decode_config(wire.encode_config(config)) == config


def test_patterns_match_a_uuid_and_a_whole_badge() -> None:
    assert wire.matches([(0, BADGE[:16])], BADGE)
    assert wire.matches([(0, bytes(20)), (0, BADGE)], BADGE)
    assert wire.matches([(16, b"\x00\x0e")], BADGE)
    assert not wire.matches([(0, BADGE[1:16])], BADGE)
    assert not wire.matches([], BADGE)


def test_a_status_is_read_back_with_and_without_a_rejected_config() -> None:
    status = wire.Status(True, "9f3a17c2", 3, 7, 8, wire.Radio.DEAF, wire.Clock.SYNCED, 5, 900, "0.1.0", {"late": 2})
    assert wire.decode_status(wire.encode_status(status)) == status
    plain = wire.Status(False, "9f3a17c2", 1)
    assert wire.decode_status(wire.encode_status(plain)) == plain
    assert b"rejected" not in wire.encode_status(plain)


@pytest.mark.parametrize("text", ["\0", "\ud800", "1\n2"], ids=["zero", "surrogate", "lines"])
def test_a_status_whose_texts_no_database_takes_is_refused(text: str) -> None:
    for status in (
        wire.Status(True, "9f3a17c2", 1, version=text),
        wire.Status(True, "9f3a17c2", 1, counters={text: 1}),
    ):
        with pytest.raises(wire.Unacceptable):
            wire.decode_status(wire.encode_status(status))


def test_topics_are_the_contracts() -> None:
    assert wire.report_topic(0x2A, "cafe-door") == "muster/v1/report/2a/cafe-door"
    assert wire.parse_report_topic("muster/v1/report/2a/cafe-door") == (0x2A, "cafe-door")
    assert wire.ack_topic("a") == "muster/v1/agent/a/ack"
    assert wire.status_topic("a") == "muster/v1/agent/a/status"
    assert wire.config_topic("a") == "muster/v1/agent/a/config"
    assert wire.epoch_topic(5) == "muster/v1/shard/05"
    assert wire.live_topic("venue", "cafe") == "muster/v1/live/venue/cafe"
    assert wire.shard_of("cafe") == 0x10
    for topic in ("muster/v1/report/40/a", "muster/v1/report/2a/A", "muster/v1/report/2a", "muster/v1/report/2a/a/b"):
        with pytest.raises(wire.Unacceptable) as refusal:
            wire.parse_report_topic(topic)
        assert refusal.value.reason is wire.Reason.BAD_TOPIC


def test_the_brokers_password_is_derived_from_the_key_and_is_not_the_key() -> None:
    assert wire.broker_password(KEY) == wire.broker_password(KEY) != wire.broker_password(bytes(32))
    assert KEY.hex() not in wire.broker_password(KEY)
    assert len(wire.broker_password(KEY)) == 64


def test_the_wire_imports_nothing_but_the_standard_library() -> None:
    script = "import sys; import beacon_agent.wire; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"bleak", "paho", "dbus_fast", "config", "orjson"} & set(loaded)
